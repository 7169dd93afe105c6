//! What the clock asks for: mails before a key ends, and switching off keys that nobody uses.

use super::KeyChanges;
use crate::{
    alert::{AlertKind, Alerts},
    audit::{Act, Action},
    authn::KnownKeys,
    limit::Quota,
    mail::Letter,
    port::{
        Consumed, StoreError,
        api_key::{Disabled, KeyToTell},
        request_log::CredentialId,
    },
    ports::Ports,
};
use latchkey_model::ApiKeyId;
use time::Duration;

/// Does what the clock asks for, some keys at a time.
#[derive(Clone)]
pub struct Housekeeping {
    ports: Ports,
    changes: KeyChanges,
    alerts: Alerts,
    public_url: String,
}

impl Housekeeping {
    /// How many days before its end a key's people are told.
    const REMINDERS: [u16; 3] = [1, 7, 30];
    const BATCH: u64 = 100;

    /// On these ports; links in mails begin with `public_url`.
    pub fn new(ports: Ports, known: KnownKeys, alerts: Alerts, public_url: String) -> Self {
        Self { ports, changes: KeyChanges::new(known), alerts, public_url }
    }

    /// Tells people of keys that end soon: 30, 7 and 1 days ahead, each once. Says how many keys were told of.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remind(&self) -> Result<u64, StoreError> {
        let now = self.ports.now();
        let mut told = 0;
        // The most urgent first: a key that ends tomorrow gets one mail, not three.
        for days in Self::REMINDERS {
            loop {
                let before = now + Duration::days(i64::from(days));
                let ending = self.ports.store.keys_ending(now, before, days, Self::BATCH).await?;
                for one in &ending {
                    let mut work = self.ports.store.begin().await?;
                    if work.api_key_told(one.key.id, days).await? == Consumed::Won {
                        let letter = Letter::key_ends(&one.key, days, &self.public_url);
                        self.alerts.raise_of_key(&mut *work, AlertKind::KeyEnds, &one.key, letter, &one.emails).await?;
                        work.commit().await?;
                        told += 1;
                    }
                }
                if ending.is_empty() {
                    break;
                }
            }
        }
        Ok(told)
    }

    /// Tells people of keys that were sent in a URL or over plain HTTP, each once. Says how many keys were told of.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tell_exposed(&self) -> Result<u64, StoreError> {
        let mut told = 0;
        loop {
            let exposed = self.ports.store.keys_exposed(self.ports.now(), Self::BATCH).await?;
            let told_before = told;
            let mut failed = None;
            for one in &exposed {
                match self.tell_exposed_one(one).await {
                    Ok(Consumed::Won) => told += 1,
                    Ok(Consumed::Lost) => {}
                    // Whatever is wrong with one keeps nobody else from being told.
                    Err(error) => failed = Some(error),
                }
            }
            if told == told_before {
                return failed.map_or(Ok(told), Err);
            }
        }
    }

    /// Tells people of keys and clients that are about to reach a limit, each once a day.
    ///
    /// # Errors
    /// [`StoreError`]: the first, once everybody else was told.
    pub async fn tell_of_limits(
        &self,
        near: impl IntoIterator<Item = (CredentialId, Quota)>,
    ) -> Result<(), StoreError> {
        let mut outcome = Ok(());
        for (id, quota) in near {
            // Whatever is wrong with one keeps nobody else from being told: nobody says again today that they are near.
            let told = match id {
                CredentialId::Key(id) => self.tell_of_limit(id, quota).await,
                CredentialId::Client(id) => self.alerts.raise_of_client_near_limit(id, quota).await,
                CredentialId::Account(_) => Ok(()),
            };
            outcome = outcome.and(told);
        }
        outcome
    }

    async fn tell_of_limit(&self, id: ApiKeyId, quota: Quota) -> Result<(), StoreError> {
        let Some(public_id) = self.ports.store.public_id(id).await? else { return Ok(()) };
        let Some(stored) = self.ports.store.api_key_for_door(public_id).await? else { return Ok(()) };
        let people = self.ports.store.people_of(stored.key.owner.holder()).await?;
        let letter = Letter::limit_near(&stored.key, quota, self.ports.now(), &self.public_url);
        let mut work = self.ports.store.begin().await?;
        self.alerts.raise_of_key(&mut *work, AlertKind::LimitNear, &stored.key, letter, &people).await?;
        work.commit().await
    }

    async fn tell_exposed_one(&self, one: &KeyToTell) -> Result<Consumed, StoreError> {
        let mut work = self.ports.store.begin().await?;
        let consumed = work.api_key_exposure_told(one.key.id).await?;
        if consumed == Consumed::Won {
            let letter = Letter::key_exposed(&one.key, &self.public_url);
            self.alerts.raise_of_key(&mut *work, AlertKind::Leak, &one.key, letter, &one.emails).await?;
            work.commit().await?;
        }
        Ok(consumed)
    }

    /// Switches off keys that were idle for longer than their environment allows, and tells their people. Says how many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn disable_idle(&self) -> Result<u64, StoreError> {
        let now = self.ports.now();
        let mut disabled = 0;
        loop {
            let idle = self.ports.store.keys_idle(now, Self::BATCH).await?;
            let mut progress = false;
            for one in &idle {
                let mut work = self.ports.store.begin().await?;
                let off = Disabled { at: now, by_policy: true };
                if work.api_key_disable(one.key.owner.holder(), one.key.id, off).await? == Consumed::Won {
                    Act::new(one.key.owner.holder(), Action::KeyDisabled, one.key.id, &one.key.settings.name)
                        .because("nobody used it, and the environment's settings ask for this")
                        .by_nobody(&mut *work, &self.ports)
                        .await?;
                    Letter::key_idle(&one.key, now, &self.public_url)
                        .send(&mut *work, &self.ports, &one.emails)
                        .await?;
                    self.changes.commit(work, &[one.key.public_id]).await?;
                    disabled += 1;
                    progress = true;
                }
            }
            if !progress {
                return Ok(disabled);
            }
        }
    }
}
