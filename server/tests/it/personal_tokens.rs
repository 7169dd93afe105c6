//! Personal access tokens: the same machinery, for a person.

use crate::support::{PASSWORD, Portal, between};
use http::StatusCode;
use latchkey_core::{
    Actor,
    account::SignInMethod,
    api_key::{ApiKeyError, ApiKeyService, ClockStart, CreateApiKey, KeyForm},
    port::session::SessionDigest,
};
use server::config::Given;
use std::net::Ipv4Addr;
use time::Duration;

const READ: (&str, &str) = ("scopes[]", "read:posts");
const WRITE: (&str, &str) = ("scopes[]", "write:posts");

#[tokio::test]
async fn a_token_stands_for_its_person() {
    let portal = Portal::start().await;
    let mut ada = portal.member("ada@example.org").await;
    let token = ada.token_with(&[READ, WRITE, ("expiry", "30")]).await;
    assert!(token.starts_with("lk_pat_") && token.len() == 58, "{token}");
    let answer = portal.with_key(&token, "GET", "/api/v1/whoami", "").await;
    let body = answer.json();
    assert_eq!((body["method"].as_str(), body["account"]["name"].as_str()), (Some("personal_token"), Some("Ada")));
    assert!(body["application"].is_null() && body["environment"].is_null(), "{body}");
    // What it did is its person's to see, and nobody else's.
    portal.recorded(&answer).await;
    let path = format!("/logs/{}", answer.header("x-request-id"));
    assert!(ada.get(&path).await.text().contains("belongs to no environment"));
    let mut eve = portal.member("eve@example.org").await;
    assert_eq!(eve.get(&path).await.status, StatusCode::NOT_FOUND);
    let page = format!("/account/tokens/{}", ada.token_id().await);
    assert!(ada.get(&page).await.text().contains("1 served"));
    assert_eq!(eve.get(&page).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn demo_data_is_apart_for_each_person_and_environment() {
    let portal = Portal::start().await;
    let (mut ada, mut eve) = (portal.member("ada@example.org").await, portal.member("eve@example.org").await);
    let hers = ada.token_with(&[READ, WRITE, ("expiry", "30")]).await;
    let others = eve.token_with(&[READ, WRITE, ("expiry", "30")]).await;
    let application = ada.application("Bookshelf").await;
    let key = ada.key(&application, "development", &["read:posts", "write:posts"], "never").await;
    let made = portal.with_key(&hers, "POST", "/api/v1/posts", "{\"title\":\"Mine\"}").await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(portal.with_key(&hers, "GET", &format!("/api/v1/posts/{id}"), "").await.status, StatusCode::OK);
    for stranger in [&others, &key] {
        let answer = portal.with_key(stranger, "GET", &format!("/api/v1/posts/{id}"), "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{answer:?}");
    }
}

#[tokio::test]
async fn a_token_always_ends() {
    let portal = Portal::start().await;
    let mut ada = portal.member("ada@example.org").await;
    for expiry in ["never", "367", ""] {
        let form = ada.get("/account/tokens/new").await.text();
        let form_id = crate::support::between(&form, "name=\"form_id\" value=\"", "\"").to_owned();
        let fields = [("form_id", form_id.as_str()), ("name", "Mine"), READ, ("expiry", expiry)];
        let answer = ada.send("/account/tokens/new", "/form/personal-token/create", &fields).await;
        assert_eq!(answer.location(), "/account/tokens/new", "{expiry}: {answer:?}");
    }
    let token = ada.token_with(&[READ, ("expiry", "30")]).await;
    let id = ada.token_id().await;
    let page = format!("/account/tokens/{id}");
    let fields = [("id", id.as_str()), ("name", "Mine"), READ, ("expiry", "never")];
    assert_eq!(ada.send(&page, "/form/api-key/update", &fields).await.location(), page);
    assert!(ada.get(&page).await.text().contains("A token ends after 1 to 366 days"));
    portal.clock.advance(Duration::days(30));
    assert_eq!(portal.with_key(&token, "GET", "/api/v1/posts", "").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_is_rotated_switched_off_and_revoked_like_a_key() {
    let portal = Portal::with(Given::default()).await;
    let mut ada = portal.member("ada@example.org").await;
    let old = ada.token_with(&[READ, ("expiry", "30")]).await;
    let page = format!("/account/tokens/{}", ada.token_id().await);
    let answer = ada.rotate(&page, "none", "now").await;
    assert_eq!(answer.location(), "/account/tokens", "{answer:?}");
    let new = ada.secret_on("/account/tokens").await;
    let status = async |token: &str| portal.with_key(token, "GET", "/api/v1/posts", "").await.status;
    assert_eq!((status(&old).await, status(&new).await), (StatusCode::UNAUTHORIZED, StatusCode::OK));
    let id = ada.token_id().await;
    let page = format!("/account/tokens/{id}");
    ada.send(&page, "/form/api-key/disable", &[("id", &id)]).await;
    assert_eq!(status(&new).await, StatusCode::UNAUTHORIZED);
    ada.send(&page, "/form/api-key/enable", &[("id", &id)]).await;
    assert_eq!(status(&new).await, StatusCode::OK);
    let answer = ada.send(&page, "/form/api-key/revoke", &[("id", &id)]).await;
    assert_eq!(answer.location(), "/account/tokens");
    assert_eq!(status(&new).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_tokens_settings_are_cloned_and_it_is_advised_about_like_a_key() {
    let portal = Portal::start().await;
    let mut ada = portal.member("ada@example.org").await;
    ada.token_with(&[READ, ("expiry", "120"), ("notes", "for the importer")]).await;
    let id = ada.token_id().await;
    let form = format!("/account/tokens/new?from={id}");
    assert!(ada.get(&format!("/account/tokens/{id}")).await.text().contains(&form));
    let page = ada.get(&form).await.text();
    assert!(page.contains("for the importer") && page.contains("value=\"120\" checked"), "{page}");
    let mut eve = portal.member("eve@example.org").await;
    assert_eq!(eve.get(&form).await.status, StatusCode::NOT_FOUND, "another's token has no settings to clone");
    let application = ada.application("Bookshelf").await;
    ada.key(&application, "development", &["read:posts"], "never").await;
    let key = ada.key_id(&application, "development").await;
    let of_a_key = ada.get(&format!("/account/tokens/new?from={key}")).await;
    assert_eq!(of_a_key.status, StatusCode::NOT_FOUND, "a key of an application is no token");
    portal.clock.advance(Duration::days(90));
    let fields = [("email", "ada@example.org"), ("password", PASSWORD)];
    ada.send("/login", "/form/account/sign-in", &fields).await;
    let page = ada.get("/account/tokens").await.text();
    assert!(page.contains("has been idle for 90 days"), "{page}");
}

#[tokio::test]
async fn a_person_has_no_more_live_tokens_than_anybody_needs() {
    let portal = Portal::start().await;
    let mut ada = portal.member("ada@example.org").await;
    let services = portal.state.services.clone();
    let (account, _) = services.ports.store.account_by_email("ada@example.org").await.unwrap().unwrap();
    ada.token_with(&[READ, ("expiry", "7")]).await;
    let expired = ada.token_id().await.parse().unwrap();
    portal.clock.advance(Duration::days(8));
    ada.send("/login", "/form/account/sign-in", &[("email", "ada@example.org"), ("password", PASSWORD)]).await;
    let actor = Actor::Account {
        account,
        session: SessionDigest::default(),
        signed_in_at: portal.clock_now(),
        signed_in_by: SignInMethod::PASSWORD,
        from: Ipv4Addr::LOCALHOST.into(),
    };
    let scopes = ["read:posts".to_owned()];
    let form = KeyForm { name: "Mine", scopes: &scopes, expiry: "30", ..KeyForm::default() };
    let make = async || {
        let create = CreateApiKey { form, form_id: services.ports.uuid() };
        services.personal_tokens.create(&actor, create).await
    };
    let first = make().await.unwrap().id;
    for _ in 1..ApiKeyService::TOKENS_AT_MOST {
        make().await.unwrap();
    }
    assert!(matches!(make().await, Err(ApiKeyError::TooManyTokens)));
    let (overlap, form_id) = ("7d".parse().unwrap(), services.ports.uuid());
    let rotated = services.api_keys.rotate(&actor, first, overlap, ClockStart::FirstUse, form_id).await;
    assert!(matches!(rotated, Err(ApiKeyError::TooManyTokens)));
    let prolonged = services.api_keys.update(&actor, expired, &form, "").await;
    assert!(matches!(prolonged, Err(ApiKeyError::TooManyTokens)), "nor does one that has expired go on");
    let noted = KeyForm { expiry: "keep", notes: "it was for the importer", ..form };
    services.api_keys.update(&actor, expired, &noted, "").await.unwrap();
    let page = ada.get("/account/tokens/new").await.text();
    let form_id = between(&page, "name=\"form_id\" value=\"", "\"").to_owned();
    let fields = [("form_id", form_id.as_str()), ("name", "Mine"), READ, ("expiry", "30")];
    ada.send("/account/tokens/new", "/form/personal-token/create", &fields).await;
    let page = ada.get("/account/tokens/new").await.text();
    assert!(page.contains("You have 100 live tokens") && page.contains("value=\"Mine\""), "{page}");
    services.api_keys.revoke(&actor, first).await.unwrap();
    make().await.unwrap();
}
