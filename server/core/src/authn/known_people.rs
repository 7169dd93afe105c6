//! What the door finds out about people who come as themselves.

use super::{
    basic::Basic,
    entry::Entry,
    person::{KnownBy, Person, PersonProblem},
};
use crate::{
    account::{Passwords, PlainPassword, password::HashError},
    gateway::KnownApis,
    limit::{Limiter, Meters, Quota, network_of},
    lockout::{Lockouts, Subject, TryError, Visitor},
    memory::{Freshness, Memory, commit_and_forget},
    port::{Change, Store, StoreError, UnitOfWork, account::Account, api_key::Holder, session::SessionDigest},
    second_factor::is_missing,
};
use latchkey_model::{AccountId, EmailAddress};
use quick_cache::sync::Cache;
use std::{net::IpAddr, sync::Arc};
use time::{Duration, OffsetDateTime};

/// What is known of a person.
pub(super) enum FoundPerson {
    /// It is them.
    Person(Arc<Entry>),
    /// It is not, or they do not let programs say so; whose account it is, where it is anybody's.
    Not(Option<Arc<Entry>>, PersonProblem),
    /// The network has tried too often.
    TooMany {
        /// How long to wait.
        retry_after: Duration,
    },
}

/// Why it could not be found out.
#[derive(Debug, thiserror::Error)]
pub(super) enum PersonError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No room to hash.
    #[error(transparent)]
    Hash(#[from] HashError),
}

/// What the door knows of people. Cloning it clones a handle.
#[derive(Clone)]
pub struct KnownPeople(Arc<Known>);

struct Known {
    store: Arc<dyn Store>,
    apis: KnownApis,
    passwords: Passwords,
    /// The same tries that sign-in counts.
    attempts: Arc<Limiter<IpAddr>>,
    lockouts: Lockouts,
    /// Sessions that have asked the API. What ends one forgets them all, here and on the other nodes.
    sessions: Memory<SessionDigest, Entry>,
    meters: Cache<AccountId, Arc<Meters>>,
    owners: Arc<Limiter<Holder>>,
    quota: Quota,
}

impl KnownPeople {
    /// How many are kept in mind.
    const CAPACITY: usize = 20_000;

    /// Nobody is known yet. Passwords are compared in this pool, and wrong ones counted with those of sign-in.
    pub fn new(
        store: Arc<dyn Store>,
        apis: KnownApis,
        passwords: Passwords,
        attempts: Arc<Limiter<IpAddr>>,
        lockouts: Lockouts,
        owners: Arc<Limiter<Holder>>,
        quota: Quota,
    ) -> Self {
        Self(Arc::new(Known {
            store,
            apis,
            passwords,
            attempts,
            lockouts,
            sessions: Memory::new(Self::CAPACITY),
            meters: Cache::new(Self::CAPACITY),
            owners,
            quota,
        }))
    }

    /// Whose address and password these are, at one speed whether or not they are anybody's. A try that fails counts as one of
    /// sign-in.
    pub(super) async fn by_password(
        &self,
        email: &str,
        password: PlainPassword,
        from: IpAddr,
        now: OffsetDateTime,
    ) -> Result<FoundPerson, PersonError> {
        let known = &*self.0;
        let meter = known.attempts.meter(&network_of(from));
        if let Some(retry_after) = meter.spend(now).retry_after() {
            return Ok(FoundPerson::TooMany { retry_after });
        }
        let canonical = email.parse::<EmailAddress>().map(|email| email.canonical()).unwrap_or_default();
        let attempt = match known.lockouts.begin(Subject::Password(&canonical), &Visitor::at(from)).await {
            Ok(attempt) => attempt,
            Err(TryError::Locked { retry_after }) => {
                return Ok(FoundPerson::TooMany { retry_after });
            }
            Err(TryError::Store(error)) => return Err(error.into()),
        };
        let found = known.judge(&canonical, password, now).await;
        if matches!(found, Ok(FoundPerson::Person(_))) {
            meter.give_back();
        }
        known.lockouts.settle(attempt, found, |found| matches!(found, FoundPerson::Person(_))).await
    }

