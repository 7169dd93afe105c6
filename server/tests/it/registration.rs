//! Apps register themselves, where people allow that, and manage what they registered.

use crate::{
    stage::{REDIRECT, VERIFIER, challenge, encoded, error},
    support::{Answer, Browser, ORIGIN, Portal, basic},
};
use http::StatusCode;
use serde_json::{Value, json};
use server::config::Given;

/// A portal with an application, in whose development environment apps may register so.
async fn portal(policy: &str) -> (Portal, Browser, Option<String>) {
    let portal = Portal::start().await;
    let mut admin = portal.admin().await;
    let application = admin.application("Agents").await;
    let token = set_policy(&mut admin, &application, "development", policy).await;
    (portal, admin, token)
}

async fn set_policy(browser: &mut Browser, application: &str, environment: &str, policy: &str) -> Option<String> {
    let page = format!("/apps/{application}/{environment}/clients");
    let fields = [("application", application), ("environment", environment), ("policy", policy)];
    let answer = browser.send(&page, "/form/oauth-client/registration", &fields).await;
    assert_eq!(answer.location(), page, "{answer:?}");
    if policy == "token" { Some(browser.secret_on(&page).await) } else { None }
}

async fn send(portal: &Portal, method: &str, path: &str, token: Option<&str>, body: &Value) -> Answer {
    let authorization = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(authorization.as_deref().map(|value| ("authorization", value)));
    portal.api(method, path, &headers, &body.to_string()).await
}

async fn register(portal: &Portal, token: Option<&str>, body: &Value) -> Answer {
    send(portal, "POST", "/oauth/register", token, body).await
}

fn reader() -> Value {
    json!({
        "client_name": "Reader", "redirect_uris": [REDIRECT], "scope": "openid read:posts",
        "grant_types": ["authorization_code", "refresh_token"], "contacts": ["ignored@reader.example"],
    })
}

/// Where the client manages itself, and with what.
fn management(registered: &Value) -> (String, String) {
    let text = |member: &str| registered[member].as_str().unwrap().to_owned();
    let path = text("registration_client_uri").strip_prefix(ORIGIN).unwrap().to_owned();
    (path, text("registration_access_token"))
}

#[tokio::test]
async fn rfc7591_3_an_agent_registers_itself_asks_a_person_and_calls_the_api() {
    let (portal, ..) = portal("open").await;
    // What an agent knows is the API's address (product.md, journey 9).
    let refused = portal.api("GET", "/api/v1/posts", &[], "").await;
    let about = crate::support::between(refused.header("www-authenticate"), "resource_metadata=\"", "\"").to_owned();
    let about = portal.api("GET", about.strip_prefix(ORIGIN).unwrap(), &[], "").await.json();
    assert_eq!(about["authorization_servers"], json!([ORIGIN]));
    let server = portal.api("GET", "/.well-known/oauth-authorization-server", &[], "").await.json();
    let endpoint = server["registration_endpoint"].as_str().unwrap().strip_prefix(ORIGIN).unwrap().to_owned();

    let metadata = json!({
        "client_name": "Agent", "redirect_uris": ["http://127.0.0.1/callback"],
        "token_endpoint_auth_method": "none", "scope": "read:posts",
    });
    let answer = send(&portal, "POST", &endpoint, None, &metadata).await;
    assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::CREATED, "no-store"), "{answer:?}");
    let registered = answer.json();
    assert!(registered.get("client_secret").is_none(), "{registered}");
    let client_id = registered["client_id"].as_str().unwrap();

    let mut grace = portal.member("grace@example.org").await;
    let redirect = "http://127.0.0.1:51004/callback";
    let asked = encoded(&[
        ("response_type", "code"),
        ("client_id", client_id),
        ("redirect_uri", redirect),
        ("scope", "read:posts"),
        ("resource", about["resource"].as_str().unwrap()),
        ("code_challenge", &challenge()),
        ("code_challenge_method", "S256"),
    ]);
    let page = format!("/oauth/authorize?{asked}");
    let shown = grace.get(&page).await.text();
    assert!(shown.contains("Agent") && shown.contains("Nobody has verified it"), "{shown}");
    let fields = [("asked", asked.as_str()), ("ticked[]", "read:posts"), ("answer", "allow")];
    let led = grace.send(&page, "/form/grant/answer", &fields).await;
    let code = crate::stage::parameter(&led, "code").unwrap();
    let redeem = encoded(&[
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", redirect),
        ("code_verifier", VERIFIER),
        ("client_id", client_id),
        ("resource", about["resource"].as_str().unwrap()),
    ]);
    let tokens = portal.oauth("/oauth/token", None, &redeem).await.json();
    let posts = portal.with_key(tokens["access_token"].as_str().unwrap(), "GET", "/api/v1/posts", "").await;
    assert_eq!(posts.status, StatusCode::OK, "{posts:?}");
}

