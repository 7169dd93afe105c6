//! The logs page and the page of one request.

use crate::{
    actor::{Actor, NotSignedIn},
    port::{
        StoreError,
        account::Account,
        request_log::{Found, GroupBy, LogScope, RequestFilter, RequestGroup, RequestRow},
    },
    ports::Ports,
};
use latchkey_model::{AccountRole, RequestId};
use time::OffsetDateTime;

/// How many requests a page shows.
pub const PAGE_SIZE: u64 = 50;
/// How many requests are looked through at once for whoever watches them come: of more, the oldest are left out.
pub const WATCHED: u64 = 5_000;

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
    /// Where the search was given up for now, if it was: what is older was not looked at.
    pub searched_to: Option<OffsetDateTime>,
}

/// Whose requests are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogOf {
    /// Those of the account's teams, and those with its own tokens.
    Own,
    /// Those of everybody and of nobody: for admins. Authentication failures that no team can see are found here.
    Portal,
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

    /// A page of requests, the newest first.
    ///
    /// # Errors
    /// [`LogError`].
    pub async fn requests(&self, actor: &Actor, of: LogOf, filter: &RequestFilter) -> Result<LogPage, LogError> {
        self.many_requests(actor, of, filter, PAGE_SIZE).await
    }

    /// More requests than a page shows, for a file.
    ///
    /// # Errors
    /// [`LogError`].
    pub async fn many_requests(
        &self,
        actor: &Actor,
        of: LogOf,
        filter: &RequestFilter,
        limit: u64,
    ) -> Result<LogPage, LogError> {
        Ok(page(self.ports.store.requests(scope_for(actor, of)?, filter, limit + 1).await?, limit))
    }

    /// Requests put together by what they have in common, those groups with the most first.
    ///
    /// # Errors
    /// [`LogError`].
    pub async fn groups(
        &self,
        actor: &Actor,
        of: LogOf,
        filter: &RequestFilter,
        by: GroupBy,
    ) -> Result<Found<RequestGroup>, LogError> {
        Ok(self.ports.store.request_groups(scope_for(actor, of)?, filter, by, PAGE_SIZE).await?)
    }

    /// Which requests came after another one, the oldest first, and for how many each stands; those of the minute before it again. At
    /// most [`WATCHED`], the newest.
    ///
    /// # Errors
    /// [`LogError`].
    pub async fn after(
        &self,
        actor: &Actor,
        of: LogOf,
        filter: &RequestFilter,
        after: RequestId,
    ) -> Result<Vec<(RequestId, u64)>, LogError> {
        Ok(self.ports.store.requests_after(scope_for(actor, of)?, filter, after, WATCHED).await?)
    }

    /// The requests with these ids, the oldest first.
    ///
    /// # Errors
    /// [`LogError`].
    pub async fn with_ids(&self, actor: &Actor, of: LogOf, ids: &[RequestId]) -> Result<Vec<RequestRow>, LogError> {
        Ok(self.ports.store.requests_with_ids(scope_for(actor, of)?, ids).await?)
    }

    /// Whether any request came between these two.
    ///
    /// # Errors
    /// [`LogError`].
    pub async fn any_between(
        &self,
        actor: &Actor,
        of: LogOf,
        filter: &RequestFilter,
        (after, before): (RequestId, RequestId),
    ) -> Result<bool, LogError> {
        let filter = RequestFilter { before: Some(before), ..filter.clone() };
        let LogPage { rows, older, .. } = self.many_requests(actor, of, &filter, 1).await?;
        // Where the search was given up, there may be some.
        Ok(rows.first().map(|row| row.id).or(older).is_some_and(|newest| newest > after))
    }

    /// One request, with its decision.
    ///
    /// # Errors
    /// [`LogError::NotFound`] for another team's request too.
    pub async fn request(&self, actor: &Actor, id: RequestId) -> Result<RequestRow, LogError> {
        let scope = scope_of(actor.account()?);
        self.ports.store.request(scope, id).await?.ok_or(LogError::NotFound)
    }
}

fn page(found: Found<RequestRow>, size: u64) -> LogPage {
    let Found { found: mut rows, searched_to } = found;
    let more = rows.len() as u64 > size;
    rows.truncate(usize::try_from(size).unwrap_or(usize::MAX));
    let older = match searched_to {
        Some((last, _)) => Some(last),
        None => rows.last().map(|row| row.id).filter(|_| more),
    };
    LogPage { rows, older, searched_to: searched_to.map(|(_, at)| at) }
}

fn scope_for(actor: &Actor, of: LogOf) -> Result<LogScope, LogError> {
    let account = actor.account()?;
    match (of, account.role) {
        (LogOf::Own, _) => Ok(LogScope::Account(account.id)),
        (LogOf::Portal, AccountRole::Admin) => Ok(LogScope::Portal),
        (LogOf::Portal, AccountRole::Developer) => Err(LogError::Forbidden),
    }
}

fn scope_of(account: &Account) -> LogScope {
    match account.role {
        AccountRole::Admin => LogScope::Portal,
        AccountRole::Developer => LogScope::Account(account.id),
    }
}
