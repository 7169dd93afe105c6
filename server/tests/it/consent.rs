//! A person lets an app act for them: the code, the tokens, and taking it back.

use crate::{
    stage::{REDIRECT, SCOPES, Stage, Tokens, VERIFIER, encoded, error, parameter},
    support::{Portal, START, between},
};
use http::StatusCode;
use latchkey_core::{
    Actor, Services,
    authorization::{
        self as consent, OauthError, Parameters, PresentedClient, Shown, TokenRequest, TokenService, Whence,
    },
    jose::Compact,
    port::{AccountReader, GrantReader},
};
use serde_json::Value;
use std::{net::Ipv4Addr, sync::Arc};
use time::Duration;
use tokio::sync::Barrier;

#[tokio::test]
async fn rfc6749_4_1_a_person_lets_an_app_act_for_them() {
    let mut stage = Stage::set(&[]).await;
    let url = stage.url(|_| ());
    let asked = stage.portal.browser().get(&url).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "whoever is not signed in is led to sign in first");
    assert!(asked.location().starts_with("/login?next=%2Foauth%2Fauthorize"), "{asked:?}");
    let page = stage.grace.get(&url).await;
    for told in [
        "Reading list",
        "Bookshelf",
        "Development",
        "Read posts",
        "grace@example.org",
        "Until you take it back",
        REDIRECT,
    ] {
        assert!(page.text().contains(told), "{told}: {page:?}");
    }
    let policy = page.header("content-security-policy");
    assert!(policy.contains("form-action 'self' https://reader.example;"), "t11_r16: {policy}");
    assert!(policy.contains("frame-ancestors 'none'") && page.header("x-frame-options") == "DENY", "rfc6749_10_13");

    let answer = stage.answer(&url, SCOPES, "allow").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "rfc9700_4_12: never 307");
    assert!(answer.location().starts_with(&format!("{REDIRECT}?code=")), "{answer:?}");
    assert_eq!(parameter(&answer, "state").as_deref(), Some("a state&with=signs"), "rfc6749_4_1_2");
    assert_eq!(parameter(&answer, "iss").as_deref(), Some("http://127.0.0.1:4000"), "rfc9207_2");
    let tokens = Tokens::of(&stage.redeem_code(&parameter(&answer, "code").unwrap()).await);

    let who = stage.portal.with_key(&tokens.access, "GET", "/api/v1/whoami", "").await.json();
    assert_eq!(who["method"], "access_token");
    assert_eq!(who["account"]["id"], stage.grace_id().await);
    assert!(who["account"].get("name").is_none(), "she did not let it know her name: {who}");
    assert_eq!(who["client"]["name"], "Reading list");
    let made =
        stage.portal.with_key(&tokens.access, "POST", "/api/v1/posts", r#"{"title":"For Grace","body":""}"#).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    // The data is the person's, apart from what they have in production; what was done is seen by the app's developers.
    let own = stage.grace.token_with(&[("scopes[]", "read:posts"), ("expiry", "30")]).await;
    for (token, finds) in [(&tokens.access, true), (&own, false)] {
        let posts = stage.portal.with_key(token, "GET", "/api/v1/posts", "").await;
        assert!(posts.status == StatusCode::OK && posts.text().contains("For Grace") == finds, "{posts:?}");
    }
    let row = stage.portal.recorded(&made).await;
    let logs = stage.ada.get(&format!("/logs/{}", row.id)).await;
    assert!(logs.status == StatusCode::OK && logs.text().contains("Reading list"), "{logs:?}");
}