#[tokio::test]
async fn rfc7591_3_1_registering_takes_what_the_environment_demands() {
    let (portal, mut admin, token) = portal("token").await;
    let token = token.unwrap();
    assert!(token.starts_with("lk_reg_"));
    let registered = register(&portal, Some(&token), &reader()).await;
    assert_eq!(registered.status, StatusCode::CREATED, "{registered:?}");
    let body = registered.json();
    assert_eq!(body["client_secret_expires_at"], 0, "rfc7591_3_2_1");
    assert_eq!((&body["scope"], &body["client_name"]), (&json!("openid read:posts"), &json!("Reader")));
    assert_eq!(body["token_endpoint_auth_method"], "client_secret_basic");
    assert!(body.get("contacts").is_none());
    let basic = basic(body["client_id"].as_str().unwrap(), body["client_secret"].as_str().unwrap());
    let known = portal.oauth("/oauth/introspect", Some(&basic), "token=x").await;
    assert_eq!(known.status, StatusCode::OK, "its secret works: {known:?}");

    let own = management(&body).1;
    for wrong in [None, Some("nothing"), Some(own.as_str()), Some(&crate::support::mistyped(&token))] {
        let answer = register(&portal, wrong, &reader()).await;
        assert_eq!((answer.status, error(&answer).as_str()), (StatusCode::UNAUTHORIZED, "invalid_token"), "{wrong:?}");
        assert!(answer.header("www-authenticate").starts_with("Bearer "));
    }
    let applications = admin.get("/apps").await.text();
    let application = crate::support::between(&applications, "/apps/0", "/").to_owned();
    let application = format!("0{application}");
    let second = set_policy(&mut admin, &application, "development", "token").await.unwrap();
    assert_eq!(
        register(&portal, Some(&token), &reader()).await.status,
        StatusCode::UNAUTHORIZED,
        "the one before ended"
    );
    assert_eq!(register(&portal, Some(&second), &reader()).await.status, StatusCode::CREATED);
    set_policy(&mut admin, &application, "development", "closed").await;
    assert_eq!(register(&portal, Some(&second), &reader()).await.status, StatusCode::UNAUTHORIZED);
    // A developer cannot let the whole world in; an admin can, in one place.
    let mut ada = portal.member("ada@example.org").await;
    let hers = ada.application("Bookshelf").await;
    set_policy(&mut ada, &hers, "development", "open").await;
    assert!(ada.get(&format!("/apps/{hers}/development/clients")).await.text().contains("lets you look only"));
    assert_eq!(register(&portal, None, &reader()).await.status, StatusCode::UNAUTHORIZED);
    set_policy(&mut admin, &application, "development", "open").await;
    set_policy(&mut admin, &application, "staging", "open").await;
    assert_eq!(register(&portal, None, &reader()).await.status, StatusCode::CREATED);
    let listed = admin.get(&format!("/apps/{application}/staging/clients")).await.text();
    assert!(listed.contains("Reader"), "{listed}");
}

