//! The sessions of an account, as their owner sees and ends them.

use crate::{
    actor::{Actor, NotSignedIn},
    port::{Consumed, StoreError, session::SessionRecord},
    ports::Ports,
};
use latchkey_model::SessionId;

/// Why sessions could not be listed or ended.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// No live session of this account has the id.
    #[error("no such session")]
    NotFound,
    /// The store failed.
    #[error("the sessions could not be reached")]
    Store(#[from] StoreError),
}

/// Lists and ends sessions.
#[derive(Clone)]
pub struct SessionService {
    ports: Ports,
}

impl SessionService {
    /// The service on these ports.
    pub fn new(ports: Ports) -> Self {
        Self { ports }
    }

    /// The actor's live sessions, the last seen first; with each, whether it is the one that asks.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn list(&self, actor: &Actor) -> Result<Vec<(SessionRecord, bool)>, SessionError> {
        let account = actor.account()?;
        let sessions = self.ports.store.sessions(account.id, self.ports.now()).await?;
        let is_own =
            |record: &SessionRecord| matches!(actor, Actor::Account { session, .. } if *session == record.digest);
        Ok(sessions.into_iter().map(|record| (record.clone(), is_own(&record))).collect())
    }

    /// Ends one session of the actor's.
    ///
    /// # Errors
    /// [`SessionError::NotFound`] for a stranger's session, and for one that has ended.
    pub async fn end(&self, actor: &Actor, id: SessionId) -> Result<(), SessionError> {
        let account = actor.account()?;
        let mut work = self.ports.store.begin().await?;
        match work.session_end_own(account.id, id, self.ports.now()).await? {
            Consumed::Won => Ok(work.commit().await?),
            Consumed::Lost => Err(SessionError::NotFound),
        }
    }

    /// Ends all sessions of the actor's but the one that asks; returns how many.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn end_others(&self, actor: &Actor) -> Result<u64, SessionError> {
        let Actor::Account { account, session, .. } = actor else { return Err(NotSignedIn.into()) };
        let mut work = self.ports.store.begin().await?;
        let ended = work.session_end_others(account.id, session, self.ports.now()).await?;
        work.commit().await?;
        Ok(ended)
    }
}
