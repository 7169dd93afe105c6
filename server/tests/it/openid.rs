//! A client learns who signed in: ID tokens, the userinfo endpoint, and what a request may demand.

use crate::{
    stage::{REDIRECT, Stage, Tokens, error, parameter},
    support::{Answer, PASSWORD, Portal},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;
use latchkey_core::{
    jose::{Compact, JwkSet},
    secret::sha256,
};
use serde_json::{Value, json};
use time::Duration;

const SIGN_IN: &[&str] = &["openid", "profile", "email"];

async fn stage(fields: &[(&str, &str)]) -> Stage {
    let mut stage = Stage::with_scopes(&["openid", "profile", "email", "read:posts"], fields).await;
    stage.scopes = SIGN_IN.iter().map(ToString::to_string).collect();
    stage
}

impl Stage {
    /// Grace signs in with this request, and allows everything that it asks for.
    async fn sign_in(&mut self, change: &[(&'static str, &str)]) -> Answer {
        let url = self.url(|all| all.extend(change.iter().map(|(name, value)| (*name, (*value).to_owned()))));
        let answer = self.grace.get(&url).await;
        if answer.status == StatusCode::OK { self.answer(&url, SIGN_IN, "allow").await } else { answer }
    }

    /// The same, and what the client gets for the code.
    async fn signed_in(&mut self, change: &[(&'static str, &str)]) -> Tokens {
        let answer = self.sign_in(change).await;
        let code = parameter(&answer, "code").unwrap_or_else(|| panic!("no code: {answer:?}"));
        Tokens::of(&self.redeem_code(&code).await)
    }

    async fn userinfo(&self, access: &str) -> Answer {
        self.portal.with_key(access, "GET", "/oauth/userinfo", "").await
    }

    /// The claims of an ID token, verified as a client verifies it: by the keys that this server publishes.
    async fn verified(&self, id_token: &str) -> Value {
        let keys = self.portal.api("GET", "/oauth/jwks.json", &[], "").await;
        let keys: JwkSet = keys.text().parse().unwrap();
        let compact = Compact::read(id_token).unwrap();
        let algorithm = compact.header.alg.parse().unwrap();
        let key = keys.verifying(compact.header.kid.as_deref(), algorithm).next().unwrap();
        compact.verify(&key).unwrap()
    }

    async fn sign_in_again(&mut self, page: &str) -> Answer {
        let next = url::Url::parse(&format!("http://latchkey.test{page}")).unwrap();
        let next = next.query_pairs().find(|(name, _)| name == "next").unwrap().1.into_owned();
        let fields = [("email", "grace@example.org"), ("password", PASSWORD), ("next", next.as_str())];
        self.grace.send(page, "/form/account/sign-in", &fields).await
    }
}

#[tokio::test]
async fn oidc_core_2_an_id_token_says_who_signed_in_when_and_for_whom() {
    let mut stage = stage(&[]).await;
    let signed_in_at = stage.portal.clock_now().unix_timestamp();
    stage.portal.clock.advance(Duration::minutes(3));
    let tokens = stage.signed_in(&[("nonce", "n-0S6_WzA2Mj")]).await;
    let claims = stage.verified(&tokens.id).await;
    assert_eq!(claims["iss"], crate::support::ORIGIN);
    assert_eq!((&claims["aud"], &claims["nonce"]), (&json!(stage.client_id), &json!("n-0S6_WzA2Mj")));
    assert_eq!((&claims["acr"], &claims["amr"]), (&json!("1"), &json!(["pwd"])));
    assert_eq!(claims["auth_time"], signed_in_at);
    assert_eq!(claims["iat"], signed_in_at + 180);
    assert!(claims["exp"].as_i64().unwrap() > signed_in_at + 180);
    let half = &sha256(tokens.access.as_bytes())[..16];
    assert_eq!(claims["at_hash"], URL_SAFE_NO_PAD.encode(half), "oidc_core_3_1_3_6");
    assert!(claims["sub"].as_str().is_some_and(|sub| sub.is_ascii() && sub.len() <= 255));
    assert!(claims.get("name").is_none() && claims.get("email").is_none(), "what was not asked for in it: {claims}");

    let told = stage.userinfo(&tokens.access).await;
    assert_eq!(told.status, StatusCode::OK, "{told:?}");
    assert_eq!(
        told.json(),
        json!({"sub": claims["sub"], "name": "Ada", "email": "grace@example.org", "email_verified": false}),
        "oidc_core_5_3_2"
    );
    assert_eq!(told.header("cache-control"), "no-store");
    assert_eq!(stage.portal.with_key(&tokens.access, "POST", "/oauth/userinfo", "").await.json(), told.json());

    stage.portal.clock.advance(Duration::minutes(3));
    let again = Tokens::of(&stage.refresh(&tokens.refresh).await);
    let fresh = stage.verified(&again.id).await;
    for same in ["iss", "sub", "aud", "auth_time", "sid"] {
        assert_eq!(fresh[same], claims[same], "oidc_core_12_2: {same}");
    }
    assert!(fresh.get("nonce").is_none() && fresh["iat"] != claims["iat"], "{fresh}");
}

#[tokio::test]
async fn rfc9068_4_an_id_token_opens_no_api_and_userinfo_wants_its_scope() {
    let mut stage = stage(&[]).await;
    let tokens = stage.signed_in(&[]).await;
    let refused = stage.portal.with_key(&tokens.id, "GET", "/api/v1/whoami", "").await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::UNAUTHORIZED, "invalid_token"));
    assert_eq!(stage.userinfo(&tokens.id).await.status, StatusCode::UNAUTHORIZED);
    let nothing = stage.portal.api("GET", "/oauth/userinfo", &[], "").await;
    assert_eq!(nothing.status, StatusCode::UNAUTHORIZED);
    assert!(nothing.header("www-authenticate").starts_with("Bearer "), "{nothing:?}");

    let machine = stage.ada.service_account(&stage.application.clone(), "development", &["read:posts"], &[]).await;
    let own = stage.portal.token_of(&machine).await;
    let refused = stage.userinfo(&own).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::FORBIDDEN, "insufficient_scope"));
    assert!(refused.header("www-authenticate").contains("scope=\"openid\""), "{refused:?}");
    let body = "grant_type=client_credentials&scope=openid";
    let asked = stage.portal.oauth("/oauth/token", Some(&machine.basic()), body).await;
    assert_eq!(error(&asked), "invalid_scope", "a machine has nobody to tell of");
}

#[tokio::test]
async fn oidc_core_5_5_claims_by_name_are_told_only_if_the_person_allows_them() {
    let mut stage = stage(&[]).await;
    let claims = r#"{"id_token":{"email":null},"userinfo":{"name":{"essential":true}}}"#;
    let by_name = [("scope", "openid"), ("claims", claims)];
    let url = stage.url(|all| all.extend(by_name.map(|(name, value)| (name, value.to_owned()))));
    let page = stage.grace.get(&url).await.text();
    assert!(page.contains("Know your name") && page.contains("Know your e-mail address"), "{page}");
    // She unticks the address.
    let answer = stage.answer(&url, &["openid", "profile"], "allow").await;
    let code = parameter(&answer, "code").unwrap();
    let tokens = Tokens::of(&stage.redeem_code(&code).await);
    assert!(stage.verified(&tokens.id).await.get("email").is_none());
    assert_eq!(stage.userinfo(&tokens.access).await.json()["name"], "Ada");
    assert!(stage.userinfo(&tokens.access).await.json().get("email").is_none());

    let tokens = stage.signed_in(&by_name).await;
    assert_eq!(stage.verified(&tokens.id).await["email"], "grace@example.org");
    for (bad, expected) in [
        ("{", "invalid_request"),
        (r#"{"id_token":{"acr":{"essential":true,"value":"9"}}}"#, "unmet_authentication_requirements"),
    ] {
        let answer = stage.sign_in(&[("claims", bad)]).await;
        assert_eq!(parameter(&answer, "error").as_deref(), Some(expected), "{answer:?}");
    }
}

#[tokio::test]
async fn oidc_core_3_1_2_1_a_request_may_demand_a_fresh_sign_in() {
    for demand in [("prompt", "login"), ("prompt", "select_account"), ("max_age", "0"), ("max_age", "60")] {
        let mut stage = stage(&[]).await;
        let first = stage.signed_in(&[]).await;
        let before = stage.verified(&first.id).await["auth_time"].as_i64().unwrap();
        stage.portal.clock.advance(Duration::minutes(5));
        let sent = stage.sign_in(&[demand, ("login_hint", "grace@example.org")]).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER);
        assert!(sent.location().starts_with("/login?next="), "{demand:?}: {sent:?}");
        let sign_in = sent.location().to_owned();
        let page = stage.grace.get(&sign_in).await;
        assert!(page.text().contains("once more") && page.text().contains("value=\"grace@example.org\""), "{page:?}");
        // Coming back without having done so does not help.
        let url = sign_in.split("next=").nth(1).unwrap().split('&').next().unwrap();
        let url = percent_encoding::percent_decode_str(url).decode_utf8().unwrap().into_owned();
        assert!(stage.grace.get(&url).await.location().starts_with("/login"), "{demand:?}");
        let back = stage.sign_in_again(&sign_in).await;
        let given = stage.grace.get(back.location()).await;
        let code = parameter(&given, "code").unwrap_or_else(|| panic!("{demand:?}: {given:?}"));
        let tokens = Tokens::of(&stage.redeem_code(&code).await);
        assert_eq!(stage.verified(&tokens.id).await["auth_time"], before + 300, "{demand:?}");
    }
}

#[tokio::test]
async fn oidc_core_3_1_2_1_prompt_none_asks_nobody_anything() {
    let mut stage = stage(&[]).await;
    let told = |answer: &Answer| parameter(answer, "error");
    let silent = stage.url(|all| drop(all.insert("prompt", "none".to_owned())));
    assert_eq!(told(&stage.portal.browser().get(&silent).await).as_deref(), Some("login_required"));
    assert_eq!(told(&stage.grace.get(&silent).await).as_deref(), Some("consent_required"));
    let tokens = stage.signed_in(&[]).await;
    assert!(parameter(&stage.grace.get(&silent).await, "code").is_some());
    stage.portal.clock.advance(Duration::minutes(5));
    for demand in [("max_age", "60".to_owned()), ("claims", r#"{"id_token":{"sub":{"value":"x"}}}"#.to_owned())] {
        let url = stage.url(|all| {
            all.insert("prompt", "none".to_owned());
            all.insert(demand.0, demand.1.clone());
        });
        assert_eq!(told(&stage.grace.get(&url).await).as_deref(), Some("login_required"), "{demand:?}");
    }
    // Whom the client means may be said by an ID token, an old one too.
    stage.portal.clock.advance(Duration::hours(12));
    let hinted = stage.url(|all| {
        all.insert("prompt", "none".to_owned());
        all.insert("id_token_hint", tokens.id.clone());
    });
    assert!(parameter(&stage.grace.get(&hinted).await, "code").is_some());
    assert_eq!(told(&stage.ada.get(&hinted).await).as_deref(), Some("login_required"), "she is somebody else");
    let made_up = stage.url(|all| drop(all.insert("id_token_hint", format!("{}x", tokens.id))));
    assert_eq!(told(&stage.grace.get(&made_up).await).as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn form_post_the_answer_is_posted_by_the_browser() {
    let mut stage = stage(&[]).await;
    let url = stage.url(|all| drop(all.insert("response_mode", "form_post".to_owned())));
    let answered = stage.answer(&url, SIGN_IN, "allow").await;
    assert_eq!(answered.location(), "/oauth/authorize/form-post", "{answered:?}");
    let page = stage.grace.get("/oauth/authorize/form-post").await;
    let text = page.text();
    assert!(text.contains(&format!("action=\"{REDIRECT}\"")) && text.contains("name=\"iss\""), "{text}");
    assert!(page.header("content-security-policy").contains("form-action 'self' https://reader.example;"));
    assert_eq!(page.header("cache-control"), "no-store");
    let code = crate::support::between(&text, "name=\"code\" value=\"", "\"").to_owned();
    assert_eq!(stage.redeem_code(&code).await.status, StatusCode::OK);
    let again = stage.grace.get("/oauth/authorize/form-post").await;
    assert!(!again.text().contains(&code) && again.text().contains("Nothing to hand on"), "it is shown once");
    // What was allowed before is answered at once; an error travels in the same way.
    let remembered = stage.grace.get(&url).await.text();
    assert!(remembered.contains("name=\"code\"") && remembered.contains("name=\"state\""), "{remembered}");
    let wrong = stage.url(|all| {
        all.insert("response_mode", "form_post".to_owned());
        all.insert("prompt", "dance".to_owned());
    });
    let wrong = stage.grace.get(&wrong).await.text();
    assert!(wrong.contains("name=\"error\" value=\"invalid_request\""), "{wrong}");
    assert!(wrong.contains("name=\"iss\"") && wrong.contains("name=\"state\""), "rfc9207_2: {wrong}");
    let unknown = stage.sign_in(&[("response_mode", "fragment")]).await;
    assert_eq!(parameter(&unknown, "error").as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn oidc_core_8_1_two_apps_know_one_person_by_two_names() {
    let mut stage = stage(&[("subject_type", "pairwise")]).await;
    let tokens = stage.signed_in(&[]).await;
    let sub = stage.verified(&tokens.id).await["sub"].clone();
    assert_eq!(stage.userinfo(&tokens.access).await.json()["sub"], sub);
    let public = stage.grace_id().await;
    assert_ne!(sub, public);
    let access: Value = Compact::read(&tokens.access).unwrap().unverified_claims().unwrap();
    assert_eq!(access["sub"], sub, "the access token tells no more than the ID token");
    let known = stage.portal.with_key(&tokens.access, "GET", "/api/v1/whoami", "").await;
    assert_eq!(known.status, StatusCode::OK, "{known:?}");
    assert!(!known.text().contains(&public), "and neither does the API: {known:?}");
    let two = [("subject_type", "pairwise"), ("redirect_uris", "https://a.example/\nhttps://b.example/")];
    let refused = stage.ada.try_client(&stage.application.clone(), &["openid"], &two).await;
    assert!(refused.contains("A name of its own needs addresses on one host"), "{refused}");
}

#[tokio::test]
async fn oauth2_1_7_5_1_only_a_client_that_was_let_off_signs_in_without_pkce() {
    let without = |all: &mut std::collections::BTreeMap<&'static str, String>| {
        all.remove("code_challenge");
        all.remove("code_challenge_method");
    };
    let mut strict = stage(&[]).await;
    let url = strict.url(without);
    assert_eq!(parameter(&strict.grace.get(&url).await, "error").as_deref(), Some("invalid_request"));

    let mut lenient = stage(&[("without_pkce", "yes")]).await;
    let url = lenient.url(without);
    let answer = lenient.answer(&url, SIGN_IN, "allow").await;
    let code = parameter(&answer, "code").unwrap();
    let with_verifier = lenient.redeem_code(&code).await;
    assert_eq!(error(&with_verifier), "invalid_grant", "rfc9700_4_8_2: somebody took the challenge away");
    let pairs = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", REDIRECT)];
    assert_eq!(lenient.redeem(&pairs).await.status, StatusCode::OK);
    let without_sign_in = lenient.url(|all| {
        without(all);
        all.insert("scope", "read:posts".to_owned());
    });
    let answer = lenient.grace.get(&without_sign_in).await;
    assert_eq!(parameter(&answer, "error").as_deref(), Some("invalid_request"), "an ID token is what stands in for it");
    // A challenge that is sent must be met all the same.
    let code = lenient.code_for(SIGN_IN).await;
    let pairs = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", REDIRECT)];
    assert_eq!(error(&lenient.redeem(&pairs).await), "invalid_request", "r21");
    let public = [("auth_method", "none"), ("without_pkce", "yes")];
    let refused = lenient.ada.try_client(&lenient.application.clone(), &["openid"], &public).await;
    assert!(refused.contains("Only a client that proves to be itself"), "{refused}");
}

#[tokio::test]
async fn oidc_discovery_3_everything_that_is_described_is_there() {
    let portal = Portal::start().await;
    let described = portal.api("GET", "/.well-known/openid-configuration", &[], "").await;
    let metadata = described.json();
    assert_eq!(metadata, portal.api("GET", "/.well-known/oauth-authorization-server", &[], "").await.json());
    assert_eq!(metadata["issuer"], crate::support::ORIGIN, "rfc8414_3_3");
    for (name, endpoint) in metadata.as_object().unwrap() {
        if !name.ends_with("_endpoint") && name != "jwks_uri" {
            continue;
        }
        let path = endpoint.as_str().unwrap().strip_prefix(crate::support::ORIGIN).unwrap();
        for method in ["GET", "POST"] {
            let answer = portal.api(method, path, &[], "").await;
            assert_ne!(answer.status, StatusCode::NOT_FOUND, "{method} {name}");
        }
    }
    for algorithms in ["id_token_signing_alg_values_supported", "token_endpoint_auth_signing_alg_values_supported"] {
        assert_eq!(metadata[algorithms], json!(["ES256", "EdDSA", "RS256", "PS256"]), "never none");
    }
    assert!(metadata["scopes_supported"].as_array().unwrap().contains(&json!("openid")));
    assert_eq!(metadata["request_uri_parameter_supported"], false, "which would be true if it were left out");
}

#[tokio::test]
async fn oidc_core_3_1_2_1_a_request_may_come_as_a_form() {
    let stage = stage(&[]).await;
    let body = stage.url(|_| ()).split_once('?').unwrap().1.to_owned();
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", "https://reader.example")];
    let answer = stage.portal.api("POST", "/oauth/authorize", &headers, &body).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    assert!(answer.location().starts_with("/oauth/authorize?") && answer.location().contains("code_challenge="));
    assert!(answer.headers.get("access-control-allow-origin").is_none(), "oauth2_1_3_1");
}
