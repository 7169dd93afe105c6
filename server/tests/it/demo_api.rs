//! The demo API with a good key: who am I, posts in pages, entity tags, one post for one idempotency key.

use crate::{
    stage::{SCOPES, Stage},
    support::{Answer, Browser, LOOPBACK, Portal, basic, mistyped},
};
use axum::body::Body;
use http::{Request, StatusCode};
use std::{collections::BTreeSet, net::SocketAddr};

const JSON: (&str, &str) = ("content-type", "application/json");

async fn portal_with_key() -> (Portal, Browser, String, String) {
    let portal = Portal::start().await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let key = ada.key(&application, "development", &["read:posts", "write:posts"], "never").await;
    (portal, ada, application, key)
}

#[tokio::test]
async fn the_first_journey_on_postgresql() {
    let portal = Portal::on_postgres().await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let key = ada.key(&application, "development", &["read:posts", "write:posts"], "never").await;
    let made = portal.with_key(&key, "POST", "/api/v1/posts", r#"{"title":"Hello"}"#).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let refused = portal.with_key(&mistyped(&key), "GET", "/api/v1/posts", "").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    portal.recorded(&refused).await;
    let logs = ada.get(&format!("/apps/{application}/development/logs")).await.text();
    assert!(logs.contains("bad_checksum") && logs.contains("POST /api/v1/posts"), "{logs}");
    let usage = ada.get(&format!("/apps/{application}/development/usage")).await.text();
    assert!(usage.contains("1 (50.00 %)"), "{usage}");
}

#[tokio::test]
async fn rfc7617_a_key_comes_as_the_name_of_whoever_has_no_password() {
    let (portal, mut ada, application, key) = portal_with_key().await;
    let token = ada.token_with(&[("scopes[]", "read:posts"), ("expiry", "30")]).await;
    let ask = async |name: &str, password: &str| {
        portal.api("GET", "/api/v1/whoami", &[("authorization", &basic(name, password))], "").await
    };
    assert_eq!(ask(&key, "").await.json()["method"], "api_key");
    assert_eq!(ask(&token, "").await.json()["method"], "personal_token");
    let wrong = mistyped(&key);
    for (name, password, reason) in
        [(key.as_str(), "x", "malformed"), ("x", key.as_str(), "malformed"), (wrong.as_str(), "", "bad_checksum")]
    {
        let refused = ask(name, password).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::UNAUTHORIZED, "invalid_token"));
        assert_eq!(portal.recorded(&refused).await.reason.as_deref(), Some(reason));
    }
    let both = [("authorization", &basic(&key, "")[..]), ("x-api-key", &key)];
    assert_eq!(portal.api("GET", "/api/v1/whoami", &both, "").await.code(), "ambiguous_credentials");
    let logs = ada.get(&format!("/apps/{application}/development/logs")).await.text();
    assert!(!logs.contains(&basic(&key, "")["Basic ".len()..]) && !logs.contains(&key), "r53: {logs}");
}

#[tokio::test]
async fn whoami_says_how_one_is_known() {
    let (portal, _, application, key) = portal_with_key().await;
    let answer = portal.api("GET", "/api/v1/whoami", &[("x-api-key", &key)], "").await;
    let body = answer.json();
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(body["application"], serde_json::json!({ "id": application, "name": "Bookshelf" }));
    assert_eq!(body["scopes"], serde_json::json!(["read:posts", "write:posts"]));
    assert_eq!(body["request_id"], answer.header("x-request-id"));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(!answer.text().contains(&key[20..]), "api3: not a letter of the secret but the hint's");
    let members: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["application", "environment", "key", "method", "request_id", "scopes"], "api3");
}

