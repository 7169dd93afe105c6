//! What admins see and do of lockouts.

use super::{
    device::bytes,
    service::{Lockouts, Subject},
};
use crate::{
    actor::{Actor, NotAdmin, NotSignedIn},
    audit::{Act, Action, Reason, Tenant},
    port::{
        Consumed, StoreError,
        account::KnownAddress,
        lockout::{CounterKind, CounterName, Lock},
    },
    ports::Ports,
    secret::hex,
};
use latchkey_model::{AccountId, EmailAddress, FieldErrors};
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

    /// Where the list goes on below it.
    fn cursor(&self) -> String {
        format!("{}|{}", self.until.unix_timestamp_nanos(), self.id())
    }
}

/// What an id names.
fn named(id: &str) -> Option<CounterName> {
    let mut parts = id.splitn(3, '|');
    let (kind, subject, network) = (parts.next()?, parts.next()?, parts.next()?);
    let subject = if subject.is_empty() { None } else { Some(bytes(subject)?) };
    let network = if network.is_empty() { None } else { Some(network.parse().ok()?) };
    Some(CounterName { kind: kind.parse().ok()?, subject, network })
}

/// Below what a cursor begins.
fn below(cursor: &str) -> Option<Lock> {
    let (until, id) = cursor.split_once('|')?;
    Some((named(id)?, OffsetDateTime::from_unix_timestamp_nanos(until.parse().ok()?).ok()?))
}

/// A page of those who must wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockoutList {
    /// The longest first.
    pub lockouts: Vec<Lockout>,
    /// The cursor to those who must wait less long, if there are any.
    pub more: Option<String>,
}

/// Shows and ends lockouts.
#[derive(Clone)]
pub struct LockoutDesk {
    ports: Ports,
    lockouts: Lockouts,
}

impl LockoutDesk {
    /// How many lockouts a page shows.
    const PAGE_SIZE: u64 = 200;

    /// The desk.
    pub fn new(ports: Ports, lockouts: Lockouts) -> Self {
        Self { ports, lockouts }
    }

    /// Who must wait now, the longest first, below a cursor; of one address alone, if one is typed.
    ///
    /// # Errors
    /// [`LockoutError`].
    pub async fn list(&self, actor: &Actor, email: &str, cursor: &str) -> Result<LockoutList, LockoutError> {
        actor.admin()?;
        let of = if email.trim().is_empty() { None } else { Some(self.subjects_of(email).await?) };
        let (now, limit) = (self.ports.now(), Self::PAGE_SIZE);
        let mut locks = self.ports.store.longest_locks(now, of.as_deref(), below(cursor), limit + 1).await?;
        let is_more = locks.len() as u64 > limit;
        locks.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let lockouts = self.told(locks).await?;
        let more = lockouts.last().filter(|_| is_more).map(Lockout::cursor);
        Ok(LockoutList { lockouts, more })
    }

    /// Under what is counted what strangers try at the account of this address, whether or not anybody has it.
    async fn subjects_of(&self, email: &str) -> Result<Vec<[u8; 32]>, StoreError> {
        let Ok(email) = email.parse::<EmailAddress>() else { return Ok(Vec::new()) };
        let canonical = email.canonical();
        let mut subjects = vec![self.lockouts.subject(Subject::Password(&canonical))];
        for known in self.ports.store.known_addresses().await? {
            if known.canonical == canonical {
                let codes = [Subject::Codes(known.account, &canonical), Subject::DeviceCodes(known.account)];
                subjects.extend(codes.map(|codes| self.lockouts.subject(codes)));
            }
        }
        Ok(subjects)
    }

    /// What is tried is stored as a digest: whose it is shows once that of everybody is known.
    async fn told(&self, locks: Vec<Lock>) -> Result<Vec<Lockout>, StoreError> {
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
        let told = locks.into_iter().map(|(name, until)| {
            let of = match name.subject {
                None => LockedOf::Anything,
                Some(subject) => known.get(&subject).cloned().unwrap_or(LockedOf::Unknown),
            };
            Lockout { name, of, until }
        });
        Ok(told.collect())
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
        let name = named(id).ok_or(LockoutError::NotFound)?;
        let until = self.ports.store.lock(&name, self.ports.now()).await?.ok_or(LockoutError::NotFound)?;
        let lockout = self.told(vec![(name, until)]).await?.pop().ok_or(LockoutError::NotFound)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn an_id_and_a_cursor_are_read_back() {
        let subject = std::array::from_fn(|at| u8::try_from(at * 8).unwrap());
        let until = datetime!(2026-11-23 12:00:00.123456 UTC);
        for (kind, subject, network) in [
            (CounterKind::Pair, Some(subject), Some("203.0.113.9")),
            (CounterKind::Network, None, Some("2001:db8::")),
            (CounterKind::Device, Some(subject), None),
        ] {
            let name = CounterName { kind, subject, network: network.map(|network| network.parse().unwrap()) };
            let lockout = Lockout { name, of: LockedOf::Unknown, until };
            assert_eq!(named(&lockout.id()), Some(name));
            assert_eq!(below(&lockout.cursor()), Some((name, until)));
        }
        for odd in ["", "pair", "pair||", "all||203.0.113.9", "pair|beef|203.0.113.9", "network||here"] {
            assert!(named(odd).is_none_or(|name| name.subject.is_none() && name.network.is_none()), "{odd}");
        }
        assert_eq!(below("soon|network||203.0.113.9"), None);
    }
}
