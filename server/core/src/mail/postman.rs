//! Sends what was written, tries again what was not taken, and gives up what is of no use any more.

use super::{
    body,
    carrier::{CarryError, MailCarrier, Message},
};
use crate::{
    port::{
        Consumed, StoreError,
        mail::{Delivery, Mail},
    },
    ports::Ports,
    sealing::Sealer,
};
use std::sync::Arc;
use time::{Duration, OffsetDateTime};
use tokio::sync::Notify;
use zeroize::Zeroizing;

/// Sends mails. Cloning it clones a handle.
#[derive(Clone)]
pub struct Postman {
    ports: Ports,
    sealer: Arc<Sealer>,
    /// None, until a server for mail is set.
    carrier: Option<Arc<dyn MailCarrier>>,
    public_url: Arc<str>,
    wake: Arc<Notify>,
}

impl Postman {
    /// How long after a try that failed the next one is made; the last of them counts for all that follow.
    const AGAIN_AFTER: [Duration; 6] = [
        Duration::minutes(1),
        Duration::minutes(5),
        Duration::minutes(15),
        Duration::hours(1),
        Duration::hours(3),
        Duration::hours(6),
    ];
    /// For how long a mail is tried. Older ones are news no more.
    const PATIENCE: Duration = Duration::days(3);
    /// How long a node may take for one mail before another tries it.
    const LEASE: Duration = Duration::minutes(5);
    /// How often the store is asked for mails that are due, though nobody said that there are some.
    pub const PAUSE: std::time::Duration = std::time::Duration::from_secs(15);
    const AT_ONCE: u64 = 50;

    /// A postman; without a carrier, mails wait in the outbox.
    pub fn new(ports: Ports, sealer: Arc<Sealer>, carrier: Option<Arc<dyn MailCarrier>>, public_url: Arc<str>) -> Self {
        Self { ports, sealer, carrier, public_url, wake: Arc::default() }
    }

    /// Whether a server for mail is set.
    pub fn sends(&self) -> bool {
        self.carrier.is_some()
    }

    /// Says that there is something to send.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Done when somebody said so.
    pub async fn woken(&self) {
        self.wake.notified().await;
    }

    /// The text of a mail for admins: with its link where nothing is sent, since then they are who passes it on.
    pub(super) fn text_in_outbox(&self, mail: &Mail) -> Zeroizing<String> {
        let link = if self.sends() { None } else { self.link_of(mail) };
        body::plain(&mail.text, link.as_deref().map(String::as_str))
    }

    /// Sends whatever is due; returns how many mails were taken.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn deliver(&self) -> Result<u64, StoreError> {
        let Some(carrier) = &self.carrier else { return Ok(0) };
        let mut sent = 0;
        loop {
            let due = self.ports.store.mails_due(self.ports.now(), Self::AT_ONCE).await?;
            if due.is_empty() {
                return Ok(sent);
            }
            for mail in due {
                let Delivery::Waiting { attempts, .. } = mail.delivery else { continue };
                let mut work = self.ports.store.begin().await?;
                if work.mail_take(mail.id, attempts, self.ports.now() + Self::LEASE).await? == Consumed::Lost {
                    continue;
                }
                work.commit().await?;
                let outcome = self.try_once(&**carrier, &mail).await;
                let settled = self.settled(&mail, attempts, &outcome);
                if let Err(error) = &outcome {
                    tracing::warn!(mail = %mail.id, attempts = attempts + 1, %error, "a mail was not taken");
                }
                sent += u64::from(outcome.is_ok());
                let mut work = self.ports.store.begin().await?;
                match work.mail_settle(mail.id, attempts + 1, &settled).await? {
                    Consumed::Won => work.commit().await?,
                    Consumed::Lost => tracing::warn!(mail = %mail.id, "another node has tried this mail meanwhile"),
                }
                if matches!(outcome, Err(CarryError::Unreachable(_))) {
                    // What follows would fare no better.
                    return Ok(sent);
                }
            }
        }
    }

    async fn try_once(&self, carrier: &dyn MailCarrier, mail: &Mail) -> Result<(), CarryError> {
        if let Some(why) = Self::useless(mail, self.ports.now()) {
            return Err(CarryError::Never(why));
        }
        let link = self.link_of(mail);
        if mail.link.is_some() && link.is_none() {
            return Err(CarryError::Never("its link cannot be read: was it written under another secret?".to_owned()));
        }
        let link = link.as_deref().map(String::as_str);
        let message = Message {
            mail,
            text: body::plain(&mail.text, link),
            html: body::html(&mail.subject, &mail.text, link, &self.public_url),
        };
        carrier.carry(&message).await
    }

    /// Why a mail is of no use any more at a time, if it is of none.
    fn useless(mail: &Mail, at: OffsetDateTime) -> Option<String> {
        if mail.useful_until.is_some_and(|until| until <= at) {
            return Some("its link has expired".to_owned());
        }
        (mail.created_at + Self::PATIENCE <= at).then(|| "it is too old".to_owned())
    }

    fn settled(&self, mail: &Mail, attempts: u32, outcome: &Result<(), CarryError>) -> Delivery {
        let at = self.ports.now();
        let error = match outcome {
            Ok(()) => return Delivery::Sent(at),
            Err(CarryError::Never(problem)) => return Delivery::GivenUp { at, problem: problem.clone() },
            Err(error) => error,
        };
        let step = usize::try_from(attempts).unwrap_or(usize::MAX).min(Self::AGAIN_AFTER.len() - 1);
        let next_attempt_at = at + Self::AGAIN_AFTER[step];
        match Self::useless(mail, next_attempt_at) {
            Some(why) => Delivery::GivenUp { at, problem: format!("{error}; {why} before the next try") },
            None => Delivery::Waiting { attempts: attempts + 1, next_attempt_at, problem: Some(error.to_string()) },
        }
    }

    fn link_of(&self, mail: &Mail) -> Option<Zeroizing<String>> {
        let sealed = mail.link.as_ref()?;
        let opened = self.sealer.open(mail.id.as_uuid().as_bytes(), &sealed.0).ok()?;
        String::from_utf8(opened.to_vec()).ok().map(Zeroizing::new)
    }
}
