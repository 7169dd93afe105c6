//! Reports of leaked keys: from anybody, and from GitHub, whose signature is checked.

use crate::{
    audit::listed,
    outbox::Outbox,
    stage::{REDIRECT, SCOPES, Stage, error},
    support::{Answer, Browser, LOOPBACK, Portal, join_all},
    suspension::act,
};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use axum::{body::Body, routing::get};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{Request, StatusCode};
use latchkey_core::{
    alert::{AlertKind, AlertsOf, Rule},
    api_key::PlainApiKey,
    port::Store,
    random::BASE62,
};
use sea_orm::ConnectionTrait;
use server::config::Given;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

pub(crate) async fn report(portal: &Portal, token: &str, url: &str) -> Answer {
    let body = serde_json::json!({ "token": token, "url": url }).to_string();
    portal.api("POST", "/leaks", &[("content-type", "application/json")], &body).await
}

const ADA: &str = "ada@example.org";
/// What is wrong with the keys whose notes say so.
const BROKEN: &str = "CREATE TRIGGER broken BEFORE UPDATE OF leaked_at ON api_key WHEN OLD.notes = 'broken' \
                      BEGIN SELECT RAISE(ABORT, 'broken'); END";

/// A secret with the kind and the public id of this one, and a checksum that is right.
fn made_up_around(real: &str) -> String {
    let (before, _) = real.rsplit_once('_').unwrap();
    let mut text = format!("{before}_{}", "x".repeat(32));
    // CRC-32/ISO-HDLC, in base 62.
    let crc = text.bytes().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    });
    let digits = (0..6).scan(!crc as usize, |rest, _| {
        let digit = char::from(BASE62[*rest % 62]);
        *rest /= 62;
        Some(digit)
    });
    let checksum: Vec<_> = digits.collect();
    text.extend(checksum.iter().rev());
    assert!(PlainApiKey::parse(&text).is_ok(), "{text}");
    text
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
    portal.state.services.leaks.finish().await;
    let outbox = admin.get("/admin/outbox").await.text();
    assert_eq!(outbox.matches("to <code>ada@example.org").count(), 1, "{outbox}");
}

#[tokio::test]
async fn a_development_key_works_on_unless_the_settings_say_otherwise() {
    let portal = Portal::start().await;
    let mut outbox = Outbox::of(&portal).await;
    let mut ada = portal.member(ADA).await;
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
    assert!(!outbox.told(&portal, ADA, "and was revoked").await);
    report(&portal, &key, "https://example.org/again").await;
    assert!(eventually(&portal, &key, StatusCode::UNAUTHORIZED).await);
    // That it works no more is told, though the key was reported before.
    portal.state.services.leaks.finish().await;
    assert!(outbox.told(&portal, ADA, "was found where secrets must not be again, and was revoked").await);
    let team = ada.team_id().await;
    let log = ada.get(&format!("/teams/{team}/audit")).await.text();
    let log = listed(&log);
    assert_eq!(log.matches("Reported a key as found elsewhere").count(), 2, "{log}");
    assert!(log.contains("revoked") && log.contains("https://example.org/again"), "{log}");
    report(&portal, &key, "").await;
    portal.state.services.leaks.finish().await;
    let told = outbox.to(&portal, ADA).await.iter().filter(|mail| mail.contains("and was revoked")).count();
    assert_eq!(told, 1, "once");
}

#[tokio::test]
async fn a_key_that_has_expired_is_revoked_so_that_nobody_prolongs_it() {
    let portal = Portal::start().await;
    let mut outbox = Outbox::of(&portal).await;
    let mut ada = portal.member(ADA).await;
    let application = ada.application("Bookshelf").await;
    let key = ada.key(&application, "production", &["read:posts"], "30").await;
    let page = format!("/apps/{application}/production/keys/{}", ada.key_id(&application, "production").await);
    portal.clock.advance(time::Duration::days(31));
    ada.sign_in_again(ADA).await;
    outbox.0.sign_in_again("admin@example.org").await;
    report(&portal, &key, "").await;
    portal.state.services.leaks.finish().await;
    let id = page.rsplit('/').next().unwrap();
    let fields = [("id", id), ("name", "Web backend"), ("scopes[]", "read:posts"), ("expiry", "never")];
    ada.send(&page, "/form/api-key/update", &fields).await;
    assert_eq!(portal.with_key(&key, "GET", "/api/v1/posts", "").await.status, StatusCode::UNAUTHORIZED);
    assert!(outbox.told(&portal, ADA, "so that it cannot be prolonged").await);
}

