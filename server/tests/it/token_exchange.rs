//! A service goes on for whoever called it, with a narrower token.

use crate::{
    stage::{Stage, Tokens, encoded, error},
    support::{Answer, Machine},
};
use http::StatusCode;
use latchkey_core::jose::Compact;
use serde_json::{Value, json};
use time::Duration;

const KIND: &str = "urn:ietf:params:oauth:token-type:access_token";

/// An app with Grace's tokens, and a service of the same environment behind it.
struct Chain {
    stage: Stage,
    tokens: Tokens,
    service: Machine,
}

impl Chain {
    async fn set() -> Self {
        let mut stage = Stage::set(&[]).await;
        let tokens = stage.tokens().await;
        let fields = [("exchange", "yes")];
        let application = stage.application.clone();
        let service = stage.ada.service_account(&application, "development", &["read:posts"], &fields).await;
        Self { stage, tokens, service }
    }

    async fn exchange(&self, by: &Machine, change: &[(&str, &str)]) -> Answer {
        let mut pairs = vec![
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", self.tokens.access.as_str()),
            ("subject_token_type", KIND),
        ];
        for (name, value) in change {
            pairs.retain(|(known, _)| known != name);
            pairs.push((name, value));
        }
        self.stage.portal.oauth("/oauth/token", Some(&by.basic()), &encoded(&pairs)).await
    }

    async fn status(&self, token: &str) -> StatusCode {
        self.stage.portal.with_key(token, "GET", "/api/v1/posts", "").await.status
    }
}

fn token_of(answer: &Answer) -> String {
    answer.json()["access_token"].as_str().unwrap_or_else(|| panic!("no token: {answer:?}")).to_owned()
}

