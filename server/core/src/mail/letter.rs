//! What each mail says.

use crate::{
    audit::Reason,
    clock::written,
    notice::NoticeKind,
    port::{
        StoreError, UnitOfWork,
        api_key::{ApiKey, KeyOwner},
        identity_provider::LinkedIdentity,
        mail::{Delivery, Mail},
        notice::{Mailed, Notice},
        suspension::Suspendable,
    },
    ports::Ports,
    secret::{hex, sha256},
};
use latchkey_model::{EmailAddress, MailId, NoticeId};
use time::OffsetDateTime;

/// Where a text has its link.
pub(super) const LINK: &str = "{link}";

/// A mail, before it is known to whom it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    kind: NoticeKind,
    /// Names what it tells of: each recipient is told once.
    occasion: String,
    subject: String,
    text: String,
}

impl Letter {
    /// A key ends in so many days.
    pub fn key_ends(key: &ApiKey, days: u16, public_url: &str) -> Self {
        let ends = key.settings.expires_at.map(written).unwrap_or_default();
        let within = if days == 1 { "in less than a day".to_owned() } else { format!("in less than {days} days") };
        Self {
            kind: NoticeKind::KeyEnds,
            occasion: format!("key-ends:{}:{ends}:{days}", key.id),
            subject: format!("{} ends {within}", key.settings.name),
            text: format!(
                "The {} {} ({}) of {} ends {within}, at {ends}.\n\nFrom then on, requests with it are refused. Rotate it before, so that both work while you move your callers:\n{}\n",
                key.owner.kind().label(),
                key.settings.name,
                key.hint(),
                key.owner.name(),
                page_of(key, public_url),
            ),
        }
    }

    /// A key was switched off, since nobody had used it.
    pub fn key_idle(key: &ApiKey, at: OffsetDateTime, public_url: &str) -> Self {
        let last = key
            .last_used_at
            .map_or_else(|| "It was never used.".to_owned(), |at| format!("It was last used at {}.", written(at)));
        Self {
            kind: NoticeKind::KeyIdle,
            occasion: format!("key-idle:{}:{}", key.id, written(at)),
            subject: format!("{} was switched off, since nobody used it", key.settings.name),
            text: format!(
                "The {} {} ({}) of {} was switched off, as the settings of its environment ask for. {last}\n\nIf it is still needed, switch it on again:\n{}\n",
                key.owner.kind().label(),
                key.settings.name,
                key.hint(),
                key.owner.name(),
                page_of(key, public_url),
            ),
        }
    }

    /// A key was sent where others can read it.
    pub fn key_exposed(key: &ApiKey, public_url: &str) -> Self {
        Self {
            kind: NoticeKind::KeyFound,
            occasion: format!("key-exposed:{}", key.id),
            subject: format!("{} was sent where others can read it", key.settings.name),
            text: format!(
                "At {}, a program sent the {} {} ({}) of {} in a URL or over plain HTTP. The request was refused. The key still works, and whoever keeps that URL or was on the way has it.\n\nMend the program: a key belongs in a header, over https. Then rotate the key, move your callers, and end the old one:\n{}\n",
                key.exposed_at.map(written).unwrap_or_default(),
                key.owner.kind().label(),
                key.settings.name,
                key.hint(),
                key.owner.name(),
                page_of(key, public_url),
            ),
        }
    }

    /// An admin ended a key or a client: a `kind` that is `called` so.
    pub fn revoked_by_admin(kind: &str, id: &str, called: &str, reason: &Reason, at: OffsetDateTime) -> Self {
        Self {
            kind: NoticeKind::Suspension,
            occasion: format!("revoked-by-admin:{id}"),
            subject: format!("An admin revoked the {kind} {called}"),
            text: format!(
                "At {}, an admin of this portal revoked the {kind} {called}. Requests with it are refused.\n\nThe reason that they gave: {reason}\n\nIf you do not know why, write to whoever runs this portal.\n",
                written(at),
            ),
        }
    }

    /// An admin suspended an account, an application or a client that is `called` so.
    pub fn suspended(what: Suspendable, id: &str, called: &str, reason: &Reason, at: OffsetDateTime) -> Self {
        let (whose, ends) = match what {
            Suspendable::Account => (
                "your account".to_owned(),
                "You are signed out everywhere, and nothing that stands for you is let in: no password, no personal access token, no app that you authorized.",
            ),
            Suspendable::Application => {
                (format!("the application {called}"), "Its keys, its clients and their tokens are refused.")
            }
            Suspendable::Client => {
                (format!("the client {called}"), "It gets no tokens, and those that it holds are refused.")
            }
        };
        Self {
            kind: NoticeKind::Suspension,
            occasion: format!("suspended:{id}:{}", written(at)),
            subject: format!("An admin suspended {whose}"),
            text: format!(
                "At {}, an admin of this portal suspended {whose}. {ends} Nothing is lost: all of it works again once it is reinstated.\n\nThe reason that they gave: {reason}\n\nTo have it reinstated, write to whoever runs this portal.\n",
                written(at),
            ),
        }
    }

