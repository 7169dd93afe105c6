//! Views of a log that somebody keeps.

use super::{Consumed, StoreError};
use async_trait::async_trait;
use latchkey_model::{AccountId, Name, SavedViewId};
use time::OffsetDateTime;

/// A filter of a log under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedView {
    /// Its id.
    pub id: SavedViewId,
    /// The path of the log's page.
    pub page: String,
    /// What its person calls it.
    pub name: Name,
    /// The query of the page.
    pub query: String,
}

/// Questions about views.
#[async_trait]
pub trait SavedViewReader {
    /// The views that an account keeps of a page, by name.
    async fn saved_views(&self, account: AccountId, page: &str) -> Result<Vec<SavedView>, StoreError>;
}

/// Changes to views.
#[async_trait]
pub trait SavedViewWriter {
    /// Keeps one, unless the account has so many of the page: the count holds until the end of this transaction.
    async fn saved_view_add(
        &mut self,
        account: AccountId,
        view: &SavedView,
        at: OffsetDateTime,
        at_most: u64,
    ) -> Result<Consumed, StoreError>;

    /// Forgets one of an account.
    async fn saved_view_remove(&mut self, account: AccountId, id: SavedViewId) -> Result<Consumed, StoreError>;
}
