//! Mails by SMTP: what arrives, what is tried again, and that nothing travels in the clear.

use crate::support::{Browser, PASSWORD, Portal};
use http::StatusCode;
use latchkey_core::port::{
    MailReader,
    mail::{Delivery, Mail},
};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use server::config::Given;
use std::{
    collections::VecDeque,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
};
use time::Duration;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

/// What a server for mail heard.
#[derive(Debug, Default)]
struct Heard {
    /// Every line, but those of mails.
    lines: Vec<String>,
    /// Every mail that it took.
    mails: Vec<String>,
    /// What it says to the next recipients, in place of "yes".
    refusals: VecDeque<&'static str>,
    connections: usize,
}

/// A server for mail, on this machine.
struct MailServer {
    address: SocketAddr,
    heard: Arc<Mutex<Heard>>,
}

impl MailServer {
    async fn start(host: &str, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind((host, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::<Mutex<Heard>>::default();
        let listening = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (heard, tls) = (Arc::clone(&listening), tls.clone());
                heard.lock().unwrap().connections += 1;
                tokio::spawn(async move {
                    match tls {
                        None => converse(stream, &heard).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                converse(stream, &heard).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, heard }
    }

    fn mails(&self) -> Vec<String> {
        self.heard.lock().unwrap().mails.clone()
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin, heard: &Mutex<Heard>) {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 mail.example.org\r\n").await.unwrap();
    let mut line = String::new();
    while {
        line.clear();
        stream.read_line(&mut line).await.is_ok_and(|length| length > 0)
    } {
        let command = line.trim_end().to_owned();
        heard.lock().unwrap().lines.push(command.clone());
        let answer = match command.get(..4).unwrap_or_default() {
            "EHLO" => "250-mail.example.org\r\n250 AUTH PLAIN",
            "AUTH" => "235 welcome",
            "RCPT" => heard.lock().unwrap().refusals.pop_front().unwrap_or("250 yes"),
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await.unwrap();
                let mut mail = String::new();
                while {
                    line.clear();
                    stream.read_line(&mut line).await.is_ok()
                } && line != ".\r\n"
                {
                    mail.push_str(&line);
                }
                heard.lock().unwrap().mails.push(mail);
                "250 taken"
            }
            "QUIT" => "221 bye",
            _ => "250 fine",
        };
        if stream.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn portal_with(url: &str, ca: Option<&Path>) -> Portal {
    Portal::with(Given {
        smtp_url: url.parse().ok(),
        mail_from: Some("Latchkey <keys@example.org>".to_owned()),
        smtp_ca: ca.map(Path::to_owned),
        ..Given::default()
    })
    .await
}

impl Portal {
    /// Does what the server does soon after somebody asks for a mail.
    async fn post_mails(&self) -> u64 {
        let services = &self.state.services;
        services.mailed_links.answer().await.unwrap();
        services.postman.deliver().await.unwrap()
    }

    async fn only_mail(&self) -> Mail {
        let mut mails = self.store.mails(None, 10).await.unwrap();
        assert_eq!(mails.len(), 1, "{mails:?}");
        mails.remove(0)
    }
}

/// A mail as a program for mail shows it: quoted-printable undone.
fn shown(mail: &str) -> String {
    let text = mail.replace("=\r\n", "");
    let mut shown = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once('=') {
        shown.push_str(before);
        if let Some(byte) = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            shown.push(char::from(byte));
            rest = &after[2..];
        } else {
            shown.push('=');
            rest = after;
        }
    }
    shown + rest
}

async fn sign_up(browser: &mut Browser, email: &str) {
    let fields = [("name", "Ada"), ("email", email), ("password", PASSWORD)];
    let answer = browser.send("/signup", "/form/account/sign-up", &fields).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/signup/mail"), "{answer:?}");
}

#[tokio::test]
async fn a_mail_arrives_as_text_and_as_a_page_and_its_link_is_kept_nowhere() {
    let server = MailServer::start("127.0.0.1", None).await;
    let portal = portal_with(&format!("smtp://keys:hunter2@{}", server.address), None).await;
    let mut ada = portal.browser();
    sign_up(&mut ada, "ada@example.org").await;
    assert_eq!(portal.post_mails().await, 1);
    let mails = server.mails();
    let mail = shown(&mails[0]);
    for part in [
        "From: Latchkey <keys@example.org>",
        "To: ada@example.org",
        "Subject: Finish creating your account",
        "Auto-Submitted: auto-generated",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "Message-ID: <",
    ] {
        assert!(mail.contains(part), "{part} in {mail}");
    }
    let link = mail.lines().find(|line| line.starts_with("http://127.0.0.1:4000/signup/confirm?token=")).unwrap();
    assert!(mail.contains(&format!("href=\"{}\"", link.trim())), "the page has it, too: {mail}");
    let heard = server.heard.lock().unwrap().lines.join("\n");
    assert!(heard.contains("MAIL FROM:<keys@example.org>") && heard.contains("RCPT TO:<ada@example.org>"), "{heard}");
    assert!(heard.contains("AUTH PLAIN"), "{heard}");
    // The store has no link any more, and no admin sees one.
    let kept = portal.only_mail().await;
    assert!(kept.link.is_none() && matches!(kept.delivery, Delivery::Sent(_)), "{kept:?}");
    let mut admin = portal.admin().await;
    let outbox = admin.get("/admin/outbox").await.text();
    assert!(outbox.contains(">sent<") && !outbox.contains("token="), "{outbox}");
    // It opens the account for whoever knows the password.
    let (_, path) = link.trim().split_once("4000").unwrap();
    assert_eq!(ada.get(path).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_not_taken_is_tried_again_and_what_never_will_be_is_given_up() {
    let server = MailServer::start("127.0.0.1", None).await;
    let portal = portal_with(&format!("smtp://{}", server.address), None).await;
    sign_up(&mut portal.browser(), "ada@example.org").await;
    server.heard.lock().unwrap().refusals = ["451 later", "450 still later", "550 nobody has this address"].into();
    for (minutes, problem) in [(1, "later"), (5, "still later")] {
        assert_eq!(portal.post_mails().await, 0);
        let Delivery::Waiting { next_attempt_at, problem: Some(said), .. } = portal.only_mail().await.delivery else {
            panic!("{:?}", portal.only_mail().await)
        };
        assert_eq!(next_attempt_at - portal.clock_now(), Duration::minutes(minutes));
        assert!(said.contains(problem), "{said}");
        assert_eq!(portal.post_mails().await, 0, "not before");
        portal.clock.advance(Duration::minutes(minutes));
    }
    assert_eq!(portal.post_mails().await, 0);
    let given_up = portal.only_mail().await;
    assert!(given_up.link.is_none(), "r23");
    assert!(
        matches!(&given_up.delivery, Delivery::GivenUp { problem, .. } if problem.contains("nobody has this address")),
        "{given_up:?}"
    );
    assert_eq!(server.mails().len(), 0);
    let outbox = portal.admin().await.get("/admin/outbox").await.text();
    assert!(outbox.contains(">given up<") && outbox.contains("nobody has this address"), "{outbox}");
}

#[tokio::test]
async fn a_server_that_is_away_is_asked_once_and_what_waited_too_long_is_not_sent() {
    let server = MailServer::start("127.0.0.1", None).await;
    let away = server.address;
    let portal = portal_with("smtp://127.0.0.1:9", None).await;
    for email in ["ada@example.org", "eve@example.org"] {
        sign_up(&mut portal.browser(), email).await;
    }
    assert_eq!(portal.post_mails().await, 0);
    let tried: Vec<_> = portal.store.mails(None, 10).await.unwrap();
    let attempts = |mail: &Mail| match mail.delivery {
        Delivery::Waiting { attempts, .. } => attempts,
        _ => 99,
    };
    assert_eq!(tried.iter().map(attempts).sum::<u32>(), 1, "the second would fare no better: {tried:?}");
    // The same store, with a server for mail that answers: the links have expired meanwhile.
    portal.clock.advance(Duration::days(2));
    let again = portal
        .restarted(Given {
            smtp_url: format!("smtp://{away}").parse().ok(),
            mail_from: Some("keys@example.org".to_owned()),
            ..Given::default()
        })
        .await;
    assert_eq!(again.postman.deliver().await.unwrap(), 0);
    let given_up = portal.store.mails(None, 10).await.unwrap();
    assert!(
        given_up
            .iter()
            .all(|mail| matches!(&mail.delivery, Delivery::GivenUp { problem, .. } if problem.contains("expired"))),
        "{given_up:?}"
    );
    assert_eq!(server.mails().len(), 0);
}

/// A certificate for a host of this machine, and the authority that made it.
fn certified(host: &str, folder: &Path) -> (TlsAcceptor, std::path::PathBuf) {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = params.self_signed(&authority_key).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let issuer = rcgen::Issuer::from_params(&params, &authority_key);
    let certificate = rcgen::CertificateParams::new([host.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let file = folder.join("authority.pem");
    std::fs::write(&file, authority.pem()).unwrap();
    let private = PrivatePkcs8KeyDer::from(key.serialize_der());
    let config = rustls::ServerConfig::builder_with_provider(rustls::crypto::aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(certificate)], private.into())
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), file)
}

#[tokio::test]
async fn mails_go_by_tls_to_a_server_whose_certificate_is_trusted_and_to_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (acceptor, authority) = certified("127.0.0.1", folder.path());
    let server = MailServer::start("127.0.0.1", Some(acceptor)).await;
    let url = format!("smtps://{}", server.address);
    let strangers = portal_with(&url, None).await;
    sign_up(&mut strangers.browser(), "ada@example.org").await;
    assert_eq!(strangers.post_mails().await, 0);
    assert_eq!(server.heard.lock().unwrap().lines.len(), 0, "nothing was said to it");
    let portal = portal_with(&url, Some(&authority)).await;
    sign_up(&mut portal.browser(), "ada@example.org").await;
    assert_eq!(portal.post_mails().await, 1);
    assert!(server.mails()[0].contains("Finish creating your account"));
}

#[tokio::test]
async fn a_server_beyond_this_machine_that_offers_no_tls_gets_no_mail_and_no_password() {
    // Another address than this machine's own name: what goes there could be read on the way.
    let server = MailServer::start("127.0.0.2", None).await;
    let portal = portal_with(&format!("smtp://keys:hunter2@{}", server.address), None).await;
    sign_up(&mut portal.browser(), "ada@example.org").await;
    assert_eq!(portal.post_mails().await, 0);
    let heard = server.heard.lock().unwrap();
    assert_eq!((heard.connections, heard.mails.len()), (1, 0));
    assert!(!heard.lines.iter().any(|line| line.starts_with("AUTH") || line.starts_with("MAIL")), "{heard:?}");
}
