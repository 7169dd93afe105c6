//! What every endpoint of OAuth holds to, whatever is asked of it.

use crate::{
    stage::{REDIRECT, SCOPES, Stage, Tokens, encoded, error, parameter},
    support::{Answer, ORIGIN},
};
use http::StatusCode;
use latchkey_core::authorization::Parameters;
use serde_json::{Value, json};

/// Those that clients ask by a form.
const ASKED: [&str; 5] =
    ["/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/par", "/oauth/device_authorization"];

impl Stage {
    async fn ask(&self, path: &str, body: &str) -> Answer {
        self.portal.oauth(path, self.authorization.as_deref(), body).await
    }
}

#[tokio::test]
async fn rfc6749_3_2_endpoints_are_asked_by_a_posted_form_and_by_nothing_else() {
    let stage = Stage::set(&[]).await;
    for path in ASKED {
        for method in ["GET", "PUT", "DELETE"] {
            let answer = stage.portal.api(method, path, &[], "").await;
            assert_eq!((answer.status, answer.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "POST"), "{path}");
        }
        let authorization = stage.authorization.clone().unwrap();
        for kind in ["application/json", "text/plain", "multipart/form-data; boundary=x"] {
            let headers = [("authorization", authorization.as_str()), ("content-type", kind)];
            let answer = stage.portal.api("POST", path, &headers, r#"{"token":"x"}"#).await;
            assert_eq!(
                (answer.status, error(&answer).as_str()),
                (StatusCode::BAD_REQUEST, "invalid_request"),
                "{path}"
            );
        }
    }
    for path in ["/oauth/jwks.json", "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"] {
        let answer = stage.portal.api("POST", path, &[], "").await;
        assert_eq!((answer.status, answer.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "GET"), "{path}");
    }
}

#[tokio::test]
async fn rfc6749_3_1_no_parameter_is_there_twice() {
    let mut stage = Stage::set(&[("device", "yes")]).await;
    for name in Parameters::KNOWN.into_iter().chain(["never_heard_of"]).filter(|name| *name != "resource") {
        let twice = format!("{}&{name}=a&{name}=b", stage.url(|all| drop(all.remove(name))));
        let stopped = stage.grace.get(&twice).await;
        assert_eq!((stopped.status, stopped.location()), (StatusCode::BAD_REQUEST, ""), "{name}: {stopped:?}");
        let query = twice.split_once('?').unwrap().1;
        assert_eq!(error(&stage.ask("/oauth/par", query).await), "invalid_request", "{name}");
    }
    for (path, names) in [
        ("/oauth/token", &["grant_type", "code", "refresh_token", "device_code", "code_verifier", "client_id"][..]),
        ("/oauth/revoke", &["token", "token_type_hint", "client_id"]),
        ("/oauth/introspect", &["token", "token_type_hint", "client_secret"]),
        ("/oauth/device_authorization", &["scope", "client_assertion"]),
    ] {
        for name in names {
            let answer = stage.ask(path, &format!("{name}=a&{name}=a")).await;
            assert_eq!(error(&answer), "invalid_request", "{path} {name}");
        }
    }
}

#[tokio::test]
async fn rfc6749_4_1_2_the_state_comes_back_to_the_byte() {
    let mut stage = Stage::set(&[]).await;
    let long = "&".repeat(2_048);
    for state in ["x", &long, "é\u{202e}\0", "<\">'", "a+b c%20d"] {
        let url = stage.url(|all| drop(all.insert("state", state.to_owned())));
        let mut answer = stage.grace.get(&url).await;
        if answer.status == StatusCode::OK {
            answer = stage.answer(&url, SCOPES, "allow").await;
        }
        assert_eq!(parameter(&answer, "state").as_deref(), Some(state), "{answer:?}");
        assert_eq!(parameter(&answer, "code").unwrap().len(), 43, "rfc6749_10_10: 256 bits in base62");
    }
}

#[tokio::test]
async fn rfc8707_2_tokens_are_for_this_api_alone() {
    let mut stage = Stage::set(&[]).await;
    let foreign = stage.url(|all| drop(all.insert("resource", "https://other.example/".to_owned())));
    let refused = stage.grace.get(&foreign).await;
    assert_eq!(parameter(&refused, "error").as_deref(), Some("invalid_target"));
    let api = format!("{ORIGIN}/api/v1");
    let described = stage.portal.api("GET", "/.well-known/oauth-protected-resource/api/v1", &[], "").await.json();
    assert_eq!(described["resource"], api);
    let tokens = stage.tokens().await;
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str())];
    let other = [&refresh[..], &[("resource", "https://other.example/")]].concat();
    assert_eq!(error(&stage.redeem(&other).await), "invalid_target");
    let twice = [&refresh[..], &[("resource", &api), ("resource", &api)]].concat();
    Tokens::of(&stage.redeem(&twice).await);
}

#[tokio::test]
async fn rfc6749_3_1_2_4_who_asks_nobody_leads_nobody() {
    let mut stage = Stage::set(&[]).await;
    let application = stage.application.clone();
    let machine = stage.ada.service_account(&application, "development", &["read:posts"], &[]).await;
    let url = stage.url(|all| drop(all.insert("client_id", machine.client_id.clone())));
    let stopped = stage.grace.get(&url).await;
    assert_eq!((stopped.status, stopped.location()), (StatusCode::BAD_REQUEST, ""), "{stopped:?}");
}