#[tokio::test]
async fn rfc8693_2_a_service_gets_a_narrower_token_for_its_caller() {
    let chain = Chain::set().await;
    let answer = chain.exchange(&chain.service, &[]).await;
    assert_eq!((answer.status, &answer.json()["issued_token_type"]), (StatusCode::OK, &json!(KIND)), "{answer:?}");
    assert_eq!(answer.json()["scope"], "read:posts", "what both hold");
    assert!(answer.json().get("refresh_token").is_none());
    let token = token_of(&answer);
    let claims: Value = Compact::read(&token).unwrap().unverified_claims().unwrap();
    let caller: Value = Compact::read(&chain.tokens.access).unwrap().unverified_claims().unwrap();
    assert_eq!(claims["sub"], caller["sub"]);
    assert_eq!(claims["act"]["sub"], chain.service.client_id, "rfc8693_4_1");
    assert_eq!(claims["client_id"], chain.service.client_id);
    assert_eq!(chain.status(&token).await, StatusCode::OK);
    assert_eq!(
        chain.stage.portal.with_key(&token, "POST", "/api/v1/posts", r#"{"title":"x","body":""}"#).await.status,
        StatusCode::FORBIDDEN
    );
    let whoami = chain.stage.portal.with_key(&token, "GET", "/api/v1/whoami", "").await.json();
    assert_eq!(whoami["account"]["id"], caller["sub"]);
}

#[tokio::test]
async fn rfc8693_2_1_wider_longer_and_other_kinds_are_refused() {
    let mut chain = Chain::set().await;
    for (change, expected) in [
        (("scope", "write:posts"), "invalid_scope"),
        (("scope", "read:posts write:posts"), "invalid_scope"),
        (("subject_token", ""), "invalid_request"),
        (("subject_token", "nothing"), "invalid_grant"),
        (("subject_token_type", "urn:ietf:params:oauth:token-type:id_token"), "invalid_request"),
        (("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token"), "invalid_request"),
        (("actor_token", "x"), "invalid_request"),
        (("audience", "https://other.example"), "invalid_target"),
        (("resource", "https://other.example"), "invalid_target"),
    ] {
        let answer = chain.exchange(&chain.service, &[change]).await;
        assert_eq!(error(&answer), expected, "{change:?}");
    }
    let token = token_of(&chain.exchange(&chain.service, &[]).await);
    assert_eq!(
        error(&chain.exchange(&chain.service, &[("subject_token", &token)]).await),
        "invalid_grant",
        "no chains"
    );
    let application = chain.stage.application.clone();
    let plain = chain.stage.ada.service_account(&application, "development", &["read:posts"], &[]).await;
    assert_eq!(error(&chain.exchange(&plain, &[]).await), "unauthorized_client");
    let fields = [("exchange", "yes")];
    let elsewhere = chain.stage.ada.service_account(&application, "production", &["read:posts"], &fields).await;
    assert_eq!(error(&chain.exchange(&elsewhere, &[]).await), "invalid_grant", "r28: another environment's");
    chain.stage.portal.clock.advance(Duration::minutes(10));
    let late = chain.exchange(&chain.service, &[]).await;
    assert_eq!(late.json()["expires_in"], 300, "no longer than the token that it was given for: {late:?}");
    chain.stage.portal.clock.advance(Duration::minutes(5));
    assert_eq!(error(&chain.exchange(&chain.service, &[]).await), "invalid_grant", "r28: a dead one");
}

#[tokio::test]
async fn rfc8693_what_ends_the_caller_ends_what_was_given_for_it() {
    let chain = Chain::set().await;
    let token = token_of(&chain.exchange(&chain.service, &[]).await);
    assert_eq!(chain.status(&token).await, StatusCode::OK);
    let body = encoded(&[("token", &chain.tokens.access)]);
    chain.stage.portal.oauth("/oauth/revoke", chain.stage.authorization.as_deref(), &body).await;
    assert_eq!(chain.status(&token).await, StatusCode::UNAUTHORIZED, "the token itself");

    let mut chain = Chain::set().await;
    let token = token_of(&chain.exchange(&chain.service, &[]).await);
    assert_eq!(chain.status(&token).await, StatusCode::OK);
    let id = chain.stage.page.rsplit('/').next().unwrap().to_owned();
    let page = chain.stage.page.clone();
    chain.stage.ada.send(&page, "/form/oauth-client/revoke", &[("id", &id)]).await;
    assert_eq!(chain.status(&token).await, StatusCode::UNAUTHORIZED, "the app that held it");

    let mut chain = Chain::set().await;
    let token = token_of(&chain.exchange(&chain.service, &[]).await);
    let page = chain.stage.grace.get("/account/authorized-apps").await.text();
    let id = crate::support::between(&page, "name=\"id\" value=\"", "\"").to_owned();
    chain.stage.grace.send("/account/authorized-apps", "/form/grant/revoke", &[("id", &id)]).await;
    assert_eq!(chain.status(&token).await, StatusCode::UNAUTHORIZED, "what the person had allowed");
}

#[tokio::test]
async fn every_token_of_a_service_account_ends_at_once_those_that_it_exchanged_too() {
    let mut chain = Chain::set().await;
    let opaque = [("exchange", "yes"), ("token_form", "opaque")];
    let application = chain.stage.application.clone();
    let second = chain.stage.ada.service_account(&application, "development", &["read:posts"], &opaque).await;
    for service in [chain.service.clone(), second] {
        let token = token_of(&chain.exchange(&service, &[]).await);
        assert_eq!(chain.status(&token).await, StatusCode::OK, "and it is remembered");
        chain.stage.ada.send(&service.page, "/form/oauth-client/end-tokens", &[("id", service.id())]).await;
        assert_eq!(chain.status(&token).await, StatusCode::UNAUTHORIZED);
        assert!(chain.stage.works(&chain.tokens).await, "its caller's own token goes on");
        chain.stage.portal.clock.advance(Duration::milliseconds(1));
        let token = token_of(&chain.exchange(&service, &[]).await);
        assert_eq!(chain.status(&token).await, StatusCode::OK, "what comes after is good");
    }
}
