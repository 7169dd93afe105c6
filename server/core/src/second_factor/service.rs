//! Setting second factors up, asking for them, and taking them away.

use super::{
    recovery_code::{RecoveryCodes, digest_of_typed},
    totp::Seed,
};
use crate::{
    account::{SecondFactor, SessionEnds},
    actor::{Actor, NotAdmin, NotProven, NotSignedIn},
    audit::{Act, Action, Tenant},
    lockout::{Lockouts, Subject, TryError, Visitor},
    mail::Letter,
    port::{
        Consumed, Inserted, Store, StoreError, UnitOfWork,
        account::Account,
        second_factor::{PasskeyRecord, TotpRecord},
    },
    ports::Ports,
    sealing::{SealError, Sealer},
    secret::DigestKey,
};
use latchkey_model::{AccountId, AccountRole, EmailAddress, PasskeyId};
use std::{net::IpAddr, sync::Arc};
use time::OffsetDateTime;
use zeroize::Zeroizing;

/// Why a second factor was not set up, taken or removed.
#[derive(Debug, thiserror::Error)]
pub enum SecondFactorError {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// It is too long ago that the person showed who they are.
    #[error("the person must show first who they are")]
    ProveFirst,
    /// Only an admin may do this.
    #[error("only an admin may do this")]
    Forbidden,
    /// The code is not one of now, was taken before, or never was one.
    #[error("the code is not right")]
    WrongCode,
    /// Too many tries, or they could not be counted.
    #[error(transparent)]
    Try(#[from] TryError),
    /// There is one already.
    #[error("there is one already")]
    SetUpAlready,
    /// There is none such.
    #[error("there is none such")]
    NotFound,
    /// The last one stays where the account's role must have one.
    #[error("the account must keep one")]
    MustKeepOne,
    /// It was begun too long ago, or by somebody else.
    #[error("begin again")]
    BeginAgain,
    /// A secret could not be sealed or opened.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The store failed.
    #[error("the second factor could not be stored")]
    Store(#[from] StoreError),
}

impl From<NotProven> for SecondFactorError {
    fn from(error: NotProven) -> Self {
        match error {
            NotProven::NotSignedIn(error) => Self::NotSignedIn(error),
            NotProven::TooLongAgo => Self::ProveFirst,
        }
    }
}

impl From<NotAdmin> for SecondFactorError {
    fn from(error: NotAdmin) -> Self {
        match error {
            NotAdmin::NotSignedIn(error) => Self::NotSignedIn(error),
            NotAdmin::Developer => Self::Forbidden,
        }
    }
}

/// What an account has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Factors {
    /// Since when it has an app that shows codes, and when a code was last taken.
    pub totp: Option<(OffsetDateTime, Option<OffsetDateTime>)>,
    /// Its passkeys.
    pub passkeys: Vec<PasskeyRecord>,
    /// How many recovery codes are left.
    pub recovery_codes_left: u64,
    /// Whether it must have one.
    pub required: bool,
}

impl Factors {
    /// Whether it has any.
    pub fn any(&self) -> bool {
        self.totp.is_some() || !self.passkeys.is_empty()
    }
}

/// An app that is about to be set up. Nothing is stored before its first code has come.
pub struct TotpEnrolment {
    /// What people type into their app.
    pub secret: Zeroizing<String>,
    /// What an app reads from a picture.
    pub url: Zeroizing<String>,
    /// The same, for the session to keep until the first code comes: it opens for this account alone.
    pub sealed: Vec<u8>,
}

async fn is_required(store: &dyn Store, account: &Account) -> Result<bool, StoreError> {
    Ok(store.second_factor_roles().await?.contains(&account.role))
}

/// Whether an account must set up a second factor before it does anything else: in the portal, and at the API with its cookie.
pub(crate) async fn is_missing(store: &dyn Store, account: &Account) -> Result<bool, StoreError> {
    Ok(!account.has_second_factor && is_required(store, account).await?)
}

/// Second factors. Cloning it clones handles.
#[derive(Clone)]
pub struct SecondFactors {
    ports: Ports,
    sealer: Arc<Sealer>,
    codes: DigestKey,
    lockouts: Lockouts,
    sessions: SessionEnds,
    public_url: Arc<str>,
}

impl SecondFactors {
    /// The service; tries are counted by these lockouts.
    pub fn new(
        ports: Ports,
        sealer: Arc<Sealer>,
        codes: DigestKey,
        lockouts: Lockouts,
        sessions: SessionEnds,
        public_url: Arc<str>,
    ) -> Self {
        Self { ports, sealer, codes, lockouts, sessions, public_url }
    }

