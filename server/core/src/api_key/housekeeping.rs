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
        api_key::{ApiKey, Disabled, KeyToTell},
        request_log::CredentialId,
    },
    ports::Ports,
};
use latchkey_model::ApiKeyId;
use std::collections::HashSet;
use time::{Duration, OffsetDateTime};

/// A round through keys: whatever is wrong with one keeps none of the others waiting.
#[derive(Default)]
struct Round {
    done: u64,
    /// Those that something is wrong with. They are looked at again in the next round.
    wrong: HashSet<ApiKeyId>,
    first_error: Option<StoreError>,
}

impl Round {
    /// Does something with a key, unless something is wrong with it.
    ///
    /// # Errors
    /// [`StoreError`], where the store is out of reach: it is so for all keys.
    async fn take(
        &mut self,
        key: &ApiKey,
        act: impl Future<Output = Result<Consumed, StoreError>>,
    ) -> Result<(), StoreError> {
        if self.wrong.contains(&key.id) {
            return Ok(());
        }
        match act.await {
            Ok(Consumed::Won) => self.done += 1,
            Ok(Consumed::Lost) => {}
            Err(error @ StoreError::Internal(_)) => {
                let cause = &error as &dyn std::error::Error;
                tracing::error!(error = cause, key.hint = %key.hint(), "a key was left for the next round");
                self.wrong.insert(key.id);
                self.first_error = self.first_error.take().or(Some(error));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// With how many keys something was done.
    ///
    /// # Errors
    /// The first [`StoreError`].
    fn end(self) -> Result<u64, StoreError> {
        self.first_error.map_or(Ok(self.done), Err)
    }
}

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
    /// [`StoreError`]: the first, once everybody else was told.
    pub async fn remind(&self) -> Result<u64, StoreError> {
        let now = self.ports.now();
        let mut round = Round::default();
        // The most urgent first: a key that ends tomorrow gets one mail, not three.
        for days in Self::REMINDERS {
            loop {
                let before = now + Duration::days(i64::from(days));
                let told_before = round.done;
                for one in &self.ports.store.keys_ending(now, before, days, Self::BATCH).await? {
                    round.take(&one.key, self.remind_one(one, days)).await?;
                }
                if round.done == told_before {
                    break;
                }
            }
        }
        round.end()
    }

    async fn remind_one(&self, one: &KeyToTell, days: u16) -> Result<Consumed, StoreError> {
        let mut work = self.ports.store.begin().await?;
        let consumed = work.api_key_told(one.key.id, days).await?;
        if consumed == Consumed::Won {
            let letter = Letter::key_ends(&one.key, days, &self.public_url);
            self.alerts.raise_of_key(&mut *work, AlertKind::KeyEnds, &one.key, letter, &one.emails).await?;
            work.commit().await?;
        }
        Ok(consumed)
    }

    /// Tells people of keys that were sent in a URL or over plain HTTP, each once. Says how many keys were told of.
    ///
    /// # Errors
    /// [`StoreError`]: the first, once everybody else was told.
    pub async fn tell_exposed(&self) -> Result<u64, StoreError> {
        let mut round = Round::default();
        loop {
            let told_before = round.done;
            for one in &self.ports.store.keys_exposed(self.ports.now(), Self::BATCH).await? {
                round.take(&one.key, self.tell_exposed_one(one)).await?;
            }
            if round.done == told_before {
                return round.end();
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
        self.alerts.raise_of_key_near_limit(&stored.key, quota).await
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
    /// [`StoreError`]: the first, once every other one was switched off.
    pub async fn disable_idle(&self) -> Result<u64, StoreError> {
        let now = self.ports.now();
        let mut round = Round::default();
        loop {
            let disabled_before = round.done;
            for one in &self.ports.store.keys_idle(now, Self::BATCH).await? {
                round.take(&one.key, self.disable_idle_one(one, now)).await?;
            }
            if round.done == disabled_before {
                return round.end();
            }
        }
    }

    async fn disable_idle_one(&self, one: &KeyToTell, now: OffsetDateTime) -> Result<Consumed, StoreError> {
        let mut work = self.ports.store.begin().await?;
        let (holder, off) = (one.key.owner.holder(), Disabled { at: now, by_policy: true });
        let consumed = work.api_key_disable(holder, one.key.id, off).await?;
        if consumed == Consumed::Won {
            Act::new(holder, Action::KeyDisabled, one.key.id, &one.key.settings.name)
                .because("nobody used it, and the environment's settings ask for this")
                .by_nobody(&mut *work, &self.ports)
                .await?;
            Letter::key_idle(&one.key, now, &self.public_url).send(&mut *work, &self.ports, &one.emails).await?;
            self.changes.commit(work, &[one.key.public_id]).await?;
        }
        Ok(consumed)
    }
}
