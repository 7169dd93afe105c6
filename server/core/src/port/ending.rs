//! Ends of everything that an account or a team has.

use super::{Change, Consumed, StoreError};
use async_trait::async_trait;
use latchkey_model::{AccountId, TeamId};
use time::OffsetDateTime;

/// Ends many things at once. Each says what must be forgotten of them.
#[async_trait]
pub trait EndingWriter {
    /// Ends what acts for an account, or opens it from elsewhere: its tokens, what it allowed apps, identities elsewhere.
    async fn account_access_end(&mut self, account: AccountId, at: OffsetDateTime) -> Result<Vec<Change>, StoreError>;

    /// Ends the keys, clients and service accounts of a team, and its open invitations; its webhooks, with what is due to them, and its
    /// rules for alerts are removed.
    async fn team_access_end(
        &mut self,
        team: TeamId,
        by: AccountId,
        at: OffsetDateTime,
    ) -> Result<Vec<Change>, StoreError>;

    /// Deletes an account: what says whose it was is gone, and nobody is found by its id or its address any more. Its row stays for
    /// what it made.
    async fn account_delete(&mut self, account: AccountId, at: OffsetDateTime) -> Result<Consumed, StoreError>;
}