#[tokio::test]
async fn a_report_that_was_thanked_for_outlasts_a_store_that_fails() {
    let portal = Portal::start().await;
    let mut ada = portal.member(ADA).await;
    let application = ada.application("Bookshelf").await;
    let key = ada.key(&application, "production", &["read:posts"], "never").await;
    let writer = portal.store.writer();
    let broken = "CREATE TRIGGER broken BEFORE UPDATE OF leaked_at ON api_key BEGIN SELECT RAISE(ABORT, 'broken'); END";
    writer.execute_unprepared(broken).await.unwrap();
    assert_eq!(report(&portal, &key, "").await.status, StatusCode::ACCEPTED);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(portal.with_key(&key, "GET", "/api/v1/posts", "").await.status, StatusCode::OK);
    writer.execute_unprepared("DROP TRIGGER broken").await.unwrap();
    assert!(eventually(&portal, &key, StatusCode::UNAUTHORIZED).await, "it was tried again");
}

#[tokio::test]
async fn what_is_wrong_with_one_key_of_a_report_keeps_none_of_the_others() {
    let portal = Portal::start().await;
    let mut ada = portal.member(ADA).await;
    let application = ada.application("Bookshelf").await;
    let fields = [("scopes[]", "read:posts"), ("expiry", "never"), ("notes", "broken")];
    let broken = ada.key_with(&application, "staging", &fields).await;
    let key = ada.key(&application, "production", &["read:posts"], "never").await;
    portal.store.writer().execute_unprepared(BROKEN).await.unwrap();
    report(&portal, &format!("{broken} {key}"), "").await;
    assert!(eventually(&portal, &key, StatusCode::UNAUTHORIZED).await);
}

#[tokio::test]
async fn a_client_secret_ends_where_the_settings_say_so_and_its_people_are_told() {
    let portal = Portal::start().await;
    let mut outbox = Outbox::of(&portal).await;
    let mut ada = portal.member(ADA).await;
    let application = ada.application("Bookshelf").await;
    let kept = ada.service_account(&application, "development", &["read:posts"], &[]).await;
    let ended = ada.service_account(&application, "production", &["read:posts"], &[]).await;
    let asks = async |machine: &crate::support::Machine| {
        portal.oauth("/oauth/token", Some(&machine.basic()), "grant_type=client_credentials").await.status
    };
    // One that is made up around a known id is nobody's.
    for machine in [&kept, &ended] {
        report(&portal, &made_up_around(&machine.secret), "").await;
    }
    portal.state.services.leaks.finish().await;
    assert_eq!((asks(&kept).await, asks(&ended).await), (StatusCode::OK, StatusCode::OK));
    assert!(!outbox.told(&portal, ADA, "A client secret of Nightly import was found").await);

    for machine in [&kept, &ended, &kept, &ended] {
        report(&portal, &machine.secret, "https://example.org/.env").await;
        portal.state.services.leaks.finish().await;
    }
    assert_eq!((asks(&kept).await, asks(&ended).await), (StatusCode::OK, StatusCode::UNAUTHORIZED));
    let mails = outbox.to(&portal, ADA).await;
    let mails: Vec<_> =
        mails.iter().filter(|mail| mail.contains("A client secret of Nightly import was found")).collect();
    assert_eq!(mails.len(), 2, "each once: {mails:?}");
    assert!(mails.iter().any(|mail| mail.contains("It still works")), "{mails:?}");
    assert!(mails.iter().any(|mail| mail.contains("no token is given for it")), "{mails:?}");
    assert!(mails.iter().all(|mail| mail.contains("https://example.org/.env")), "{mails:?}");
    let team = ada.team_id().await;
    let log = ada.get(&format!("/teams/{team}/audit")).await.text();
    let log = listed(&log);
    assert_eq!(log.matches("Reported a secret or token of a client as found elsewhere").count(), 2, "{log}");
    for machine in [&kept, &ended] {
        assert!(!log.contains(&machine.secret), "r53");
    }
}

#[tokio::test]
async fn a_client_secret_that_works_on_is_noted_once_whatever_became_of_its_alert() {
    for on in [true, false] {
        let portal = Portal::start().await;
        let mut ada = portal.member(ADA).await;
        let application = ada.application("Bookshelf").await;
        let machine = ada.service_account(&application, "development", &["read:posts"], &[]).await;
        let team = ada.team_id().await;
        let of = AlertsOf::Team(team.parse().unwrap());
        let mut work = portal.store.begin().await.unwrap();
        work.alert_rule_set(of, &Rule { on, ..Rule::usual(of, AlertKind::Leak) }).await.unwrap();
        work.commit().await.unwrap();
        for _ in 0..2 {
            report(&portal, &machine.secret, "https://example.org/.env").await;
            portal.state.services.leaks.finish().await;
            // As once its time is over.
            portal.store.writer().execute_unprepared("DELETE FROM alert").await.unwrap();
        }
        let log = ada.get(&format!("/teams/{team}/audit")).await.text();
        let noted = listed(&log).matches("Reported a secret or token of a client as found elsewhere").count();
        assert_eq!(noted, 1, "{on}: {log}");
    }
}

