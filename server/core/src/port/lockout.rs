//! How often somebody tried, and how long they must wait.

use super::{Consumed, StoreError};
use async_trait::async_trait;
use std::{fmt, net::IpAddr, str::FromStr};
use time::OffsetDateTime;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CounterKind {
    /// Tries for one account from one network.
    Pair,
    /// Tries of one network for whatever account.
    Network,
    /// Tries for one account from everywhere.
    Subject,
    /// Tries of a browser that has opened the account before.
    Device,
}

/// The stored word is no kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not what is counted")]
pub struct ParseCounterKindError;

impl CounterKind {
    const ALL: [Self; 4] = [Self::Pair, Self::Network, Self::Subject, Self::Device];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pair => "pair",
            Self::Network => "network",
            Self::Subject => "subject",
            Self::Device => "device",
        }
    }
}

impl FromStr for CounterKind {
    type Err = ParseCounterKindError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(ParseCounterKindError)
    }
}

impl fmt::Display for CounterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name of a counter. What is tried may be an address that nobody has, or a password in the wrong field: a digest names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CounterName {
    /// What is counted.
    pub kind: CounterKind,
    /// For whom, or by which browser.
    pub subject: Option<[u8; 32]>,
    /// From which network.
    pub network: Option<IpAddr>,
}

/// Tries that failed, and what follows from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptCounter {
    /// How many there were.
    pub failures: u32,
    /// When the last one was.
    pub last_at: OffsetDateTime,
    /// Until when none is taken, if it has come to that.
    pub locked_until: Option<OffsetDateTime>,
}

/// Something that is locked, and until when.
pub type Lock = (CounterName, OffsetDateTime);

/// Questions about tries.
#[async_trait]
pub trait LockoutReader {
    /// For how many subjects a network has failed since a time.
    async fn subjects_tried(&self, network: IpAddr, since: OffsetDateTime) -> Result<u64, StoreError>;

    /// How much is locked at a time.
    async fn lock_count(&self, now: OffsetDateTime) -> Result<u64, StoreError>;

    /// What is locked longest at a time, below one that is; of these subjects alone, if some are named. At most so much.
    async fn longest_locks(
        &self,
        now: OffsetDateTime,
        of: Option<&[[u8; 32]]>,
        below: Option<Lock>,
        limit: u64,
    ) -> Result<Vec<Lock>, StoreError>;

    /// Until when one is locked, if it is at a time.
    async fn lock(&self, name: &CounterName, now: OffsetDateTime) -> Result<Option<OffsetDateTime>, StoreError>;

    /// What is locked at a time, with until when.
    async fn locks(&self, now: OffsetDateTime) -> Result<Vec<Lock>, StoreError>;
}

/// Changes to counters.
#[async_trait]
pub trait LockoutWriter {
    /// Reads a counter, and holds it until the transaction is over: whoever else counts there waits.
    async fn counter_hold(&mut self, name: &CounterName, now: OffsetDateTime) -> Result<AttemptCounter, StoreError>;

    /// Writes a counter that is held.
    async fn counter_set(&mut self, name: &CounterName, counter: &AttemptCounter) -> Result<(), StoreError>;

    /// Forgets a counter, and what it locks.
    async fn counter_remove(&mut self, name: &CounterName) -> Result<Consumed, StoreError>;
}
