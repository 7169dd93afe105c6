//! The logs page and the page of one request.

use crate::{
    actor::{Actor, NotSignedIn},
    port::{
        StoreError,
        account::Account,
        request_log::{LogScope, RequestFilter, RequestRow},
    },
    ports::Ports,
};
use latchkey_model::{AccountRole, RequestId};

/// How many requests a page shows.
pub const PAGE_SIZE: u64 = 50;

/// Why a log cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// Only an admin may see requests that belong to nobody.
    #[error("only an admin may see this")]
    Forbidden,
    /// No such request, as far as this account may know.
    #[error("no such request")]
    NotFound,
    /// The store failed.
    #[error("the log could not be read")]
    Store(#[from] StoreError),
}

/// A page of requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPage {
    /// The newest first.
    pub rows: Vec<RequestRow>,
    /// The cursor to what is older, if anything is.
    pub older: Option<RequestId>,
}

/// Answers the logs pages.
#[derive(Clone)]
pub struct LogService {
    ports: Ports,
}

impl LogService {
    /// The service on these ports.
    pub fn new(ports: Ports) -> Self {
        Self { ports }
    }

    /// Requests of the account's teams.
    ///
    /// # Errors
    /// [`LogError`].
    pub async fn requests(&self, actor: &Actor, filter: &RequestFilter) -> Result<LogPage, LogError> {
        let account = actor.account()?;
        self.page(LogScope::Account(account.id), filter).await
    }

    /// Requests of everybody and of nobody: authentication failures that no team can see are found here.
    ///
    /// # Errors
    /// [`LogError::Forbidden`] for anybody but an admin.
    pub async fn portal_requests(&self, actor: &Actor, filter: &RequestFilter) -> Result<LogPage, LogError> {
        match actor.account()?.role {
            AccountRole::Admin => self.page(LogScope::Portal, filter).await,
            AccountRole::Developer => Err(LogError::Forbidden),
        }
    }

    /// One request, with its decision.
    ///
    /// # Errors
    /// [`LogError::NotFound`] for another team's request too.
    pub async fn request(&self, actor: &Actor, id: RequestId) -> Result<RequestRow, LogError> {
        let scope = scope_of(actor.account()?);
        self.ports.store.request(scope, id).await?.ok_or(LogError::NotFound)
    }

    async fn page(&self, scope: LogScope, filter: &RequestFilter) -> Result<LogPage, LogError> {
        let mut rows = self.ports.store.requests(scope, filter, PAGE_SIZE + 1).await?;
        let more = rows.len() as u64 > PAGE_SIZE;
        rows.truncate(usize::try_from(PAGE_SIZE).unwrap_or(usize::MAX));
        let older = rows.last().map(|row| row.id).filter(|_| more);
        Ok(LogPage { rows, older })
    }
}

fn scope_of(account: &Account) -> LogScope {
    match account.role {
        AccountRole::Admin => LogScope::Portal,
        AccountRole::Developer => LogScope::Account(account.id),
    }
}