#[tokio::test]
async fn of_reports_that_come_at_once_one_ends_a_client_secret_and_none_says_that_it_works() {
    for portal in [Portal::start().await, Portal::on_postgres().await] {
        let mut outbox = Outbox::of(&portal).await;
        let mut ada = portal.member(ADA).await;
        let application = ada.application("Bookshelf").await;
        let machine = ada.service_account(&application, "production", &["read:posts"], &[]).await;
        join_all((0..8).map(|_| report(&portal, &machine.secret, ""))).await;
        portal.state.services.leaks.finish().await;
        let mails = outbox.to(&portal, ADA).await;
        let told: Vec<_> = mails.iter().filter(|mail| mail.contains("A client secret of Nightly import")).collect();
        assert!(told.len() == 1 && told[0].contains("It was revoked at once"), "{told:?}");
    }
}

#[tokio::test]
async fn of_what_is_switched_off_or_suspended_nobody_reads_that_it_works() {
    let portal = Portal::start().await;
    let mut outbox = Outbox::of(&portal).await;
    let mut ada = portal.member(ADA).await;
    let application = ada.application("Bookshelf").await;
    let off = ada.key(&application, "development", &["read:posts"], "never").await;
    let id = ada.key_id(&application, "development").await;
    ada.send("/apps", "/form/api-key/disable", &[("id", &id)]).await;
    report(&portal, &off, "").await;
    portal.state.services.leaks.finish().await;

    let suspended = ada.key(&application, "staging", &["read:posts"], "never").await;
    let machine = ada.service_account(&application, "staging", &["read:posts"], &[]).await;
    act(&mut outbox.0, "application", &application, "suspend", "it sends spam since Monday").await;
    for secret in [&suspended, &machine.secret] {
        report(&portal, secret, "").await;
        portal.state.services.leaks.finish().await;
    }
    let mails = outbox.to(&portal, ADA).await;
    for said in [
        "It is switched off, and requests with it are refused.",
        "It is suspended, and requests with it are refused until that ends",
        "No token is given for it while the client is suspended",
    ] {
        assert!(mails.iter().any(|mail| mail.contains(said)), "{said}: {mails:?}");
    }
    assert!(!mails.iter().any(|mail| mail.contains("It still works")), "{mails:?}");
    let page = ada.get(&format!("/apps/{application}/staging/keys")).await.text();
    assert!(page.contains("It is suspended. Revoke it") && !page.contains("It still works"), "{page}");
}

#[tokio::test]
async fn tokens_that_mean_nothing_but_here_end_and_those_whom_they_concern_are_told() {
    let portal = Portal::start().await;
    let mut outbox = Outbox::of(&portal).await;
    let mut stage = Stage::on(portal, &[("token_form", "opaque")]).await;
    let (first, second) = (stage.tokens().await, stage.tokens().await);
    for token in [&first.access, &first.refresh] {
        report(&stage.portal, &made_up_around(token), "").await;
    }
    stage.portal.state.services.leaks.finish().await;
    assert!(stage.works(&first).await && stage.works(&second).await);

    report(&stage.portal, &first.access, "https://example.org/log").await;
    stage.portal.state.services.leaks.finish().await;
    assert!(!stage.works(&first).await, "an access token ends by itself alone");
    assert!(stage.works(&second).await);
    assert!(outbox.told(&stage.portal, ADA, "An access token of Reading list was found").await);

    report(&stage.portal, &second.refresh, "https://example.org/log").await;
    stage.portal.state.services.leaks.finish().await;
    assert!(!stage.works(&second).await, "all that came of the same sign-in ends");
    assert_eq!(error(&stage.refresh(&second.refresh).await), "invalid_grant");
    assert!(outbox.told(&stage.portal, ADA, "A refresh token of Reading list was found").await);
    assert!(outbox.told(&stage.portal, "grace@example.org", "Reading list has to ask you again").await);
    // What was found once more changes nothing, and nobody hears of it again.
    for token in [&first.access, &second.refresh] {
        report(&stage.portal, token, "").await;
    }
    stage.portal.state.services.leaks.finish().await;
    let team = stage.ada.team_id().await;
    let log = stage.ada.get(&format!("/teams/{team}/audit")).await.text();
    let log = listed(&log);
    assert_eq!(log.matches("Reported a secret or token of a client as found elsewhere").count(), 2, "{log}");
    let third = stage.tokens().await;
    assert!(stage.works(&third).await, "the app asks again");
}