/// The same statements on PostgreSQL: codes, families, refresh tokens, last uses, and both kinds of end.
#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_too_an_app_acts_is_refreshed_and_is_stopped() {
    let mut stage = Stage::on(Portal::on_postgres().await, &[]).await;
    let first = stage.tokens().await;
    let second = Tokens::of(&stage.refresh(&first.refresh).await);
    assert!(stage.works(&second).await);
    let third = Tokens::of(&stage.refresh(&second.refresh).await);
    assert_eq!(error(&stage.refresh(&first.refresh).await), "invalid_grant");
    assert!(!stage.works(&third).await, "used twice, the family is ended");
    let code = stage.code().await;
    let again = Tokens::of(&stage.redeem_code(&code).await);
    assert!(stage.works(&again).await);
    assert_eq!(error(&stage.redeem_code(&code).await), "invalid_grant");
    assert!(!stage.works(&again).await, "a code that came twice ends what it gave");
    let last = stage.tokens().await;
    assert!(stage.works(&last).await);
    let mut page = String::new();
    for _ in 0..100 {
        page = stage.grace.get("/account/authorized-apps").await.text();
        if page.contains("from 127.0.0.1") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(page.contains("from 127.0.0.1"), "{page}");
    let id = between(&page, "name=\"id\" value=\"", "\"").to_owned();
    stage.grace.send("/account/authorized-apps", "/form/grant/revoke", &[("id", &id)]).await;
    assert!(!stage.works(&last).await);
    let machine = stage.ada.service_account(&stage.application, "staging", &["read:posts"], &[]).await;
    let token = stage.portal.token_of(&machine).await;
    let body = encoded(&[("token", &token)]);
    assert_eq!(stage.portal.oauth("/oauth/revoke", Some(&machine.basic()), &body).await.status, StatusCode::OK);
    let refused = stage.portal.with_key(&token, "GET", "/api/v1/whoami", "").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let secret = [("id", machine.id()), ("form_id", "01a20000-0000-7000-8000-00000000000d")];
    stage.ada.send(&machine.page, "/form/oauth-client/add-secret", &secret).await;
    assert!(stage.ada.get(&machine.page).await.text().contains("secret-value"), "a second secret");
}

