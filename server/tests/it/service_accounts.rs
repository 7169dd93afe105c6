//! Machine to machine: a service account asks for tokens, calls the API with them, and stops when it is told to.

use crate::support::{Answer, Browser, LOOPBACK, Machine, Portal, basic, between};
use axum::body::Body;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Request, StatusCode};
use latchkey_core::jose::{Compact, Jwk, PrivateKey, SigningAlgorithm, sign};
use serde_json::{Value, json};
use time::Duration;

const CREDENTIALS: &str = "grant_type=client_credentials";

struct Stage {
    portal: Portal,
    ada: Browser,
    application: String,
    machine: Machine,
}

impl Stage {
    async fn set() -> Self {
        let portal = Portal::start().await;
        let mut ada = portal.member("ada@example.org").await;
        let application = ada.application("Bookshelf").await;
        let machine = ada.service_account(&application, "development", &["read:posts", "write:posts"], &[]).await;
        Self { portal, ada, application, machine }
    }

    async fn ask(&self, body: &str) -> Answer {
        self.portal.oauth("/oauth/token", Some(&self.machine.basic()), body).await
    }

    async fn whoami(&self, token: &str) -> Answer {
        self.portal.with_key(token, "GET", "/api/v1/whoami", "").await
    }
}

/// The error word, and that the form is RFC 6749's.
fn error(answer: &Answer) -> String {
    assert_eq!(answer.header("content-type"), "application/json", "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store", "rfc6749_5_1: {answer:?}");
    answer.json()["error"].as_str().unwrap_or_else(|| panic!("no error: {answer:?}")).to_owned()
}

fn claims(token: &str) -> Value {
    Compact::read(token).unwrap().unverified_claims().unwrap()
}

#[tokio::test]
async fn rfc6749_4_4_a_machine_gets_a_token_and_calls_the_api() {
    let stage = Stage::set().await;
    let answer = stage.ask(CREDENTIALS).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!((answer.header("cache-control"), answer.header("content-type")), ("no-store", "application/json"));
    let body = answer.json();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(900)));
    assert_eq!(body["scope"], "read:posts write:posts");
    assert_eq!(body.get("refresh_token"), None, "rfc6749_4_4_3");
    let token = body["access_token"].as_str().unwrap();

    let who = stage.whoami(token).await.json();
    assert_eq!((&who["method"], &who["environment"]), (&json!("access_token"), &json!("development")));
    assert_eq!(
        (&who["client"]["id"], &who["client"]["name"]),
        (&json!(stage.machine.client_id), &json!("Nightly import"))
    );
    let post = stage.portal.with_key(token, "POST", "/api/v1/posts", r#"{"title":"By a machine","body":""}"#).await;
    assert_eq!(post.status, StatusCode::CREATED, "{post:?}");

    let row = stage.portal.recorded(&post).await;
    let attribution = row.attribution.unwrap();
    assert_eq!(
        (attribution.name.as_str(), attribution.hint.as_str()),
        ("Nightly import", stage.machine.client_id.as_str())
    );
}

