//! Finding accounts, applications and credentials.

use super::search::CredentialSearch;
use crate::{
    account::SessionEnds,
    actor::{Actor, NotAdmin, NotProven, NotSignedIn},
    memories::Memories,
    port::{
        StoreError,
        account::Membership,
        api_key::{ApiKey, LISTED_AT_MOST},
        application::MemberApplication,
        directory::{AccountSearch, FoundAccount, FoundApplication},
        oauth_client::OauthClient,
    },
    ports::Ports,
};
use latchkey_model::{AccountId, ApiKeyId, FieldErrors};

/// Why nothing was found, or nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// It is too long ago that the admin showed who they are.
    #[error("the admin must show first who they are")]
    ProveFirst,
    /// Only an admin may.
    #[error("only an admin may do this")]
    Forbidden,
    /// Fields need another look.
    #[error("fields need another look")]
    Invalid(FieldErrors),
    /// There is no such thing.
    #[error("no such thing")]
    NotFound,
    /// It is like that already.
    #[error("it is like that already")]
    NothingToChange,
    /// Admins do not suspend themselves.
    #[error("admins do not suspend themselves")]
    Yourself,
    /// Nobody could look after the portal.
    #[error("the portal would have no admin")]
    LastAdmin,
    /// The store failed.
    #[error("the directory could not be reached")]
    Store(#[from] StoreError),
}

impl From<NotAdmin> for DirectoryError {
    fn from(error: NotAdmin) -> Self {
        match error {
            NotAdmin::NotSignedIn(error) => Self::NotSignedIn(error),
            NotAdmin::Developer => Self::Forbidden,
        }
    }
}

impl From<NotProven> for DirectoryError {
    fn from(error: NotProven) -> Self {
        match error {
            NotProven::NotSignedIn(error) => Self::NotSignedIn(error),
            NotProven::TooLongAgo => Self::ProveFirst,
        }
    }
}

/// An account with what it has.
#[derive(Debug, Clone)]
pub struct AccountInView {
    /// The account.
    pub found: FoundAccount,
    /// Its teams.
    pub teams: Vec<Membership>,
    /// Their applications.
    pub applications: Vec<MemberApplication>,
    /// Its personal access tokens, live ones first, and of those that ended the newest.
    pub tokens: Vec<ApiKey>,
    /// In how many browsers it is signed in.
    pub sessions: usize,
}

/// What was found by one text.
#[derive(Debug, Clone, Default)]
pub struct FoundCredentials {
    /// Keys and personal access tokens.
    pub keys: Vec<ApiKey>,
    /// OAuth clients and service accounts.
    pub clients: Vec<OauthClient>,
    /// Applications.
    pub applications: Vec<FoundApplication>,
}

/// Finds what is anybody's, for admins.
#[derive(Clone)]
pub struct Directory {
    pub(super) ports: Ports,
    pub(super) sessions: SessionEnds,
    pub(super) memories: Memories,
}

impl Directory {
    /// How many of one kind are shown on one page.
    pub const SHOWN: usize = 50;
    const AT_MOST: u64 = Self::SHOWN as u64;

    /// The service. What an admin does to accounts ends these sessions, and is forgotten by these memories.
    pub fn new(ports: Ports, sessions: SessionEnds, memories: Memories) -> Self {
        Self { ports, sessions, memories }
    }

    /// Accounts, the newest first; with them, the last one where there are more.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn accounts(
        &self,
        actor: &Actor,
        search: &AccountSearch,
    ) -> Result<(Vec<FoundAccount>, Option<AccountId>), DirectoryError> {
        actor.admin()?;
        let mut found = self.ports.store.accounts_found(search, Self::AT_MOST + 1).await?;
        let more = found.len() > Self::SHOWN;
        found.truncate(Self::SHOWN);
        let last = found.last().filter(|_| more).map(|last| last.account.id);
        Ok((found, last))
    }

    /// One account with what it has.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn account(&self, actor: &Actor, id: AccountId) -> Result<AccountInView, DirectoryError> {
        actor.admin()?;
        let (now, store) = (self.ports.now(), &self.ports.store);
        let found = store.account_found(id).await?.ok_or(DirectoryError::NotFound)?;
        Ok(AccountInView {
            found,
            teams: store.memberships(id).await?,
            applications: store.applications(id, now).await?,
            tokens: store.personal_tokens(id, now, Some(LISTED_AT_MOST)).await?,
            sessions: store.sessions(id, now).await?.len(),
        })
    }

    /// One key or personal access token.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn key(&self, actor: &Actor, id: ApiKeyId) -> Result<ApiKey, DirectoryError> {
        actor.admin()?;
        self.ports.store.key_found(id).await?.ok_or(DirectoryError::NotFound)
    }

    /// Keys, clients and applications.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn credentials(
        &self,
        actor: &Actor,
        search: &CredentialSearch,
    ) -> Result<FoundCredentials, DirectoryError> {
        actor.admin()?;
        if search.is_empty() {
            return Ok(FoundCredentials::default());
        }
        let (text, store) = (search.as_str(), &self.ports.store);
        Ok(FoundCredentials {
            keys: store.keys_found(text, Self::AT_MOST).await?,
            clients: store.clients_found(text, Self::AT_MOST).await?,
            applications: store.applications_found(text, Self::AT_MOST).await?,
        })
    }
}
