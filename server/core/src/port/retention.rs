//! How long things are kept, and removing what is past its time.

use super::{
    StoreError,
    rollup::{Counted, Period},
};
use async_trait::async_trait;
use std::ops::Range;
use time::OffsetDateTime;

/// What is removed some time after a time of its own: after it came, after it was made, or after it was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Perishable {
    /// Single requests, after they came.
    Requests,
    /// Counts of a period, after it began.
    Counts(Counted, Period),
    /// Sessions, after they would have ended by themselves.
    ExpiredSessions,
    /// Sessions, after somebody ended them.
    EndedSessions,
    /// Answers that are given again to whoever repeats a request, after they were given.
    IdempotentAnswers,
    /// That a token was revoked, after it would have ended.
    RevokedTokens,
    /// Tokens that mean nothing but to this server, after they ended.
    OpaqueTokens,
    /// Names that may come once, after what they name has ended.
    UsedNames,
    /// Authorization codes, after they expired.
    AuthorizationCodes,
    /// Pushed authorization requests, after they expired.
    PushedRequests,
    /// Device codes, after they expired.
    DeviceCodes,
    /// Families of refresh tokens with their tokens, after they ended.
    TokenFamilies,
    /// Links that were mailed, with what they know of people, after they were asked for.
    MailedLinks,
    /// Challenges for passkeys, after they expired.
    PasskeyCeremonies,
    /// Notices, after they were made.
    Notices,
    /// Blocks, after they were over.
    Blocks,
    /// Alerts that do not last, after they were raised.
    Alerts,
    /// What webhooks were told, after it was written, whatever became of it.
    WebhookDeliveries,
    /// Webhooks with what they were told, after they were removed.
    RemovedWebhooks,
    /// Identity providers with the identities of theirs that opened accounts, after they were removed.
    RemovedProviders,
    /// Invitations to teams, after they expired, whatever became of them.
    Invitations,
    /// Networks that a credential was used from, after the last use.
    SeenNetworks,
    /// Mails, after they were written, whatever became of them.
    Mails,
    /// Counters of failed attempts that lock nothing, after the last attempt.
    AttemptCounters,
}

impl Perishable {
    /// What is neither requests nor counts.
    const OTHERS: [Self; 22] = [
        Self::ExpiredSessions,
        Self::EndedSessions,
        Self::IdempotentAnswers,
        Self::RevokedTokens,
        Self::OpaqueTokens,
        Self::UsedNames,
        Self::AuthorizationCodes,
        Self::PushedRequests,
        Self::DeviceCodes,
        Self::TokenFamilies,
        Self::MailedLinks,
        Self::PasskeyCeremonies,
        Self::Notices,
        Self::Blocks,
        Self::Alerts,
        Self::WebhookDeliveries,
        Self::RemovedWebhooks,
        Self::RemovedProviders,
        Self::Invitations,
        Self::SeenNetworks,
        Self::Mails,
        Self::AttemptCounters,
    ];

    /// All of it.
    pub fn all() -> impl Iterator<Item = Self> {
        let periods = [Period::Minute, Period::Hour, Period::Day].into_iter();
        let counts = periods.flat_map(|period| Counted::ALL.map(|counted| Self::Counts(counted, period)));
        std::iter::once(Self::Requests).chain(counts).chain(Self::OTHERS)
    }
}

/// Questions about how long things are kept.
#[async_trait]
pub trait RetentionReader {
    /// What was set, as it was written; none where nobody has set anything.
    async fn retention(&self) -> Result<Option<String>, StoreError>;

    /// Reads what removing at most `limit` rows will need, of those whose time is in this range, the oldest first: what lies on the disk is
    /// in memory by the time that the writer is held for it. Returns how many there are, up to the limit.
    async fn perishables_read_ahead(
        &self,
        what: Perishable,
        times: Range<OffsetDateTime>,
        limit: u64,
    ) -> Result<u64, StoreError>;
}

/// What a part of a batch removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removed<T> {
    /// How many rows.
    pub rows: u64,
    /// Where those that are left begin: nothing from before is there any more. Whoever goes on from here does not step over what is gone,
    /// which PostgreSQL keeps in its indexes for a while.
    pub rest: T,
}

/// Changes to how long things are kept, and to what is kept.
#[async_trait]
pub trait RetentionWriter {
    /// Sets it.
    async fn retention_set(&mut self, written: &str) -> Result<(), StoreError>;

    /// Removes at most `limit` rows whose time is in this range, the oldest first.
    async fn perishables_prune(
        &mut self,
        what: Perishable,
        times: Range<OffsetDateTime>,
        limit: u64,
    ) -> Result<Removed<OffsetDateTime>, StoreError>;
}
