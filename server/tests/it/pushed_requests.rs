//! A client sends what it asks for itself, before it sends the person.

use crate::{
    stage::{SCOPES, Stage, encoded, error, parameter},
    support::{Answer, Portal, form_request, join_all},
};
use axum::body::Body;
use http::{Request, StatusCode};
use latchkey_core::authorization::PushedRequests;
use server::config::Given;
use time::Duration;

impl Stage {
    /// Pushes this request.
    async fn push(&self, change: &[(&'static str, &str)]) -> Answer {
        let mut parameters = self.parameters();
        for (name, value) in change {
            if value.is_empty() {
                parameters.remove(name);
            } else {
                parameters.insert(name, (*value).to_owned());
            }
        }
        let pairs: Vec<_> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.portal.oauth("/oauth/par", self.authorization.as_deref(), &encoded(&pairs)).await
    }

    /// Where the person is sent with it.
    async fn pushed(&self) -> String {
        let answer = self.push(&[]).await;
        assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::CREATED, "no-store"), "{answer:?}");
        assert_eq!(answer.json()["expires_in"], 60);
        self.url_of(answer.json()["request_uri"].as_str().unwrap())
    }

    fn url_of(&self, request_uri: &str) -> String {
        let pairs = [("client_id", self.client_id.as_str()), ("request_uri", request_uri)];
        format!("/oauth/authorize?{}", encoded(&pairs))
    }
}

#[tokio::test]
async fn rfc9126_2_a_pushed_request_is_answered_once() {
    let mut stage = Stage::set(&[]).await;
    let url = stage.pushed().await;
    assert!(url.len() < 160, "nothing but its name is in the address: {url}");
    let led = stage.portal.browser().get(&url).await;
    assert!(led.location().starts_with("/login?next="), "{led:?}");
    // rfc9126_4: a reload before the answer costs nothing.
    for _ in 0..2 {
        assert_eq!(stage.grace.get(&url).await.status, StatusCode::OK);
    }
    let answer = stage.answer(&url, SCOPES, "allow").await;
    assert_eq!(parameter(&answer, "state").as_deref(), Some("a state&with=signs"));
    let code = parameter(&answer, "code").unwrap();
    assert_eq!(stage.redeem_code(&code).await.status, StatusCode::OK);
    let again = stage.grace.get(&url).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST, "{again:?}");
    assert!(again.text().contains("answered before") && again.location().is_empty());

    let denied = stage.pushed().await;
    let url = stage.url(|_| ());
    let ask_again = stage.push(&[("prompt", "consent")]).await;
    let asked = stage.url_of(ask_again.json()["request_uri"].as_str().unwrap());
    assert_eq!(parameter(&stage.answer(&asked, &[], "deny").await, "error").as_deref(), Some("access_denied"));
    assert_eq!(stage.grace.get(&asked).await.status, StatusCode::BAD_REQUEST, "an answer is an answer");
    assert!(parameter(&stage.grace.get(&denied).await, "code").is_some(), "what was allowed before is given at once");
    assert_eq!(stage.grace.get(&denied).await.status, StatusCode::BAD_REQUEST);
    assert!(parameter(&stage.grace.get(&url).await, "code").is_some(), "who need not push may do without");
}

