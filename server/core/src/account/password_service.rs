//! Changing a password, and choosing a new one when it is forgotten.

use super::{
    access::{AccessEnds, naming},
    mailed_link::MailedLinks,
    password::{HashError, Passwords, PlainPassword},
    session::SessionEnds,
};
use crate::{
    actor::{Actor, NotSignedIn},
    audit::{Act, Action},
    lockout::{Lockouts, Subject, TryError, Visitor},
    mail::Letter,
    port::{
        Consumed, StoreError,
        account::{Account, PasswordHash},
        mailed_link::{LinkPurpose, MailedLink},
    },
    ports::Ports,
};
use latchkey_model::{EmailAddress, FieldErrors};
use std::{net::IpAddr, sync::Arc};

/// Why a password was not changed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// Fields are wrong; each sentence says why.
    #[error("some fields need another look")]
    Invalid(FieldErrors),
    /// Too many tries, or they could not be counted.
    #[error(transparent)]
    Try(#[from] TryError),
    /// The link was used, has expired, or never was one.
    #[error("the link is not valid any more")]
    LinkNotValid,
    /// Somebody else changed it at the same moment.
    #[error("the password was changed meanwhile")]
    Changed,
    /// No room to hash, or no hash.
    #[error("the password could not be hashed")]
    Hash(#[from] HashError),
    /// The store failed.
    #[error("the password could not be stored")]
    Store(#[from] StoreError),
}

/// Changes passwords.
#[derive(Clone)]
pub struct PasswordService {
    ports: Ports,
    passwords: Passwords,
    lockouts: Lockouts,
    links: MailedLinks,
    sessions: SessionEnds,
    access: AccessEnds,
    public_url: Arc<str>,
}

impl PasswordService {
    /// The service; tries are counted by these lockouts.
    pub fn new(
        ports: Ports,
        passwords: Passwords,
        lockouts: Lockouts,
        links: MailedLinks,
        sessions: SessionEnds,
        access: AccessEnds,
        public_url: Arc<str>,
    ) -> Self {
        Self { ports, passwords, lockouts, links, sessions, access, public_url }
    }

    /// Changes the actor's password. Every other session of theirs ends; links to choose a new one, or another address, end too.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub async fn change(
        &self,
        actor: &Actor,
        current: PlainPassword,
        new: PlainPassword,
        visitor: &Visitor,
    ) -> Result<Account, PasswordError> {
        let Actor::Account { account, session, .. } = actor else { return Err(NotSignedIn.into()) };
        self.lockouts.admit(visitor.address)?;
        let attempt = self.lockouts.begin(Subject::Password(&account.email.canonical()), visitor).await?;
        let found = self.with_password(account, current.clone()).await;
        let Some(account) = self.lockouts.settle(attempt, found, Option::is_some).await? else {
            let sentence = "This is not your current password.";
            return Err(PasswordError::Invalid(FieldErrors::one("current_password", sentence)));
        };
        if current == new {
            return Err(PasswordError::Invalid(FieldErrors::one("password", "This is the password that you have.")));
        }
        let hash = self.judged(&new, &account).await?;
        self.set(account, &hash, Some(session), None, visitor.address).await
    }

    /// Asks for a link to choose a new password. What comes back is the same whether or not anybody has the address.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub async fn forgot(&self, email: &str, from: IpAddr) -> Result<(), PasswordError> {
        self.lockouts.admit(from)?;
        let email: EmailAddress = FieldErrors::at("email", email.parse()).map_err(PasswordError::Invalid)?;
        Ok(self.links.ask(&self.links.request(LinkPurpose::ResetPassword, email)).await?)
    }

    /// Whether a link to choose a new password is good.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn may_reset(&self, token: &str) -> Result<bool, StoreError> {
        Ok(self.links.find(LinkPurpose::ResetPassword, token).await?.is_some())
    }

    /// Takes a new password by a link. Every session of the account ends; nobody is signed in by this. Where the link is the first thing
    /// that shows the address to be its person's, everything else that opens the account or acts for it ends, too: somebody else may
    /// have made it.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub async fn reset(&self, token: &str, new: PlainPassword, from: IpAddr) -> Result<(), PasswordError> {
        self.lockouts.admit(from)?;
        let link = self.links.find(LinkPurpose::ResetPassword, token).await?.ok_or(PasswordError::LinkNotValid)?;
        let id = link.account.ok_or(PasswordError::LinkNotValid)?;
        let account = self.ports.store.account(id).await?.ok_or(PasswordError::LinkNotValid)?;
        let hash = self.judged(&new, &account).await?;
        self.set(account, &hash, None, Some(&link), from).await.map(drop)
    }

    /// The account as it is now, if this is its password.
    async fn with_password(
        &self,
        account: &Account,
        password: PlainPassword,
    ) -> Result<Option<Account>, PasswordError> {
        let found = self.ports.store.account_by_email(&account.email.canonical()).await?;
        let (account, hash) = found.filter(|(found, _)| found.id == account.id).ok_or(NotSignedIn)?;
        Ok(self.passwords.verify(password, Some(hash)).await?.then_some(account))
    }

    async fn judged(&self, new: &PlainPassword, account: &Account) -> Result<PasswordHash, PasswordError> {
        let judged = self.passwords.judge(new, &[account.email.as_str(), account.name.as_str(), "latchkey"]);
        FieldErrors::at("password", judged).map_err(PasswordError::Invalid)?;
        Ok(self.passwords.hash(new.clone()).await?)
    }

    async fn set(
        &self,
        mut account: Account,
        hash: &PasswordHash,
        keep: Option<&[u8; 32]>,
        link: Option<&MailedLink>,
        from: IpAddr,
    ) -> Result<Account, PasswordError> {
        let now = self.ports.now();
        let mut work = self.ports.store.begin().await?;
        if let Some(link) = link {
            if work.link_take(link.id, now).await? == Consumed::Lost {
                return Err(PasswordError::LinkNotValid);
            }
            // The link went to this address. If another has taken its place meanwhile, whoever has the link is not who has the account.
            if work.account_verify_email(account.id, &link.email, now).await? == Consumed::Lost {
                return Err(PasswordError::LinkNotValid);
            }
        }
        if work.account_set_password(account.id, hash, account.password_version).await? == Consumed::Lost {
            return Err(PasswordError::Changed);
        }
        for purpose in [LinkPurpose::ResetPassword, LinkPurpose::ChangeEmail] {
            work.links_end(account.id, purpose, now).await?;
        }
        let changes = if link.is_some() && account.email_verified_at.is_none() {
            // Whoever made the account never showed that the address is theirs: nothing of theirs opens it from now on.
            self.access.end(&mut *work, account.id).await?
        } else {
            self.sessions.end(&mut *work, account.id, keep).await?;
            Vec::new()
        };
        let action = if link.is_some() { Action::PasswordReset } else { Action::PasswordChanged };
        naming(Act::new(account.id, action, account.id, ""), &changes)
            .by_account(account.id, Some(from), &mut *work, &self.ports)
            .await?;
        Letter::password_changed(&account, now, link.is_some(), &self.public_url)
            .send(&mut *work, &self.ports, &[account.email.to_string()])
            .await?;
        self.access.commit(work, changes).await?;
        account.password_version += 1;
        Ok(account)
    }
}