#[tokio::test]
async fn oidc_core_3_1_2_1_what_is_unknown_is_ignored_and_what_is_wrong_is_not() {
    let mut stage = Stage::set(&[]).await;
    let unknown = format!("{}&display=page&ui_locales=fr&foo=1", stage.url(|_| ()));
    assert_eq!(stage.grace.get(&unknown).await.status, StatusCode::OK);
    for age in ["-1", "x", "1.5"] {
        let wrong = stage.url(|all| drop(all.insert("max_age", age.to_owned())));
        let refused = stage.grace.get(&wrong).await;
        assert_eq!(parameter(&refused, "error").as_deref(), Some("invalid_request"), "{age}");
        assert!(refused.location().starts_with(REDIRECT));
    }
    assert_eq!(stage.tokens().await.id, "", "no ID token for who did not ask to be told");
}

#[tokio::test]
async fn rfc8414_2_no_signature_is_never_a_choice() {
    let stage = Stage::set(&[]).await;
    let described = stage.portal.api("GET", "/.well-known/openid-configuration", &[], "").await;
    assert_eq!((described.status, described.header("content-type")), (StatusCode::OK, "application/json"));
    let described = described.json();
    let lists: Vec<_> =
        described.as_object().unwrap().iter().filter(|(name, _)| name.ends_with("_alg_values_supported")).collect();
    assert!(lists.len() >= 3, "{lists:?}");
    for (name, algorithms) in lists {
        for algorithm in algorithms.as_array().unwrap() {
            let algorithm = algorithm.as_str().unwrap();
            assert!(algorithm != "none" && !algorithm.starts_with("HS"), "{name}: {algorithm}");
        }
    }
    // What is announced is known, and nothing else is.
    let grants = described["grant_types_supported"].as_array().unwrap();
    let ask = async |grant: &str| error(&stage.ask("/oauth/token", &encoded(&[("grant_type", grant)])).await);
    for grant in grants {
        assert_ne!(ask(grant.as_str().unwrap()).await, "unsupported_grant_type", "{grant}");
    }
    for grant in ["password", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer"] {
        assert!(!grants.contains(&json!(grant)));
        assert_eq!(ask(grant).await, "unsupported_grant_type", "oauth2_1_10");
    }
    for prompt in described["prompt_values_supported"].as_array().unwrap() {
        let url = format!("{}&prompt={}", stage.url(|_| ()), prompt.as_str().unwrap());
        let answer = stage.portal.browser().get(&url).await;
        assert!(!answer.location().contains("invalid_request"), "{prompt}: {answer:?}");
    }
}

#[tokio::test]
async fn rfc7662_2_1_whom_it_does_not_concern_learns_nothing_and_a_hint_hides_nothing() {
    let mut stage = Stage::set(&[]).await;
    let tokens = stage.tokens().await;
    for hint in ["refresh_token", "access_token", "x"] {
        let body = encoded(&[("token", &tokens.access), ("token_type_hint", hint)]);
        assert_eq!(stage.ask("/oauth/introspect", &body).await.json()["active"], true, "{hint}");
    }
    let refresh = stage.ask("/oauth/introspect", &encoded(&[("token", &tokens.refresh)])).await.json();
    assert_eq!(refresh, json!({"active": false}), "refresh tokens are no tokens of an API");
    let application = stage.application.clone();
    let fields = [("auth_method", "none"), ("name", "Other app")];
    let public = stage.ada.oauth_client(&application, "development", SCOPES, &fields).await;
    let body = encoded(&[("token", &tokens.access), ("client_id", &public.client_id)]);
    let refused = stage.portal.oauth("/oauth/introspect", None, &body).await;
    assert_eq!((refused.status, error(&refused).as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
}

#[tokio::test]
async fn rfc6749_2_3_a_client_has_one_way_and_bearer_is_none() {
    let stage = Stage::set(&[]).await;
    let authorization = stage.authorization.clone().unwrap();
    let both = [
        ("token", "x"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", "a.b.c"),
    ];
    assert_eq!(error(&stage.ask("/oauth/introspect", &encoded(&both)).await), "invalid_request");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let twice = [form, ("authorization", authorization.as_str()), ("authorization", authorization.as_str())];
    assert_eq!(error(&stage.portal.api("POST", "/oauth/introspect", &twice, "token=x").await), "invalid_request");
    let saml = [
        ("token", "x"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"),
        ("client_assertion", "a.b.c"),
    ];
    assert_eq!(error(&stage.portal.oauth("/oauth/introspect", None, &encoded(&saml)).await), "invalid_client");
    let bearer = stage.portal.oauth("/oauth/introspect", Some("Bearer x"), "token=x").await;
    assert_eq!((bearer.status, error(&bearer).as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
    assert!(bearer.header("www-authenticate").starts_with("Basic"));
    let value: Value = bearer.json();
    assert!(!value.to_string().contains("Bearer x"), "r68");
}

#[tokio::test]
async fn oauth2_1_3_1_no_script_of_another_origin_reads_the_authorization_endpoint() {
    let stage = Stage::set(&[]).await;
    for method in ["GET", "OPTIONS"] {
        let headers = [("origin", "https://evil.test"), ("access-control-request-method", "GET")];
        let answer = stage.portal.api(method, &stage.url(|_| ()), &headers, "").await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{method}: {answer:?}");
    }
    // Nor is a credential that somebody sent there handed on.
    let query = stage.url(|_| ()).split_once('?').unwrap().1.to_owned();
    let body = format!("{query}&client_secret=lk_sec_x&password=hunter2");
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let led = stage.portal.api("POST", "/oauth/authorize", &headers, &body).await;
    assert!(!led.location().contains("lk_sec_x") && !led.location().contains("hunter2"), "{led:?}");
}
