//! What a person says of themselves: their name, and an address that is shown to be theirs.

use super::mailed_link::MailedLinks;
use crate::{
    actor::{Actor, NotProven, NotSignedIn},
    audit::{Act, Action},
    lockout::{Lockouts, TryError},
    mail::Letter,
    port::{Consumed, Inserted, StoreError, mailed_link::LinkPurpose},
    ports::Ports,
};
use latchkey_model::{EmailAddress, FieldErrors, Name};
use std::{net::IpAddr, sync::Arc};

/// Why a profile was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// It is too long ago that the person showed who they are.
    #[error("the person must show first who they are")]
    ProveFirst,
    /// Fields are wrong; each sentence says why.
    #[error("some fields need another look")]
    Invalid(FieldErrors),
    /// Too many tries, or they could not be counted.
    #[error(transparent)]
    Try(#[from] TryError),
    /// The link was used, has expired, or never was one; or it is for another account than the one that is signed in.
    #[error("the link is not valid any more")]
    LinkNotValid,
    /// The store failed.
    #[error("the profile could not be stored")]
    Store(#[from] StoreError),
}

impl From<NotProven> for ProfileError {
    fn from(error: NotProven) -> Self {
        match error {
            NotProven::NotSignedIn(error) => Self::NotSignedIn(error),
            NotProven::TooLongAgo => Self::ProveFirst,
        }
    }
}

/// What a link to an address came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailConfirmed {
    /// The account's address is shown to be its person's.
    Verified,
    /// The account has another address.
    Changed,
}

/// What a link to an address is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmailLink {
    /// To confirm the address of an account.
    Verify(EmailAddress),
    /// To take another address.
    Change(EmailAddress),
}

/// Changes names and addresses.
#[derive(Clone)]
pub struct ProfileService {
    ports: Ports,
    lockouts: Lockouts,
    links: MailedLinks,
    public_url: Arc<str>,
}

impl ProfileService {
    /// The service; tries are counted by these lockouts.
    pub fn new(ports: Ports, lockouts: Lockouts, links: MailedLinks, public_url: Arc<str>) -> Self {
        Self { ports, lockouts, links, public_url }
    }

    /// Gives the actor another name.
    ///
    /// # Errors
    /// [`ProfileError`].
    pub async fn rename(&self, actor: &Actor, name: &str) -> Result<(), ProfileError> {
        let account = actor.account()?;
        let name: Name = FieldErrors::at("name", name.parse()).map_err(ProfileError::Invalid)?;
        let mut work = self.ports.store.begin().await?;
        match work.account_rename(account.id, &name).await? {
            Consumed::Won => {
                // What a person is called is theirs to take back: the log says that it was changed, not from what to what.
                let renamed = Act::new(account.id, Action::AccountRenamed, account.id, "");
                Ok(renamed.commit_by(actor, work, &self.ports).await?)
            }
            Consumed::Lost => Err(NotSignedIn.into()),
        }
    }

    /// Asks for a link that shows the actor's address to be theirs.
    ///
    /// # Errors
    /// [`ProfileError`].
    pub async fn ask_to_verify(&self, actor: &Actor) -> Result<(), ProfileError> {
        let account = actor.account()?;
        if account.email_verified_at.is_some() {
            return Ok(());
        }
        let mut link = self.links.request(LinkPurpose::VerifyEmail, account.email.clone());
        link.account = Some(account.id);
        Ok(self.links.ask(&link).await?)
    }

    /// Asks for another address. It takes the place of the old one when somebody opens the link that goes to it; the old one is told
    /// now, and again then. Whether somebody else has it already makes no difference here.
    ///
    /// # Errors
    /// [`ProfileError`].
    pub async fn ask_to_change_email(&self, actor: &Actor, email: &str, from: IpAddr) -> Result<(), ProfileError> {
        let now = self.ports.now();
        let account = actor.proven(now)?;
        self.lockouts.admit(from)?;
        let email: EmailAddress = FieldErrors::at("email", email.parse()).map_err(ProfileError::Invalid)?;
        if email.canonical() == account.email.canonical() {
            return Err(ProfileError::Invalid(FieldErrors::one("email", "This is the address that you have.")));
        }
        let mut work = self.ports.store.begin().await?;
        Letter::email_change_asked(account, email.as_str(), now, &self.public_url)
            .send(&mut *work, &self.ports, &[account.email.to_string()])
            .await?;
        let asked = Act::new(account.id, Action::EmailChangeAsked, account.id, "");
        asked.commit_by(actor, work, &self.ports).await?;
        let mut link = self.links.request(LinkPurpose::ChangeEmail, email);
        link.account = Some(account.id);
        Ok(self.links.ask(&link).await?)
    }

    /// What a link to an address is for, while it is good.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn email_link(&self, token: &str) -> Result<Option<EmailLink>, StoreError> {
        if let Some(link) = self.links.find(LinkPurpose::VerifyEmail, token).await? {
            return Ok(Some(EmailLink::Verify(link.email)));
        }
        Ok(self.links.find(LinkPurpose::ChangeEmail, token).await?.map(|link| EmailLink::Change(link.email)))
    }

    /// Opens a link to an address, for the account that is signed in and asked for it: whoever opens somebody else's link changes
    /// nothing, and confirms no account that a stranger made with their address.
    ///
    /// # Errors
    /// [`ProfileError`].
    pub async fn confirm_email(&self, actor: &Actor, token: &str) -> Result<EmailConfirmed, ProfileError> {
        let now = self.ports.now();
        let account = actor.account()?;
        if let Some(link) = self.links.find(LinkPurpose::VerifyEmail, token).await? {
            if link.account != Some(account.id) {
                return Err(ProfileError::LinkNotValid);
            }
            let mut work = self.ports.store.begin().await?;
            if work.link_take(link.id, now).await? == Consumed::Lost
                || work.account_verify_email(account.id, &link.email, now).await? == Consumed::Lost
            {
                return Err(ProfileError::LinkNotValid);
            }
            let verified = Act::new(account.id, Action::EmailVerified, account.id, "");
            verified.commit_by(actor, work, &self.ports).await?;
            return Ok(EmailConfirmed::Verified);
        }
        let link = self.links.find(LinkPurpose::ChangeEmail, token).await?.ok_or(ProfileError::LinkNotValid)?;
        if link.account != Some(account.id) {
            return Err(ProfileError::LinkNotValid);
        }
        let mut work = self.ports.store.begin().await?;
        if work.link_take(link.id, now).await? == Consumed::Lost
            || work.account_set_email(account.id, &link.email, now).await? == Inserted::Duplicate
        {
            return Err(ProfileError::LinkNotValid);
        }
        // Links to the old address open the account no more.
        for purpose in [LinkPurpose::ResetPassword, LinkPurpose::VerifyEmail, LinkPurpose::ChangeEmail] {
            work.links_end(account.id, purpose, now).await?;
        }
        let both = [account.email.to_string(), link.email.to_string()];
        Letter::email_changed(account, link.email.as_str(), now).send(&mut *work, &self.ports, &both).await?;
        let changed = Act::new(account.id, Action::EmailChanged, account.id, "");
        changed.commit_by(actor, work, &self.ports).await?;
        Ok(EmailConfirmed::Changed)
    }
}
