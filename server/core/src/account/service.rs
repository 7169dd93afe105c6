//! Signing up, signing in, and becoming the first admin.

use super::{
    mailed_link::{LinkToken, MailedLinks},
    password::{HashError, Passwords, PlainPassword},
};
use crate::{
    actor::{Actor, NotProven, NotSignedIn},
    audit::{Act, Action},
    lockout::{Lockouts, Subject, TryError, Visitor},
    port::{
        Consumed, Inserted, StoreError, UnitOfWork,
        account::{Account, PasswordHash},
        mailed_link::LinkPurpose,
    },
    ports::Ports,
};
use latchkey_model::{AccountId, AccountRole, EmailAddress, FieldErrors, Name, TeamId};
use std::net::IpAddr;
use time::Duration;

/// What a person fills in to sign up.
#[derive(Debug)]
pub struct SignUp<'a> {
    /// The address.
    pub email: &'a str,
    /// What they are called.
    pub name: &'a str,
    /// The password they chose.
    pub password: PlainPassword,
}

/// Why somebody could not sign up.
#[derive(Debug, thiserror::Error)]
pub enum SignUpError {
    /// Fields are wrong; each sentence says why.
    #[error("some fields need another look")]
    Invalid(FieldErrors),
    /// Too many tries, or they could not be counted.
    #[error(transparent)]
    Try(#[from] TryError),
    /// The link was used, has expired, or never was one.
    #[error("the link is not valid any more")]
    LinkNotValid,
    /// No room to hash, or no hash.
    #[error("the password could not be hashed")]
    Hash(#[from] HashError),
    /// The store failed.
    #[error("the account could not be stored")]
    Store(#[from] StoreError),
}

/// Why somebody could not sign in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Unknown address or wrong password: one error for both.
    #[error("the address or the password is not right")]
    WrongCredentials,
    /// Too many tries, or they could not be counted.
    #[error(transparent)]
    Try(#[from] TryError),
    /// No room to hash, or no hash.
    #[error("the password could not be compared")]
    Hash(#[from] HashError),
    /// The store failed.
    #[error("the account could not be read")]
    Store(#[from] StoreError),
}

/// Why it was not said whether programs may send a password.
#[derive(Debug, thiserror::Error)]
pub enum AllowPasswordError {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// It is too long ago that the person showed who they are.
    #[error("the password must be given first")]
    PasswordFirst,
    /// A program has nothing to bring beside the password.
    #[error("the account asks for a second factor")]
    SecondFactor,
    /// The store failed.
    #[error("the account could not be changed")]
    Store(#[from] StoreError),
}

impl From<NotProven> for AllowPasswordError {
    fn from(error: NotProven) -> Self {
        match error {
            NotProven::NotSignedIn(error) => Self::NotSignedIn(error),
            NotProven::TooLongAgo => Self::PasswordFirst,
        }
    }
}

/// Why no link for the first admin was made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// There is an admin already.
    #[error("there is an admin already")]
    HasAdmin,
    /// The store failed.
    #[error("the link could not be stored")]
    Store(#[from] StoreError),
}

/// Signs people up and in.
#[derive(Clone)]
pub struct AccountService {
    ports: Ports,
    passwords: Passwords,
    lockouts: Lockouts,
    links: MailedLinks,
}

impl AccountService {
    /// How long a link for the first admin is good.
    const SETUP_LINK_LIFE: Duration = Duration::hours(24);

    /// The service; tries are counted by these lockouts.
    pub fn new(ports: Ports, passwords: Passwords, lockouts: Lockouts, links: MailedLinks) -> Self {
        Self { ports, passwords, lockouts, links }
    }

    /// The length of the shortest password, in characters.
    pub fn shortest_password(&self) -> usize {
        self.passwords.shortest()
    }

    /// Makes an account with a team of its own, and asks its person to show that the address is theirs. Who tries an address learns
    /// whether it has an account: see [`AccountService::ask_sign_up`].
    ///
    /// # Errors
    /// [`SignUpError`].
    pub async fn sign_up(&self, form: SignUp<'_>, from: IpAddr) -> Result<Account, SignUpError> {
        let account = self.add_account(form, from, AccountRole::Developer, None).await?;
        let mut link = self.links.request(LinkPurpose::VerifyEmail, account.email.clone());
        link.account = Some(account.id);
        self.links.ask(&link).await?;
        Ok(account)
    }

    /// Takes the address that somebody wants an account with, and mails it how to go on. What comes back, and when, is the same whether
    /// or not the address has an account: only its mails tell.
    ///
    /// # Errors
    /// [`SignUpError`].
    pub async fn ask_sign_up(&self, email: &str, from: IpAddr) -> Result<(), SignUpError> {
        self.lockouts.admit(from)?;
        let email: EmailAddress = FieldErrors::at("email", email.parse()).map_err(SignUpError::Invalid)?;
        Ok(self.links.ask(&self.links.request(LinkPurpose::SignUp, email)).await?)
    }

    /// Whether a link to finish signing up is good.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn may_finish_sign_up(&self, token: &str) -> Result<bool, StoreError> {
        Ok(self.links.find(LinkPurpose::SignUp, token).await?.is_some())
    }

    /// Makes the account of somebody who has the mail: they say only now what they are called, and choose their password. Whoever else
    /// asked for the link has no part in the account that it makes.
    ///
    /// # Errors
    /// [`SignUpError`].
    pub async fn finish_sign_up(
        &self,
        token: &str,
        name: &str,
        password: PlainPassword,
        from: IpAddr,
    ) -> Result<Account, SignUpError> {
        self.lockouts.admit(from)?;
        let link = self.links.find(LinkPurpose::SignUp, token).await?.ok_or(SignUpError::LinkNotValid)?;
        let form = SignUp { email: link.email.as_str(), name, password };
        let (email, name) = self.check(&form)?;
        let hash = self.passwords.hash(form.password).await?;
        let mut account = self.new_account(email, name, AccountRole::Developer);
        account.email_verified_at = Some(account.created_at);
        let mut work = self.ports.store.begin().await?;
        if work.link_take(link.id, account.created_at).await? == Consumed::Lost
            || self.add(&mut *work, &account, &hash, Some(from)).await? == Inserted::Duplicate
        {
            return Err(SignUpError::LinkNotValid);
        }
        work.commit().await?;
        Ok(account)
    }

    /// Makes the first admin's account, by the link from the terminal.
    ///
    /// # Errors
    /// [`SignUpError::LinkNotValid`] when the link was used before, even a moment before.
    pub async fn sign_up_admin(&self, form: SignUp<'_>, from: IpAddr, token: &str) -> Result<Account, SignUpError> {
        // An admin may have been made in the terminal since the link was.
        if self.ports.store.has_admin().await? {
            return Err(SignUpError::LinkNotValid);
        }
        self.add_account(form, from, AccountRole::Admin, Some(token)).await
    }

    /// Makes an admin's account for whoever has the server's terminal.
    ///
    /// # Errors
    /// [`SignUpError`].
    pub async fn create_admin(&self, form: SignUp<'_>) -> Result<Account, SignUpError> {
        self.add_account(form, std::net::Ipv4Addr::LOCALHOST.into(), AccountRole::Admin, None).await
    }

    async fn add_account(
        &self,
        form: SignUp<'_>,
        from: IpAddr,
        role: AccountRole,
        link: Option<&str>,
    ) -> Result<Account, SignUpError> {
        self.lockouts.admit(from)?;
        let (email, name) = self.check(&form)?;
        let hash = self.passwords.hash(form.password).await?;
        let account = self.new_account(email, name, role);
        let mut work = self.ports.store.begin().await?;
        if let Some(token) = link {
            take_link(&mut *work, token, account.created_at).await?;
        }
        match self.add(&mut *work, &account, &hash, Some(from)).await? {
            Inserted::Done => {}
            Inserted::Duplicate => {
                let sentence = "There is an account with this address. Sign in, or use another address.";
                return Err(SignUpError::Invalid(FieldErrors::one("email", sentence)));
            }
        }
        work.commit().await?;
        Ok(account)
    }

    fn check(&self, form: &SignUp<'_>) -> Result<(EmailAddress, Name), SignUpError> {
        let mut errors = FieldErrors::default();
        let email = errors.check("email", form.email.parse::<EmailAddress>());
        let name = errors.check("name", form.name.parse::<Name>());
        let judged = self.passwords.judge(&form.password, &[form.email, form.name, "latchkey"]);
        let _ = errors.check("password", judged);
        match (email, name) {
            (Some(email), Some(name)) if errors.is_empty() => Ok((email, name)),
            _ => Err(SignUpError::Invalid(errors)),
        }
    }

    fn new_account(&self, email: EmailAddress, name: Name, role: AccountRole) -> Account {
        Account {
            id: AccountId::from_uuid(self.ports.uuid()),
            email,
            name,
            role,
            created_at: self.ports.now(),
            email_verified_at: None,
            password_version: 0,
            has_second_factor: false,
            programs_may_use_password: false,
            suspended: None,
        }
    }

    /// Adds an account with a team of its own.
    async fn add(
        &self,
        work: &mut dyn UnitOfWork,
        account: &Account,
        hash: &PasswordHash,
        from: Option<IpAddr>,
    ) -> Result<Inserted, StoreError> {
        let added = work.account_add(account, hash).await?;
        if added == Inserted::Done {
            let team = TeamId::from_uuid(self.ports.uuid());
            work.team_add(team, &account.name, account.id, account.created_at).await?;
            Act::new(account.id, Action::AccountCreated, account.id, "")
                .change("role", "", account.role.as_str())
                .by_account(account.id, from, work, &self.ports)
                .await?;
        }
        Ok(added)
    }

    /// Finds the account with this address and password, at one speed whether or not there is one.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn sign_in(
        &self,
        email: &str,
        password: PlainPassword,
        visitor: &Visitor,
    ) -> Result<Account, SignInError> {
        self.lockouts.admit(visitor.address)?;
        // What is no address is counted as one that nobody has.
        let canonical = email.parse::<EmailAddress>().map(|email| email.canonical()).unwrap_or_default();
        let attempt = self.lockouts.begin(Subject::Password(&canonical), visitor).await?;
        let found = self.judge(&canonical, password).await;
        let account = self.lockouts.settle(attempt, found, Option::is_some).await?;
        account.ok_or(SignInError::WrongCredentials)
    }

    async fn judge(&self, canonical: &str, password: PlainPassword) -> Result<Option<Account>, SignInError> {
        let (account, hash) = self.ports.store.account_by_email(canonical).await?.unzip();
        let matches = self.passwords.verify(password, hash).await?;
        Ok(account.filter(|_| matches))
    }

    /// The account with this id: the one of a session.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        self.ports.store.account(id).await
    }

    /// Lets programs send the actor's password, or no longer. Letting them takes a password that was given lately.
    ///
    /// # Errors
    /// [`AllowPasswordError`].
    pub async fn allow_password(&self, actor: &Actor, allowed: bool) -> Result<(), AllowPasswordError> {
        let account = if allowed { actor.proven(self.ports.now())? } else { actor.account()? };
        if allowed && account.has_second_factor {
            return Err(AllowPasswordError::SecondFactor);
        }
        let mut work = self.ports.store.begin().await?;
        match work.account_allow_password(account.id, allowed).await? {
            Consumed::Won => Ok(Act::new(account.id, Action::PasswordForPrograms, account.id, "")
                .change("allowed", account.programs_may_use_password, allowed)
                .commit_by(actor, work, &self.ports)
                .await?),
            Consumed::Lost => Err(NotSignedIn.into()),
        }
    }

    /// Makes a link for the first admin; older links end.
    ///
    /// # Errors
    /// [`SetupError::HasAdmin`] when nobody needs one.
    pub async fn setup_link(&self) -> Result<LinkToken, SetupError> {
        if self.ports.store.has_admin().await? {
            return Err(SetupError::HasAdmin);
        }
        let token = LinkToken::new(&self.ports);
        let now = self.ports.now();
        let mut work = self.ports.store.begin().await?;
        work.setup_link_replace(&token.digest(), now, now + Self::SETUP_LINK_LIFE).await?;
        work.commit().await?;
        Ok(token)
    }
}

async fn take_link(work: &mut dyn UnitOfWork, token: &str, now: time::OffsetDateTime) -> Result<(), SignUpError> {
    let token: LinkToken = token.parse().map_err(|_| SignUpError::LinkNotValid)?;
    match work.setup_link_take(&token.digest(), now).await? {
        Consumed::Won => Ok(()),
        Consumed::Lost => Err(SignUpError::LinkNotValid),
    }
}