    /// What the actor has.
    ///
    /// # Errors
    /// [`SecondFactorError`].
    pub async fn of(&self, actor: &Actor) -> Result<Factors, SecondFactorError> {
        let account = actor.account()?;
        let store = &self.ports.store;
        Ok(Factors {
            totp: store.totp(account.id).await?.map(|totp| (totp.created_at, totp.last_used_at)),
            passkeys: store.passkeys(account.id).await?,
            recovery_codes_left: store.recovery_codes_left(account.id).await?,
            required: self.is_required(account).await?,
        })
    }

    /// Whether the account's role must have a second factor.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_required(&self, account: &Account) -> Result<bool, StoreError> {
        is_required(&*self.ports.store, account).await
    }

    /// Whether the account must set one up before it does anything else.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_missing(&self, account: &Account) -> Result<bool, StoreError> {
        is_missing(&*self.ports.store, account).await
    }

    /// Begins to set an app up.
    ///
    /// # Errors
    /// [`SecondFactorError`].
    pub async fn begin_totp(&self, actor: &Actor) -> Result<TotpEnrolment, SecondFactorError> {
        let account = actor.proven(self.ports.now())?;
        if self.ports.store.totp(account.id).await?.is_some() {
            return Err(SecondFactorError::SetUpAlready);
        }
        let seed = Seed::new(self.ports.random());
        self.enrolment(account, &seed)
    }

    /// The app that was begun to be set up, once more.
    ///
    /// # Errors
    /// [`SecondFactorError::BeginAgain`] when it was begun for somebody else.
    pub fn resume_totp(&self, actor: &Actor, sealed: &[u8]) -> Result<TotpEnrolment, SecondFactorError> {
        let account = actor.proven(self.ports.now())?;
        self.enrolment(account, &self.opened(account.id, sealed)?)
    }

    fn enrolment(&self, account: &Account, seed: &Seed) -> Result<TotpEnrolment, SecondFactorError> {
        let sealed = self.sealer.seal(self.ports.random(), account.id.as_uuid().as_bytes(), seed.as_bytes())?;
        let (secret, url) = seed.written(account.email.as_str()).map_err(|_| SealError::Seal)?;
        Ok(TotpEnrolment { secret, url, sealed })
    }

    fn opened(&self, account: AccountId, sealed: &[u8]) -> Result<Seed, SecondFactorError> {
        let bytes =
            self.sealer.open(account.as_uuid().as_bytes(), sealed).map_err(|_| SecondFactorError::BeginAgain)?;
        Seed::from_bytes(&bytes).ok_or(SecondFactorError::BeginAgain)
    }

    /// Sets the app up, with its first code. Recovery codes come with the first second factor.
    ///
    /// # Errors
    /// [`SecondFactorError`].
    pub async fn confirm_totp(
        &self,
        actor: &Actor,
        sealed: &[u8],
        code: &str,
        from: IpAddr,
    ) -> Result<Option<RecoveryCodes>, SecondFactorError> {
        let now = self.ports.now();
        let account = actor.proven(now)?;
        self.lockouts.admit(from)?;
        let seed = self.opened(account.id, sealed)?;
        let last_step = seed.step_of(code, now).ok_or(SecondFactorError::WrongCode)?;
        let totp = TotpRecord {
            account: account.id,
            sealed_seed: sealed.to_owned(),
            last_step,
            created_at: now,
            last_used_at: None,
        };
        let mut work = self.ports.store.begin().await?;
        if work.totp_add(&totp).await? == Inserted::Duplicate {
            return Err(SecondFactorError::SetUpAlready);
        }
        self.added(work, actor, account, "An app that shows codes").await
    }

    /// Makes new recovery codes; the old ones end.
    ///
    /// # Errors
    /// [`SecondFactorError`].
    pub async fn new_recovery_codes(&self, actor: &Actor) -> Result<RecoveryCodes, SecondFactorError> {
        let now = self.ports.now();
        let account = actor.proven(now)?;
        if !account.has_second_factor {
            return Err(SecondFactorError::NotFound);
        }
        let mut work = self.ports.store.begin().await?;
        let codes = self.codes(&mut *work, account.id).await?;
        let made = Act::new(account.id, Action::RecoveryCodesMade, account.id, "");
        made.by(actor, &mut *work, &self.ports).await?;
        Letter::recovery_codes_made(account, now, &self.public_url)
            .send(&mut *work, &self.ports, &[account.email.to_string()])
            .await?;
        work.commit().await?;
        Ok(codes)
    }

    /// Removes the app.
    ///
    /// # Errors
    /// [`SecondFactorError`].
    pub async fn remove_totp(&self, actor: &Actor) -> Result<(), SecondFactorError> {
        let account = actor.proven(self.ports.now())?;
        let mut work = self.ports.store.begin().await?;
        if work.totp_remove(account.id).await? == Consumed::Lost {
            return Err(SecondFactorError::NotFound);
        }
        self.removed(work, actor, account, "The app that shows codes").await
    }

    /// Removes every second factor of whoever has this address, and signs them out everywhere: for somebody who has lost all of them,
    /// at the server's terminal, by an operator who made sure of whom they help.
    ///
    /// # Errors
    /// [`SecondFactorError::NotFound`] when nobody has the address, or they have none.
    pub async fn remove_all(&self, email: &str) -> Result<(), SecondFactorError> {
        let now = self.ports.now();
        let canonical = email.parse::<EmailAddress>().map(|email| email.canonical()).unwrap_or_default();
        let found = self.ports.store.account_by_email(&canonical).await?;
        let (account, _) = found.filter(|(account, _)| account.has_second_factor).ok_or(SecondFactorError::NotFound)?;
        let mut work = self.ports.store.begin().await?;
        work.second_factors_remove(account.id).await?;
        self.sessions.end(&mut *work, account.id, None).await?;
        let removed = Act::new(account.id, Action::FactorRemoved, account.id, "every second factor");
        removed.because("by an operator, at the terminal").by_nobody(&mut *work, &self.ports).await?;
        Letter::second_factor_removed(&account, "Whatever was set up, as an operator decided,", now, &self.public_url)
            .send(&mut *work, &self.ports, &[account.email.to_string()])
            .await?;
        Ok(self.sessions.commit(work).await?)
    }

    /// Removes a passkey.
    ///
    /// # Errors
    /// [`SecondFactorError`].
    pub async fn remove_passkey(&self, actor: &Actor, id: PasskeyId) -> Result<(), SecondFactorError> {
        let account = actor.proven(self.ports.now())?;
        let passkeys = self.ports.store.passkeys(account.id).await?;
        let passkey = passkeys.into_iter().find(|one| one.id == id).ok_or(SecondFactorError::NotFound)?;
        let mut work = self.ports.store.begin().await?;
        if work.passkey_remove(account.id, id).await? == Consumed::Lost {
            return Err(SecondFactorError::NotFound);
        }
        self.removed(work, actor, account, &format!("The passkey {}", passkey.name)).await
    }

    /// Takes a code of the account's app, or one of its recovery codes, from somebody who has shown the first factor. Each is taken
    /// once, also of many that bring it at the same moment.
    ///
    /// # Errors
    /// [`SecondFactorError`].
    pub async fn take_code(
        &self,
        account: AccountId,
        code: &str,
        visitor: &Visitor,
    ) -> Result<SecondFactor, SecondFactorError> {
        let now = self.ports.now();
        self.lockouts.admit(visitor.address)?;
        let account = self.ports.store.account(account).await?.ok_or(NotSignedIn)?;
        let codes = Subject::Codes(account.id, &account.email.canonical());
        let attempt = self.lockouts.begin(codes, visitor).await?;
        let taken = self.judge(&account, code, now).await;
        self.lockouts.settle(attempt, taken, Option::is_some).await?.ok_or(SecondFactorError::WrongCode)
    }

    async fn judge(
        &self,
        account: &Account,
        code: &str,
        now: OffsetDateTime,
    ) -> Result<Option<SecondFactor>, SecondFactorError> {
        let step = match self.ports.store.totp(account.id).await? {
            Some(totp) => self.opened(account.id, &totp.sealed_seed)?.step_of(code, now),
            None => None,
        };
        match step {
            Some(step) => self.take_step(account.id, step, now).await,
            None => self.take_recovery_code(account, code, now).await,
        }
    }

    async fn take_step(
        &self,
        account: AccountId,
        step: i64,
        now: OffsetDateTime,
    ) -> Result<Option<SecondFactor>, SecondFactorError> {
        let mut work = self.ports.store.begin().await?;
        if work.totp_take(account, step, now).await? == Consumed::Lost {
            return Ok(None);
        }
        work.commit().await?;
        Ok(Some(SecondFactor::Totp))
    }

    async fn take_recovery_code(
        &self,
        account: &Account,
        code: &str,
        now: OffsetDateTime,
    ) -> Result<Option<SecondFactor>, SecondFactorError> {
        let Some(digest) = digest_of_typed(&self.codes, account.id, code) else { return Ok(None) };
        let left = self.ports.store.recovery_codes_left(account.id).await?.saturating_sub(1);
        let mut work = self.ports.store.begin().await?;
        if work.recovery_code_take(account.id, &digest, now).await? == Consumed::Lost {
            return Ok(None);
        }
        Letter::recovery_code_used(account, left, now, &self.public_url)
            .send(&mut *work, &self.ports, &[account.email.to_string()])
            .await?;
        work.commit().await?;
        Ok(Some(SecondFactor::RecoveryCode))
    }

    /// The roles whose people must have a second factor.
    ///
    /// # Errors
    /// [`SecondFactorError`].
    pub async fn roles(&self, actor: &Actor) -> Result<Vec<AccountRole>, SecondFactorError> {
        actor.admin()?;
        Ok(self.ports.store.second_factor_roles().await?)
    }

    /// Says whose people must have a second factor: from now on, those who have none set one up before they do anything else.
    ///
    /// # Errors
    /// [`SecondFactorError`].
    pub async fn set_roles(&self, actor: &Actor, roles: &[AccountRole]) -> Result<(), SecondFactorError> {
        actor.admin()?;
        let account = actor.proven(self.ports.now())?;
        // Whoever has to set one up does not begin with asking for none.
        if self.is_missing(account).await? {
            return Err(SecondFactorError::MustKeepOne);
        }
        let mut work = self.ports.store.begin().await?;
        let words = |roles: &[AccountRole]| roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(" ");
        let before = self.ports.store.second_factor_roles().await?;
        work.second_factor_roles_set(roles).await?;
        Act::new(Tenant::Portal, Action::FactorRequirementChanged, "second_factor_roles", "")
            .change("roles", words(&before), words(roles))
            .by(actor, &mut *work, &self.ports)
            .await?;
        // Sessions that the door remembers are judged anew.
        Ok(self.sessions.commit(work).await?)
    }

    /// What follows when a second factor was added: word to its person; and if it is the first, recovery codes, an end of the sessions
    /// that never showed one, and no password by programs, which could bring nothing beside it.
    pub(super) async fn added(
        &self,
        mut work: Box<dyn UnitOfWork>,
        actor: &Actor,
        account: &Account,
        what: &str,
    ) -> Result<Option<RecoveryCodes>, SecondFactorError> {
        let now = self.ports.now();
        work.second_factor_note(account.id).await?;
        let added = Act::new(account.id, Action::FactorAdded, account.id, what);
        added.by(actor, &mut *work, &self.ports).await?;
        Letter::second_factor_added(account, what, now, &self.public_url)
            .send(&mut *work, &self.ports, &[account.email.to_string()])
            .await?;
        let codes = if account.has_second_factor {
            None
        } else {
            let (Consumed::Won | Consumed::Lost) = work.account_allow_password(account.id, false).await?;
            self.sessions.end(&mut *work, account.id, actor.session()).await?;
            Some(self.codes(&mut *work, account.id).await?)
        };
        self.sessions.commit(work).await?;
        Ok(codes)
    }

    async fn codes(&self, work: &mut dyn UnitOfWork, account: AccountId) -> Result<RecoveryCodes, StoreError> {
        let codes = RecoveryCodes::new(self.ports.random());
        let digests = codes.digests(&self.codes, account);
        work.recovery_codes_replace(account, &digests, self.ports.now()).await?;
        Ok(codes)
    }

    async fn removed(
        &self,
        mut work: Box<dyn UnitOfWork>,
        actor: &Actor,
        account: &Account,
        what: &str,
    ) -> Result<(), SecondFactorError> {
        let now = self.ports.now();
        // The account before its log, in the order in which whoever makes a token takes them: neither waits for the other.
        let has_another = work.second_factor_note(account.id).await?;
        let removed = Act::new(account.id, Action::FactorRemoved, account.id, what);
        removed.by(actor, &mut *work, &self.ports).await?;
        if !has_another {
            if self.is_required(account).await? {
                return Err(SecondFactorError::MustKeepOne);
            }
            work.recovery_codes_replace(account.id, &[], now).await?;
        }
        Letter::second_factor_removed(account, what, now, &self.public_url)
            .send(&mut *work, &self.ports, &[account.email.to_string()])
            .await?;
        // Sessions that the door remembers are judged anew.
        Ok(self.sessions.commit(work).await?)
    }
}
