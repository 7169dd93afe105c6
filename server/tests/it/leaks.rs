//! Reports of leaked keys: from anybody, and from GitHub, whose signature is checked.

use crate::support::{Answer, Browser, LOOPBACK, Portal};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use axum::{body::Body, routing::get};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{Request, StatusCode};
use server::config::Given;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

pub(crate) async fn report(portal: &Portal, token: &str, url: &str) -> Answer {
    let body = serde_json::json!({ "token": token, "url": url }).to_string();
    portal.api("POST", "/leaks", &[("content-type", "application/json")], &body).await
}

/// Waits until a report was worked on: that is after its answer.
async fn eventually(portal: &Portal, key: &str, status: StatusCode) -> bool {
    for _ in 0..100 {
        if portal.with_key(key, "GET", "/api/v1/posts", "").await.status == status {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

async fn page_with(browser: &mut Browser, path: &str, text: &str) -> String {
    for _ in 0..100 {
        let page = browser.get(path).await.text();
        if page.contains(text) {
            return page;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{path} never said {text}");
}

#[tokio::test]
async fn a_found_production_key_is_revoked_and_its_owner_is_told() {
    let portal = Portal::start().await;
    let mut admin = portal.admin().await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let key = ada.key(&application, "production", &["read:posts"], "never").await;
    let answer = report(&portal, &format!("token = \"{key}\""), "https://example.org/config.yml").await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    assert!(eventually(&portal, &key, StatusCode::UNAUTHORIZED).await, "it is revoked");
    for path in ["/dashboard".to_owned(), format!("/apps/{application}/production/keys")] {
        let page = page_with(&mut ada, &path, "was found where secrets must not be").await;
        assert!(page.contains("https://example.org/config.yml") && page.contains("revoked at once"), "{page}");
        assert!(!page.contains(&key), "the key itself is not repeated");
    }
    let outbox = page_with(&mut admin, "/admin/outbox", "was found where secrets must not be").await;
    assert!(outbox.contains("ada@example.org") && outbox.contains("revoked at once"), "{outbox}");
    assert!(!outbox.contains(&key));
    // Told once, however often it is reported.
    report(&portal, &key, "elsewhere").await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let outbox = admin.get("/admin/outbox").await.text();
    assert_eq!(outbox.matches("to <code>ada@example.org").count(), 1, "{outbox}");
}

#[tokio::test]
async fn a_development_key_works_on_unless_the_settings_say_otherwise() {
    let portal = Portal::start().await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let key = ada.key(&application, "development", &["read:posts"], "never").await;
    let list = format!("/apps/{application}/development/keys");
    report(&portal, &key, "").await;
    let page = page_with(&mut ada, &list, "must not be. Reported").await;
    assert!(page.contains("It still works") && page.contains("rotate it now"), "{page}");
    assert_eq!(portal.with_key(&key, "GET", "/api/v1/posts", "").await.status, StatusCode::OK);

    let settings = format!("/apps/{application}/development/settings");
    let fields = [("application", application.as_str()), ("environment", "development"), ("revoke_leaked", "yes")];
    ada.send(&settings, "/form/api-key/policy", &fields).await;
    report(&portal, &key, "").await;
    assert!(eventually(&portal, &key, StatusCode::UNAUTHORIZED).await);
}

#[tokio::test]
async fn a_personal_token_is_always_revoked() {
    let portal = Portal::start().await;
    let mut ada = portal.member("ada@example.org").await;
    let token = ada.token_with(&[("scopes[]", "read:posts"), ("expiry", "30")]).await;
    report(&portal, &token, "").await;
    assert!(eventually(&portal, &token, StatusCode::UNAUTHORIZED).await);
    page_with(&mut ada, "/account/tokens", "was found where secrets must not be").await;
}

#[tokio::test]
async fn real_and_false_get_one_answer_and_reports_are_limited() {
    let portal = Portal::with(Given { reports_per_minute: "4".parse().ok(), ..Given::default() }).await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let key = ada.key(&application, "production", &["read:posts"], "never").await;
    let changed = crate::support::mistyped(&key);
    let answers = [
        report(&portal, &key, "").await,
        report(&portal, &changed, "").await,
        report(&portal, "nothing of yours", "").await,
    ];
    let seen: Vec<_> = answers.iter().map(|answer| (answer.status, answer.text(), answer.headers.clone())).collect();
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:?}");
    let wrong = portal.api("POST", "/leaks", &[], "token=x").await;
    assert_eq!((wrong.status, wrong.code().as_str()), (StatusCode::BAD_REQUEST, "invalid_report"));
    let limited = report(&portal, &key, "").await;
    assert_eq!(limited.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(!limited.header("retry-after").is_empty());
    let get = portal.api("GET", "/leaks", &[], "").await;
    assert_eq!((get.status, get.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
}

/// What stands where GitHub publishes its keys.
pub(crate) struct Github {
    pair: EcdsaKeyPair,
    pub(crate) address: String,
    asked: Arc<AtomicU32>,
}

impl Github {
    pub(crate) async fn start() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        // SubjectPublicKeyInfo of a key on P-256 (RFC 5480 section 2): this head, then the uncompressed point.
        let mut der = vec![
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
            0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
        ];
        der.extend_from_slice(pair.public_key().as_ref());
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", BASE64_STANDARD.encode(der));
        let keys = serde_json::json!({ "public_keys": [{ "key_identifier": "abc", "key": pem, "is_current": true }] });
        let (text, asked) = (keys.to_string(), Arc::new(AtomicU32::new(0)));
        let count = Arc::clone(&asked);
        let app = axum::Router::new().route(
            "/keys",
            get(move || {
                count.fetch_add(1, Ordering::Relaxed);
                let text = text.clone();
                async move { text }
            }),
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/keys", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { pair, address, asked }
    }

    pub(crate) fn sign(&self, body: &str) -> String {
        BASE64_STANDARD.encode(self.pair.sign(&SystemRandom::new(), body.as_bytes()).unwrap())
    }
}

pub(crate) async fn send(portal: &Portal, identifier: &str, signature: &str, body: &str) -> Answer {
    let request = Request::builder()
        .method("POST")
        .uri("/leaks/github")
        .header("Github-Public-Key-Identifier", identifier)
        .header("Github-Public-Key-Signature", signature)
        .body(Body::from(body.to_owned()))
        .unwrap();
    portal.send_from(LOOPBACK, request).await
}

#[tokio::test]
async fn githubs_reports_are_proven_and_answered_with_labels() {
    let github = Github::start().await;
    let portal = Portal::with(Given { github_keys_url: github.address.parse().ok(), ..Given::default() }).await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let key = ada.key(&application, "production", &["read:posts"], "never").await;
    let false_one = crate::support::mistyped(&key);
    let body = serde_json::json!([
        { "token": key, "type": "latchkey_api_key", "url": "https://github.com/a/b/blob/c/d.env", "source": "content" },
        { "token": false_one, "type": "latchkey_api_key", "url": "", "source": "commit" },
    ])
    .to_string();
    let answer = send(&portal, "abc", &github.sign(&body), &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let labels: Vec<_> =
        answer.json().as_array().unwrap().iter().map(|one| one["label"].as_str().unwrap().to_owned()).collect();
    assert_eq!(labels, ["true_positive", "false_positive"]);
    assert!(!answer.text().contains(&key), "the tokens are named by their digests: {answer:?}");
    assert_eq!(portal.with_key(&key, "GET", "/api/v1/posts", "").await.status, StatusCode::UNAUTHORIZED);

    // A body that was changed, a key that is not listed, no signature: nobody's word is taken.
    let forged = body.replace("content", "commit_");
    for (identifier, signature, sent) in [
        ("abc", github.sign(&body), forged.as_str()),
        ("other", github.sign(&body), &body),
        ("abc", String::new(), &body),
    ] {
        let answer = send(&portal, identifier, &signature, sent).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::UNAUTHORIZED, "invalid_signature"));
    }
    assert_eq!(
        github.asked.load(Ordering::Relaxed),
        1,
        "the keys are kept, and made-up names do not make us ask again"
    );
}

#[tokio::test]
async fn githubs_keys_out_of_reach_take_nobodys_word() {
    let address = "http://127.0.0.1:1/keys".parse().ok();
    let portal = Portal::with(Given { github_keys_url: address, ..Given::default() }).await;
    let answer = send(&portal, "abc", "MEUCIQ==", "[]").await;
    assert!(matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::SERVICE_UNAVAILABLE), "{answer:?}");
}
