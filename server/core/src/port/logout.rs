//! What apps are told when somebody signs out.

use super::{Consumed, StoreError, grant::Grant, oauth_client::OauthClient, session::SessionDigest};
use crate::oauth_client::ClientId;
use async_trait::async_trait;
use latchkey_model::OauthClientId;
use time::OffsetDateTime;
use url::Url;
use uuid::Uuid;

/// A notice to one app, until it has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutNotice {
    /// Its id.
    pub id: Uuid,
    /// To which app.
    pub client: OauthClientId,
    /// Where the app is told.
    pub uri: Url,
    /// Who signed out, as the app knows them.
    pub subject: String,
    /// Which session ended, as the app knows it.
    pub session_name: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next.
    pub due_at: OffsetDateTime,
}

/// Questions about sign-outs.
#[async_trait]
pub trait LogoutReader {
    /// The apps that were given something in this session and want to be told of its end, each once.
    async fn apps_of_session(&self, session: &SessionDigest) -> Result<Vec<(Grant, OauthClient)>, StoreError>;

    /// Notices that are due, the oldest first, with the public name of the app.
    async fn logout_notices_due(
        &self,
        now: OffsetDateTime,
        at_most: u64,
    ) -> Result<Vec<(LogoutNotice, ClientId)>, StoreError>;
}

/// Changes to notices.
#[async_trait]
pub trait LogoutWriter {
    /// Adds a notice.
    async fn logout_notice_add(&mut self, notice: &LogoutNotice) -> Result<(), StoreError>;

    /// Takes a notice that was tried so often to be tried now, and says when it is due again if that fails: of all nodes that try, one
    /// wins.
    async fn logout_notice_take(
        &mut self,
        id: Uuid,
        attempts: u32,
        due_again_at: OffsetDateTime,
    ) -> Result<Consumed, StoreError>;

    /// Removes a notice that has arrived, or never will.
    async fn logout_notice_remove(&mut self, id: Uuid) -> Result<(), StoreError>;
}
