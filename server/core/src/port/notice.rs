//! Notices that people read in the portal.

use super::{Consumed, Removed, StoreError, api_key::Holder};
use crate::notice::NoticeKind;
use async_trait::async_trait;
use latchkey_model::{AccountId, NoticeId};
use std::ops::RangeInclusive;
use time::OffsetDateTime;

/// Something that somebody is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its id.
    pub id: NoticeId,
    /// What it is about.
    pub kind: NoticeKind,
    /// It, in a sentence.
    pub subject: String,
    /// It, at length.
    pub text: String,
    /// What it tells of, once for each person.
    pub occasion: String,
    /// Since when it is so.
    pub created_at: OffsetDateTime,
    /// When its person saw it.
    pub seen_at: Option<OffsetDateTime>,
}

/// Whether word of a notice goes out by mail, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mailed {
    /// It does.
    Yes,
    /// Its person wants no mail of its kind.
    Muted,
}

/// Questions about notices.
#[async_trait]
pub trait NoticeReader {
    /// An account's notices, the newest first: all, or those that were not seen.
    async fn notices(&self, account: AccountId, unseen: bool, limit: u64) -> Result<Vec<Notice>, StoreError>;

    /// The addresses of those who are told what happens to something of theirs: the members of its team who may change it, or its
    /// person.
    async fn people_of(&self, holder: Holder) -> Result<Vec<String>, StoreError>;

    /// The kinds of which an account wants no mail.
    async fn muted_notices(&self, account: AccountId) -> Result<Vec<NoticeKind>, StoreError>;
}

/// Changes to notices.
#[async_trait]
pub trait NoticeWriter {
    /// Tells whoever has this canonical address, if anybody has; says whether they want a mail of it. Somebody who was told of the
    /// occasion before is not told again.
    async fn notice_add(&mut self, canonical: &str, notice: &Notice) -> Result<Mailed, StoreError>;

    /// Notes that a notice was seen.
    async fn notice_seen(
        &mut self,
        account: AccountId,
        id: NoticeId,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError>;

    /// Notes that at most `limit` of those of an account's notices were seen that were not, from the first of these to the last, the oldest
    /// first.
    async fn notices_seen(
        &mut self,
        account: AccountId,
        ids: RangeInclusive<NoticeId>,
        at: OffsetDateTime,
        limit: u64,
    ) -> Result<Removed<NoticeId>, StoreError>;

    /// Removes at most so many of an account's notices; says how many there were.
    async fn notices_remove(&mut self, account: AccountId, limit: u64) -> Result<u64, StoreError>;

    /// Says of which kinds an account wants no mail.
    async fn notices_mute(&mut self, account: AccountId, kinds: &[NoticeKind]) -> Result<(), StoreError>;
}
