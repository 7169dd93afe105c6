//! Somebody signs out, because an app asks, and apps are told of it.

use crate::{
    sender_constrained::Holder,
    stage::{Stage, Tokens, encoded},
    support::{Portal, between},
};
use axum::{Router, body::Bytes, extract::State, routing};
use http::StatusCode;
use latchkey_core::jose::{Compact, JwkSet};
use serde_json::{Value, json};
use server::config::Given;
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};
use time::Duration;

const AFTER: &str = "https://reader.example/goodbye";

/// An app's own server, on this machine.
#[derive(Clone, Default)]
struct App {
    told: Arc<Mutex<Vec<String>>>,
    asked_for_keys: Arc<AtomicUsize>,
    keys: Arc<Mutex<String>>,
    out_of_order: Arc<Mutex<bool>>,
}

impl App {
    /// Where it listens.
    async fn start(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new()
            .route(
                "/logout",
                routing::post(async |State(app): State<Self>, body: Bytes| {
                    if *app.out_of_order.lock().unwrap() {
                        return StatusCode::INTERNAL_SERVER_ERROR;
                    }
                    app.told.lock().unwrap().push(String::from_utf8(body.to_vec()).unwrap());
                    StatusCode::OK
                }),
            )
            .route(
                "/jwks.json",
                routing::get(async |State(app): State<Self>| {
                    app.asked_for_keys.fetch_add(1, Ordering::Relaxed);
                    app.keys.lock().unwrap().clone()
                }),
            )
            .with_state(self.clone());
        tokio::spawn(async { axum::serve(listener, app).await });
        format!("http://{address}")
    }

    fn told(&self) -> Vec<String> {
        std::mem::take(&mut *self.told.lock().unwrap())
    }
}

async fn portal() -> Portal {
    Portal::with(Given { private_networks: Some(true), ..Given::default() }).await
}

/// An app that is told at this address, and Grace's tokens with it.
async fn signed_in(app: &App) -> (Stage, Tokens) {
    let uri = format!("{}/logout", app.start().await);
    let fields = [("post_logout_redirect_uris", AFTER), ("backchannel_logout_uri", uri.as_str())];
    let mut stage = Stage::build(portal().await, &["openid", "read:posts"], &fields).await;
    let tokens = stage.tokens().await;
    (stage, tokens)
}

impl Stage {
    async fn keys(&self) -> JwkSet {
        self.portal.api("GET", "/oauth/jwks.json", &[], "").await.text().parse().unwrap()
    }

    async fn deliver(&self) -> usize {
        self.portal.state.services.sign_outs.deliver().await.unwrap()
    }
}

fn logout(pairs: &[(&str, &str)]) -> String {
    format!("/oauth/logout?{}", encoded(pairs))
}

#[tokio::test]
async fn oidc_rp_initiated_2_an_app_asks_and_its_person_answers() {
    let (mut stage, tokens) = signed_in(&App::default()).await;
    let url = logout(&[("id_token_hint", &tokens.id), ("post_logout_redirect_uri", AFTER), ("state", "a b")]);
    let page = stage.grace.get(&url).await;
    assert_eq!(page.status, StatusCode::OK);
    let text = page.text();
    assert!(text.contains("Reading list asks whether you want to sign out"), "{text}");
    assert!(page.header("content-security-policy").contains("form-action 'self' https://reader.example;"));
    assert_eq!(stage.grace.get("/dashboard").await.status, StatusCode::OK, "asvs_10_6_2: a link ends nothing");
    let asked = between(&text, "name=\"asked\" value=\"", "\"").replace("&amp;", "&");
    let answer = stage.grace.send(&url, "/form/account/sign-out", &[("asked", &asked)]).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "https://reader.example/goodbye?state=a+b"));
    assert_eq!(stage.grace.get("/dashboard").await.status, StatusCode::SEE_OTHER, "she is signed out");
    // Who is signed out already is led on at once.
    assert_eq!(stage.grace.get(&url).await.location(), "https://reader.example/goodbye?state=a+b");
    let posted = stage.portal.api(
        "POST",
        "/oauth/logout",
        &[("content-type", "application/x-www-form-urlencoded")],
        url.split_once('?').unwrap().1,
    );
    assert_eq!(posted.await.location(), url, "the same as a form");
}

