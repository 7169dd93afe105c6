//! Counting tries before they are judged.

use super::{
    device::{DeviceCookie, Visitor},
    ladder::{Guessed, cost, counted, given_back, locked, not_counted, stuffing},
};
use crate::{
    alert::{AlertKind, AlertSubject, Alerts, AlertsOf, Measured, NewAlert},
    limit::{Limiter, network_of},
    mail::Letter,
    port::{
        StoreError,
        lockout::{AttemptCounter, CounterKind, CounterName},
    },
    ports::Ports,
    secret::{DigestKey, hex},
};
use latchkey_model::{AccountId, EmailAddress};
use quick_cache::sync::Cache;
use std::{convert::Infallible, net::IpAddr, sync::Arc};
use time::{Duration, OffsetDateTime};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// At what somebody tries.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// The password of whatever account has this address, in its canonical form; or of none.
    Password(&'a str),
    /// The codes of an account whose first factor was shown; its address, in its canonical form, tells whose browser is known.
    Codes(AccountId, &'a str),
    /// The codes of devices, by somebody who is signed in.
    DeviceCodes(AccountId),
    /// The secret of an OAuth client.
    Client(&'a str),
}

/// Why a try is not taken.
#[derive(Debug, thiserror::Error)]
pub enum TryError {
    /// There were too many.
    #[error("too many tries")]
    Locked {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The store failed: nothing is let in that is not counted.
    #[error("the try could not be counted")]
    Store(#[from] StoreError),
}

/// A try that was counted.
#[must_use = "a try that was right is given back"]
#[derive(Debug)]
pub struct Attempt {
    /// Where it was counted, and how many failures there were with it.
    counters: Vec<(CounterName, u32)>,
    /// Held until it is judged: of what is tried at one thing from one place, one is judged at a time. Right ones that come together
    /// do not count as failures of one another.
    _turn: OwnedMutexGuard<()>,
}

/// Counts tries. Cloning it clones handles.
#[derive(Clone)]
pub struct Lockouts {
    ports: Ports,
    key: DigestKey,
    alerts: Alerts,
    public_url: Arc<str>,
    /// The tries of each network in a minute, right ones too.
    networks: Arc<Limiter<IpAddr>>,
    /// What is locked, as far as it is known here: for those who ask too often to ask the store.
    locks: Arc<Cache<CounterName, OffsetDateTime>>,
    /// Whose turn it is, for each thing and place.
    turns: Arc<Cache<CounterName, Arc<Mutex<()>>>>,
}

impl Lockouts {
    /// Accounts that one network may fail at in an hour, before it is taken for one that tries what was stolen elsewhere.
    const ACCOUNTS_IN_AN_HOUR: u64 = 10;
    /// How many locks, and turns, are kept in mind.
    const CAPACITY: usize = 20_000;

    /// The service; what is tried is stored under digests of this key, and these are the tries of each network.
    pub fn new(
        ports: Ports,
        key: DigestKey,
        alerts: Alerts,
        public_url: Arc<str>,
        networks: Arc<Limiter<IpAddr>>,
    ) -> Self {
        Self {
            ports,
            key,
            alerts,
            public_url,
            networks,
            locks: Arc::new(Cache::new(Self::CAPACITY)),
            turns: Arc::new(Cache::new(Self::CAPACITY)),
        }
    }

    /// Learns what was locked before this server started.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn load(&self) -> Result<(), StoreError> {
        for (name, until) in self.ports.store.locks(self.ports.now()).await? {
            self.locks.insert(name, until);
        }
        Ok(())
    }

    /// How long to wait, as far as this server knows without asking the store: for secrets that nobody guesses, but many send.
    pub fn known_wait(&self, subject: Subject<'_>, address: IpAddr) -> Option<Duration> {
        if self.locks.is_empty() {
            return None;
        }
        let now = self.ports.now();
        let names = counters(self.digest(subject, None).1, network_of(address), false);
        let until = names.iter().filter_map(|name| self.locks.get(name)).max()?;
        (until > now).then(|| until - now)
    }

    /// Counts a try of a network, whatever it is at, without asking the store; or says how long to wait.
    ///
    /// # Errors
    /// [`TryError::Locked`].
    pub fn admit(&self, from: IpAddr) -> Result<(), TryError> {
        match self.networks.check(&network_of(from), self.ports.now()).retry_after() {
            Some(retry_after) => Err(TryError::Locked { retry_after }),
            None => Ok(()),
        }
    }

    /// Counts a try, or says how long to wait. Strangers who try what many have failed at are made to wait a little before this returns.
    ///
    /// # Errors
    /// [`TryError`].
    pub async fn begin(&self, subject: Subject<'_>, visitor: &Visitor) -> Result<Attempt, TryError> {
        let now = self.ports.now();
        let network = network_of(visitor.address);
        let known = self.known(subject, visitor);
        let (guessed, tried) = self.digest(subject, known);
        let counters = counters(tried, network, known.is_some());
        let turn = self.turn(counters[0]).await;
        let mut work = self.ports.store.begin().await?;
        let mut held = Vec::with_capacity(counters.len());
        for name in &counters {
            held.push(work.counter_hold(name, now).await?);
        }
        if let Some(until) = held.iter().filter_map(|counter| locked(counter, now)).max() {
            return Err(TryError::Locked { retry_after: until - now });
        }
        let (mut wait, mut counted_at) = (Duration::ZERO, Vec::with_capacity(counters.len()));
        for (name, counter) in counters.iter().zip(held) {
            let counter = counted(counter, name.kind, guessed, now);
            work.counter_set(name, &counter).await?;
            counted_at.push((*name, counter.failures));
            if let Some(until) = counter.locked_until {
                self.locks.insert(*name, until);
            }
            if name.kind == CounterKind::Subject && guessed == Guessed::Password {
                wait = cost(counter.failures);
            }
        }
        work.commit().await?;
        if known.is_none() && !network.is_loopback() && matches!(subject, Subject::Password(_)) {
            self.look_for_stuffing(network, now).await?;
        }
        if wait > Duration::ZERO {
            tokio::time::sleep(wait.unsigned_abs()).await;
        }
        Ok(Attempt { counters: counted_at, _turn: turn })
    }

    /// Waits for the turn of whatever is counted here. One that is forgotten under load lets two be judged at once, and each still
    /// counts.
    async fn turn(&self, name: CounterName) -> OwnedMutexGuard<()> {
        let new = || Ok::<_, Infallible>(Arc::default());
        let turn = self.turns.get_or_insert_with(&name, new).unwrap_or_else(|never| match never {});
        turn.lock_owned().await
    }

    /// Gives back a try that was right.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn succeeded(&self, attempt: Attempt) -> Result<(), StoreError> {
        self.give_back(attempt, given_back).await
    }

    /// Settles a try by what was found of it, and returns that: one that was right is given back, and so is one that could not be
    /// judged, since nobody learned from it whether it was right.
    ///
    /// # Errors
    /// What was found, or [`StoreError`].
    pub async fn settle<T, E: From<StoreError>>(
        &self,
        attempt: Attempt,
        found: Result<T, E>,
        is_right: impl FnOnce(&T) -> bool,
    ) -> Result<T, E> {
        match found.as_ref().map(is_right).map_err(drop) {
            Ok(true) => self.succeeded(attempt).await?,
            Ok(false) => {}
            Err(()) => self.give_back(attempt, |counter, _, failures| not_counted(counter, failures)).await?,
        }
        found
    }

    async fn give_back(
        &self,
        attempt: Attempt,
        back: impl Fn(AttemptCounter, CounterKind, u32) -> AttemptCounter + Send,
    ) -> Result<(), StoreError> {
        let now = self.ports.now();
        let mut work = self.ports.store.begin().await?;
        for (name, failures) in &attempt.counters {
            let counter = back(work.counter_hold(name, now).await?, name.kind, *failures);
            work.counter_set(name, &counter).await?;
            if counter.locked_until.is_none() {
                self.locks.remove(name);
            }
        }
        work.commit().await
    }

    /// What a browser keeps that has just opened the account of this address.
    pub fn device_cookie(&self, before: Option<&DeviceCookie>, email: &EmailAddress) -> DeviceCookie {
        DeviceCookie::with(before, &self.key, email, &self.ports)
    }

    /// What is tried; for a browser that is known, what is tried with it. What a password gives back is no code's.
    fn digest(&self, subject: Subject<'_>, device: Option<[u8; 32]>) -> (Guessed, [u8; 32]) {
        let (guessed, mut tried) = match subject {
            Subject::Password(canonical) => (Guessed::Password, format!("password|{canonical}")),
            Subject::Client(id) => (Guessed::Password, format!("client|{id}")),
            Subject::Codes(account, _) => (Guessed::Code, format!("codes|{account}")),
            Subject::DeviceCodes(account) => (Guessed::Code, format!("device-codes|{account}")),
        };
        if let Some(device) = device {
            tried.push_str(&hex(&device));
        }
        (guessed, self.key.digest(tried.as_bytes()))
    }

    /// Under which digest strangers' tries of this are counted.
    pub(super) fn subject(&self, subject: Subject<'_>) -> [u8; 32] {
        self.digest(subject, None).1
    }

    /// Forgets a lock that was ended.
    pub(super) fn forget(&self, name: &CounterName) {
        self.locks.remove(name);
    }

    /// Whether a browser has opened the account of this address before.
    pub fn is_known(&self, visitor: &Visitor, email: &EmailAddress) -> bool {
        self.known(Subject::Password(&email.canonical()), visitor).is_some()
    }

    fn known(&self, subject: Subject<'_>, visitor: &Visitor) -> Option<[u8; 32]> {
        let canonical = match subject {
            Subject::Password(canonical) | Subject::Codes(_, canonical) => canonical,
            Subject::DeviceCodes(_) | Subject::Client(_) => return None,
        };
        visitor.device.as_ref()?.known_for(&self.key, canonical)
    }

    /// Whoever fails at many accounts in an hour tries what was stolen elsewhere: the network waits, and admins are told, once a day.
    async fn look_for_stuffing(&self, network: IpAddr, now: OffsetDateTime) -> Result<(), StoreError> {
        let tried = self.ports.store.subjects_tried(network, now - Duration::HOUR).await?;
        if tried < Self::ACCOUNTS_IN_AN_HOUR {
            return Ok(());
        }
        let name = CounterName { kind: CounterKind::Network, subject: None, network: Some(network) };
        let admins = self.ports.store.admin_emails().await?;
        let mut work = self.ports.store.begin().await?;
        let counter = work.counter_hold(&name, now).await?;
        work.counter_set(&name, &stuffing(counter, now)).await?;
        let alert = NewAlert {
            of: AlertsOf::Portal,
            kind: AlertKind::Lockouts,
            subject: AlertSubject::portal(&self.public_url),
            letter: Letter::many_accounts_tried(network, tried, now, &self.public_url),
            measured: Some(Measured { matching: tried, requests: None, minutes: None }),
            lasts: false,
        };
        // Of each network, admins hear once a day.
        let _ = self.alerts.raise(&mut *work, alert, &admins).await?;
        tracing::warn!(%network, accounts = tried, "one network tries many accounts: it has to wait");
        work.commit().await
    }
}

/// Where a try counts, always in the same order, so that no two wait for one another.
fn counters(tried: [u8; 32], network: IpAddr, known: bool) -> Vec<CounterName> {
    if known {
        // What strangers do, from wherever, is nothing to this browser.
        return vec![CounterName { kind: CounterKind::Device, subject: Some(tried), network: None }];
    }
    let mut counters = vec![
        CounterName { kind: CounterKind::Pair, subject: Some(tried), network: Some(network) },
        CounterName { kind: CounterKind::Subject, subject: Some(tried), network: None },
    ];
    // This machine's own address may be a proxy's, which stands for everybody.
    if !network.is_loopback() {
        counters.push(CounterName { kind: CounterKind::Network, subject: None, network: Some(network) });
    }
    counters
}