#[tokio::test]
async fn rfc7591_3_2_2_what_cannot_be_registered_is_told() {
    let (portal, ..) = portal("open").await;
    for (change, expected) in [
        (json!({"redirect_uris": ["http://reader.example/"]}), "invalid_redirect_uri"),
        (json!({"redirect_uris": []}), "invalid_redirect_uri"),
        (json!({"redirect_uris": ["javascript:alert(1)"]}), "invalid_redirect_uri"),
        (json!({"redirect_uris": "https://reader.example/"}), "invalid_client_metadata"),
        (json!({"jwks": {"keys": []}, "jwks_uri": "https://reader.example/jwks"}), "invalid_client_metadata"),
        (json!({"grant_types": ["password"]}), "invalid_client_metadata"),
        (json!({"logo_uri": "https://bank.example/logo.png"}), "invalid_client_metadata"),
        (json!({"scope": "admin"}), "invalid_client_metadata"),
    ] {
        let mut body = reader();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer = register(&portal, None, &body).await;
        assert_eq!(
            (answer.status, error(&answer).as_str()),
            (StatusCode::BAD_REQUEST, expected),
            "{change}: {answer:?}"
        );
    }
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let form = portal.api("POST", "/oauth/register", &headers, "client_name=x").await;
    assert_eq!(error(&form), "invalid_client_metadata");
    for body in ["", "[]", "null", "{"] {
        let answer = portal.api("POST", "/oauth/register", &[("content-type", "application/json")], body).await;
        assert_eq!(
            (answer.status, error(&answer).as_str()),
            (StatusCode::BAD_REQUEST, "invalid_client_metadata"),
            "{body}"
        );
    }
    let get = portal.api("GET", "/oauth/register", &[], "").await;
    assert_eq!((get.status, get.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
    let mut last = register(&portal, None, &reader()).await;
    for _ in 0..40 {
        last = register(&portal, None, &reader()).await;
    }
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS, "api6: a network registers so many, and waits");
    assert!(!last.header("retry-after").is_empty());
}

#[tokio::test]
async fn rfc7591_5_nothing_that_an_app_says_about_its_pages_is_believed_or_fetched() {
    let portal = Portal::with(Given { private_networks: Some(true), ..Given::default() }).await;
    let mut admin = portal.admin().await;
    let application = admin.application("Agents").await;
    set_policy(&mut admin, &application, "development", "open").await;
    let site = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = format!("http://{}", site.local_addr().unwrap());
    let pages = ["client_uri", "logo_uri", "policy_uri", "tos_uri"];
    for member in pages {
        for elsewhere in
            ["https://bank.example/", "javascript:alert(1)", "data:text/html,x", "https://reader.example.evil/"]
        {
            let mut body = reader();
            body[member] = json!(elsewhere);
            let refused = register(&portal, None, &body).await;
            assert_eq!(error(&refused), "invalid_client_metadata", "{member}: {elsewhere}");
        }
    }
    let mut body = reader();
    body["redirect_uris"] = json!([format!("{own}/callback")]);
    for member in pages {
        body[member] = json!(format!("{own}/{member}"));
    }
    let registered = register(&portal, None, &body).await;
    assert_eq!(registered.status, StatusCode::CREATED, "{registered:?}");
    let (path, token) = management(&registered.json());
    assert_eq!(send(&portal, "GET", &path, Some(&token), &Value::Null).await.status, StatusCode::OK);
    let page = admin.get(&format!("/apps/{application}/development/clients")).await.text();
    assert!(page.contains("Reader") && !page.contains(&own), "nor is anything of it drawn: {page}");
    let called = tokio::time::timeout(std::time::Duration::from_millis(200), site.accept()).await;
    assert!(called.is_err(), "asvs_1_3_6: the server called {called:?}");
}

#[tokio::test]
async fn rfc7592_2_a_client_manages_what_it_registered() {
    let (portal, ..) = portal("open").await;
    let mine = register(&portal, None, &reader()).await.json();
    let (path, token) = management(&mine);
    let read = send(&portal, "GET", &path, Some(&token), &Value::Null).await;
    assert_eq!(read.status, StatusCode::OK, "{read:?}");
    assert_eq!(
        (&read.json()["client_id"], &read.json()["redirect_uris"]),
        (&mine["client_id"], &mine["redirect_uris"])
    );

    let mut changed = reader();
    changed["client_id"] = mine["client_id"].clone();
    changed["client_name"] = json!("Renamed");
    changed.as_object_mut().unwrap().remove("grant_types");
    let answer = send(&portal, "PUT", &path, Some(&token), &changed).await;
    assert_eq!((answer.status, &answer.json()["client_name"]), (StatusCode::OK, &json!("Renamed")), "{answer:?}");
    assert_eq!(answer.json()["grant_types"], json!(["authorization_code"]), "rfc7592_2_2: what is left out is gone");
    for (member, value) in [
        ("client_id", json!("lkc_01234567890123456789")),
        ("registration_access_token", json!("x")),
        ("client_id_issued_at", json!(1)),
        ("client_secret_expires_at", json!(0)),
        ("registration_client_uri", json!("https://evil.test/")),
    ] {
        let mut bad = changed.clone();
        bad[member] = value;
        let answer = send(&portal, "PUT", &path, Some(&token), &bad).await;
        assert_eq!((answer.status, error(&answer).as_str()), (StatusCode::BAD_REQUEST, "invalid_request"), "{member}");
    }
    let mut elsewhere = changed.clone();
    elsewhere["redirect_uris"] = json!(["http://evil.test/"]);
    let answer = send(&portal, "PUT", &path, Some(&token), &elsewhere).await;
    assert_eq!(error(&answer), "invalid_redirect_uri", "r54: the rules hold for a change, too");

    let other = register(&portal, None, &reader()).await.json();
    let foreign = management(&other).1;
    for (method, body) in [("GET", &Value::Null), ("PUT", &changed), ("DELETE", &Value::Null)] {
        let refused = send(&portal, method, &path, Some(&foreign), body).await;
        assert_eq!((refused.status, refused.header("cache-control")), (StatusCode::FORBIDDEN, "no-store"), "{method}");
    }
    let own = send(&portal, "GET", &path, Some(&token), &Value::Null).await;
    assert_eq!((own.status, own.header("cache-control")), (StatusCode::OK, "no-store"), "and changed nothing");
    for wrong in [None, Some("x")] {
        assert_eq!(send(&portal, "GET", &path, wrong, &Value::Null).await.status, StatusCode::UNAUTHORIZED);
    }
    let basic = basic(mine["client_id"].as_str().unwrap(), mine["client_secret"].as_str().unwrap());
    assert_eq!(portal.oauth("/oauth/introspect", Some(&basic), "token=x").await.status, StatusCode::OK);
    let ended = send(&portal, "DELETE", &path, Some(&token), &Value::Null).await;
    assert_eq!((ended.status, ended.text().as_str()), (StatusCode::NO_CONTENT, ""));
    assert_eq!(portal.oauth("/oauth/introspect", Some(&basic), "token=x").await.status, StatusCode::UNAUTHORIZED);
    for method in ["GET", "DELETE"] {
        let answer = send(&portal, method, &path, Some(&token), &Value::Null).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "rfc7592_2_1: {method}");
    }
}