#[tokio::test]
async fn rfc9068_2_what_an_access_token_says() {
    let stage = Stage::set().await;
    let token = stage.portal.token_of(&stage.machine).await;
    let header: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap();
    assert_eq!((&header["typ"], &header["alg"]), (&json!("at+jwt"), &json!("ES256")));
    let said = claims(&token);
    let start = crate::support::START.unix_timestamp();
    assert_eq!(said["iss"], "http://127.0.0.1:4000");
    assert_eq!((&said["sub"], &said["client_id"]), (&json!(stage.machine.client_id), &json!(stage.machine.client_id)));
    assert_eq!(
        (&said["aud"], &said["scope"]),
        (&json!("http://127.0.0.1:4000/api/v1"), &json!("read:posts write:posts"))
    );
    assert_eq!((&said["iat"], &said["exp"]), (&json!(start), &json!(start + 900)));
    let other = claims(&stage.portal.token_of(&stage.machine).await);
    assert_ne!(said["jti"], other["jti"]);

    // Whoever has our published keys can verify it.
    let jwks = stage.portal.api("GET", "/oauth/jwks.json", &[], "").await.json();
    let keys = jwks["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["kid"] == header["kid"]).expect("the key is published");
    let jwk: Jwk = serde_json::from_value(key.clone()).unwrap();
    let verified: Value =
        Compact::read(&token).unwrap().verify(&jwk.verifying(SigningAlgorithm::Es256).unwrap()).unwrap();
    assert_eq!(verified, said);
    assert!(keys.iter().all(|key| key.get("d").is_none()), "no private half is published");
    assert_eq!(keys.len(), 2, "r66: the key that signs next is published before it does");
}

#[tokio::test]
async fn every_algorithm_that_can_be_chosen_works() {
    let mut stage = Stage::set().await;
    for algorithm in SigningAlgorithm::ALL {
        let chosen = [("signing_algorithm", algorithm.as_str())];
        let machine = stage.ada.service_account(&stage.application, "staging", &["read:posts"], &chosen).await;
        let token = stage.portal.token_of(&machine).await;
        assert_eq!(Compact::read(&token).unwrap().header.alg, algorithm.as_str());
        assert_eq!(stage.whoami(&token).await.status, StatusCode::OK, "{algorithm}");
    }
}

#[tokio::test]
async fn rfc6749_3_3_a_token_holds_what_was_asked_for_and_no_more() {
    let stage = Stage::set().await;
    let answer = stage.ask("grant_type=client_credentials&scope=read%3Aposts").await.json();
    assert_eq!(answer["scope"], "read:posts");
    let token = answer["access_token"].as_str().unwrap();
    let refused = stage.portal.with_key(token, "POST", "/api/v1/posts", r#"{"title":"x","body":""}"#).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::FORBIDDEN, "insufficient_scope"));
    assert!(refused.header("www-authenticate").contains("scope=\"write:posts\""), "rfc6750_3_1");
    for scope in ["delete%3Aaccount", "read%3Aposts+admin", "openid", "%22"] {
        let answer = stage.ask(&format!("grant_type=client_credentials&scope={scope}")).await;
        assert_eq!((answer.status, error(&answer).as_str()), (StatusCode::BAD_REQUEST, "invalid_scope"), "{scope}");
    }
}

#[tokio::test]
async fn rfc6749_5_2_what_the_token_endpoint_refuses() {
    let stage = Stage::set().await;
    for (body, expected) in [
        ("", "invalid_request"),
        ("grant_type=", "invalid_request"),
        ("grant_type=password&username=a&password=b", "unsupported_grant_type"),
        ("grant_type=implicit", "unsupported_grant_type"),
        ("grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
        ("grant_type=client_credentials&scope=read%3Aposts&scope=read%3Aposts", "invalid_request"),
        ("grant_type=client_credentials&unknown=1&unknown=2", "invalid_request"),
        ("grant_type=client_credentials&client_id=lkc_00000000000000000000", "invalid_request"),
        ("grant_type=client_credentials&client_secret=x", "invalid_request"),
    ] {
        let answer = stage.ask(body).await;
        assert_eq!((answer.status, error(&answer).as_str()), (StatusCode::BAD_REQUEST, expected), "{body}");
    }
    let unknown = stage.ask("grant_type=client_credentials&unknown=1&empty=").await;
    assert_eq!(unknown.status, StatusCode::OK, "rfc6749_3_2: what is not known is ignored");
    let basic = stage.machine.basic();
    let json = [("authorization", basic.as_str()), ("content-type", "application/json")];
    let answer = stage.portal.api("POST", "/oauth/token", &json, "{}").await;
    assert_eq!((answer.status, error(&answer).as_str()), (StatusCode::BAD_REQUEST, "invalid_request"));
    let get = stage.portal.api("GET", "/oauth/token?grant_type=client_credentials", &[], "").await;
    assert_eq!((get.status, get.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "POST"), "rfc6749_3_2");
}

#[tokio::test]
async fn rfc6749_2_3_who_is_not_the_client_learns_nothing() {
    let stage = Stage::set().await;
    let id = stage.machine.client_id.clone();
    let key = stage.machine.secret.replace("lk_sec_", "lk_dev_");
    let wrong = crate::support::mistyped(&stage.machine.secret);
    let mut told = Vec::new();
    for (name, secret) in [
        (id.as_str(), ""),
        (id.as_str(), "secret"),
        (id.as_str(), wrong.as_str()),
        (id.as_str(), key.as_str()),
        ("lkc_00000000000000000000", stage.machine.secret.as_str()),
        ("nobody", stage.machine.secret.as_str()),
        ("", ""),
    ] {
        let answer = stage.portal.oauth("/oauth/token", Some(&basic(name, secret)), CREDENTIALS).await;
        assert_eq!(
            (answer.status, error(&answer).as_str()),
            (StatusCode::UNAUTHORIZED, "invalid_client"),
            "{name} {secret}"
        );
        assert!(answer.header("www-authenticate").starts_with("Basic"), "rfc6749_5_2: {answer:?}");
        told.push(answer.text());
    }
    told.dedup();
    assert_eq!(told.len(), 1, "one text for all of it: {told:?}");
    // By the method that it is registered with, and by no other.
    let body = format!("{CREDENTIALS}&client_id={id}&client_secret={}", stage.machine.secret);
    let answer = stage.portal.oauth("/oauth/token", None, &body).await;
    assert_eq!((answer.status, error(&answer).as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
    assert_eq!(answer.header("www-authenticate"), "");
    let public = stage.portal.oauth("/oauth/token", None, &format!("{CREDENTIALS}&client_id={id}")).await;
    assert_eq!(error(&public), "invalid_client");
    // A secret in the URL is never taken.
    let path = format!("/oauth/token?client_id={id}&client_secret={}", stage.machine.secret);
    assert_eq!(error(&stage.portal.oauth(&path, None, CREDENTIALS).await), "invalid_client");
}

#[tokio::test]
async fn a_secret_in_the_body_works_for_whom_it_is_set() {
    let mut stage = Stage::set().await;
    let chosen = [("auth_method", "client_secret_post")];
    let machine = stage.ada.service_account(&stage.application, "staging", &["read:posts"], &chosen).await;
    let body = format!("{CREDENTIALS}&client_id={}&client_secret={}", machine.client_id, machine.secret);
    assert_eq!(stage.portal.oauth("/oauth/token", None, &body).await.status, StatusCode::OK);
    let by_header = stage.portal.oauth("/oauth/token", Some(&machine.basic()), CREDENTIALS).await;
    assert_eq!(error(&by_header), "invalid_client");
}

#[tokio::test]
async fn r49_a_network_that_guesses_secrets_has_to_wait() {
    let portal = Portal::with(server::config::Given {
        unknown_keys_per_minute: "3".parse().ok(),
        require_tls: Some(false),
        ..server::config::Given::default()
    })
    .await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let machine = ada.service_account(&application, "development", &["read:posts"], &[]).await;
    let ask = |secret: &str| {
        let request = Request::post("/oauth/token")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", basic(&machine.client_id, secret))
            .body(Body::from(CREDENTIALS))
            .unwrap();
        portal.send_from("203.0.113.7:40000", request)
    };
    let wrong = crate::support::mistyped(&machine.secret);
    for _ in 0..3 {
        assert_eq!(ask(&wrong).await.status, StatusCode::UNAUTHORIZED);
    }
    let stopped = ask(&wrong).await;
    assert_eq!((stopped.status, error(&stopped).as_str()), (StatusCode::TOO_MANY_REQUESTS, "slow_down"));
    assert!(stopped.header("retry-after").parse::<u64>().unwrap() > 0);
    // 190 bits are not guessed: whoever brings the right one is no guesser.
    assert_eq!(ask(&machine.secret).await.status, StatusCode::OK, "r45: nor waits for what its neighbours do");
    portal.clock.advance(Duration::minutes(1));
    assert_eq!(ask(&wrong).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_ends_when_it_says() {
    let stage = Stage::set().await;
    let token = stage.portal.token_of(&stage.machine).await;
    stage.portal.clock.advance(Duration::seconds(899));
    assert_eq!(stage.whoami(&token).await.status, StatusCode::OK);
    stage.portal.clock.advance(Duration::seconds(1));
    let refused = stage.whoami(&token).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::UNAUTHORIZED, "invalid_token"));
    assert_eq!(stage.portal.recorded(&refused).await.reason.as_deref(), Some("expired"));
}

#[tokio::test]
async fn rfc7009_2_a_revoked_token_stops_at_the_next_request() {
    let mut stage = Stage::set().await;
    let (token, kept) = (stage.portal.token_of(&stage.machine).await, stage.portal.token_of(&stage.machine).await);
    assert_eq!(stage.whoami(&token).await.status, StatusCode::OK);
    let revoke = |by: String, body: String| {
        let portal = &stage.portal;
        async move { portal.oauth("/oauth/revoke", Some(&by), &body).await }
    };
    // Another client's word is not enough, and it is not told so.
    let other = stage.ada.service_account(&stage.application, "development", &["read:posts"], &[]).await;
    assert_eq!(revoke(other.basic(), format!("token={token}")).await.status, StatusCode::OK);
    assert_eq!(stage.whoami(&token).await.status, StatusCode::OK);
    // A hint that is wrong does not matter; neither does a token that is none.
    let answer = revoke(stage.machine.basic(), format!("token={token}&token_type_hint=refresh_token")).await;
    assert_eq!((answer.status, answer.text().as_str()), (StatusCode::OK, ""));
    let refused = stage.whoami(&token).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(stage.portal.recorded(&refused).await.reason.as_deref(), Some("revoked"));
    assert_eq!(stage.whoami(&kept).await.status, StatusCode::OK, "r25: nothing else is ended");
    for body in [format!("token={token}"), "token=nothing".to_owned(), format!("token={}", &token[..token.len() - 1])] {
        assert_eq!(revoke(stage.machine.basic(), body.clone()).await.status, StatusCode::OK, "rfc7009_2_2: {body}");
    }
    assert_eq!(error(&revoke(stage.machine.basic(), String::new()).await), "invalid_request");
    assert_eq!(error(&revoke(basic("nobody", "x"), format!("token={kept}")).await), "invalid_client");
}

#[tokio::test]
async fn rfc7662_2_2_a_token_is_explained_to_whom_it_concerns() {
    let mut stage = Stage::set().await;
    let token = stage.portal.token_of(&stage.machine).await;
    let ask = |by: String, token: String| {
        let portal = &stage.portal;
        async move { portal.oauth("/oauth/introspect", Some(&by), &format!("token={token}")).await }
    };
    let answer = ask(stage.machine.basic(), token.clone()).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let (told, said) = (answer.json(), claims(&token));
    assert_eq!(told["active"], true);
    for claim in ["iss", "sub", "aud", "client_id", "scope", "jti", "iat", "exp"] {
        assert_eq!(told[claim], said[claim], "{claim}");
    }
    let neighbour = stage.ada.service_account(&stage.application, "development", &["read:posts"], &[]).await;
    assert_eq!(ask(neighbour.basic(), token.clone()).await.json()["active"], true, "an API of the same environment");
    let inactive = json!({ "active": false });
    let elsewhere = stage.ada.service_account(&stage.application, "production", &["read:posts"], &[]).await;
    assert_eq!(ask(elsewhere.basic(), token.clone()).await.json(), inactive, "r27: another environment's");
    let mut eve = stage.portal.member("eve@example.org").await;
    let hers = eve.application("Other").await;
    let stranger = eve.service_account(&hers, "development", &["read:posts"], &[]).await;
    assert_eq!(ask(stranger.basic(), token.clone()).await.json(), inactive);
    for bad in ["nothing", &token[..token.len() - 2], &stage.machine.secret] {
        assert_eq!(ask(stage.machine.basic(), bad.to_owned()).await.json(), inactive, "{bad}");
    }
    assert_eq!(error(&ask(basic("nobody", "x"), token.clone()).await), "invalid_client");
    stage.portal.oauth("/oauth/revoke", Some(&stage.machine.basic()), &format!("token={token}")).await;
    assert_eq!(ask(stage.machine.basic(), token.clone()).await.json(), inactive, "revoked");
    let later = stage.portal.token_of(&stage.machine).await;
    stage.portal.clock.advance(Duration::minutes(15));
    assert_eq!(ask(stage.machine.basic(), later).await.json(), inactive, "expired");
}

#[tokio::test]
async fn asvs_9_only_our_own_access_tokens_are_let_in() {
    let stage = Stage::set().await;
    let token = stage.portal.token_of(&stage.machine).await;
    let header = Compact::read(&token).unwrap().header;
    let kid = header.kid.unwrap();
    let good = claims(&token);
    let (foreign, _) = PrivateKey::generate(SigningAlgorithm::Es256).unwrap();
    let with = |typ: &str, kid: &str| sign(&foreign, kid, typ, &good).unwrap();
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let payload = part(&good);
    let public = stage.portal.api("GET", "/oauth/jwks.json", &[], "").await.text();
    let unsigned = |header: Value| format!("{}.{payload}.{}", part(&header), URL_SAFE_NO_PAD.encode(&public));
    for (what, bad, reason) in [
        ("signed by somebody else", with("at+jwt", &kid), "wrong_signature"),
        ("signed with a key of nobody's", with("at+jwt", "x"), "wrong_signature"),
        ("r37: a key id that is a path", with("at+jwt", "../../etc/passwd"), "wrong_signature"),
        ("rfc9068_4: an ID token", with("JWT", &kid), "wrong_type"),
        ("no type", unsigned(json!({ "alg": "ES256", "kid": kid })), "wrong_type"),
        ("not signed", unsigned(json!({ "alg": "none", "typ": "at+jwt", "kid": kid })), "wrong_signature"),
        (
            "r34: a public key as a secret",
            unsigned(json!({ "alg": "HS256", "typ": "at+jwt", "kid": kid })),
            "wrong_signature",
        ),
        (
            "r37: a key of its own",
            {
                let jwk = serde_json::to_value(foreign.public_jwk(&kid)).unwrap();
                let header = part(
                    &json!({ "alg": "ES256", "typ": "at+jwt", "kid": kid, "jwk": jwk, "jku": "https://evil.test" }),
                );
                let signed = format!("{header}.{payload}");
                let signature = foreign.sign(signed.as_bytes()).unwrap();
                format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
            },
            "wrong_signature",
        ),
        (
            "r36: encrypted",
            format!("{}.{payload}.a.b.c", part(&json!({ "alg": "dir", "enc": "A128GCM" }))),
            "malformed",
        ),
        ("truncated", token[..token.len() - 2].to_owned(), "wrong_signature"),
    ] {
        let refused = stage.whoami(&bad).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::UNAUTHORIZED, "invalid_token"), "{what}");
        assert_eq!(stage.portal.recorded(&refused).await.reason.as_deref(), Some(reason), "{what}");
    }
    assert_eq!(stage.whoami(&token).await.status, StatusCode::OK);
    // RFC 6750 section 2: two transports at once, or the URL.
    let bearer = format!("Bearer {token}");
    let both = [("authorization", bearer.as_str()), ("x-api-key", token.as_str())];
    assert_eq!(stage.portal.api("GET", "/api/v1/whoami", &both, "").await.code(), "ambiguous_credentials");
    let in_url = stage.portal.api("GET", &format!("/api/v1/whoami?access_token={token}"), &[], "").await;
    assert_eq!((in_url.status, in_url.code().as_str()), (StatusCode::BAD_REQUEST, "credential_in_query"));
}

#[tokio::test]
async fn a_secret_is_changed_with_no_downtime() {
    let mut stage = Stage::set().await;
    let (page, id) = (stage.machine.page.clone(), stage.machine.id().to_owned());
    let only = stage.ada.get(&page).await.text();
    assert!(!only.contains(">End<"), "the only secret is not ended by itself");
    stage.portal.clock.advance(Duration::seconds(1));
    let first = [("id", id.as_str()), ("form_id", "01a20000-0000-7000-8000-00000000000a")];
    let added = stage.ada.send(&page, "/form/oauth-client/add-secret", &first).await;
    assert_eq!(added.location(), page, "{added:?}");
    let second = Machine { secret: stage.ada.secret_on(&page).await, ..stage.machine.clone() };
    assert!(second.secret.starts_with("lk_sec_") && second.secret != stage.machine.secret);
    for machine in [&stage.machine, &second] {
        stage.portal.token_of(machine).await;
    }
    // A third one has to wait, also when the same form is sent again.
    for form_id in ["01a20000-0000-7000-8000-00000000000a", "01a20000-0000-7000-8000-00000000000b"] {
        let fields = [("id", id.as_str()), ("form_id", form_id)];
        stage.ada.send(&page, "/form/oauth-client/add-secret", &fields).await;
        assert!(stage.ada.get(&page).await.text().contains("two secrets already"), "{form_id}");
    }
    let shown = stage.ada.get(&page).await.text();
    let (_, old) = shown.rsplit_once("name=\"secret\" value=\"").unwrap();
    let old = old.split_once('"').unwrap().0.to_owned();
    stage.ada.send(&page, "/form/oauth-client/end-secret", &[("id", &id), ("secret", &old)]).await;
    let refused = stage.portal.oauth("/oauth/token", Some(&stage.machine.basic()), CREDENTIALS).await;
    assert_eq!(error(&refused), "invalid_client");
    stage.portal.token_of(&second).await;
    let last = stage.ada.get(&page).await.text();
    let last = crate::support::between(&last, "lk_sec_", "</code>").to_owned();
    assert!(second.secret.contains(&last[..4]), "the newer one is first");
}

#[tokio::test]
async fn asvs_8_3_2_revoking_a_service_account_ends_every_token_at_once() {
    let mut stage = Stage::set().await;
    let token = stage.portal.token_of(&stage.machine).await;
    assert_eq!(stage.whoami(&token).await.status, StatusCode::OK);
    let (page, id) = (format!("{}/revoke", stage.machine.page), stage.machine.id().to_owned());
    assert!(stage.ada.get(&page).await.text().contains("stop at once"));
    stage.ada.send(&page, "/form/oauth-client/revoke", &[("id", &id)]).await;
    let refused = stage.whoami(&token).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let row = stage.portal.recorded(&refused).await;
    assert_eq!(row.reason.as_deref(), Some("revoked"));
    assert!(row.attribution.is_some(), "its people see why");
    let asked = stage.portal.oauth("/oauth/token", Some(&stage.machine.basic()), CREDENTIALS).await;
    assert_eq!(error(&asked), "invalid_client", "r31");
    let shown = stage.ada.get(&stage.machine.page).await.text();
    assert!(shown.contains("Revoked") && !shown.contains("Add a second secret"), "{shown}");
}

#[tokio::test]
async fn what_it_did_is_counted_and_its_people_see_its_last_use() {
    let mut stage = Stage::set().await;
    let token = stage.portal.token_of(&stage.machine).await;
    for _ in 0..3 {
        stage.whoami(&token).await;
    }
    let page = stage.machine.page.clone();
    for _ in 0..100 {
        if stage.ada.get(&page).await.text().matches("from 127.0.0.1").count() >= 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let shown = stage.ada.get(&page).await.text();
    assert_eq!(shown.matches("from 127.0.0.1").count(), 2, "the account's and the secret's: {shown}");
    let usage = stage.ada.get(&format!("/apps/{}/development/usage", stage.application)).await.text();
    assert!(usage.contains("GET /api/v1/whoami"), "{usage}");
}

#[tokio::test]
async fn r66_a_rotated_signing_key_leaves_no_gap() {
    let stage = Stage::set().await;
    let mut admin = stage.portal.admin().await;
    let before = stage.portal.token_of(&stage.machine).await;
    let kid = |token: &str| Compact::read(token).unwrap().header.kid.unwrap();
    let jwks = stage.portal.api("GET", "/oauth/jwks.json", &[], "").await.text();
    admin.send("/admin/signing-keys", "/form/signing-key/rotate", &[("algorithm", "ES256")]).await;
    let page = admin.get("/admin/signing-keys").await.text();
    assert!(page.contains("Say why") && !page.contains("Retired"), "not without a reason: {page}");
    let rotate = [("algorithm", "ES256"), ("reason", "a laptop was stolen")];
    let answer = admin.send("/admin/signing-keys", "/form/signing-key/rotate", &rotate).await;
    assert_eq!(answer.location(), "/admin/signing-keys");
    assert!(admin.get("/admin/audit").await.text().contains("a laptop was stolen"));
    let page = admin.get("/admin/signing-keys").await.text();
    for state in ["Next", "Active", "Retired"] {
        assert!(page.contains(state), "{state}: {page}");
    }
    let after = stage.portal.token_of(&stage.machine).await;
    assert_ne!(kid(&before), kid(&after));
    assert!(jwks.contains(&kid(&after)), "it was published before it signed");
    for token in [&before, &after] {
        assert_eq!(stage.whoami(token).await.status, StatusCode::OK);
    }
    let published = stage.portal.api("GET", "/oauth/jwks.json", &[], "").await.text();
    assert!(published.contains(&kid(&before)), "oidc_core_10_1: what it signed can be verified still: {published}");
    // Once nothing that it signed can be good, it is gone.
    stage.portal.clock.advance(Duration::days(2));
    stage.portal.state.services.signing_keys.keep_house().await.unwrap();
    stage.portal.clock.advance(Duration::minutes(2));
    let jwks = stage.portal.api("GET", "/oauth/jwks.json", &[], "").await.text();
    assert!(!jwks.contains(&kid(&before)) && jwks.contains(&kid(&after)), "{jwks}");
    // And after its time the next one signs by itself.
    stage.portal.clock.advance(Duration::days(90));
    stage.portal.state.services.signing_keys.keep_house().await.unwrap();
    let last = stage.portal.token_of(&stage.machine).await;
    assert_ne!(kid(&last), kid(&after));
    // Both are in the log, with the keys that took over from one another.
    admin.sign_in_again("admin@example.org").await;
    let log = admin.get("/admin/audit/export?action=signing_key.rotated&target=ES256").await.text();
    let events: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let change = |before: &str, after: &str| json!([{"field": "key", "before": kid(before), "after": kid(after)}]);
    let [clock, admins] = &events[..] else { panic!("{log}") };
    assert_eq!((&clock["account"], &clock["reason"]), (&Value::Null, &"it had signed for 90 days".into()));
    assert_eq!((&clock["changes"], &admins["changes"]), (&change(&after, &last), &change(&before, &after)), "{log}");
}

#[tokio::test]
async fn rfc8414_3_the_metadata_says_what_works() {
    let stage = Stage::set().await;
    let answer = stage.portal.api("GET", "/.well-known/oauth-authorization-server", &[], "").await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "application/json"));
    let said = answer.json();
    assert_eq!(said["issuer"], claims(&stage.portal.token_of(&stage.machine).await)["iss"], "rfc8414_3_3");
    let path = |member: &str| said[member].as_str().unwrap().trim_start_matches("http://127.0.0.1:4000").to_owned();
    for member in ["token_endpoint", "introspection_endpoint", "revocation_endpoint"] {
        let answer = stage.portal.oauth(&path(member), Some(&stage.machine.basic()), "").await;
        assert_eq!(error(&answer), "invalid_request", "{member} is there");
    }
    let keys = stage.portal.api("GET", &path("jwks_uri"), &[], "").await.json();
    assert!(keys["keys"].as_array().is_some_and(|keys| !keys.is_empty()));
    let authorize = stage.portal.browser().get(&path("authorization_endpoint")).await;
    assert_eq!(authorize.status, StatusCode::BAD_REQUEST, "it is there, and asks for a client");
    assert_eq!(said["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(said["authorization_response_iss_parameter_supported"], true, "rfc9207_3");
    for (member, values) in said.as_object().unwrap() {
        assert_ne!(values, &json!([]), "rfc8414_3_2: {member} is left out where it is empty");
    }
}

#[tokio::test]
async fn rfc9728_5_a_client_that_knows_the_api_alone_finds_where_its_tokens_come_from() {
    let stage = Stage::set().await;
    let refused = stage.portal.api("GET", "/api/v1/whoami", &[], "").await;
    let challenge = refused.header("www-authenticate");
    let url = crate::support::between(challenge, "resource_metadata=\"", "\"");
    let path = url.strip_prefix("http://127.0.0.1:4000").unwrap();
    let said = stage.portal.api("GET", path, &[], "").await.json();
    assert_eq!(said["resource"], "http://127.0.0.1:4000/api/v1", "rfc9728_3_3: what it was asked about");
    assert_eq!(said["resource"], claims(&stage.portal.token_of(&stage.machine).await)["aud"]);
    let server = said["authorization_servers"][0].as_str().unwrap().to_owned();
    let metadata = stage.portal.api("GET", "/.well-known/oauth-authorization-server", &[], "").await.json();
    assert_eq!(metadata["issuer"], server.as_str());
}

#[tokio::test]
async fn rfc6749_10_no_secret_travels_in_clear() {
    let stage = Stage::set().await;
    let request = Request::post("/oauth/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("authorization", stage.machine.basic())
        .body(Body::from(CREDENTIALS))
        .unwrap();
    let answer = stage.portal.send_from("203.0.113.7:40000", request).await;
    assert_eq!((answer.status, error(&answer).as_str()), (StatusCode::BAD_REQUEST, "invalid_request"));
    assert!(answer.text().contains("https"), "{answer:?}");
    assert!(LOOPBACK.starts_with("127."), "this machine's own address needs no TLS");
}

#[tokio::test]
async fn fields_that_are_wrong_say_why() {
    let mut stage = Stage::set().await;
    let new = format!("/apps/{}/development/service-accounts/new", stage.application);
    let fields = [
        ("kind", "service_account"),
        ("application", stage.application.as_str()),
        ("environment", "development"),
        ("form_id", "01a20000-0000-7000-8000-00000000000c"),
        ("name", ""),
        ("scopes[]", "admin"),
        ("auth_method", "none"),
        ("signing_algorithm", "HS256"),
        ("token_minutes", "100000"),
    ];
    let answer = stage.ada.send(&new, "/form/oauth-client/create", &fields).await;
    assert_eq!(answer.location(), new);
    let page = stage.ada.get(&new).await.text();
    for field in ["name", "scopes", "auth_method", "signing_algorithm", "token_minutes"] {
        assert!(page.contains(&format!("id=\"{field}-error\"")), "{field}: {page}");
    }
}

#[tokio::test]
async fn every_token_that_a_machine_holds_is_ended_at_once_and_new_ones_are_good() {
    let mut stage = Stage::set().await;
    let opaque = [("token_form", "opaque")];
    let second = stage.ada.service_account(&stage.application, "development", &["read:posts"], &opaque).await;
    for machine in [stage.machine.clone(), second] {
        let (one, other) = (stage.portal.token_of(&machine).await, stage.portal.token_of(&machine).await);
        assert_eq!(stage.whoami(&one).await.status, StatusCode::OK, "and it is remembered");
        let page = stage.ada.get(&machine.page).await.text();
        assert_eq!(page.matches("lk_tok_").count(), if one.starts_with("lk_tok_") { 2 } else { 0 }, "{page}");
        let mut eve = stage.portal.member(&format!("eve-{}@example.org", machine.id())).await;
        eve.send("/apps", "/form/oauth-client/end-tokens", &[("id", machine.id())]).await;
        assert_eq!(stage.whoami(&one).await.status, StatusCode::OK, "not by a stranger");

        let ended = stage.ada.send(&machine.page, "/form/oauth-client/end-tokens", &[("id", machine.id())]).await;
        assert_eq!(ended.location(), machine.page);
        for token in [&one, &other] {
            let refused = stage.whoami(token).await;
            assert_eq!((refused.status, refused.code().as_str()), (StatusCode::UNAUTHORIZED, "invalid_token"));
            assert_eq!(stage.portal.recorded(&refused).await.reason.as_deref(), Some("revoked"));
        }
        let body = format!("token={one}");
        let known = stage.portal.oauth("/oauth/introspect", Some(&machine.basic()), &body).await.json();
        assert_eq!(known, json!({"active": false}), "rfc7662_2_2");
        let page = stage.ada.get(&machine.page).await.text();
        assert!(page.contains("All of them were ended") && !page.contains("lk_tok_"), "{page}");
        stage.portal.clock.advance(Duration::milliseconds(1));
        let new = stage.portal.token_of(&machine).await;
        assert_eq!(stage.whoami(&new).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn rfc9068_4_a_token_of_ours_must_be_for_this_api_by_this_issuer_for_this_client() {
    let stage = Stage::set().await;
    let good = claims(&stage.portal.token_of(&stage.machine).await);
    let changed = |member: &str, value: Value| {
        let mut claims = good.clone();
        claims[member] = value;
        claims
    };
    let mut endless = good.clone();
    endless.as_object_mut().unwrap().remove("exp");
    let issuer = good["iss"].as_str().unwrap();
    for (what, claims, reason) in [
        ("another issuer", changed("iss", json!(format!("{issuer}/"))), "wrong_issuer"),
        ("another API", changed("aud", json!(issuer)), "wrong_audience"),
        ("another subject", changed("sub", json!("somebody")), "unknown_client"),
        ("another client", changed("client_id", json!("lkc_00000000000000000000")), "unknown_client"),
        ("no end", endless, "wrong_signature"),
    ] {
        // Signed by our own key: what else is wrong must be seen.
        let token = stage.portal.state.services.ring.sign(SigningAlgorithm::Es256, "at+jwt", &claims).await.unwrap();
        let refused = stage.whoami(&token).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::UNAUTHORIZED, "invalid_token"), "{what}");
        assert_eq!(stage.portal.recorded(&refused).await.reason.as_deref(), Some(reason), "{what}");
        let body = format!("token={token}");
        let known = stage.portal.oauth("/oauth/introspect", Some(&stage.machine.basic()), &body).await.json();
        assert_eq!(known, json!({"active": false}), "{what}");
    }
}

#[tokio::test]
async fn settings_that_somebody_else_changed_meanwhile_are_not_overwritten() {
    let mut stage = Stage::set().await;
    let page = stage.machine.page.clone();
    let shown_on = |page: &str| between(page, "name=\"shown\" value=\"", "\"").to_owned();
    let scope = async |stage: &Stage| stage.ask(CREDENTIALS).await.json()["scope"].clone();
    let first = shown_on(&stage.ada.get(&page).await.text());
    // A form that goes back for a wrong field still stands for what it showed at first.
    let wrong = [("shown", first.as_str()), ("token_minutes", "9999")];
    stage.ada.change_client(&stage.machine, &["read:posts"], &wrong).await;
    assert_eq!(shown_on(&stage.ada.get(&page).await.text()), first);

    stage.ada.change_client(&stage.machine, &["read:posts"], &[("shown", &first)]).await;
    assert!(stage.ada.get(&page).await.text().contains("Saved."));
    let both = ["read:posts", "write:posts"];
    let late = [("shown", first.as_str()), ("name", "Weekly import")];
    stage.ada.change_client(&stage.machine, &both, &late).await;
    let text = stage.ada.get(&page).await.text();
    assert!(text.contains("Somebody else changed its settings meanwhile"), "{text}");
    assert!(text.contains("value=\"Weekly import\""), "what was typed is there still: {text}");
    assert_eq!(scope(&stage).await, "read:posts");
    let second = shown_on(&text);
    stage.ada.change_client(&stage.machine, &both, &[("shown", &second), ("name", "Weekly import")]).await;
    assert!(stage.ada.get(&page).await.text().contains("Saved."), "whoever has looked at it saves again");
    assert_eq!(scope(&stage).await, "read:posts write:posts");
}
