//! Every credential is sent to every door, in every field.

use super::{planted::Planted, scene::Scene};
use crate::{
    gateway::{PROXY, ask_at_gateway},
    leaks::{report, send},
    stage::encoded,
    support::mistyped,
};
use serde_json::json;

/// Sends each to the API, the gateway and the endpoints of OAuth: where it belongs, and where it does not.
pub(super) async fn everything_is_sent_everywhere(scene: &Scene, planted: &mut Planted) {
    let mut credentials = planted.credentials().to_vec();
    // What asks at the gateway comes last: a token that was sent in a URL is ended.
    credentials.sort_by_key(|(_, credential)| *credential == scene.verifier);
    for (what, credential) in credentials {
        to_the_api(scene, planted, &what, &credential).await;
        to_the_gateway(scene, planted, &what, &credential).await;
        to_oauth(scene, planted, &what, &credential).await;
    }
}

/// Whether it is known by its looks to whoever writes down what callers say of themselves.
fn is_recognised(what: &str, credential: &str) -> bool {
    !what.contains("mistyped") && (credential.starts_with("lk_") || credential.starts_with("eyJ"))
}

async fn to_the_api(scene: &Scene, planted: &mut Planted, what: &str, credential: &str) {
    let portal = scene.portal();
    let bearer = format!("Bearer {credential}");
    let (basic, dpop, cookie) =
        (format!("Basic {credential}"), format!("DPoP {credential}"), format!("latchkey={credential}"));
    let mut sent = vec![
        vec![("authorization", bearer.as_str())],
        vec![("authorization", basic.as_str())],
        vec![("authorization", dpop.as_str()), ("dpop", credential)],
        vec![("authorization", credential)],
        vec![("x-api-key", credential)],
        vec![("authorization", bearer.as_str()), ("x-api-key", credential)],
        vec![("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")],
        vec![("x-request-id", credential), ("traceparent", credential), ("x-forwarded-for", credential)],
    ];
    if is_recognised(what, credential) {
        sent.push(vec![("authorization", bearer.as_str()), ("user-agent", credential), ("referer", credential)]);
        let answer = portal.with_key(&scene.key, "GET", &format!("/api/v1/posts/{credential}"), "").await;
        planted.saw(&format!("an answer to {what} in a path"), &answer);
    }
    for headers in &sent {
        let answer = portal.api("GET", "/api/v1/posts", headers, "").await;
        planted.saw(&format!("an answer to {what}"), &answer);
    }
    for name in ["access_token", "api_key", "key", "cursor"] {
        let answer = portal.api("GET", &format!("/api/v1/posts?{name}={credential}"), &[], "").await;
        planted.saw(&format!("an answer to {what} in a query"), &answer);
    }
    let bodies = [json!({"title": 1, "body": credential}).to_string(), credential.to_owned()];
    for body in &bodies {
        for key in [credential, &scene.key] {
            let answer = portal.with_key(key, "POST", "/api/v1/posts", body).await;
            planted.saw(&format!("an answer to {what} in a body"), &answer);
        }
    }
    let authorization = format!("Bearer {}", scene.key);
    let once = [
        ("authorization", authorization.as_str()),
        ("idempotency-key", credential),
        ("if-match", credential),
        ("content-type", "application/json"),
    ];
    let answer = portal.api("POST", "/api/v1/posts", &once, "{\"title\":\"A post\"}").await;
    planted.saw(&format!("an answer to {what} in a field that is kept"), &answer);
}

