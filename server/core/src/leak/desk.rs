//! What a report of a found key asks for.

mod client;
mod person;
mod registration;

use super::{finder, one_line};
use crate::{
    access_token::AccessToken,
    alert::{AlertKind, Alerts},
    api_key::{PlainApiKey, let_the_old_key_be, old_key_of},
    audit::{Act, Action},
    limit::{Limiter, Meter, Quota, Reading, network_of},
    mail::{FoundKey, Letter},
    memories::Memories,
    memory::commit_and_forget,
    port::{
        Change, Consumed, StoreError, UnitOfWork,
        api_key::{KeyState, Leaked, Revoked, RevokedBecause},
    },
    ports::Ports,
    secret::{DigestKey, digests_equal},
};
use latchkey_model::{AccountId, KeyKind};
use std::{
    collections::BTreeSet,
    net::IpAddr,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Where a key was found, in the words of whoever reported it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeakPlace(String);

impl LeakPlace {
    const MAX_LENGTH: usize = 400;

    /// The first characters of what was said, on one line, with our own secrets taken out.
    pub fn new(text: &str) -> Self {
        Self(one_line(text, Self::MAX_LENGTH))
    }
}

/// What the desk works with besides the ports.
#[derive(Clone)]
pub struct LeakParts {
    /// Everything that is remembered of credentials.
    pub memories: Memories,
    /// The key that API keys and personal access tokens are digested under.
    pub keys: DigestKey,
    /// The key that clients' secrets are digested under.
    pub client_secrets: DigestKey,
    /// The key that refresh tokens are digested under.
    pub grants: DigestKey,
    /// The key that registration tokens are digested under.
    pub registrations: DigestKey,
    /// What tells teams.
    pub alerts: Alerts,
    /// Where links begin.
    pub public_url: String,
}

/// Does what reports of found keys ask for.
#[derive(Clone)]
pub struct LeakDesk {
    ports: Ports,
    rests_on: LeakParts,
    reporters: Arc<Limiter<IpAddr>>,
    /// Networks that sent what only looks signed.
    forgers: Arc<Limiter<IpAddr>>,
    /// Networks from which something came where others can read it.
    senders: Arc<Limiter<IpAddr>>,
    /// People who were told of their password.
    told: Arc<Limiter<AccountId>>,
    room: Arc<Semaphore>,
    room_for_sent: Arc<Semaphore>,
    left_out: Arc<LeftOut>,
}

/// What was sent where others can read it, and found no room: counted, and told once in a while, since a flood must not fill the log.
struct LeftOut {
    count: AtomicU64,
    told: Meter,
}

impl LeakDesk {
    /// How many reports are worked on at once, and how much beside them that was sent where others can read it.
    const ROOM: usize = 64;
    /// How often a person is told that their password is sent so.
    const ONCE_A_DAY: Quota =
        Quota { requests: NonZeroU32::MIN, window_seconds: NonZeroU32::MIN.saturating_add(24 * 60 * 60 - 1) };
    /// How many keys of one report are looked at.
    const KEYS_IN_A_REPORT: usize = 20;

    /// On these ports; `quota` is how many reports each network may send, and how often its signature may be wrong.
    pub fn new(ports: Ports, rests_on: LeakParts, quota: Quota) -> Self {
        Self {
            ports,
            rests_on,
            reporters: Arc::new(Limiter::new(quota)),
            forgers: Arc::new(Limiter::new(quota)),
            senders: Arc::new(Limiter::new(quota)),
            told: Arc::new(Limiter::new(Self::ONCE_A_DAY)),
            room: Arc::new(Semaphore::new(Self::ROOM)),
            room_for_sent: Arc::new(Semaphore::new(Self::ROOM)),
            left_out: Arc::new(LeftOut {
                count: AtomicU64::new(0),
                told: Meter::new(Quota::per_minute(NonZeroU32::MIN)),
            }),
        }
    }

    /// Room to work on one report; none while too many are being worked on.
    pub fn room(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.room).try_acquire_owned().ok()
    }

    /// Room to look at one thing that was sent where others can read it: reports have their own. The log says once a minute that there
    /// was none, and how often so far.
    pub fn room_for_sent(&self) -> Option<OwnedSemaphorePermit> {
        let room = Arc::clone(&self.room_for_sent).try_acquire_owned().ok();
        if room.is_none() {
            let left_out = self.left_out.count.fetch_add(1, Ordering::Relaxed) + 1;
            if !self.left_out.told.spend(self.ports.now()).is_over() {
                tracing::warn!(left_out, "too much comes where others can read it: nobody was told of some of it");
            }
        }
        room
    }

    /// Counts something that came from an address where others can read it, and says whether to look whose it is.
    pub fn admit_sent(&self, address: IpAddr) -> bool {
        !self.senders.check(&network_of(address), self.ports.now()).is_over()
    }

    /// Counts a report from an address, and says whether it is one too many.
    pub fn admit(&self, address: IpAddr) -> Reading {
        self.reporters.check(&network_of(address), self.ports.now())
    }

    /// Whether an address must wait, since too much that came from its network was not signed by whom it said.
    pub fn admit_signed(&self, address: IpAddr) -> Reading {
        self.forgers.look(&network_of(address), self.ports.now())
    }

    /// Counts a report whose signature does not hold. Those that are signed are as many as they are.
    pub fn note_forged(&self, address: IpAddr) {
        // Whether it was one too many is for the next one to hear.
        let _ = self.forgers.check(&network_of(address), self.ports.now());
    }

    /// Looks for our keys in a text, notes each one that is real, tells its people, and revokes it where its environment's
    /// settings ask for that. Says whether any was real: not for the ears of whoever reported it, unless we know them.
    ///
    /// # Errors
    /// [`StoreError`]: the report should be sent again.
    pub async fn report(&self, text: &str, place: &LeakPlace) -> Result<bool, StoreError> {
        let (mut looked_at, mut real, mut failed) = (BTreeSet::new(), false, None);
        for found in finder::find(text.as_bytes()) {
            if looked_at.len() == Self::KEYS_IN_A_REPORT {
                break;
            }
            if looked_at.insert(found.key.public_id()) {
                match self.report_one(&found.key, place).await {
                    Ok(is_real) => real |= is_real,
                    // What is wrong with one keeps none of the others from being ended.
                    Err(error @ StoreError::Internal(_)) => failed = failed.or(Some(error)),
                    Err(error) => return Err(error),
                }
            }
        }
        failed.map_or(Ok(real), Err)
    }

    /// Works on a report whose sender was thanked already: what cannot be done now is tried again for a while.
    pub async fn report_patiently(&self, text: &str, place: &LeakPlace) {
        patiently(|| self.report(text, place)).await;
    }

    /// Ends a token of ours that was sent where others can read it, and tells its client's people: likewise tried for a while.
    pub async fn end_sent_token(&self, token: &AccessToken) {
        patiently(|| self.end_token(token)).await;
    }

    /// Waits, for some seconds at most, until no report is being worked on.
    pub async fn finish(&self) {
        const PATIENCE: Duration = Duration::from_secs(10);
        let room = u32::try_from(Self::ROOM).unwrap_or(u32::MAX);
        let all = async { (self.room.acquire_many(room).await, self.room_for_sent.acquire_many(room).await) };
        if tokio::time::timeout(PATIENCE, all).await.is_err() {
            tracing::error!("reports of leaked keys were left unfinished");
        }
    }

    async fn report_one(&self, found: &PlainApiKey, place: &LeakPlace) -> Result<bool, StoreError> {
        match found.kind() {
            KeyKind::Api(_) | KeyKind::Personal => self.report_key(found, place).await,
            KeyKind::ClientSecret => self.report_client_secret(found, place).await,
            KeyKind::RefreshToken => self.report_refresh_token(found, place).await,
            KeyKind::AccessToken => self.report_access_token(found, place).await,
            KeyKind::Registration => self.report_registration_token(found, place).await,
        }
    }

    async fn report_key(&self, presented: &PlainApiKey, place: &LeakPlace) -> Result<bool, StoreError> {
        let Some(stored) = self.ports.store.api_key_for_door(presented.public_id()).await? else { return Ok(false) };
        // Whoever made up a key around a known id has found nothing.
        if !digests_equal(&stored.digest, &presented.digest(&self.rests_on.keys)) {
            return Ok(false);
        }
        let (key, now) = (stored.key, self.ports.now());
        // A personal access token opens what its person may do: it is always revoked.
        let revoke = self.ports.store.key_policy_of(key.id).await?.is_none_or(|policy| policy.revoke_leaked);
        let people = self.ports.store.people_of(key.owner.holder()).await?;
        let old = old_key_of(&self.ports, &key).await?;
        let mut work = self.ports.store.begin().await?;
        let first = work.api_key_leaked(key.id, &Leaked { at: now, place: place.0.clone() }).await? == Consumed::Won;
        let because = Revoked { at: now, because: RevokedBecause::Leaked };
        // One that has expired, too: its end could be put off. And one that was reported before, since its policy may be another now.
        let revoked = revoke && work.api_key_revoke(key.owner.holder(), key.id, None, because).await? == Consumed::Won;
        let mut changed = vec![Change::Key(key.public_id)];
        if revoked {
            changed.extend(let_the_old_key_be(&mut *work, &key, old, now).await?.map(Change::Key));
        }
        if first || revoked {
            let act = Act::new(key.owner.holder(), Action::KeyLeaked, key.id, &key.settings.name);
            let act = act.change("revoked", false, revoked).because(&place.0);
            act.by_nobody(&mut *work, &self.ports).await?;
        }
        let became = match key.state(now) {
            _ if revoked && key.is_ended(now) => Some(FoundKey::RevokedAfterItsEnd),
            _ if revoked => Some(FoundKey::Revoked),
            _ if revoke || !first => None,
            KeyState::Live => Some(FoundKey::Works),
            KeyState::Disabled(_) => Some(FoundKey::SwitchedOff),
            KeyState::Suspended(_) => Some(FoundKey::Suspended),
            KeyState::Revoked(_) | KeyState::RotatedOut(_) | KeyState::Expired(_) => None,
        };
        if let Some(became) = became {
            let letter = Letter::key_leaked(&key, &place.0, became, first, &self.rests_on.public_url);
            self.rests_on.alerts.raise_of_key(&mut *work, AlertKind::Leak, &key, letter, &people).await?;
        }
        self.commit(work, changed).await?;
        tracing::warn!(key.hint = %key.hint(), revoked, "a key was reported as leaked");
        Ok(true)
    }

    /// Commits what a report asked for: nothing that ended by it is let in from now on, at no node.
    async fn commit(&self, work: Box<dyn UnitOfWork>, changes: Vec<Change>) -> Result<(), StoreError> {
        let (memories, forgotten) = (self.rests_on.memories.clone(), changes.clone());
        let forget = move || forgotten.iter().for_each(|change| memories.forget(change));
        commit_and_forget(work, changes, forget).await
    }
}

/// Does what nobody waits for: what cannot be done now is tried again for a while.
async fn patiently<T, F: Future<Output = Result<T, StoreError>>>(attempt: impl Fn() -> F) {
    const TRIES: u32 = 8;
    let mut pause = Duration::from_millis(200);
    for left in (0..TRIES).rev() {
        match attempt().await {
            Ok(_) => return,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, tries_left = left, "a secret that others can read could not be looked at");
            }
        }
        if left > 0 {
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn r53_the_place_holds_no_secret_and_no_line_break() {
        let key = PlainApiKey::generate(&SystemRandom, KeyKind::Personal);
        let place = LeakPlace::new(&format!("https://example.org/?k={}\r\nX: y {0}", key.expose()));
        assert!(!place.0.contains(&key.expose()[20..]) && !place.0.contains('\n'), "{}", place.0);
        assert!(place.0.starts_with("https://example.org/?k=lk_pat_"));
        let (one, other) = key.expose().split_at(30);
        assert_eq!(LeakPlace::new(&format!("{one}\r\n{other}")).0, key.hint(), "nor one in two lines");
        assert_eq!(LeakPlace::new(&"x".repeat(1_000)).0.len(), 400);
    }
}