#[tokio::test]
async fn what_an_app_does_about_itself_is_in_its_teams_log() {
    let (portal, mut admin, _) = portal("open").await;
    let mine = register(&portal, None, &reader()).await.json();
    let (path, token) = management(&mine);
    let mut changed = reader();
    changed["client_id"] = mine["client_id"].clone();
    changed["client_name"] = json!("Renamed");
    changed["scope"] = json!("read:posts");
    assert_eq!(send(&portal, "PUT", &path, Some(&token), &changed).await.status, StatusCode::OK);
    let foreign = register(&portal, None, &reader()).await.json();
    assert_eq!(
        send(&portal, "DELETE", &path, Some(&management(&foreign).1), &Value::Null).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(send(&portal, "DELETE", &path, Some(&token), &Value::Null).await.status, StatusCode::NO_CONTENT);

    let log = format!("/teams/{}/audit", admin.team_id().await);
    let file = admin.get(&format!("{log}/export?actor=Latchkey")).await.text();
    let events: Vec<Value> = file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |action: &str| events.iter().filter(|event| event["action"] == action).collect::<Vec<_>>();
    let (made, changed, ended) = (of("oauth_client.created"), of("oauth_client.changed"), of("oauth_client.revoked"));
    assert_eq!((made.len(), changed.len(), ended.len()), (2, 1, 1), "what was refused is none: {file}");
    for event in [made[1], changed[0], ended[0]] {
        assert_eq!((&event["from"], &event["reason"]), (&json!("127.0.0.1"), &json!("by the app itself")), "{event}");
        assert_eq!((&event["target"], &event["account"]), (&made[1]["target"], &Value::Null), "{event}");
    }
    let fields: Vec<_> = changed[0]["changes"].as_array().unwrap().iter().map(|change| &change["field"]).collect();
    assert_eq!(fields, [&json!("name"), &json!("scopes")], "{file}");
    let page = admin.get(&log).await.text();
    assert!(page.contains("A program") && page.contains("by the app itself"), "{page:.20000}");
    for secret in [&mine["client_secret"], &mine["registration_access_token"]] {
        assert!(!file.contains(secret.as_str().unwrap()), "r53: {file}");
    }
}