#[tokio::test]
async fn a_registration_token_ends() {
    let portal = Portal::start().await;
    let mut outbox = Outbox::of(&portal).await;
    let mut ada = portal.member(ADA).await;
    let application = ada.application("Agents").await;
    let page = format!("/apps/{application}/development/clients");
    let fields = [("application", application.as_str()), ("environment", "development"), ("policy", "token")];
    ada.send(&page, "/form/oauth-client/registration", &fields).await;
    let initial = ada.secret_on(&page).await;
    let about = serde_json::json!({ "client_name": "Reader", "redirect_uris": [REDIRECT], "scope": SCOPES.join(" ") });
    let register = async || portal.with_key(&initial, "POST", "/oauth/register", &about.to_string()).await;
    let registered = register().await;
    assert_eq!(registered.status, StatusCode::CREATED, "{registered:?}");
    let registered = registered.json();
    let own = registered["registration_access_token"].as_str().unwrap();
    let place = format!("/oauth/register/{}", registered["client_id"].as_str().unwrap());
    let manages = async || portal.with_key(own, "GET", &place, "").await.status;
    for token in [initial.as_str(), own] {
        report(&portal, &made_up_around(token), "").await;
    }
    portal.state.services.leaks.finish().await;
    assert_eq!(manages().await, StatusCode::OK);
    assert_eq!(register().await.status, StatusCode::CREATED);

    report(&portal, own, "https://example.org/own").await;
    portal.state.services.leaks.finish().await;
    assert_eq!(manages().await, StatusCode::UNAUTHORIZED);
    assert!(outbox.told(&portal, ADA, "A registration token of Reader was found").await);
    report(&portal, &initial, "https://example.org/initial").await;
    portal.state.services.leaks.finish().await;
    assert_eq!(register().await.status, StatusCode::UNAUTHORIZED);
    assert!(outbox.told(&portal, ADA, "The registration token of Agents was found").await);
    let team = ada.team_id().await;
    let log = ada.get(&format!("/teams/{team}/audit")).await.text();
    let log = listed(&log);
    for noted in [
        "Reported a secret or token of a client as found elsewhere",
        "Reported a registration token as found elsewhere",
        "https://example.org/initial",
    ] {
        assert!(log.contains(noted), "{noted}: {log}");
    }
    // The client itself works on, and another token can be made.
    ada.send(&page, "/form/oauth-client/registration", &fields).await;
    let another = ada.secret_on(&page).await;
    let answer = portal.with_key(&another, "POST", "/oauth/register", &about.to_string()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
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
    let mut answers = [
        report(&portal, &key, "").await,
        report(&portal, &changed, "").await,
        report(&portal, "nothing of yours", "").await,
    ];
    for answer in &mut answers {
        assert!(answer.headers.remove("x-request-id").is_some(), "each names its request");
    }
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
    /// The list that is published; none while nobody answers as they should.
    published: Arc<Mutex<Option<String>>>,
}

impl Github {
    pub(crate) async fn start() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let published = Arc::new(Mutex::new(Some(list("abc", &pair))));
        let asked = Arc::new(AtomicU32::new(0));
        let (count, text) = (Arc::clone(&asked), Arc::clone(&published));
        let app = axum::Router::new().route(
            "/keys",
            get(move || {
                count.fetch_add(1, Ordering::Relaxed);
                let text = text.lock().unwrap().clone();
                async move { text.ok_or(StatusCode::BAD_GATEWAY) }
            }),
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/keys", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { pair, address, asked, published }
    }

    fn publish(&self, list: Option<String>) {
        *self.published.lock().unwrap() = list;
    }

    pub(crate) fn sign(&self, body: &str) -> String {
        BASE64_STANDARD.encode(self.pair.sign(&SystemRandom::new(), body.as_bytes()).unwrap())
    }
}

/// A list of one key of this name.
fn list(identifier: &str, pair: &EcdsaKeyPair) -> String {
    // SubjectPublicKeyInfo of a key on P-256 (RFC 5480 section 2): this head, then the uncompressed point.
    let mut der = vec![
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
        0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
    ];
    der.extend_from_slice(pair.public_key().as_ref());
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", BASE64_STANDARD.encode(der));
    serde_json::json!({ "public_keys": [{ "key_identifier": identifier, "key": pem, "is_current": true }] }).to_string()
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
async fn what_is_wrong_with_one_report_of_github_keeps_none_of_the_others() {
    let github = Github::start().await;
    let portal = Portal::with(Given { github_keys_url: github.address.parse().ok(), ..Given::default() }).await;
    let mut ada = portal.member(ADA).await;
    let application = ada.application("Bookshelf").await;
    let fields = [("scopes[]", "read:posts"), ("expiry", "never"), ("notes", "broken")];
    let broken = ada.key_with(&application, "staging", &fields).await;
    let key = ada.key(&application, "production", &["read:posts"], "never").await;
    let writer = portal.store.writer();
    writer.execute_unprepared(BROKEN).await.unwrap();
    let report = |token: &str| serde_json::json!({ "token": token, "type": "latchkey_api_key", "url": "" });
    let body = serde_json::json!([report(&broken), report(&key)]).to_string();
    let answer = send(&portal, "abc", &github.sign(&body), &body).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"));
    assert_eq!(portal.with_key(&key, "GET", "/api/v1/posts", "").await.status, StatusCode::UNAUTHORIZED);
    // It is sent again, until all was looked at.
    writer.execute_unprepared("DROP TRIGGER broken").await.unwrap();
    let answer = send(&portal, "abc", &github.sign(&body), &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.text().matches("true_positive").count(), 2, "{answer:?}");
}

#[tokio::test]
async fn githubs_keys_out_of_reach_take_nobodys_word_and_are_left_alone_for_a_while() {
    let github = Github::start().await;
    let portal = Portal::with(Given { github_keys_url: github.address.parse().ok(), ..Given::default() }).await;
    github.publish(None);
    let asked = || github.asked.load(Ordering::Relaxed);
    for _ in 0..3 {
        let answer = send(&portal, "abc", &github.sign("[]"), "[]").await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"));
    }
    assert_eq!(asked(), 1, "who waits would wait for every one before");
    github.publish(Some(list("abc", &github.pair)));
    portal.clock.advance(time::Duration::seconds(11));
    assert_eq!(send(&portal, "abc", &github.sign("[]"), "[]").await.status, StatusCode::OK);
    assert_eq!(asked(), 2);
}

#[tokio::test]
async fn a_key_that_github_has_withdrawn_is_believed_for_a_day_and_for_a_week_where_nobody_can_be_asked() {
    let github = Github::start().await;
    let portal = Portal::with(Given { github_keys_url: github.address.parse().ok(), ..Given::default() }).await;
    let told = async || send(&portal, "abc", &github.sign("[]"), "[]").await.status;
    assert_eq!(told().await, StatusCode::OK);
    github.publish(None);
    portal.clock.advance(time::Duration::hours(25));
    assert_eq!(told().await, StatusCode::OK, "GitHub may be out of reach for a while");
    portal.clock.advance(time::Duration::days(6));
    assert_eq!(told().await, StatusCode::SERVICE_UNAVAILABLE);
    portal.clock.advance(time::Duration::MINUTE);
    github.publish(Some(list("abc", &github.pair)));
    assert_eq!(told().await, StatusCode::OK);
    let next = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    github.publish(Some(list("next", &next)));
    portal.clock.advance(time::Duration::hours(23));
    assert_eq!(told().await, StatusCode::OK);
    portal.clock.advance(time::Duration::hours(2));
    assert_eq!(told().await, StatusCode::UNAUTHORIZED, "it was withdrawn");
}

#[tokio::test]
async fn who_forges_githubs_signature_waits_and_github_does_not() {
    let github = Github::start().await;
    let given = Given {
        github_keys_url: github.address.parse().ok(),
        reports_per_minute: "3".parse().ok(),
        ..Given::default()
    };
    let portal = Portal::with(given).await;
    for _ in 0..10 {
        assert_eq!(send(&portal, "abc", &github.sign("[]"), "[]").await.status, StatusCode::OK, "however many");
    }
    for _ in 0..3 {
        assert_eq!(send(&portal, "abc", &github.sign("[1]"), "[]").await.status, StatusCode::UNAUTHORIZED);
    }
    let waits = send(&portal, "abc", &github.sign("[]"), "[]").await;
    assert_eq!(waits.status, StatusCode::TOO_MANY_REQUESTS, "{waits:?}");
    assert!(!waits.header("retry-after").is_empty());
    let elsewhere = Request::builder()
        .method("POST")
        .uri("/leaks/github")
        .header("Github-Public-Key-Identifier", "abc")
        .header("Github-Public-Key-Signature", github.sign("[]"))
        .body(Body::from("[]"))
        .unwrap();
    assert_eq!(portal.send_from("192.0.2.7:50000", elsewhere).await.status, StatusCode::OK);
}
