//! Links by which somebody shows that an address is theirs: asked for, mailed, opened once.

use crate::{
    mail::{Letter, LetterError, Postman, SecretLetter},
    port::{
        Consumed, Inserted, StoreError, UnitOfWork,
        account::Account,
        mailed_link::{LinkAnswer, LinkPurpose, MailedLink},
    },
    ports::Ports,
    random::base62,
    sealing::Sealer,
    secret::sha256,
};
use latchkey_model::MailedLinkId;
use std::{fmt, str::FromStr, sync::Arc};
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

/// The secret part of a link, mailed or shown in the terminal: 190 bits, stored as a digest alone.
pub struct LinkToken(Zeroizing<String>);

/// The text is no such token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a link of ours")]
pub struct ParseLinkTokenError;

impl LinkToken {
    const LENGTH: usize = 32;

    pub(crate) fn new(ports: &Ports) -> Self {
        Self(Zeroizing::new(base62(ports.random(), Self::LENGTH)))
    }

    /// The token, to be put into a link.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored of it.
    pub(crate) fn digest(&self) -> [u8; 32] {
        sha256(self.0.as_bytes())
    }
}

impl FromStr for LinkToken {
    type Err = ParseLinkTokenError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_one = text.len() == Self::LENGTH && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_one { Ok(Self(Zeroizing::new(text.to_owned()))) } else { Err(ParseLinkTokenError) }
    }
}

impl fmt::Debug for LinkToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkToken")
    }
}

/// How long a link is good, and the page that it leads to.
const fn life_and_page(purpose: LinkPurpose) -> (Duration, &'static str) {
    match purpose {
        LinkPurpose::SignUp => (Duration::hours(24), "/signup/confirm"),
        LinkPurpose::VerifyEmail => (Duration::hours(24), "/verify-email"),
        LinkPurpose::ChangeEmail => (Duration::hours(1), "/verify-email"),
        LinkPurpose::ResetPassword => (Duration::minutes(30), "/reset"),
    }
}

/// Takes requests for links, mails what comes of them, and finds the links again. Cloning it clones a handle.
#[derive(Clone)]
pub struct MailedLinks {
    ports: Ports,
    sealer: Arc<Sealer>,
    postman: Postman,
    public_url: Arc<str>,
}

impl MailedLinks {
    const AT_ONCE: u64 = 50;

    /// The desk; mails go to this postman.
    pub fn new(ports: Ports, sealer: Arc<Sealer>, postman: Postman, public_url: Arc<str>) -> Self {
        Self { ports, sealer, postman, public_url }
    }

    /// Writes down that a link is asked for, and asks for its answer soon. Whose address it is makes no difference here.
    pub(super) async fn ask(&self, link: &MailedLink) -> Result<(), StoreError> {
        let mut work = self.ports.store.begin().await?;
        work.link_ask(link).await?;
        work.commit().await?;
        self.postman.wake();
        Ok(())
    }

    /// A request by somebody who is not known yet.
    pub(super) fn request(&self, purpose: LinkPurpose, email: latchkey_model::EmailAddress) -> MailedLink {
        let id = MailedLinkId::from_uuid(self.ports.uuid());
        MailedLink { id, purpose, email, account: None, asked_at: self.ports.now() }
    }

    /// The link with this token, while it is good.
    pub(super) async fn find(&self, purpose: LinkPurpose, token: &str) -> Result<Option<MailedLink>, StoreError> {
        match token.parse::<LinkToken>() {
            Ok(token) => self.ports.store.mailed_link(purpose, &token.digest(), self.ports.now()).await,
            Err(_) => Ok(None),
        }
    }

    /// Answers every request: a link goes out where the address is somebody's whom the link is for, a word of warning where it is
    /// somebody else's, nothing where it is nobody's.
    ///
    /// # Errors
    /// [`LetterError`].
    pub async fn answer(&self) -> Result<u64, LetterError> {
        let mut answered = 0;
        loop {
            let requests = self.ports.store.link_requests(Self::AT_ONCE).await?;
            if requests.is_empty() {
                return Ok(answered);
            }
            for request in requests {
                self.answer_one(&request).await?;
                answered += 1;
            }
        }
    }

    async fn answer_one(&self, request: &MailedLink) -> Result<(), LetterError> {
        let now = self.ports.now();
        let holder = self.ports.store.account_by_email(&request.email.canonical()).await?.map(|(account, _)| account);
        let mut work = self.ports.store.begin().await?;
        let answer = match (request.purpose, holder) {
            (LinkPurpose::ResetPassword, Some(account)) => {
                self.mail_link(&mut *work, request, Some(&account), SecretLetter::reset_password).await?
            }
            (LinkPurpose::VerifyEmail, Some(account)) if request.account == Some(account.id) => {
                self.mail_link(&mut *work, request, Some(&account), SecretLetter::verify_email).await?
            }
            (LinkPurpose::SignUp, None) => {
                self.mail_link(&mut *work, request, None, SecretLetter::finish_sign_up).await?
            }
            (LinkPurpose::SignUp, Some(account)) => {
                let letter = Letter::address_is_known(now, &self.public_url);
                letter.send(&mut *work, &self.ports, &[account.email.to_string()]).await?;
                None
            }
            (LinkPurpose::ChangeEmail, None) => {
                self.mail_link(&mut *work, request, None, SecretLetter::change_email).await?
            }
            (LinkPurpose::ChangeEmail, Some(account)) if request.account != Some(account.id) => {
                let letter = Letter::address_is_wanted(now, &self.public_url);
                letter.send(&mut *work, &self.ports, &[account.email.to_string()]).await?;
                None
            }
            _ => None,
        };
        if work.link_answer(request.id, answer.as_ref(), now).await? == Consumed::Won {
            work.commit().await?;
        }
        Ok(())
    }

    /// Mails a link, unless its reader got such a link a moment ago.
    async fn mail_link(
        &self,
        work: &mut dyn UnitOfWork,
        request: &MailedLink,
        account: Option<&Account>,
        letter: impl FnOnce(Zeroizing<String>, OffsetDateTime, OffsetDateTime) -> SecretLetter,
    ) -> Result<Option<LinkAnswer>, LetterError> {
        let now = self.ports.now();
        let (life, page) = life_and_page(request.purpose);
        let (token, expires_at) = (LinkToken::new(&self.ports), now + life);
        let link = Zeroizing::new(format!("{}{page}?token={}", self.public_url, token.expose()));
        // To the address as its account has it: what somebody typed may differ from it in more than it seems.
        let recipient = account.map_or(&request.email, |account| &account.email).as_str();
        match letter(link, now, expires_at).send(work, &self.ports, &self.sealer, recipient).await? {
            Inserted::Done => {
                let account = account.map(|account| account.id);
                Ok(Some(LinkAnswer { digest: token.digest(), account, expires_at }))
            }
            Inserted::Duplicate => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r29_a_token_has_its_length_and_its_letters() {
        let token = "0123456789ABCDEFabcdef0123456789";
        assert!(token.parse::<LinkToken>().is_ok());
        for bad in ["", &token[1..], &format!("{token}0"), &token.replace('A', "-"), &token.replace('A', "é")] {
            assert_eq!(bad.parse::<LinkToken>().unwrap_err(), ParseLinkTokenError, "{bad}");
        }
        assert_eq!(format!("{:?}", token.parse::<LinkToken>().unwrap()), "LinkToken");
    }
}