#[tokio::test]
async fn rfc9126_2_2_a_pushed_request_waits_a_minute_and_then_for_its_person() {
    let mut stage = Stage::set(&[]).await;
    let late = stage.pushed().await;
    stage.portal.clock.advance(PushedRequests::LIFE);
    assert_eq!(stage.grace.get(&late).await.status, StatusCode::BAD_REQUEST);
    let opened = stage.pushed().await;
    assert_eq!(stage.grace.get(&opened).await.status, StatusCode::OK);
    stage.portal.clock.advance(PushedRequests::PATIENCE - Duration::SECOND);
    assert_eq!(stage.grace.get(&opened).await.status, StatusCode::OK, "she reads what is asked");
    stage.portal.clock.advance(Duration::SECOND);
    assert_eq!(stage.grace.get(&opened).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn rfc9126_2_3_what_is_wrong_is_said_when_it_is_pushed() {
    let stage = Stage::set(&[]).await;
    for (change, expected) in [
        (("redirect_uri", "https://evil.test/"), "invalid_request"),
        (("redirect_uri", ""), "invalid_request"),
        (("request_uri", "urn:ietf:params:oauth:request_uri:x"), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("response_type", "token"), "unsupported_response_type"),
        (("scope", "admin"), "invalid_scope"),
        (("resource", "https://other.example/"), "invalid_target"),
        (("client_id", "lkc_01234567890123456789"), "invalid_request"),
    ] {
        let answer = stage.push(&[change]).await;
        assert_eq!((answer.status, error(&answer).as_str()), (StatusCode::BAD_REQUEST, expected), "{change:?}");
    }
    let nobody = stage.portal.oauth("/oauth/par", None, "client_id=lkc_01234567890123456789").await;
    assert_eq!((nobody.status, error(&nobody).as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
    let get = stage.portal.api("GET", "/oauth/par", &[], "").await;
    assert_eq!((get.status, get.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
}

#[tokio::test]
async fn rfc9126_2_2_a_pushed_request_is_its_clients_own() {
    let mut stage = Stage::set(&[]).await;
    let url = stage.pushed().await;
    let other = stage.ada.oauth_client(&stage.application.clone(), "development", SCOPES, &[]).await;
    let stolen = url.replace(&stage.client_id, &other.client_id);
    assert_eq!(stage.grace.get(&stolen).await.status, StatusCode::BAD_REQUEST);
    for made_up in ["urn:ietf:params:oauth:request_uri:", "urn:ietf:params:oauth:request_uri:abc"] {
        assert_eq!(stage.grace.get(&stage.url_of(made_up)).await.status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(stage.grace.get(&url).await.status, StatusCode::OK);
}

#[tokio::test]
async fn rfc9126_6_a_client_that_must_push_gets_nothing_otherwise() {
    let mut stage = Stage::set(&[("pushed", "yes")]).await;
    let url = stage.url(|_| ());
    let refused = stage.grace.get(&url).await;
    assert_eq!(parameter(&refused, "error").as_deref(), Some("invalid_request"), "{refused:?}");
    let url = stage.pushed().await;
    assert!(parameter(&stage.answer(&url, SCOPES, "allow").await, "code").is_some());
}

#[tokio::test]
async fn r09_the_question_is_answered_by_the_browser_that_was_asked() {
    let mut stage = Stage::set(&[]).await;
    let url = stage.pushed().await;
    assert_eq!(stage.grace.get(&url).await.status, StatusCode::OK, "she is asked");
    let asked = url.split_once('?').unwrap().1.to_owned();
    let fields = [("asked", asked.as_str()), ("ticked[]", "read:posts"), ("answer", "allow")];
    // Somebody else who has the address answers for themselves, never for her.
    let answer = stage.ada.send(&url, "/form/grant/answer", &fields).await;
    let code = parameter(&answer, "code").unwrap();
    let given = stage.redeem_code(&code).await.json();
    let who = stage.portal.with_key(given["access_token"].as_str().unwrap(), "GET", "/api/v1/whoami", "").await.json();
    assert_ne!(who["account"]["id"], stage.grace_id().await);
    assert!(stage.grace.get("/account/authorized-apps").await.text().contains("No app acts for you"));
    let mut nobody = stage.portal.browser();
    let answer = nobody.send(&url, "/form/grant/answer", &fields).await;
    assert!(answer.location().starts_with("/login?next="), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rfc9126_4_of_many_answers_at_once_one_counts() {
    let mut stage = Stage::set(&[]).await;
    for _ in 0..20 {
        let url = stage.pushed().await;
        let asked = url.split_once('?').unwrap().1.to_owned();
        let token = stage.grace.token().await;
        let fields = [("_csrf", token.as_str()), ("_back", &url), ("asked", &asked)];
        let fields = [&fields[..], &[("ticked[]", "read:posts"), ("answer", "allow")]].concat();
        let tries = (0..16).map(|_| {
            let mut browser = stage.grace.clone();
            let request = form_request("/form/grant/answer", &fields);
            async move { browser.send_request(request).await }
        });
        let answers = join_all(tries).await;
        let codes: Vec<_> = answers.iter().filter(|answer| answer.location().contains("code=")).collect();
        assert_eq!(codes.len(), 1, "{answers:?}");
        let code = parameter(codes[0], "code").unwrap();
        assert_eq!(stage.redeem_code(&code).await.status, StatusCode::OK, "and it is good");
    }
}

#[tokio::test]
async fn rfc9126_2_3_a_body_that_is_too_large_is_413() {
    let stage = Stage::set(&[]).await;
    let answer = stage.push(&[("state", &"x".repeat(200_000))]).await;
    assert_eq!((answer.status, error(&answer).as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "invalid_request"));
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn rfc9126_2_3_who_proves_nothing_cannot_begin_without_end() {
    let portal = Portal::with(Given { require_tls: Some(false), ..Given::default() }).await;
    let stage = Stage::on(portal, &[("auth_method", "none"), ("device", "yes")]).await;
    let parameters = stage.parameters();
    let pairs: Vec<_> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let device = encoded(&[("client_id", stage.client_id.as_str())]);
    for (path, body) in [("/oauth/par", encoded(&pairs)), ("/oauth/device_authorization", device)] {
        let begin = async |from: &str| {
            let request = Request::post(path)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(Body::from(body.clone()))
                .unwrap();
            stage.portal.send_from(from, request).await
        };
        for _ in 0..120 {
            let answer = begin("192.0.2.7:1").await;
            assert!(answer.status.is_success(), "{answer:?}");
        }
        let refused = begin("192.0.2.7:1").await;
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{path}");
        assert!(!refused.header("retry-after").is_empty());
        assert!(begin("192.0.2.8:1").await.status.is_success(), "others are not held up");
    }
}

#[tokio::test]
async fn rfc9126_4_what_was_pushed_is_all_that_counts() {
    let mut stage = Stage::set(&[]).await;
    let url = format!("{}&redirect_uri=https%3A%2F%2Fevil.test%2F&state=evil&scope=admin", stage.pushed().await);
    let answer = stage.answer(&url, SCOPES, "allow").await;
    assert!(answer.location().starts_with("https://reader.example/callback?"), "{answer:?}");
    assert_eq!(parameter(&answer, "state").as_deref(), Some("a state&with=signs"));
}