    /// It is reinstated.
    pub fn reinstated(what: Suspendable, id: &str, called: &str, at: OffsetDateTime) -> Self {
        let whose = match what {
            Suspendable::Account => "your account".to_owned(),
            Suspendable::Application => format!("the application {called}"),
            Suspendable::Client => format!("the client {called}"),
        };
        let again = if what == Suspendable::Account { " Sign in as before." } else { "" };
        Self {
            kind: NoticeKind::Suspension,
            occasion: format!("reinstated:{id}:{}", written(at)),
            subject: format!("An admin reinstated {whose}"),
            text: format!(
                "At {}, an admin of this portal reinstated {whose}. It works as it did before.{again}\n",
                written(at)
            ),
        }
    }

    /// An identity elsewhere opens an account from now on.
    pub fn identity_linked(linked: &LinkedIdentity, public_url: &str) -> Self {
        let (provider, label) = (&linked.provider_name, &linked.label);
        Self {
            kind: NoticeKind::Account,
            occasion: format!("identity-linked:{}", identity_occasion(linked, linked.linked_at)),
            subject: format!("{provider} opens your account from now on"),
            text: format!(
                "Since {}, whoever signs in with {provider} as {label} is signed in as you.\n\nIf that was not you, unlink it, and end the sessions that you do not know:\n{public_url}/account/sign-in-methods\n{public_url}/account/sessions\n",
                written(linked.linked_at),
            ),
        }
    }

    /// An identity elsewhere opens an account no more.
    pub fn identity_unlinked(linked: &LinkedIdentity, at: OffsetDateTime, public_url: &str) -> Self {
        let (provider, label) = (&linked.provider_name, &linked.label);
        Self {
            kind: NoticeKind::Account,
            occasion: format!("identity-unlinked:{}", identity_occasion(linked, at)),
            subject: format!("{provider} opens your account no more"),
            text: format!(
                "Since {}, signing in with {provider} as {label} does not open your account; your password does. Sessions that it opened before last until they are ended:\n{public_url}/account/sessions\n",
                written(at),
            ),
        }
    }

    pub(crate) fn new(kind: NoticeKind, subject: &str, occasion: String, text: String) -> Self {
        Self { kind, occasion, subject: subject.to_owned(), text }
    }

    /// It, in a sentence.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// It, at length.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it tells of: each recipient is told once.
    pub fn occasion(&self) -> &str {
        &self.occasion
    }

    /// Tells each recipient, in the transaction of what it tells of: in the portal, where they have an account, and by mail, unless
    /// they want none of its kind.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn send(self, work: &mut dyn UnitOfWork, ports: &Ports, recipients: &[String]) -> Result<(), StoreError> {
        for recipient in recipients {
            let canonical = recipient.parse::<EmailAddress>().map(|email| email.canonical()).unwrap_or_default();
            if work.notice_add(&canonical, &self.notice(ports)).await? == Mailed::Muted {
                continue;
            }
            // Whoever was told before is not told again.
            let _ = work.mail_add(&self.to(recipient, ports)).await?;
        }
        Ok(())
    }

    fn notice(&self, ports: &Ports) -> Notice {
        Notice {
            id: NoticeId::from_uuid(ports.uuid()),
            kind: self.kind,
            subject: self.subject.clone(),
            text: self.text.clone(),
            occasion: self.occasion.clone(),
            created_at: ports.now(),
            seen_at: None,
        }
    }

    pub(super) fn to(&self, recipient: &str, ports: &Ports) -> Mail {
        let now = ports.now();
        Mail {
            id: MailId::from_uuid(ports.uuid()),
            recipient: recipient.to_owned(),
            subject: self.subject.clone(),
            text: self.text.clone(),
            link: None,
            occasion: self.occasion.clone(),
            created_at: now,
            useful_until: None,
            delivery: Delivery::new(now),
        }
    }
}

/// The page of a key.
pub(crate) fn page_of(key: &ApiKey, public_url: &str) -> String {
    match &key.owner {
        KeyOwner::Environment { application_id, environment, .. } => {
            format!("{public_url}/apps/{application_id}/{environment}/keys/{}", key.id)
        }
        KeyOwner::Account { .. } => format!("{public_url}/account/tokens/{}", key.id),
    }
}

fn identity_occasion(linked: &LinkedIdentity, at: OffsetDateTime) -> String {
    format!("{}:{}:{}", linked.identity.provider, hex(&sha256(linked.identity.subject.as_bytes())), written(at))
}
