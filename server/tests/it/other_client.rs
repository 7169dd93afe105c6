//! What a person allowed one client is nothing to another, and no more than the client may have by now.

use crate::{
    stage::{REDIRECT, SCOPES, Stage, Tokens, VERIFIER, encoded, error, parameter},
    support::{Answer, Machine},
};
use http::StatusCode;

const OTHER: &[(&str, &str)] = &[("name", "Other app"), ("refresh", "yes")];

impl Stage {
    /// Another client of the same environment, as able as the first.
    async fn other(&mut self, fields: &[(&str, &str)]) -> Machine {
        let application = self.application.clone();
        self.ada.oauth_client(&application, "development", SCOPES, &[OTHER, fields].concat()).await
    }

    async fn ask_as(&self, client: &Machine, pairs: &[(&str, &str)]) -> Answer {
        self.portal.oauth("/oauth/token", Some(&client.basic()), &encoded(pairs)).await
    }

    /// Changes what the client may have.
    async fn leave_to_it(&mut self, scopes: &[&str]) {
        let client = Machine { page: self.page.clone(), client_id: String::new(), secret: String::new() };
        let same = [("name", "Reading list"), ("redirect_uris", REDIRECT), ("refresh", "yes")];
        let changed = self.ada.change_client(&client, scopes, &same).await;
        assert_eq!(changed.location(), self.page, "{changed:?}");
    }
}

fn redeeming(code: &str) -> [(&str, &str); 4] {
    [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT), ("code_verifier", VERIFIER)]
}

fn refreshing(token: &str) -> [(&str, &str); 2] {
    [("grant_type", "refresh_token"), ("refresh_token", token)]
}

#[tokio::test]
async fn rfc6749_4_1_3_a_code_is_its_clients_alone_and_a_thief_ends_nothing() {
    let mut stage = Stage::set(&[]).await;
    let other = stage.other(&[]).await;
    let code = stage.code().await;
    let stolen = stage.ask_as(&other, &redeeming(&code)).await;
    assert_eq!((stolen.status, error(&stolen).as_str()), (StatusCode::BAD_REQUEST, "invalid_grant"));
    let tokens = Tokens::of(&stage.redeem_code(&code).await);
    assert_eq!(error(&stage.ask_as(&other, &redeeming(&code)).await), "invalid_grant", "a spent one, too");
    assert!(stage.works(&tokens).await, "and that ended nothing of its client's");
}

#[tokio::test]
async fn oauth2_1_4_3_a_refresh_token_is_its_clients_alone_and_a_thief_ends_nothing() {
    let mut stage = Stage::set(&[]).await;
    let other = stage.other(&[]).await;
    let first = stage.tokens().await;
    assert_eq!(error(&stage.ask_as(&other, &refreshing(&first.refresh)).await), "invalid_grant");
    let second = Tokens::of(&stage.refresh(&first.refresh).await);
    assert!(stage.works(&second).await);
    assert_eq!(error(&stage.ask_as(&other, &refreshing(&first.refresh)).await), "invalid_grant", "a spent one, too");
    assert!(stage.works(&second).await, "and the family lives");
    Tokens::of(&stage.refresh(&second.refresh).await);
}

#[tokio::test]
async fn r25_a_scope_that_was_taken_from_a_client_is_given_no_more() {
    let mut stage = Stage::set(&[]).await;
    let tokens = stage.tokens().await;
    let code = stage.code().await;
    stage.leave_to_it(&["read:posts"]).await;
    let redeemed = stage.redeem_code(&code).await;
    assert_eq!(redeemed.json()["scope"], "read:posts", "a code of before: {redeemed:?}");
    let refreshed = stage.refresh(&tokens.refresh).await;
    assert_eq!(refreshed.json()["scope"], "read:posts", "a refresh token of before: {refreshed:?}");
    let next = Tokens::of(&refreshed);
    let wider = [&refreshing(&next.refresh)[..], &[("scope", "write:posts")]].concat();
    assert_eq!(error(&stage.redeem(&wider).await), "invalid_scope");
}

