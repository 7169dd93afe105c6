//! What admins see and do of lockouts.

use super::service::{Lockouts, Subject};
use crate::{
    actor::{Actor, NotAdmin, NotSignedIn},
    audit::{Act, Action, Reason, Tenant},
    port::{
        Consumed, StoreError,
        account::KnownAddress,
        lockout::{CounterKind, CounterName},
    },
    ports::Ports,
    secret::hex,
};
use latchkey_model::{AccountId, FieldErrors};
use std::{collections::HashMap, net::IpAddr};
use time::OffsetDateTime;

/// Why lockouts were not shown or ended.
#[derive(Debug, thiserror::Error)]
pub enum LockoutError {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// Only an admin may.
    #[error("only an admin may see lockouts")]
    Forbidden,
    /// Fields need another look.
    #[error("fields need another look")]
    Invalid(FieldErrors),
    /// It is over already.
    #[error("no such lockout")]
    NotFound,
    /// The store failed.
    #[error("lockouts could not be reached")]
    Store(#[from] StoreError),
}

impl From<NotAdmin> for LockoutError {
    fn from(error: NotAdmin) -> Self {
        match error {
            NotAdmin::NotSignedIn(error) => Self::NotSignedIn(error),
            NotAdmin::Developer => Self::Forbidden,
        }
    }
}

/// At what somebody failed too often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockedOf {
    /// The password of this account.
    Password(AccountId, String),
    /// The codes of this account.
    Codes(AccountId, String),
    /// Whatever it was, from one network.
    Anything,
    /// Something that is no account's of this portal, or that a browser which is known tried.
    Unknown,
}

/// Somebody who must wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lockout {
    /// What is counted.
    pub name: CounterName,
    /// At what they failed.
    pub of: LockedOf,
    /// Until when they must wait.
    pub until: OffsetDateTime,
}

impl Lockout {
    /// Its name in a form: what it is counted by, without what that stands for.
    pub fn id(&self) -> String {
        let subject = self.name.subject.map(|subject| hex(&subject)).unwrap_or_default();
        let network = self.name.network.map(|network| network.to_string()).unwrap_or_default();
        format!("{}|{subject}|{network}", self.name.kind)
    }
}

/// Shows and ends lockouts.
#[derive(Clone)]
pub struct LockoutDesk {
    ports: Ports,
    lockouts: Lockouts,
}

impl LockoutDesk {
    /// How many lockouts are shown.
    const SHOWN: u64 = 200;

    /// The desk.
    pub fn new(ports: Ports, lockouts: Lockouts) -> Self {
        Self { ports, lockouts }
    }

    /// Who must wait now, the longest first; at most two hundred of them.
    ///
    /// # Errors
    /// [`LockoutError`].
    pub async fn list(&self, actor: &Actor) -> Result<Vec<Lockout>, LockoutError> {
        actor.admin()?;
        let locks = self.ports.store.longest_locks(self.ports.now(), Self::SHOWN).await?;
        // What is tried is stored as a digest: whose it is shows once that of everybody is known.
        let mut known: HashMap<[u8; 32], LockedOf> = HashMap::new();
        if locks.iter().any(|(name, _)| name.subject.is_some()) {
            for KnownAddress { account, email, canonical } in self.ports.store.known_addresses().await? {
                let password = self.lockouts.subject(Subject::Password(&canonical));
                known.insert(password, LockedOf::Password(account, email.clone()));
                for codes in [Subject::Codes(account, &canonical), Subject::DeviceCodes(account)] {
                    known.insert(self.lockouts.subject(codes), LockedOf::Codes(account, email.clone()));
                }
            }
        }
        Ok(locks
            .into_iter()
            .map(|(name, until)| {
                let of = match name.subject {
                    None => LockedOf::Anything,
                    Some(subject) => known.get(&subject).cloned().unwrap_or(LockedOf::Unknown),
                };
                Lockout { name, of, until }
            })
            .collect())
    }

    /// Lets somebody try again before their time.
    ///
    /// # Errors
    /// [`LockoutError`].
    pub async fn end(&self, actor: &Actor, id: &str, reason: &str) -> Result<(), LockoutError> {
        actor.admin()?;
        let mut errors = FieldErrors::default();
        let Some(reason) = errors.check("reason", reason.parse::<Reason>()) else {
            return Err(LockoutError::Invalid(errors));
        };
        let lockout = self.list(actor).await?.into_iter().find(|lockout| lockout.id() == id);
        let lockout = lockout.ok_or(LockoutError::NotFound)?;
        let mut work = self.ports.store.begin().await?;
        match work.counter_remove(&lockout.name).await? {
            Consumed::Won => {}
            Consumed::Lost => return Err(LockoutError::NotFound),
        }
        let (target, called) = match (&lockout.of, lockout.name.network) {
            (LockedOf::Password(account, _) | LockedOf::Codes(account, _), _) => (account.to_string(), String::new()),
            (LockedOf::Anything | LockedOf::Unknown, network) => {
                let network = network.map(|network: IpAddr| network.to_string()).unwrap_or_default();
                (network.clone(), network)
            }
        };
        Act::new(Tenant::Portal, Action::LockoutEnded, &target, &called)
            .change("of", "", word(lockout.name.kind))
            .because(reason.as_str())
            .commit_by(actor, work, &self.ports)
            .await?;
        self.lockouts.forget(&lockout.name);
        Ok(())
    }
}

/// What is counted, for the log.
const fn word(kind: CounterKind) -> &'static str {
    match kind {
        CounterKind::Pair => "one account from one network",
        CounterKind::Network => "one network",
        CounterKind::Subject => "one account from everywhere",
        CounterKind::Device => "a browser that is known",
    }
}