#[tokio::test]
async fn r07_signing_out_leads_to_registered_addresses_alone() {
    let (mut stage, tokens) = signed_in(&App::default()).await;
    let client_id = stage.client_id.clone();
    for pairs in [
        vec![("post_logout_redirect_uri", AFTER)],
        vec![("client_id", client_id.as_str()), ("post_logout_redirect_uri", "https://evil.test/")],
        vec![("client_id", client_id.as_str()), ("post_logout_redirect_uri", "https://reader.example/goodbye/")],
        vec![("client_id", client_id.as_str()), ("post_logout_redirect_uri", "https://reader.example/callback")],
        vec![
            ("client_id", "lkc_01234567890123456789"),
            ("id_token_hint", tokens.id.as_str()),
            ("post_logout_redirect_uri", AFTER),
        ],
        vec![("id_token_hint", "nonsense"), ("post_logout_redirect_uri", AFTER)],
        vec![("client_id", client_id.as_str()), ("post_logout_redirect_uri", "javascript:alert(1)")],
    ] {
        let answer = stage.portal.browser().get(&logout(&pairs)).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::OK, ""), "{pairs:?}");
    }
    let by_name = logout(&[("client_id", &client_id), ("post_logout_redirect_uri", AFTER)]);
    assert_eq!(stage.portal.browser().get(&by_name).await.location(), AFTER);
    stage.grace.send("/oauth/logout", "/form/account/sign-out", &[]).await;
    assert_eq!(stage.grace.get("/dashboard").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn oidc_back_channel_2_4_apps_are_told_with_a_token_that_they_can_verify() {
    let app = App::default();
    let (mut stage, tokens) = signed_in(&app).await;
    let id: Value = Compact::read(&tokens.id).unwrap().unverified_claims().unwrap();
    assert_eq!(stage.deliver().await, 0);
    stage.grace.send("/dashboard", "/form/account/sign-out", &[]).await;
    assert_eq!(stage.deliver().await, 1);
    let told = app.told();
    let token = told[0].strip_prefix("logout_token=").unwrap();
    let compact = Compact::read(token).unwrap();
    assert_eq!(compact.header.typ.as_deref(), Some("logout+jwt"));
    let algorithm = compact.header.alg.parse().unwrap();
    let key = stage.keys().await.verifying(compact.header.kid.as_deref(), algorithm).next().unwrap();
    let claims: Value = compact.verify(&key).unwrap();
    for same in ["iss", "sub", "aud", "sid"] {
        assert_eq!(claims[same], id[same], "{same}");
    }
    assert_eq!(claims["events"], json!({"http://schemas.openid.net/event/backchannel-logout": {}}));
    assert!(claims.get("nonce").is_none() && claims["jti"].is_string() && claims["exp"].is_i64());
    assert_eq!(stage.deliver().await, 0, "once");
    let refused = stage.portal.with_key(token, "GET", "/api/v1/whoami", "").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "it opens nothing");
    let as_id = logout(&[("id_token_hint", token), ("post_logout_redirect_uri", AFTER)]);
    assert_eq!(stage.portal.browser().get(&as_id).await.location(), "", "and it is no ID token");
}

#[tokio::test]
async fn an_app_that_is_out_of_order_is_told_later_and_other_sessions_are_left_alone() {
    let app = App::default();
    let (mut stage, _) = signed_in(&app).await;
    // Another browser of hers, in which she uses no app.
    let mut other = stage.portal.browser();
    let fields = [("email", "grace@example.org"), ("password", crate::support::PASSWORD)];
    other.send("/login", "/form/account/sign-in", &fields).await;
    other.send("/dashboard", "/form/account/sign-out", &[]).await;
    assert_eq!(stage.deliver().await, 0);
    *app.out_of_order.lock().unwrap() = true;
    let mut second = stage.portal.browser();
    second.send("/login", "/form/account/sign-in", &fields).await;
    second.send("/account/sessions", "/form/session/end-others", &[]).await;
    assert_eq!(stage.deliver().await, 0, "ended from elsewhere, and not told");
    *app.out_of_order.lock().unwrap() = false;
    assert_eq!(stage.deliver().await, 0, "not at once");
    stage.portal.clock.advance(Duration::seconds(10));
    assert_eq!(stage.deliver().await, 1);
    assert_eq!(app.told().len(), 1);
    assert_eq!(stage.grace.get("/dashboard").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn rfc7591_2_a_clients_keys_may_be_at_an_address_of_its_own() {
    let app = App::default();
    let place = app.start().await;
    let (first, second) = (Holder::new(), Holder::new());
    *app.keys.lock().unwrap() = first.jwks();
    let keys = format!("{place}/jwks.json");
    let fields = [("auth_method", "private_key_jwt"), ("keys", keys.as_str())];
    let stage = Stage::build(portal().await, &["read:posts"], &fields).await;
    let ask = async |holder: &Holder| {
        let assertion = holder.assertion(&stage.portal, &stage.client_id, |_| ());
        crate::sender_constrained::asks_with(&stage, &assertion, &[("token", "x")]).await.status
    };
    for _ in 0..3 {
        assert_eq!(ask(&first).await, StatusCode::OK);
    }
    assert_eq!(app.asked_for_keys.load(Ordering::Relaxed), 1, "they are kept a while");
    *app.keys.lock().unwrap() = second.jwks();
    stage.portal.clock.advance(Duration::minutes(5));
    assert_eq!(ask(&second).await, StatusCode::OK, "and fetched anew");
    assert_eq!(ask(&first).await, StatusCode::UNAUTHORIZED);
    *app.keys.lock().unwrap() = "{}".to_owned();
    stage.portal.clock.advance(Duration::minutes(5));
    assert_eq!(ask(&second).await, StatusCode::UNAUTHORIZED, "no keys, nobody");
}
