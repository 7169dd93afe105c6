//! Secrets of every kind are planted, and looked for wherever they must not be: in the database, the log, pages, answers.

use crate::support::{Browser, PASSWORD, Portal, mistyped};
use latchkey_core::port::SigningKeyReader;
use sqlx::{Column, Row};
use std::{
    io,
    sync::{Arc, Mutex},
};
use tracing_subscriber::fmt::MakeWriter;

/// A log that can be read.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Every value of every table, as it lies on the disk.
async fn whole_database(portal: &Portal) -> Vec<u8> {
    let path = portal.folder.path().join("latchkey.db");
    let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table'").fetch_all(&pool).await.unwrap();
    assert!(tables.len() > 10, "{tables:?}");
    let mut everything = Vec::new();
    for table in tables {
        let query = sqlx::AssertSqlSafe(format!("SELECT * FROM \"{table}\""));
        for row in sqlx::query(query).fetch_all(&pool).await.unwrap() {
            for column in row.columns() {
                let text = row.try_get_unchecked::<Option<Vec<u8>>, _>(column.ordinal()).unwrap_or_default();
                everything.extend(text.unwrap_or_default());
                everything.push(b'\n');
            }
        }
    }
    // The files too: what was deleted may still lie in them.
    for entry in std::fs::read_dir(portal.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("latchkey.db")) {
            everything.extend(std::fs::read(path).unwrap());
        }
    }
    everything
}

/// What every private key in PKCS #8 has inside, before it is sealed: the name of its curve and of its kind (RFC 5480).
async fn private_key_bytes(portal: &Portal) -> Vec<u8> {
    let keys = portal.store.signing_keys().await.unwrap();
    assert!(!keys.is_empty(), "a token was signed");
    vec![0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01]
}

fn holds(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}

async fn wander(portal: &Portal, ada: &mut Browser, application: &str) -> Vec<String> {
    let mut seen = Vec::new();
    for path in ["/dashboard", "/apps", "/account/sessions", "/docs", "/docs/keys"] {
        seen.push(ada.get(path).await.text());
    }
    for part in ["keys", "keys/new", "clients", "service-accounts", "usage", "logs"] {
        seen.push(ada.get(&format!("/apps/{application}/development/{part}")).await.text());
    }
    seen.push(portal.browser().get("/login").await.text());
    seen
}

#[tokio::test]
async fn r53_secrets_stay_where_they_belong() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .with_ansi(false)
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let portal = Portal::start().await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let key = ada.key(&application, "development", &["read:posts", "write:posts"], "never").await;
    let setup = portal.state.services.accounts.setup_link().await.unwrap();
    ada.send("/login", "/form/account/sign-in", &[("email", "ada@example.org"), ("password", "canary-wrong-password")])
        .await;
    let weak = [("name", "Eve"), ("email", "eve@example.org"), ("password", "canarycanarycanary")];
    ada.send("/signup", "/form/account/sign-up", &weak).await;
    let spoiled = mistyped(&key);
    let mut answers = Vec::new();
    for sent in [&key, &spoiled] {
        answers.push(portal.with_key(sent, "GET", "/api/v1/whoami", "").await);
        answers.push(portal.with_key(sent, "POST", "/api/v1/posts", "{\"title\":1}").await);
        answers.push(portal.api("GET", &format!("/api/v1/whoami?access_token={sent}"), &[], "").await);
        answers.push(portal.api("GET", "/api/v1/posts", &[("authorization", &format!("Basic {sent}"))], "").await);
    }
    let machine = ada.service_account(&application, "development", &["read:posts"], &[]).await;
    let token = portal.token_of(&machine).await;
    answers.push(portal.with_key(&token, "GET", "/api/v1/whoami", "").await);
    answers.push(portal.with_key(&format!("{token}x"), "GET", "/api/v1/whoami", "").await);
    answers.push(portal.with_key(&machine.secret, "GET", "/api/v1/whoami", "").await);
    for answer in &answers {
        portal.recorded(answer).await;
    }
    let spoiled_secret = mistyped(&machine.secret);
    let wrong = crate::support::basic(&machine.client_id, &spoiled_secret);
    answers.push(portal.oauth("/oauth/token", Some(&wrong), "grant_type=client_credentials").await);
    for path in ["/oauth/introspect", "/oauth/revoke"] {
        answers.push(portal.oauth(path, Some(&machine.basic()), &format!("token={token}")).await);
    }
    let private = private_key_bytes(&portal).await;
    let pages = wander(&portal, &mut ada, &application).await;
    let database = whole_database(&portal).await;
    let written = log.0.lock().unwrap().clone();
    assert!(holds(&written, "request"), "the log was read");
    assert!(holds(&database, "ada@example.org"), "the database was read");

    let unsealed = database.windows(private.len()).any(|window| window == private.as_slice());
    assert!(!unsealed, "a private key is in the database as it is");
    let session = ada.cookies["latchkey"].clone();
    let secret_part = &key[20..52];
    for (what, secret) in [
        ("the key", secret_part),
        ("the mistyped key", &spoiled[20..52]),
        ("the password", PASSWORD),
        ("a wrong password", "canary-wrong-password"),
        ("a weak password", "canarycanarycanary"),
        ("the session's id", session.as_str()),
        ("the setup link", setup.expose()),
        ("the client secret", &machine.secret[20..52]),
        ("the mistyped client secret", &spoiled_secret[20..52]),
        ("the access token", &token),
    ] {
        assert!(!holds(&database, secret), "{what} is in the database");
        assert!(!holds(&written, secret), "{what} is in the log");
        for page in &pages {
            assert!(!page.contains(secret), "{what} is on a page");
        }
        for answer in &answers {
            assert!(!answer.text().contains(secret), "{what} is in an answer: {answer:?}");
            assert!(!format!("{:?}", answer.headers).contains(secret), "{what} is in a header: {answer:?}");
        }
    }
    let server_secret = std::fs::read_to_string(portal.folder.path().join("secret.key")).unwrap();
    assert!(
        !holds(&written, server_secret.trim()) && !holds(&database, server_secret.trim()),
        "the server's own secret"
    );
}