async fn to_the_gateway(scene: &Scene, planted: &mut Planted, what: &str, credential: &str) {
    let bearer = format!("Bearer {credential}");
    let (in_query, in_path) = (format!("/v1/orders?key={credential}"), format!("/v1/orders/{credential}"));
    let known = is_recognised(what, credential);
    for target in ["/v1/orders", in_query.as_str(), if known { &in_path } else { "/v1/orders" }] {
        let told = [
            ("x-forwarded-method", "GET"),
            ("x-forwarded-uri", target),
            ("x-forwarded-for", "203.0.113.9"),
            ("x-forwarded-proto", "https"),
            ("user-agent", if known { credential } else { "a shop" }),
        ];
        for field in [("x-api-key", credential), ("authorization", bearer.as_str()), ("dpop", credential)] {
            let headers = [&told[..], &[field]].concat();
            let answer = ask_at_gateway(scene.portal(), PROXY, "GET", "/gateway/check/orders", &headers).await;
            planted.saw(&format!("what a proxy is told of {what}"), &answer);
        }
        let request = json!({
            "method": "GET", "target": target, "address": "203.0.113.9", "authorization": bearer, "dpop": credential,
        });
        let alone = json!({"method": "GET", "target": target, "address": "203.0.113.9", "x-api-key": credential});
        let body = json!({"api": "orders", "requests": [request, alone]}).to_string();
        let answer = scene.portal().with_key(&scene.verifier, "POST", "/gateway/verify", &body).await;
        planted.saw(&format!("what a server is told of {what}"), &answer);
    }
    if known {
        let check = format!("/gateway/check/{credential}");
        let answer = ask_at_gateway(scene.portal(), PROXY, "GET", &check, &[("x-forwarded-method", "GET")]).await;
        planted.saw(&format!("what a proxy is told of {what} as an API"), &answer);
    }
}

async fn to_oauth(scene: &Scene, planted: &mut Planted, what: &str, credential: &str) {
    let (portal, authorization) = (scene.portal(), scene.stage.authorization.as_deref());
    let bearer = format!("Bearer {credential}");
    for name in
        ["grant_type", "scope", "client_id", "resource", "code", "refresh_token", "device_code", "subject_token"]
    {
        let grant = match name {
            "code" => "authorization_code",
            "refresh_token" => "refresh_token",
            "device_code" => "urn:ietf:params:oauth:grant-type:device_code",
            "subject_token" => "urn:ietf:params:oauth:grant-type:token-exchange",
            _ => "client_credentials",
        };
        let mut pairs = vec![(name, credential)];
        if name != "grant_type" {
            pairs.push(("grant_type", grant));
        }
        // Somebody else's secret gets nothing, but for an error.
        for authorization in [authorization, None] {
            let answer = portal.oauth("/oauth/token", authorization, &encoded(&pairs)).await;
            if !answer.status.is_success() {
                planted.saw(&format!("an error about {what} as {name}"), &answer);
            }
        }
    }
    let secret = encoded(&[("client_id", &scene.stage.client_id), ("client_secret", credential), ("token", "x")]);
    let both = encoded(&[("client_id", credential), ("client_secret", credential), ("token", credential)]);
    let pushed =
        encoded(&[("client_id", &scene.stage.client_id), ("redirect_uri", credential), ("request", credential)]);
    for (path, authorization, body) in [
        ("/oauth/introspect", None, &secret),
        ("/oauth/introspect", None, &both),
        ("/oauth/introspect", Some(bearer.as_str()), &both),
        ("/oauth/par", authorization, &pushed),
        ("/oauth/device_authorization", authorization, &both),
    ] {
        planted.saw(&format!("an answer about {what} at {path}"), &portal.oauth(path, authorization, body).await);
    }
    let own = format!("/oauth/register/{}", if is_recognised(what, credential) { credential } else { "nobody" });
    for path in ["/oauth/userinfo", &own] {
        let answer = portal.with_key(credential, "GET", path, "").await;
        if !answer.status.is_success() {
            planted.saw(&format!("an error about {what} at {path:.20}"), &answer);
        }
    }
}

/// Keys that were found: by anybody, and by GitHub.
pub(super) async fn leaks_are_reported(scene: &Scene, planted: &mut Planted) {
    for (what, credential) in planted.credentials().to_vec() {
        let place = format!("https://example.org/{credential}");
        let place = if is_recognised(&what, &credential) { place.as_str() } else { "https://example.org/" };
        planted.saw("an answer to a report", &report(scene.portal(), &credential, place).await);
    }
    let body = json!([
        {"token": scene.production, "type": "latchkey_api_key", "url": scene.production, "source": "content"},
        {"token": mistyped(&scene.key), "type": "latchkey_api_key", "url": "", "source": "commit"},
    ])
    .to_string();
    let signature = scene.github.sign(&body);
    planted.plant("the signature of a report", &signature);
    for (identifier, status) in [("abc", 200), ("another", 401)] {
        let answer = send(scene.portal(), identifier, &signature, &body).await;
        assert_eq!(answer.status, status, "{answer:?}");
        planted.saw("an answer to GitHub", &answer);
    }
}