#[tokio::test]
async fn a_post_lives_and_ends() {
    let (portal, _, _, key) = portal_with_key().await;
    let made = portal.with_key(&key, "POST", "/api/v1/posts", r#"{"title":"Hello","body":"First"}"#).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let path = made.location().to_owned();
    let authorization = format!("Bearer {key}");
    let read = portal.with_key(&key, "GET", &path, "").await;
    assert_eq!((read.status, read.json()), (StatusCode::OK, made.json()));
    assert_eq!(read.header("etag"), made.header("etag"));
    let known = [("authorization", authorization.as_str()), ("if-none-match", read.header("etag"))];
    let unchanged = portal.api("GET", &path, &known, "").await;
    assert_eq!((unchanged.status, unchanged.body.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(unchanged.header("cache-control"), "no-store");
    // A list may come on several lines (RFC 9110 section 5.3).
    let lines = [known[0], ("if-none-match", "\"0\""), known[1]];
    assert_eq!(portal.api("GET", &path, &lines, "").await.status, StatusCode::NOT_MODIFIED);

    let change = |tag: String, title: &'static str| {
        let (portal, path, authorization) = (&portal, &path, &authorization);
        async move {
            let headers = [("authorization", authorization.as_str()), JSON, ("if-match", tag.as_str())];
            portal.api("PUT", path, &headers, &format!(r#"{{"title":"{title}"}}"#)).await
        }
    };
    let changed = change(read.header("etag").to_owned(), "Second").await;
    assert_eq!(changed.status, StatusCode::OK);
    assert_ne!(changed.header("etag"), read.header("etag"));
    let late = change(read.header("etag").to_owned(), "Third").await;
    assert_eq!((late.status, late.code().as_str()), (StatusCode::PRECONDITION_FAILED, "changed"));
    assert_eq!(portal.with_key(&key, "GET", &path, "").await.json()["title"], "Second");

    assert_eq!(portal.with_key(&key, "DELETE", &path, "").await.status, StatusCode::NO_CONTENT);
    for method in ["GET", "DELETE"] {
        let gone = portal.with_key(&key, method, &path, "").await;
        assert_eq!((gone.status, gone.code().as_str()), (StatusCode::NOT_FOUND, "not_found"), "{method}");
    }
}

#[tokio::test]
async fn pages_hold_every_post_once() {
    let (portal, _, _, key) = portal_with_key().await;
    for number in 0..25 {
        portal.clock.advance(time::Duration::seconds(1));
        let body = format!(r#"{{"title":"Post {number}"}}"#);
        assert_eq!(portal.with_key(&key, "POST", "/api/v1/posts", &body).await.status, StatusCode::CREATED);
    }
    let (mut path, mut seen, mut pages) = ("/api/v1/posts?limit=10".to_owned(), Vec::new(), 0);
    loop {
        let page = portal.with_key(&key, "GET", &path, "").await.json();
        seen.extend(page["posts"].as_array().unwrap().iter().map(|post| post["title"].as_str().unwrap().to_owned()));
        pages += 1;
        match page["next"].as_str() {
            Some(next) => path = format!("/api/v1/posts?limit=10&after={next}"),
            None => break,
        }
    }
    let expected: Vec<_> = (0..25).rev().map(|number| format!("Post {number}")).collect();
    assert_eq!((seen, pages), (expected, 3));
    for bad in ["limit=x", "limit=-1", "after=rubbish", "after=' OR 1=1"] {
        let path = format!("/api/v1/posts?{}", bad.replace(' ', "%20"));
        let answer = portal.with_key(&key, "GET", &path, "").await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::BAD_REQUEST, "invalid_query"), "r57: {bad}");
    }
    for (limit, count) in [("0", 1), ("100000", 25)] {
        let page = portal.with_key(&key, "GET", &format!("/api/v1/posts?limit={limit}"), "").await.json();
        assert_eq!(page["posts"].as_array().unwrap().len(), count, "api4: limit {limit} is brought into bounds");
    }
}

#[tokio::test]
async fn each_environment_has_its_own_posts() {
    let (portal, mut ada, application, key) = portal_with_key().await;
    let staging = ada.key(&application, "staging", &["read:posts", "write:posts"], "never").await;
    let made = portal.with_key(&key, "POST", "/api/v1/posts", r#"{"title":"Hello"}"#).await;
    let path = made.location();
    for (method, body) in [("GET", ""), ("PUT", r#"{"title":"Stolen"}"#), ("DELETE", "")] {
        let answer = portal.with_key(&staging, method, path, body).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method}");
    }
    assert_eq!(portal.with_key(&staging, "GET", "/api/v1/posts", "").await.json()["posts"], serde_json::json!([]));
    assert_eq!(portal.with_key(&key, "GET", path, "").await.json()["title"], "Hello");
}

#[tokio::test]
async fn a_persons_posts_are_apart_by_the_environment_of_the_app() {
    let mut stage = Stage::set(&[]).await;
    let development = stage.tokens().await.access;
    let application = stage.application.clone();
    let client = stage.ada.oauth_client(&application, "production", SCOPES, &[]).await;
    (stage.authorization, stage.client_id) = (Some(client.basic()), client.client_id);
    let production = stage.tokens().await.access;
    let scopes = ["read:posts", "write:posts", "delete:account"].map(|scope| ("scopes[]", scope));
    let own = stage.grace.token_with(&[&scopes[..], &[("expiry", "30")]].concat()).await;
    let portal = &stage.portal;
    // One idempotency key, and the same post: once in each environment.
    let post = async |token: &str| {
        let authorization = format!("Bearer {token}");
        let headers = [("authorization", authorization.as_str()), JSON, ("idempotency-key", "order-4711")];
        let made = portal.api("POST", "/api/v1/posts", &headers, r#"{"title":"Order"}"#).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        made.location().to_owned()
    };
    let (in_development, in_production) = (post(&development).await, post(&production).await);
    assert_ne!(in_development, in_production);
    assert_eq!(post(&own).await, in_production, "what comes without an app is of production");
    let listed = async |token: &str| -> Vec<String> {
        let list = portal.with_key(token, "GET", "/api/v1/posts", "").await.json();
        let ids = list["posts"].as_array().unwrap().iter().map(|post| post["id"].as_str().unwrap());
        ids.map(|id| format!("/api/v1/posts/{id}")).collect()
    };
    for (token, is_in, seen, unseen, elsewhere) in [
        (&development, Some("development"), &in_development, &in_production, "is one of production"),
        (&production, Some("production"), &in_production, &in_development, "is one of development"),
        (&own, None, &in_production, &in_development, "is one of development"),
    ] {
        assert_eq!(portal.with_key(token, "GET", "/api/v1/whoami", "").await.json()["environment"].as_str(), is_in);
        assert_eq!(listed(token).await, std::slice::from_ref(seen));
        for (method, body) in [("GET", ""), ("PUT", r#"{"title":"Stolen"}"#), ("DELETE", "")] {
            let refused = portal.with_key(token, method, unseen, body).await;
            assert_eq!((refused.status, refused.code().as_str()), (StatusCode::NOT_FOUND, "not_found"), "{method}");
            let row = portal.recorded(&refused).await;
            let (detail, remedy) = (&row.trace.failed().unwrap().detail, row.remedy.as_deref().unwrap_or_default());
            assert_eq!(row.reason.as_deref(), Some("wrong_owner"), "{method}");
            assert!(detail.ends_with(elsewhere) && remedy.contains("without an app"), "{detail} {remedy}");
        }
    }
    let gone = portal.with_key(&own, "DELETE", "/api/v1/account", "").await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!((listed(&development).await.len(), listed(&production).await.len()), (0, 0), "all of the account's");
}

#[tokio::test]
async fn api1_whoever_asks_for_anothers_post_is_told_nothing_and_it_is_recorded() {
    let (portal, mut ada, application, key) = portal_with_key().await;
    let staging = ada.key(&application, "staging", &["read:posts", "write:posts"], "never").await;
    let mut bob = portal.member("bob@example.org").await;
    let library = bob.application("Library").await;
    let stranger = bob.key(&library, "development", &["read:posts", "write:posts"], "never").await;
    let made = portal.with_key(&key, "POST", "/api/v1/posts", r#"{"title":"Hello"}"#).await;
    let nobodys = "/api/v1/posts/00000000-0000-7000-8000-000000000000";
    for (key, said) in [(&staging, "is one of development"), (&stranger, "is another owner's")] {
        for (method, body) in [("GET", ""), ("PUT", r#"{"title":"Stolen"}"#), ("DELETE", "")] {
            let foreign = portal.with_key(key, method, made.location(), body).await;
            let missing = portal.with_key(key, method, nobodys, body).await;
            let text = |answer: &Answer| {
                let mut problem = answer.json();
                problem.as_object_mut().unwrap().remove("request_id");
                (answer.status, problem)
            };
            assert_eq!(text(&foreign), text(&missing), "{method}");
            let (row, none) = (portal.recorded(&foreign).await, portal.recorded(&missing).await);
            assert_eq!((row.status, row.reason.as_deref(), none.reason), (404, Some("wrong_owner"), None), "{method}");
            let detail = &row.trace.failed().unwrap().detail;
            let post = made.location().rsplit('/').next().unwrap();
            assert!(detail.contains(post) && detail.ends_with(said), "{detail}");
        }
    }
    let counted = crate::metrics::scrape(&portal).await;
    assert!(counted.contains("latchkey_refusals_total{reason=\"wrong_owner\"} 6\n"), "{counted}");
    assert_eq!(portal.with_key(&key, "GET", made.location(), "").await.json()["title"], "Hello");
}

#[tokio::test]
async fn what_cannot_be_read_is_explained() {
    let (portal, _, _, key) = portal_with_key().await;
    let authorization = format!("Bearer {key}");
    let long = format!(r#"{{"title":"{}"}}"#, "x".repeat(201));
    let deep = "[".repeat(20_000);
    let large = format!(r#"{{"title":"x","body":"{}"}}"#, "x".repeat(server::routes::BODY_LIMIT));
    for (content_type, body, status, code) in [
        ("text/plain", r#"{"title":"x"}"#, 415, "unsupported_media_type"),
        ("application/json", "", 400, "invalid_json"),
        ("application/json", "{", 400, "invalid_json"),
        ("application/json", deep.as_str(), 422, "invalid"),
        ("application/json", "[]", 422, "invalid"),
        ("application/json", r#"{"title":1}"#, 422, "invalid"),
        ("application/json", r#"{"title":"x","version":9}"#, 422, "invalid"),
        ("application/json", r#"{"title":"  "}"#, 422, "invalid"),
        ("application/json", long.as_str(), 422, "invalid"),
        ("application/json", large.as_str(), 413, "too_large"),
    ] {
        let headers = [("authorization", authorization.as_str()), ("content-type", content_type)];
        let answer = portal.api("POST", "/api/v1/posts", &headers, body).await;
        let what = &body[..body.len().min(40)];
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{what}");
        assert_eq!(answer.json()["request_id"], answer.header("x-request-id"), "{what}");
    }
    let list = portal.with_key(&key, "GET", "/api/v1/posts", "").await.json();
    assert_eq!(list["posts"], serde_json::json!([]), "nothing was made");
    let empty = portal.with_key(&key, "POST", "/api/v1/posts", r#"{"title":""}"#).await.json();
    assert!(empty["errors"]["title"].is_string(), "{empty}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r17_one_idempotency_key_makes_one_post_under_concurrency() {
    let (portal, _, _, key) = portal_with_key().await;
    let send = |body: &'static str| {
        let (app, key) = (portal.app.clone(), key.clone());
        async move {
            let peer: SocketAddr = LOOPBACK.parse().unwrap();
            let request = Request::builder()
                .method("POST")
                .uri("/api/v1/posts")
                .header("authorization", format!("Bearer {key}"))
                .header("content-type", "application/json")
                .header("idempotency-key", "order-4711")
                .body(Body::from(body))
                .unwrap();
            let response = app.of(peer.into()).answer(request).await.unwrap();
            let status = response.status();
            let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
            (status, String::from_utf8(body.to_vec()).unwrap())
        }
    };
    let running: Vec<_> = (0..16).map(|_| tokio::spawn(send(r#"{"title":"Order"}"#))).collect();
    let mut bodies = BTreeSet::new();
    for one in running {
        let (status, body) = one.await.unwrap();
        assert_eq!(status, StatusCode::CREATED, "{body}");
        bodies.insert(body);
    }
    assert_eq!(bodies.len(), 1, "everybody gets the one answer: {bodies:?}");
    let list = portal.with_key(&key, "GET", "/api/v1/posts", "").await.json();
    assert_eq!(list["posts"].as_array().map(Vec::len), Some(1));
    let (status, body) = send(r#"{"title":"Another"}"#).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(body.contains("idempotency_key_reused"), "{body}");
}
