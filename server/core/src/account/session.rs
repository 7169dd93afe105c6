//! The sessions of an account, as their owner sees and ends them.

use crate::{
    actor::{Actor, NotSignedIn},
    audit::{Act, Action},
    authn::KnownPeople,
    mail::Letter,
    openid::SignOuts,
    port::{
        Consumed, StoreError, UnitOfWork,
        account::Account,
        session::{SessionDigest, SessionRecord},
    },
    ports::Ports,
};
use latchkey_model::{AccountId, SessionId};
use std::{net::IpAddr, sync::Arc};
use time::Duration;

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

/// Ends sessions with whatever else ends them: a sign-out everywhere, a new password.
#[derive(Clone)]
pub struct SessionEnds {
    ports: Ports,
    sign_outs: SignOuts,
    people: KnownPeople,
}

impl SessionEnds {
    /// Apps are told of the sessions that end.
    pub fn new(ports: Ports, sign_outs: SignOuts, people: KnownPeople) -> Self {
        Self { ports, sign_outs, people }
    }

    /// Ends the sessions of an account but one, if one is named, and whatever begins meanwhile; returns how many.
    pub(crate) async fn end(
        &self,
        work: &mut dyn UnitOfWork,
        account: AccountId,
        keep: Option<&SessionDigest>,
    ) -> Result<u64, StoreError> {
        let now = self.ports.now();
        let live = self.ports.store.sessions(account, now).await?;
        let ended = work.session_end_all(account, keep, now).await?;
        for session in live.iter().filter(|session| Some(&session.digest) != keep) {
            self.sign_outs.note(work, &session.digest).await?;
        }
        Ok(ended)
    }

    /// Says that apps are to be told of sessions that ended.
    pub(crate) fn wake(&self) {
        self.sign_outs.wake();
    }

    /// Commits that sessions ended: none of them asks for anything from now on, at no node.
    pub(crate) async fn commit(&self, work: Box<dyn UnitOfWork>) -> Result<(), StoreError> {
        self.people.commit_end(work).await?;
        self.wake();
        Ok(())
    }
}

/// Lists and ends sessions.
#[derive(Clone)]
pub struct SessionService {
    ports: Ports,
    ends: SessionEnds,
    public_url: Arc<str>,
}

impl SessionService {
    /// For so long, an account is opened by the browser that it came to be with.
    const FIRST_BROWSER: Duration = Duration::minutes(10);

    /// The service.
    pub fn new(ports: Ports, ends: SessionEnds, public_url: Arc<str>) -> Self {
        Self { ports, ends, public_url }
    }

    /// Tells a person that a browser signed in which had not opened their account before; not of the one that they signed up with.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tell_of_new_browser(
        &self,
        account: &Account,
        browser: &str,
        address: IpAddr,
    ) -> Result<(), StoreError> {
        let now = self.ports.now();
        if now - account.created_at < Self::FIRST_BROWSER {
            return Ok(());
        }
        let mut work = self.ports.store.begin().await?;
        Letter::new_browser(account, browser, address, now, &self.public_url)
            .send(&mut *work, &self.ports, &[account.email.to_string()])
            .await?;
        work.commit().await
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
        let now = self.ports.now();
        let sessions = self.ports.store.sessions(account.id, now).await?;
        let mut work = self.ports.store.begin().await?;
        if work.session_end_own(account.id, id, now).await? == Consumed::Lost {
            return Err(SessionError::NotFound);
        }
        for session in sessions.iter().filter(|session| session.id == id) {
            self.ends.sign_outs.note(&mut *work, &session.digest).await?;
        }
        let ended = Act::new(account.id, Action::SessionsEnded, id, "");
        ended.by(actor, &mut *work, &self.ports).await?;
        Ok(self.ends.commit(work).await?)
    }

    /// Ends the session whose cookie was sent where others can read it, if it is one, and tells its person.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_exposed(&self, digest: &SessionDigest, from: IpAddr) -> Result<(), StoreError> {
        let (store, now) = (&self.ports.store, self.ports.now());
        let Some(session) = store.session_load(digest, now).await? else { return Ok(()) };
        let Some(id) = session.account_id else { return Ok(()) };
        let Some(account) = store.account(id).await? else { return Ok(()) };
        let mut work = store.begin().await?;
        if work.session_end_own(id, session.id, now).await? == Consumed::Lost {
            return Ok(());
        }
        self.ends.sign_outs.note(&mut *work, digest).await?;
        let ended = Act::new(id, Action::SessionsEnded, session.id, "").because("its cookie came over plain HTTP");
        ended.by_program(from, &mut *work, &self.ports).await?;
        Letter::session_exposed(session.id, from, now, &self.public_url)
            .send(&mut *work, &self.ports, &[account.email.to_string()])
            .await?;
        self.ends.commit(work).await
    }

    /// Ends all sessions of the actor's but the one that asks; returns how many.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn end_others(&self, actor: &Actor) -> Result<u64, SessionError> {
        let Actor::Account { account, session, .. } = actor else { return Err(NotSignedIn.into()) };
        let mut work = self.ports.store.begin().await?;
        let ended = self.ends.end(&mut *work, account.id, Some(session)).await?;
        let noted = Act::new(account.id, Action::SessionsEnded, account.id, "").change("others", ended, 0);
        noted.by(actor, &mut *work, &self.ports).await?;
        self.ends.commit(work).await?;
        Ok(ended)
    }
}
