//! The audit log.

use super::{Removed, StoreError};
use crate::audit::{Action, Tenant};
use async_trait::async_trait;
use latchkey_model::{AccountId, AuditEventId};
use std::net::IpAddr;
use time::OffsetDateTime;

/// An event before it has its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAuditEvent {
    /// Its id.
    pub id: AuditEventId,
    /// Whose log it goes to.
    pub tenant: Tenant,
    /// When it happened.
    pub at: OffsetDateTime,
    /// Who did it; nobody where the server did, or an operator at its terminal.
    pub account: Option<AccountId>,
    /// From where.
    pub from: Option<IpAddr>,
    /// What was done.
    pub action: Action,
    /// To what: its id.
    pub target: String,
    /// What that was called then.
    pub target_name: String,
    /// Which fields were changed, from what to what, as JSON.
    pub changes: String,
    /// Why.
    pub reason: String,
}

impl NewAuditEvent {
    /// When it happened, in microseconds since the Unix epoch: as precise as it is stored.
    pub fn at_micros(&self) -> i128 {
        self.at.unix_timestamp_nanos() / 1_000
    }
}

/// An event in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// What it says.
    pub event: NewAuditEvent,
    /// Its place in its tenant's chain, from 1.
    pub sequence: i64,
    /// The digest of the event before it.
    pub previous: [u8; 32],
    /// Its own digest, which binds the ones before it.
    pub digest: [u8; 32],
    /// What its actor is called now.
    pub account_name: Option<String>,
}

/// How far a tenant's chain goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditHead {
    /// Whose it is.
    pub tenant: Tenant,
    /// The place of the last event.
    pub sequence: i64,
    /// Its digest.
    pub digest: [u8; 32],
}

/// A head that was sealed on a day: whoever cannot make the seal cannot rewrite what was before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditSeal {
    /// The head.
    pub head: AuditHead,
    /// The day, in days since the Unix epoch.
    pub day: i64,
    /// HMAC-SHA256 of both, by the server's secret.
    pub seal: [u8; 32],
}

/// Where a chain begins, once what was before it is removed: the last event that was, which stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditBase {
    /// The head of the chain as it was then.
    pub head: AuditHead,
    /// HMAC-SHA256 of it, by the server's secret: nobody else can say that events may be missing.
    pub seal: [u8; 32],
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditActor {
    /// The person with this account.
    Account(AccountId),
    /// People whose name has this in it, whatever the case.
    Named(String),
    /// Nobody who has an account: the server, an operator at its terminal, a program.
    Nobody,
}

/// Which events are asked for; what is not said passes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// What was done.
    pub action: Option<Action>,
    /// By whom.
    pub actor: Option<AuditActor>,
    /// To what: its id, or a part of what it was called then, whatever the case.
    pub target: Option<String>,
    /// From then on.
    pub since: Option<OffsetDateTime>,
    /// Before then.
    pub until: Option<OffsetDateTime>,
    /// Those before this one.
    pub before: Option<AuditEventId>,
}

/// Questions about the audit log.
#[async_trait]
pub trait AuditReader {
    /// Events of a tenant, or of all, that pass a filter, the newest first.
    async fn audit_events(
        &self,
        tenant: Option<Tenant>,
        filter: &AuditFilter,
        limit: u64,
    ) -> Result<Vec<AuditEvent>, StoreError>;

    /// Events of a tenant in the order of their places, those after one.
    async fn audit_chain(&self, tenant: Tenant, after: i64, limit: u64) -> Result<Vec<AuditEvent>, StoreError>;

    /// How often each thing was done since a time.
    async fn audit_counts(&self, since: OffsetDateTime) -> Result<Vec<(Action, u64)>, StoreError>;

    /// How far each chain goes.
    async fn audit_heads(&self) -> Result<Vec<AuditHead>, StoreError>;

    /// Where each chain begins that does not begin at its first event.
    async fn audit_bases(&self) -> Result<Vec<AuditBase>, StoreError>;

    /// Every seal; of each chain, the oldest first, which is the one that goes least far.
    async fn audit_seals(&self) -> Result<Vec<AuditSeal>, StoreError>;

    /// What was written of the newest seals when the last ones were added; none where that was never done.
    async fn audit_tally(&self) -> Result<Option<String>, StoreError>;

    /// Reads what removing events from a number on will need, at most so many, that stand before the beginning of a chain; returns how many
    /// there are.
    async fn audit_read_ahead(&self, base: &AuditHead, since: i64, limit: u64) -> Result<u64, StoreError>;
}

/// Changes to the audit log: it is only added to, and its beginning removed.
#[async_trait]
pub trait AuditWriter {
    /// Adds an event to its tenant's chain, bound to the one before it. Whoever adds another one to that chain waits.
    async fn audit_append(&mut self, event: &NewAuditEvent) -> Result<(), StoreError>;

    /// Says where a chain begins from now on, unless it begins later already.
    async fn audit_base_set(&mut self, base: &AuditBase) -> Result<(), StoreError>;

    /// Removes events from a number on that stand before the beginning of a chain, at most so many, and seals.
    async fn audit_prune(&mut self, base: &AuditHead, since: i64, limit: u64) -> Result<Removed<i64>, StoreError>;

    /// Keeps a seal; the first of a day stays.
    async fn audit_seal_add(&mut self, seal: &AuditSeal) -> Result<(), StoreError>;

    /// What was written of the newest seals, which nobody else changes before this is over: whoever adds seals waits here.
    async fn audit_tally_hold(&mut self) -> Result<Option<String>, StoreError>;

    /// Writes something else of them.
    async fn audit_tally_set(&mut self, tally: &str) -> Result<(), StoreError>;
}