    /// Whose password was sent where others can read it, if it is anybody's with their address; also where they do not let programs
    /// send it. Wrong ones, and those, count as tries of sign-in.
    pub(crate) async fn whose_password(
        &self,
        sent: &Basic,
        from: IpAddr,
        now: OffsetDateTime,
    ) -> Result<Option<AccountId>, StoreError> {
        let Some((email, password)) = sent.name_and_password() else { return Ok(None) };
        let entry = match self.by_password(email, PlainPassword::new(password), from, now).await {
            Ok(FoundPerson::Person(entry)) => Some(entry),
            Ok(FoundPerson::Not(
                known,
                PersonProblem::NotAllowed | PersonProblem::FactorMissing | PersonProblem::Suspended,
            )) => known,
            Err(PersonError::Store(error)) => return Err(error),
            // With no room to hash, too, nobody is kept waiting for it.
            Ok(FoundPerson::Not(..) | FoundPerson::TooMany { .. }) | Err(PersonError::Hash(_)) => None,
        };
        Ok(entry.and_then(|entry| entry.person().map(|person| person.account)))
    }

    /// Whose browser this is, as far as that is in mind.
    pub(super) fn remembered(&self, digest: &SessionDigest, now: OffsetDateTime) -> Option<Arc<Entry>> {
        self.0.sessions.remembered(digest, now)
    }

    /// Whose browser this is, if anybody is signed in with it.
    pub(super) async fn by_session(
        &self,
        digest: &SessionDigest,
        now: OffsetDateTime,
    ) -> Result<Option<Arc<Entry>>, StoreError> {
        let known = &*self.0;
        let load = |freshness| async move {
            let Some(session) = known.store.session_load(digest, now).await? else { return Ok(None) };
            let Some(account) = session.account_id else { return Ok(None) };
            let account = known.store.account(account).await?;
            let account = account.filter(|account| account.is_open_to(session.password_version, session.method));
            let Some(account) = account else { return Ok(None) };
            // Whoever must set up a second factor first does nothing else before.
            if is_missing(&*known.store, &account).await? {
                return Ok(None);
            }
            let scopes = known.apis.catalog(now).await?.scopes_of_demo().clone();
            let person = Person::new(&account, KnownBy::Session, scopes, Some(session.expires_at));
            Ok(Some(Entry::for_person(person, known.meters_of(&account), freshness)))
        };
        Box::pin(known.sessions.look_up(digest, now, load)).await
    }

    /// Commits that sessions ended: none of them asks for anything from now on, at no node.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn commit_end(&self, work: Box<dyn UnitOfWork>) -> Result<(), StoreError> {
        let people = self.clone();
        commit_and_forget(work, vec![Change::Sessions], move || people.forget_sessions()).await
    }

    /// Forgets every session: whoever asks from now on, asks the store.
    pub fn forget_sessions(&self) {
        self.0.sessions.forget_all();
    }

    /// Says whether the line to the other nodes is broken.
    pub fn set_deaf(&self, deaf: bool) {
        self.0.sessions.set_deaf(deaf);
    }
}

impl Known {
    async fn judge(
        &self,
        canonical: &str,
        password: PlainPassword,
        now: OffsetDateTime,
    ) -> Result<FoundPerson, PersonError> {
        // Before it is known whether there is such a person: what may have to be asked of the store takes time.
        let scopes = self.apis.catalog(now).await?.scopes_of_demo().clone();
        let roles_with_factor = self.store.second_factor_roles().await?;
        let (account, hash) = self.store.account_by_email(canonical).await?.unzip();
        let matches = self.passwords.verify(password, hash).await?;
        let Some(account) = account else { return Ok(FoundPerson::Not(None, PersonProblem::UnknownAccount)) };
        // A program has nothing to bring beside the password.
        let allowed = account.programs_may_use_password && !account.has_second_factor;
        let must_set_one_up = !account.has_second_factor && roles_with_factor.contains(&account.role);
        let person = Person::new(&account, KnownBy::Password, scopes, None);
        let entry = Arc::new(Entry::for_person(person, self.meters_of(&account), Freshness::new(now, 0)));
        Ok(match (matches, allowed) {
            (false, _) => FoundPerson::Not(Some(entry), PersonProblem::WrongPassword),
            (true, _) if account.suspended.is_some() => FoundPerson::Not(Some(entry), PersonProblem::Suspended),
            (true, false) => FoundPerson::Not(Some(entry), PersonProblem::NotAllowed),
            (true, true) if must_set_one_up => FoundPerson::Not(Some(entry), PersonProblem::FactorMissing),
            (true, true) => FoundPerson::Person(entry),
        })
    }

    fn meters_of(&self, account: &Account) -> Arc<Meters> {
        let new = || {
            let owner = self.owners.meter(&Holder::Account(account.id));
            Ok::<_, std::convert::Infallible>(Arc::new(Meters::new(self.quota, &[], owner)))
        };
        self.meters.get_or_insert_with(&account.id, new).unwrap_or_else(|never| match never {})
    }
}