#[tokio::test]
async fn oauth2_1_4_3_1_a_refresh_gives_no_more_than_the_person_allowed() {
    let mut stage = Stage::set(&[]).await;
    // The client may have both, and Grace allowed one.
    let code = stage.code_for(&["read:posts"]).await;
    let tokens = Tokens::of(&stage.redeem_code(&code).await);
    let wider = [&refreshing(&tokens.refresh)[..], &[("scope", "read:posts write:posts")]].concat();
    assert_eq!(error(&stage.redeem(&wider).await), "invalid_scope");
    let same = stage.refresh(&tokens.refresh).await;
    assert_eq!(same.json()["scope"], "read:posts", "{same:?}");
}

#[tokio::test]
async fn asvs_10_4_9_what_is_taken_back_before_the_code_is_redeemed_is_nothing() {
    let mut stage = Stage::set(&[]).await;
    let code = stage.code().await;
    let apps = stage.grace.get("/account/authorized-apps").await.text();
    let id = crate::support::between(&apps, "name=\"id\" value=\"", "\"").to_owned();
    stage.grace.send("/account/authorized-apps", "/form/grant/revoke", &[("id", &id)]).await;
    assert_eq!(error(&stage.redeem_code(&code).await), "invalid_grant");
}

#[tokio::test]
async fn r31_an_app_that_has_ended_is_no_app_that_acts_for_anybody() {
    let mut stage = Stage::set(&[]).await;
    stage.tokens().await;
    assert!(stage.grace.get("/account/authorized-apps").await.text().contains("Reading list"));
    let id = stage.page.rsplit('/').next().unwrap().to_owned();
    let page = stage.page.clone();
    stage.ada.send(&page, "/form/oauth-client/revoke", &[("id", &id)]).await;
    assert!(!stage.grace.get("/account/authorized-apps").await.text().contains("Reading list"));
}

#[tokio::test]
async fn rfc7009_2_1_a_public_client_revokes_its_own_whatever_it_hints() {
    let mut stage = Stage::set(&[("auth_method", "none")]).await;
    let other = stage.other(&[("auth_method", "none")]).await;
    for hint in ["access_token", "refresh_token", "nonsense"] {
        let tokens = stage.tokens().await;
        let revoke = async |client: &str| {
            let pairs = [("client_id", client), ("token", tokens.refresh.as_str()), ("token_type_hint", hint)];
            stage.portal.oauth("/oauth/revoke", None, &encoded(&pairs)).await.status
        };
        assert_eq!(revoke(&other.client_id).await, StatusCode::OK);
        assert!(stage.works(&tokens).await, "another client's is left alone: {hint}");
        assert_eq!(revoke(&stage.client_id).await, StatusCode::OK);
        assert!(!stage.works(&tokens).await, "{hint}");
        assert_eq!(error(&stage.refresh(&tokens.refresh).await), "invalid_grant", "{hint}");
    }
}

#[tokio::test]
async fn rfc9700_4_11_2_nobody_is_led_on_before_it_is_known_who_they_are() {
    let stage = Stage::set(&[]).await;
    let mut stranger = stage.portal.browser();
    let wrong = stage.url(|parameters| drop(parameters.insert("scope", "admin".to_owned())));
    let led = stranger.get(&wrong).await;
    assert!(led.location().starts_with("/login?next="), "whoever registers an app has no redirector: {led:?}");
    // Silence is asked for by a frame of the app's own page (section 4.11.2).
    let silent = stranger.get(&format!("{wrong}&prompt=none")).await;
    assert_eq!(parameter(&silent, "error").as_deref(), Some("invalid_scope"), "{silent:?}");
    assert!(silent.location().starts_with(REDIRECT));
}

#[tokio::test]
async fn rfc6749_4_1_3_without_a_verifier_the_address_must_be_named() {
    let mut stage = Stage::with_scopes(&["openid", "read:posts"], &[("without_pkce", "yes")]).await;
    let url = stage.url(|parameters| {
        parameters.retain(|name, _| !name.starts_with("code_challenge"));
        parameters.insert("nonce", "n".to_owned());
    });
    let answer = stage.answer(&url, &["openid", "read:posts"], "allow").await;
    let code = parameter(&answer, "code").unwrap();
    let bare = [("grant_type", "authorization_code"), ("code", code.as_str())];
    assert_eq!(error(&stage.redeem(&bare).await), "invalid_grant");
    let named = [&bare[..], &[("redirect_uri", REDIRECT)]].concat();
    Tokens::of(&stage.redeem(&named).await);
}
