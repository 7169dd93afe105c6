//! Mails by SMTP (RFC 5321), always by TLS but to this machine itself.

use crate::this_machine;
use async_trait::async_trait;
use latchkey_core::mail::{CarryError, MailCarrier, Message};
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message as Envelope, Tokio1Executor,
    message::{Mailbox, MultiPart, header},
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
        response::Severity,
    },
};
use percent_encoding::percent_decode_str;
use std::{io, path::PathBuf, time::Duration};
use url::Url;

/// Why mails cannot be sent as the settings say; each text names the setting.
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
    /// The address is not one of a server for mail.
    #[error("smtp_url must be like smtps://name:password@mail.example.org, or smtp:// for a server with STARTTLS")]
    Url,
    /// Mails have no sender.
    #[error("mail_from must be an address such as keys@example.org, or Latchkey <keys@example.org>")]
    From,
    /// The authority's file cannot be read.
    #[error("smtp_ca: {file} cannot be read: {source}")]
    Authority {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The authority's file is no certificate, or TLS cannot be set up.
    #[error("TLS for mail cannot be set up: {0}")]
    Tls(lettre::transport::smtp::Error),
}

/// The server for mail, as the operator named it. What it prints has no password in it.
#[derive(Clone)]
pub struct SmtpSettings {
    /// Where it is, and who we are there.
    pub url: Url,
    /// Who writes.
    pub from: Mailbox,
    /// Whose certificates it may have beside those that browsers trust.
    pub authority: Option<PathBuf>,
}

impl std::fmt::Debug for SmtpSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SmtpSettings({} {:?}, from {})", self.url.scheme(), self.url.host_str(), self.from)
    }
}

impl SmtpSettings {
    /// Checks them.
    ///
    /// # Errors
    /// [`SmtpError`], naming the setting.
    pub fn new(url: Url, from: Option<&str>, authority: Option<PathBuf>) -> Result<Self, SmtpError> {
        let is_server = matches!(url.scheme(), "smtp" | "smtps")
            && url.host_str().is_some()
            && matches!(url.path(), "" | "/")
            && url.query().is_none();
        if !is_server {
            return Err(SmtpError::Url);
        }
        let from = from.and_then(|text| text.parse().ok()).ok_or(SmtpError::From)?;
        Ok(Self { url, from, authority })
    }
}

/// Hands mails to a server.
pub struct SmtpCarrier {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    /// The right side of each mail's name.
    domain: String,
}

impl SmtpCarrier {
    const TIMEOUT: Duration = Duration::from_secs(20);

    /// Connects when the first mail is sent.
    ///
    /// # Errors
    /// [`SmtpError`].
    pub fn new(settings: &SmtpSettings) -> Result<Self, SmtpError> {
        let host = settings.url.host_str().ok_or(SmtpError::Url)?.trim_start_matches('[').trim_end_matches(']');
        let mut tls = TlsParameters::builder(host.to_owned());
        if let Some(file) = &settings.authority {
            let pem = std::fs::read(file).map_err(|source| SmtpError::Authority { file: file.clone(), source })?;
            tls = tls.add_root_certificate(Certificate::from_pem(&pem).map_err(SmtpError::Tls)?);
        }
        let tls = tls.build().map_err(SmtpError::Tls)?;
        let (tls, port) = match settings.url.scheme() {
            "smtps" => (Tls::Wrapper(tls), 465),
            _ if this_machine::has(&settings.url) => (Tls::None, 25),
            _ => (Tls::Required(tls), 587),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(settings.url.port().unwrap_or(port))
            .tls(tls)
            .timeout(Some(Self::TIMEOUT));
        if !settings.url.username().is_empty() {
            let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
            let password = decoded(settings.url.password().unwrap_or_default());
            builder = builder.credentials(Credentials::new(decoded(settings.url.username()), password));
        }
        let domain = settings.from.email.domain().to_owned();
        Ok(Self { transport: builder.build(), from: settings.from.clone(), domain })
    }

    fn envelope(&self, message: &Message<'_>) -> Result<Envelope, CarryError> {
        let never = |error: &dyn std::fmt::Display| CarryError::Never(error.to_string());
        let to: Address = message.mail.recipient.parse().map_err(|error| never(&error))?;
        Envelope::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(message.mail.subject.clone())
            // The same at each try: who gets it twice sees it once.
            .message_id(Some(format!("<{}@{}>", message.mail.id, self.domain)))
            // RFC 3834 section 5: nobody's holiday notice answers it.
            .header(AutoSubmitted)
            .multipart(MultiPart::alternative_plain_html(message.text.to_string(), message.html.to_string()))
            .map_err(|error| never(&error))
    }
}

/// `Auto-Submitted: auto-generated`.
#[derive(Clone)]
struct AutoSubmitted;

impl header::Header for AutoSubmitted {
    fn name() -> header::HeaderName {
        header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> header::HeaderValue {
        header::HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[async_trait]
impl MailCarrier for SmtpCarrier {
    async fn carry(&self, message: &Message<'_>) -> Result<(), CarryError> {
        let envelope = self.envelope(message)?;
        match self.transport.send(envelope).await {
            Ok(_) => Ok(()),
            Err(error) => Err(refusal(&error)),
        }
    }
}

/// What the server's answer means for the mail. Its text may quote addresses, and goes to admins alone.
fn refusal(error: &lettre::transport::smtp::Error) -> CarryError {
    /// RFC 4954 section 6: these are about us, not about the mail.
    const ABOUT_US: [&str; 5] = ["530", "534", "535", "538", "454"];
    let said = crate::serve::in_one_line(error);
    match error.status() {
        Some(code) if ABOUT_US.contains(&code.to_string().as_str()) => CarryError::Unreachable(said),
        Some(code) if code.severity == Severity::PermanentNegativeCompletion => CarryError::Never(said),
        Some(_) => CarryError::Later(said),
        None => CarryError::Unreachable(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_for_mail_has_an_address_and_a_sender_and_its_password_does_not_print() {
        let settings = |url: &str, from| SmtpSettings::new(url.parse().unwrap(), from, None);
        let good = settings("smtps://keys:hunter2@mail.example.org", Some("Latchkey <keys@example.org>")).unwrap();
        assert!(!format!("{good:?}").contains("hunter2"), "{good:?}");
        for bad in ["https://mail.example.org", "smtp://mail.example.org/inbox", "smtps:keys", "smtp://mail?tls=none"] {
            assert!(matches!(settings(bad, Some("keys@example.org")), Err(SmtpError::Url)), "{bad}");
        }
        for bad in [None, Some(""), Some("keys"), Some("keys@example.org\r\nBcc: eve@example.org")] {
            assert!(matches!(settings("smtps://mail.example.org", bad), Err(SmtpError::From)), "{bad:?}");
        }
    }
}