#[tokio::test]
async fn rfc9700_4_11_nobody_is_led_to_an_address_that_is_not_registered() {
    let mut stage = Stage::set(&[]).await;
    for redirect in [
        "https://evil.test/",
        "https://reader.example/callback/",
        "https://reader.example/callback?x=1",
        "https://reader.example/CALLBACK",
        "https://reader.example:443/callback",
        "https://reader.example@evil.test/callback",
        "https://reader.example.evil.test/callback",
        "https://reader.example/callback/../other",
        "http://reader.example/callback",
        "javascript:alert(1)",
        "",
    ] {
        let url = stage.url(|all| drop(all.insert("redirect_uri", redirect.to_owned())));
        let page = stage.grace.get(&url).await;
        assert_eq!((page.status, page.location()), (StatusCode::BAD_REQUEST, ""), "r01 {redirect}: {page:?}");
    }
    for client in ["", "lkc_00000000000000000000", "nobody"] {
        let url = stage.url(|all| drop(all.insert("client_id", client.to_owned())));
        let page = stage.grace.get(&url).await;
        assert_eq!((page.status, page.location()), (StatusCode::BAD_REQUEST, ""), "{client}");
    }
    // Twice is none: which of the two is registered is nobody's to choose.
    let twice = format!("{}&redirect_uri={}", stage.url(|_| ()), "https%3A%2F%2Fevil.test%2F");
    assert_eq!(stage.grace.get(&twice).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn rfc6749_4_1_2_1_what_is_wrong_is_told_to_the_client() {
    let mut stage = Stage::set(&[]).await;
    for (name, value, expected) in [
        ("response_type", "", "invalid_request"),
        ("response_type", "token", "unsupported_response_type"),
        ("response_type", "code id_token", "unsupported_response_type"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("code_challenge_method", "", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge_method", "s256", "invalid_request"),
        ("scope", "admin", "invalid_scope"),
        ("scope", "read:posts admin", "invalid_scope"),
        ("prompt", "none consent", "invalid_request"),
        ("prompt", "none", "consent_required"),
        ("request", "x", "request_not_supported"),
        ("request_uri", "https://evil.test/request", "request_uri_not_supported"),
    ] {
        let url = stage.url(|all| drop(all.insert(name, value.to_owned())));
        let answer = stage.grace.get(&url).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{name}={value}: {answer:?}");
        assert!(answer.location().starts_with(REDIRECT), "{answer:?}");
        assert_eq!(parameter(&answer, "error").as_deref(), Some(expected), "{name}={value}");
        assert_eq!(parameter(&answer, "state").as_deref(), Some("a state&with=signs"));
        assert!(parameter(&answer, "iss").is_some(), "rfc9207_2: also with errors");
        assert!(parameter(&answer, "code").is_none());
    }
    let silent = stage.url(|all| drop(all.insert("prompt", "none".to_owned())));
    let nobody = stage.portal.browser().get(&silent).await;
    assert_eq!(parameter(&nobody, "error").as_deref(), Some("login_required"));
}

#[tokio::test]
async fn asvs_10_7_a_person_allows_what_they_tick_and_is_asked_again_for_more() {
    let mut stage = Stage::set(&[]).await;
    let url = stage.url(|_| ());
    let denied = stage.answer(&url, SCOPES, "deny").await;
    assert_eq!(parameter(&denied, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&denied, "iss").as_deref(), Some(crate::support::ORIGIN), "rfc9207_2");
    let nothing = stage.answer(&url, &[], "allow").await;
    assert_eq!(parameter(&nothing, "error").as_deref(), Some("access_denied"));
    // What was not asked for cannot be ticked.
    let narrow = stage.url(|all| drop(all.insert("scope", "read:posts".to_owned())));
    let sly = stage.answer(&narrow, &["read:posts", "write:posts"], "allow").await;
    let answer = stage.redeem_code(&parameter(&sly, "code").unwrap()).await;
    assert_eq!(answer.json()["scope"], "read:posts");

    // Allowed before, by an app that can prove to be itself: nobody is asked again.
    let silently = stage.grace.get(&narrow).await;
    assert!(parameter(&silently, "code").is_some(), "{silently:?}");
    let asked = stage.url(|all| {
        all.insert("scope", "read:posts".to_owned());
        all.insert("prompt", "consent".to_owned());
    });
    assert_eq!(stage.grace.get(&asked).await.status, StatusCode::OK, "unless the app wants it");
    let more = stage.grace.get(&url).await;
    assert!(
        more.status == StatusCode::OK && more.text().contains("which you allowed before"),
        "more is asked for: {more:?}"
    );
    let unticked = stage.answer(&url, &["read:posts"], "allow").await;
    let answer = stage.redeem_code(&parameter(&unticked, "code").unwrap()).await;
    assert_eq!(answer.json()["scope"], "read:posts", "what was unticked is not given");
}

#[tokio::test]
async fn r08_an_app_that_cannot_prove_to_be_itself_asks_every_time() {
    let mut stage = Stage::set(&[("auth_method", "none"), ("redirect_uris", "http://127.0.0.1/callback")]).await;
    let url = stage.url(|all| drop(all.insert("redirect_uri", "http://127.0.0.1:51004/callback".to_owned())));
    let answer = stage.answer(&url, SCOPES, "allow").await;
    assert!(answer.location().starts_with("http://127.0.0.1:51004/callback?code="), "rfc8252_7_3: {answer:?}");
    let pairs = |code: &str, verifier: &str| {
        encoded(&[
            ("grant_type", "authorization_code"),
            ("client_id", &stage.client_id),
            ("code", code),
            ("redirect_uri", "http://127.0.0.1:51004/callback"),
            ("code_verifier", verifier),
        ])
    };
    let code = parameter(&answer, "code").unwrap();
    let guessed = stage.portal.oauth("/oauth/token", None, &pairs(&code, &"a".repeat(43))).await;
    assert_eq!(error(&guessed), "invalid_grant", "rfc7636_4_6");
    assert_eq!(stage.portal.oauth("/oauth/token", None, &pairs(&code, VERIFIER)).await.status, StatusCode::OK);
    assert_eq!(stage.grace.get(&url).await.status, StatusCode::OK, "it asks again");
    let silent = stage.grace.get(&format!("{url}&prompt=none")).await;
    assert_eq!(parameter(&silent, "error").as_deref(), Some("consent_required"), "rfc8252_8_6: {silent:?}");
    assert_eq!(parameter(&silent, "iss").as_deref(), Some(crate::support::ORIGIN), "rfc9207_2");
    let credentials = format!("grant_type=client_credentials&client_id={}", stage.client_id);
    let own = stage.portal.oauth("/oauth/token", None, &credentials).await;
    assert_eq!(error(&own), "unauthorized_client", "oauth2_1_4_2");
}

#[tokio::test]
async fn rfc6749_4_1_3_a_code_is_for_its_client_its_address_and_its_verifier() {
    let mut stage = Stage::set(&[]).await;
    let code = stage.code().await;
    let good = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let wrong_verifier = "a".repeat(43);
    for (name, value, expected) in [
        ("code", "", "invalid_request"),
        ("code_verifier", "", "invalid_request"),
        ("code", "nothing", "invalid_grant"),
        ("code_verifier", wrong_verifier.as_str(), "invalid_grant"),
        ("code_verifier", "short", "invalid_grant"),
        ("redirect_uri", "https://reader.example/other", "invalid_grant"),
    ] {
        let bad: Vec<_> = good.iter().map(|pair| if pair.0 == name { (name, value) } else { *pair }).collect();
        let answer = stage.redeem(&bad).await;
        assert_eq!((answer.status, error(&answer).as_str()), (StatusCode::BAD_REQUEST, expected), "{name}={value}");
    }
    // Another client's machine has a name and a secret of its own, and this code is none of its business.
    let machine = stage.ada.service_account(&stage.application, "development", &["read:posts"], &[]).await;
    let stolen = stage.portal.oauth("/oauth/token", Some(&machine.basic()), &encoded(&good)).await;
    assert_eq!(error(&stolen), "unauthorized_client");
    assert_eq!(stage.redeem(&good).await.status, StatusCode::OK, "r20: and it is good still for whom it is");

    let late = stage.code().await;
    stage.portal.clock.advance(Duration::seconds(60));
    assert_eq!(error(&stage.redeem_code(&late).await), "invalid_grant", "asvs_10_4_3");
}

#[tokio::test]
async fn rfc6749_4_1_2_code_used_twice_ends_what_it_gave() {
    let mut stage = Stage::set(&[]).await;
    let code = stage.code().await;
    let tokens = Tokens::of(&stage.redeem_code(&code).await);
    assert!(stage.works(&tokens).await);
    for _ in 0..2 {
        assert_eq!(error(&stage.redeem_code(&code).await), "invalid_grant");
    }
    let told = stage.grace.get("/account/activity/export?action=grant.stolen_ended").await.text();
    assert!(told.lines().count() == 1 && told.contains("a code came twice"), "once: {told}");
    assert!(!stage.works(&tokens).await, "the access token that it gave is dead");
    assert_eq!(error(&stage.refresh(&tokens.refresh).await), "invalid_grant", "and so is the refresh token");
    let again = stage.tokens().await;
    assert!(stage.works(&again).await, "what was allowed is allowed still");
}

#[tokio::test]
async fn oauth2_1_4_3_a_refresh_token_is_spent_by_its_use() {
    let mut stage = Stage::set(&[]).await;
    let first = stage.tokens().await;
    let second = Tokens::of(&stage.refresh(&first.refresh).await);
    assert!(second.refresh != first.refresh && second.access != first.access);
    let claim = |tokens: &Tokens, name: &str| {
        Compact::read(&tokens.access).unwrap().unverified_claims::<Value>().unwrap()[name].clone()
    };
    assert_eq!(claim(&first, "sub"), claim(&second, "sub"));
    assert!(stage.works(&second).await && stage.works(&first).await);
    // Narrower on demand, never wider; the next one is as wide as this one was.
    let narrow = stage
        .redeem(&[("grant_type", "refresh_token"), ("refresh_token", &second.refresh), ("scope", "read:posts")])
        .await;
    assert_eq!(narrow.json()["scope"], "read:posts");
    let third = Tokens::of(&narrow);
    let wide = stage.refresh(&third.refresh).await;
    assert_eq!(wide.json()["scope"], SCOPES.join(" "), "rfc6749_6");
    let fourth = Tokens::of(&wide);
    let wider =
        stage.redeem(&[("grant_type", "refresh_token"), ("refresh_token", &fourth.refresh), ("scope", "admin")]).await;
    assert_eq!(error(&wider), "invalid_scope");
    assert_eq!(stage.refresh(&fourth.refresh).await.status, StatusCode::OK, "which cost nothing");
}

#[tokio::test]
async fn asvs_10_4_5_a_refresh_token_that_comes_again_after_its_successor_ends_the_family() {
    let mut stage = Stage::set(&[]).await;
    let first = stage.tokens().await;
    let second = Tokens::of(&stage.refresh(&first.refresh).await);
    let third = Tokens::of(&stage.refresh(&second.refresh).await);
    let other = stage.tokens().await;
    assert_eq!(error(&stage.refresh(&first.refresh).await), "invalid_grant");
    assert_eq!(error(&stage.refresh(&third.refresh).await), "invalid_grant", "whoever holds the newest loses it too");
    for tokens in [&first, &second, &third] {
        assert!(!stage.works(tokens).await, "every access token of the family is dead");
    }
    assert!(stage.works(&other).await, "r25: another browser's tokens live on");
    let told = stage.grace.get("/account/activity/export?action=grant.stolen_ended").await.text();
    assert!(told.lines().count() == 1 && told.contains("a refresh token came twice"), "{told}");
}

#[tokio::test]
async fn r19_a_lost_answer_signs_nobody_out() {
    let mut stage = Stage::set(&[]).await;
    let first = stage.tokens().await;
    let lost = Tokens::of(&stage.refresh(&first.refresh).await);
    // At the same moment it is somebody else, who is refused and does no harm.
    assert_eq!(error(&stage.refresh(&first.refresh).await), "invalid_grant");
    stage.portal.clock.advance(TokenService::RETRY_AFTER);
    let second = Tokens::of(&stage.refresh(&first.refresh).await);
    assert_eq!(error(&stage.refresh(&lost.refresh).await), "invalid_grant", "what was lost is good no more");
    let third = Tokens::of(&stage.refresh(&second.refresh).await);
    assert!(stage.works(&third).await);
    stage.portal.clock.advance(Duration::seconds(10));
    assert_eq!(error(&stage.refresh(&first.refresh).await), "invalid_grant", "now it was stolen");
    assert!(!stage.works(&third).await);
}

#[tokio::test]
async fn r18_once_the_answer_has_arrived_a_second_use_is_theft() {
    let mut stage = Stage::set(&[]).await;
    let first = stage.tokens().await;
    let second = Tokens::of(&stage.refresh(&first.refresh).await);
    // Its access token alone is used: that says as much as if its refresh token were.
    assert!(stage.works(&second).await);
    let used = |tokens: &Tokens| {
        let presented = latchkey_core::api_key::format::PresentedKey::parse(&tokens.refresh).unwrap().public_id();
        let store = stage.portal.store.clone();
        async move { store.refresh_token(presented).await.unwrap().unwrap().1 }
    };
    for _ in 0..100 {
        if used(&first).await {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(used(&first).await, "it is written within the time that a retry must wait");
    stage.portal.clock.advance(TokenService::RETRY_AFTER);
    assert_eq!(error(&stage.refresh(&first.refresh).await), "invalid_grant");
    assert!(!stage.works(&second).await, "the family has ended");
}

#[tokio::test]
async fn asvs_10_4_8_a_refresh_token_ends_when_nobody_uses_it_and_at_last_anyway() {
    let mut stage = Stage::set(&[]).await;
    let idle = stage.tokens().await;
    let mut busy = stage.tokens().await;
    stage.portal.clock.advance(TokenService::REFRESH_IDLE);
    assert_eq!(error(&stage.refresh(&idle.refresh).await), "invalid_grant");
    let mut stage = Stage::set(&[]).await;
    busy.clone_from(&stage.tokens().await);
    for _ in 0..6 {
        stage.portal.clock.advance(TokenService::REFRESH_IDLE - Duration::seconds(1));
        busy = Tokens::of(&stage.refresh(&busy.refresh).await);
    }
    stage.portal.clock.advance(Duration::minutes(1));
    assert_eq!(
        error(&stage.refresh(&busy.refresh).await),
        "invalid_grant",
        "after half a year the person is asked again"
    );
}

#[tokio::test]
async fn asvs_10_4_9_a_person_takes_back_what_they_allowed() {
    let mut stage = Stage::set(&[]).await;
    let (one, other) = (stage.tokens().await, stage.tokens().await);
    assert!(stage.works(&one).await && stage.works(&other).await);
    let page = stage.grace.get("/account/authorized-apps").await.text();
    assert!(page.contains("Reading list") && page.contains("write:posts"), "{page}");
    let mut page = page;
    for _ in 0..100 {
        if page.contains("from 127.0.0.1") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        page = stage.grace.get("/account/authorized-apps").await.text();
    }
    assert!(page.contains("from 127.0.0.1"), "when it was last used, and from where: {page}");
    let id = between(&page, "name=\"id\" value=\"", "\"").to_owned();
    // Nobody else's business.
    stage.ada.send("/account/authorized-apps", "/form/grant/revoke", &[("id", &id)]).await;
    assert!(stage.works(&one).await);
    stage.grace.send("/account/authorized-apps", "/form/grant/revoke", &[("id", &id)]).await;
    for tokens in [&one, &other] {
        let refused = stage.portal.with_key(&tokens.access, "GET", "/api/v1/whoami", "").await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::UNAUTHORIZED, "invalid_token"));
        let row = stage.portal.recorded(&refused).await;
        assert_eq!(row.reason.as_deref(), Some("revoked"));
        assert_eq!(error(&stage.refresh(&tokens.refresh).await), "invalid_grant");
    }
    assert!(stage.grace.get("/account/authorized-apps").await.text().contains("No app acts for you"));
    let again = stage.url(|_| ());
    assert_eq!(stage.grace.get(&again).await.status, StatusCode::OK, "the next time it asks again");
}

#[tokio::test]
async fn rfc7009_2_1_a_revoked_refresh_token_takes_its_access_tokens_with_it() {
    let mut stage = Stage::set(&[]).await;
    let tokens = stage.tokens().await;
    let machine = stage.ada.service_account(&stage.application, "development", &["read:posts"], &[]).await;
    let body = encoded(&[("token", &tokens.refresh)]);
    assert_eq!(stage.portal.oauth("/oauth/revoke", Some(&machine.basic()), &body).await.status, StatusCode::OK);
    assert!(stage.works(&tokens).await, "another client's word is not enough");
    assert_eq!(stage.portal.oauth("/oauth/revoke", stage.authorization.as_deref(), &body).await.status, StatusCode::OK);
    assert!(!stage.works(&tokens).await);
    assert_eq!(error(&stage.refresh(&tokens.refresh).await), "invalid_grant");
}

#[tokio::test]
async fn r31_an_ended_client_gives_nothing_more() {
    let mut stage = Stage::set(&[]).await;
    let tokens = stage.tokens().await;
    let code = stage.code().await;
    let id = stage.page.rsplit('/').next().unwrap().to_owned();
    stage.ada.send(&stage.page, "/form/oauth-client/revoke", &[("id", &id)]).await;
    assert!(!stage.works(&tokens).await);
    assert_eq!(error(&stage.redeem_code(&code).await), "invalid_client");
    assert_eq!(error(&stage.refresh(&tokens.refresh).await), "invalid_client");
    let url = stage.url(|_| ());
    assert_eq!(stage.grace.get(&url).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn r14_what_an_app_calls_itself_is_only_text() {
    let mut stage = Stage::set(&[("name", "<b>Bank</b>")]).await;
    let url = stage.url(|all| drop(all.insert("state", "\"><script>alert(1)</script>".to_owned())));
    let page = stage.grace.get(&url).await.text();
    assert!(
        page.contains("&lt;b&gt;Bank&lt;/b&gt;") && !page.contains("<b>Bank") && !page.contains("<script>alert"),
        "{page}"
    );
    let answer = stage.answer(&url, SCOPES, "allow").await;
    assert!(parameter(&answer, "code").is_some(), "{answer:?}");
}

/// What a race is run on: the services themselves, below the router.
struct Race {
    stage: Stage,
    grace: Actor,
    presented: PresentedClient,
}

impl Race {
    const CALLERS: usize = 64;
    const ROUNDS: usize = 1_000;

    async fn set() -> Self {
        let stage = Stage::set(&[]).await;
        let found = stage.portal.store.account_by_email("grace@example.org").await.unwrap().unwrap();
        let grace = Actor::Account {
            account: found.0,
            session: [0; 32],
            signed_in_at: START,
            signed_in_by: latchkey_core::account::SignInMethod::PASSWORD,
            from: std::net::Ipv4Addr::LOCALHOST.into(),
        };
        let presented = PresentedClient {
            basic: Some((stage.client_id.clone(), stage.secret.clone())),
            ..PresentedClient::default()
        };
        Self { stage, grace, presented }
    }

    /// A code that Grace allowed.
    async fn code(&self) -> String {
        let answer = consent::Answer::Allow(SCOPES.iter().map(ToString::to_string).collect());
        let parameters = Parameters::of(self.stage.parameters());
        let authorization = &self.stage.portal.state.services.authorization;
        match authorization.answer(&self.grace, &parameters, &answer).await.unwrap() {
            Shown::Respond(response) => response.pairs.into_iter().find(|(name, _)| *name == "code").unwrap().1,
            other => panic!("no code: {other:?}"),
        }
    }

    async fn ask(
        services: Arc<Services>,
        presented: PresentedClient,
        code: Option<String>,
        refresh: Option<String>,
    ) -> Outcome {
        let from = Whence { at: services.ports.now(), address: Ipv4Addr::LOCALHOST.into(), certificate: None };
        let client = services.client_auth.authenticate(&presented, &from).await?;
        let asked = TokenRequest {
            grant_type: if code.is_some() { "authorization_code" } else { "refresh_token" },
            code: code.as_deref(),
            redirect_uri: Some(REDIRECT),
            code_verifier: Some(VERIFIER),
            refresh_token: refresh.as_deref(),
            ..TokenRequest::default()
        };
        let given = serde_json::to_value(services.tokens.issue(&client, asked).await?).unwrap();
        let text = |member: &str| given[member].as_str().unwrap_or_default().to_owned();
        Ok(Tokens { access: text("access_token"), refresh: text("refresh_token"), id: text("id_token") })
    }

    /// All of them at once; the one who won.
    async fn run(&self, code: Option<&str>, refresh: Option<&str>) -> Tokens {
        let services = &self.stage.portal.state.services;
        let together = Arc::new(Barrier::new(Self::CALLERS));
        let callers: Vec<_> = (0..Self::CALLERS)
            .map(|_| {
                let (services, presented, together) = (services.clone(), self.presented.clone(), Arc::clone(&together));
                let (code, refresh) = (code.map(str::to_owned), refresh.map(str::to_owned));
                tokio::spawn(async move {
                    together.wait().await;
                    Box::pin(Self::ask(services, presented, code, refresh)).await
                })
            })
            .collect();
        let mut won = Vec::new();
        for caller in callers {
            match caller.await.unwrap() {
                Ok(tokens) => won.push(tokens),
                Err(error) => assert_eq!(error.code(), "invalid_grant", "r19: {error}"),
            }
        }
        assert_eq!(won.len(), 1, "exactly one wins");
        won.remove(0)
    }
}

type Outcome = Result<Tokens, OauthError>;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r17_of_64_who_redeem_one_code_at_once_one_wins_and_gets_nothing_by_it() {
    let race = Race::set().await;
    for _ in 0..Race::ROUNDS {
        let code = race.code().await;
        let won = race.run(Some(&code), None).await;
        assert!(!race.stage.works(&won).await, "a code that came twice gave nothing");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r17_of_64_who_refresh_with_one_token_at_once_one_wins_and_goes_on() {
    let race = Race::set().await;
    let services = race.stage.portal.state.services.clone();
    let code = race.code().await;
    let mut newest = Box::pin(Race::ask(services, race.presented.clone(), Some(code), None)).await.unwrap();
    for _ in 0..Race::ROUNDS {
        newest = race.run(None, Some(&newest.refresh)).await;
    }
    assert!(race.stage.works(&newest).await, "two at once sign nobody out");
}
