//! What a report of a found key asks for.

use super::{breaks_a_line, finder, redacted};
use crate::{
    alert::{AlertKind, Alerts},
    api_key::{KeyChanges, PlainApiKey, let_the_old_key_be, old_key_of},
    audit::{Act, Action},
    authn::KnownKeys,
    limit::{Limiter, Quota, Reading, network_of},
    mail::Letter,
    port::{
        Consumed, StoreError,
        api_key::{KeyState, Leaked, Revoked, RevokedBecause},
    },
    ports::Ports,
    secret::{DigestKey, digests_equal},
};
use std::{collections::BTreeSet, net::IpAddr, sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Where a key was found, in the words of whoever reported it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeakPlace(String);

impl LeakPlace {
    const MAX_LENGTH: usize = 400;

    /// The first characters of what was said, on one line, with our own secrets taken out.
    pub fn new(text: &str) -> Self {
        Self(redacted(text).chars().filter(|character| !breaks_a_line(*character)).take(Self::MAX_LENGTH).collect())
    }
}

/// Does what reports of found keys ask for.
#[derive(Clone)]
pub struct LeakDesk {
    ports: Ports,
    changes: KeyChanges,
    pepper: DigestKey,
    alerts: Alerts,
    public_url: String,
    reporters: Arc<Limiter<IpAddr>>,
    room: Arc<Semaphore>,
}

impl LeakDesk {
    /// How many reports are worked on at once.
    const ROOM: usize = 64;
    /// How many keys of one report are looked at.
    const KEYS_IN_A_REPORT: usize = 20;

    /// On these ports; `quota` is how many reports each network may send.
    pub fn new(
        ports: Ports,
        known: KnownKeys,
        pepper: DigestKey,
        alerts: Alerts,
        public_url: String,
        quota: Quota,
    ) -> Self {
        let reporters = Arc::new(Limiter::new(quota));
        Self {
            ports,
            changes: KeyChanges::new(known),
            pepper,
            alerts,
            public_url,
            reporters,
            room: Arc::new(Semaphore::new(Self::ROOM)),
        }
    }

    /// Room to work on one report; none while too many are being worked on.
    pub fn room(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.room).try_acquire_owned().ok()
    }

    /// Counts a report from an address, and says whether it is one too many.
    pub fn admit(&self, address: IpAddr) -> Reading {
        self.reporters.check(&network_of(address), self.ports.now())
    }

    /// Looks for our keys in a text, notes each one that is real, tells its people, and revokes it where its environment's
    /// settings ask for that. Says whether any was real: not for the ears of whoever reported it, unless we know them.
    ///
    /// # Errors
    /// [`StoreError`]: the report should be sent again.
    pub async fn report(&self, text: &str, place: &LeakPlace) -> Result<bool, StoreError> {
        let mut looked_at = BTreeSet::new();
        let mut real = false;
        for found in finder::find(text.as_bytes()) {
            if looked_at.len() == Self::KEYS_IN_A_REPORT {
                break;
            }
            if looked_at.insert(found.key.public_id()) {
                real |= self.report_key(&found.key, place).await?;
            }
        }
        Ok(real)
    }

    /// Works on a report whose sender was thanked already: what cannot be done now is tried again for a while.
    pub async fn report_patiently(&self, text: &str, place: &LeakPlace) {
        const TRIES: u32 = 8;
        let mut pause = Duration::from_millis(200);
        for left in (0..TRIES).rev() {
            match self.report(text, place).await {
                Ok(_) => return,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, tries_left = left, "a report of a leaked key could not be worked on");
                }
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }

    /// Waits, for some seconds at most, until no report is being worked on.
    pub async fn finish(&self) {
        const PATIENCE: Duration = Duration::from_secs(10);
        let all = self.room.acquire_many(u32::try_from(Self::ROOM).unwrap_or(u32::MAX));
        if tokio::time::timeout(PATIENCE, all).await.is_err() {
            tracing::error!("reports of leaked keys were left unfinished");
        }
    }

    async fn report_key(&self, presented: &PlainApiKey, place: &LeakPlace) -> Result<bool, StoreError> {
        let Some(stored) = self.ports.store.api_key_for_door(presented.public_id()).await? else { return Ok(false) };
        // Whoever made up a key around a known id has found nothing.
        if !digests_equal(&stored.digest, &presented.digest(&self.pepper)) {
            return Ok(false);
        }
        let (key, now) = (stored.key, self.ports.now());
        // A personal access token opens what its person may do: it is always revoked.
        let revoke = self.ports.store.key_policy_of(key.id).await?.is_none_or(|policy| policy.revoke_leaked);
        let people = self.ports.store.people_of(key.owner.holder()).await?;
        let old = old_key_of(&self.ports, &key).await?;
        let mut work = self.ports.store.begin().await?;
        let noted = work.api_key_leaked(key.id, &Leaked { at: now, place: place.0.clone() }).await?;
        let works = matches!(key.state(now), KeyState::Live | KeyState::Disabled(_) | KeyState::Suspended(_));
        let mut changed = vec![key.public_id];
        if works && revoke {
            let revoked = Revoked { at: now, because: RevokedBecause::Leaked };
            let _ = work.api_key_revoke(key.owner.holder(), key.id, None, revoked).await?;
            changed.extend(let_the_old_key_be(&mut *work, &key, old).await?);
        }
        if noted == Consumed::Won {
            let act = Act::new(key.owner.holder(), Action::KeyLeaked, key.id, &key.settings.name);
            let act = act.change("revoked", false, works && revoke).because(&place.0);
            act.by_nobody(&mut *work, &self.ports).await?;
        }
        if works && noted == Consumed::Won {
            let letter = Letter::key_leaked(&key, &place.0, revoke, &self.public_url);
            self.alerts.raise_of_key(&mut *work, AlertKind::Leak, &key, letter, &people).await?;
        }
        self.changes.commit(work, &changed).await?;
        tracing::warn!(key.hint = %key.hint(), revoked = works && revoke, "a key was reported as leaked");
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;
    use latchkey_model::KeyKind;

    #[test]
    fn r53_the_place_holds_no_secret_and_no_line_break() {
        let key = PlainApiKey::generate(&SystemRandom, KeyKind::Personal);
        let place = LeakPlace::new(&format!("https://example.org/?k={}\r\nX: y {0}", key.expose()));
        assert!(!place.0.contains(&key.expose()[20..]) && !place.0.contains('\n'), "{}", place.0);
        assert!(place.0.starts_with("https://example.org/?k=lk_pat_"));
        assert_eq!(LeakPlace::new(&"x".repeat(1_000)).0.len(), 400);
    }
}
