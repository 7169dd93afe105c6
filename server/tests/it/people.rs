//! People who come as themselves: with their password, or with the cookie of the portal's own pages.

use crate::{
    gateway::World,
    support::{Answer, Browser, LOOPBACK, ORIGIN, PASSWORD, Portal, basic, between, join_all},
};
use axum::body::Body;
use http::{Request, StatusCode};
use server::config::Given;
use time::Duration;

const EMAIL: &str = "ada@example.org";

async fn with_password(portal: &Portal, email: &str, password: &str) -> Answer {
    portal.api("GET", "/api/v1/whoami", &[("authorization", &basic(email, password))], "").await
}

async fn allow(browser: &mut Browser, allowed: &str) -> String {
    let page = "/account/sign-in-methods";
    browser.send(page, "/form/account/allow-password", &[("allowed", allowed)]).await;
    browser.get(page).await.text()
}

#[tokio::test]
async fn rfc7617_a_password_is_taken_once_its_person_says_so() {
    let portal = Portal::start().await;
    let mut ada = portal.member(EMAIL).await;
    portal.member("eve@example.org").await;
    let told = |answer: &Answer| {
        let mut body = answer.json();
        body["request_id"] = "".into();
        (answer.status, body, answer.header("www-authenticate").to_owned())
    };
    let off = with_password(&portal, EMAIL, PASSWORD).await;
    assert_eq!((off.status, off.code().as_str()), (StatusCode::UNAUTHORIZED, "invalid_credentials"), "{off:?}");
    assert!(allow(&mut ada, "yes").await.contains("Programs may send your password now"));
    let on = with_password(&portal, "ADA@example.org", PASSWORD).await;
    assert_eq!((on.status.as_u16(), on.json()["method"].as_str()), (200, Some("password")), "{on:?}");
    assert_eq!(on.json()["account"]["name"], "Ada");
    // One text for all of them, and what was wrong for the record alone.
    for (email, password, reason, known) in [
        (EMAIL, "another password", "wrong_password", true),
        ("nobody@example.org", PASSWORD, "unknown_account", false),
        ("no address", PASSWORD, "unknown_account", false),
        ("eve@example.org", PASSWORD, "password_not_allowed", true),
    ] {
        let answer = with_password(&portal, email, password).await;
        assert_eq!(told(&answer), told(&off), "{email}");
        let row = portal.recorded(&answer).await;
        assert_eq!((row.reason.as_deref(), row.attribution.is_some()), (Some(reason), known), "{email}");
        assert!(!format!("{row:?}").contains(password), "r53");
    }
    // Its person sees what came with it.
    let page = ada.get(&format!("/logs/{}", on.header("x-request-id"))).await.text();
    assert!(page.contains("Ada, as themselves") && page.contains("Authorization: Basic"), "{page}");
    let posted = portal
        .api(
            "POST",
            "/api/v1/posts",
            &[("authorization", &basic(EMAIL, PASSWORD)), ("content-type", "application/json")],
            r#"{"title":"Mine"}"#,
        )
        .await;
    assert_eq!(posted.status, StatusCode::CREATED, "{posted:?}");
    assert!(allow(&mut ada, "").await.contains("cannot use your password any more"));
    assert_eq!(told(&with_password(&portal, EMAIL, PASSWORD).await), told(&off), "at once");
}

#[tokio::test]
async fn letting_programs_use_a_password_takes_the_password() {
    let portal = Portal::start().await;
    let mut ada = portal.member(EMAIL).await;
    portal.clock.advance(Duration::minutes(10));
    let page = ada.get("/account/sign-in-methods").await.text();
    assert!(page.contains("sign in with your password first"), "{page}");
    assert!(allow(&mut ada, "yes").await.contains("Sign in with your password once more"));
    assert_eq!(with_password(&portal, EMAIL, PASSWORD).await.code(), "invalid_credentials");
    assert!(allow(&mut ada, "").await.contains("cannot use your password any more"), "forbidding takes nothing");
}

#[tokio::test]
async fn r13_guesses_by_programs_and_at_the_sign_in_page_are_counted_together() {
    let given = Given { attempts_per_minute: "6".parse().ok(), ..Given::default() };
    let portal = Portal::with(given).await;
    let mut ada = portal.member(EMAIL).await;
    allow(&mut ada, "yes").await;
    for _ in 0..5 {
        assert_eq!(with_password(&portal, EMAIL, PASSWORD).await.status, 200, "what is right costs no try");
    }
    let mut codes = Vec::new();
    for _ in 0..6 {
        codes.push(with_password(&portal, EMAIL, "another password").await.code());
    }
    assert_eq!(codes[..5], ["invalid_credentials"; 5], "signing up was the first");
    assert_eq!(codes[5], "too_many_failures");
    let late = with_password(&portal, EMAIL, PASSWORD).await;
    assert_eq!((late.status.as_u16(), late.code().as_str()), (429, "too_many_failures"));
    assert!(!late.header("retry-after").is_empty());
    let unknown = with_password(&portal, "nobody@example.org", "x").await;
    assert_eq!(unknown.json()["detail"], late.json()["detail"], "the same text whether or not there is an account");
    let mut browser = portal.browser();
    browser.send("/login", "/form/account/sign-in", &[("email", EMAIL), ("password", PASSWORD)]).await;
    assert!(browser.get("/login").await.text().contains("Too many"), "the page counts them too");
}

#[tokio::test]
async fn a_password_goes_nowhere_but_here_and_never_in_the_clear() {
    let mut world = World::new().await;
    allow(&mut world.ada, "yes").await;
    let authorization = basic(EMAIL, PASSWORD);
    let guarded = world.check("GET", "/v1/orders", &[("authorization", &authorization)]).await;
    assert_eq!((guarded.status.as_u16(), guarded.code().as_str()), (401, "invalid_token"), "{guarded:?}");
    assert_eq!(world.portal.recorded(&guarded).await.reason.as_deref(), Some("unknown_scheme"));
    let clear =
        world.ask_from("203.0.113.9:40000", "GET", "/api/v1/whoami", &[("authorization", &authorization)]).await;
    assert_eq!((clear.status.as_u16(), clear.code().as_str()), (403, "tls_required"));
    for odd in [basic("", PASSWORD), basic("lk_dev_x", "y"), "Basic !!".to_owned(), "Basic".to_owned()] {
        let answer = world.portal.api("GET", "/api/v1/whoami", &[("authorization", &odd)], "").await;
        assert_eq!(answer.code(), "invalid_token", "{odd}");
    }
}

/// What a script of this browser asks the API.
async fn script(portal: &Portal, browser: &Browser, method: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
    let cookie = browser.cookie_header();
    let request =
        Request::builder().method(method).uri(path).header("cookie", cookie).header("content-type", "application/json");
    let request = fields.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    portal.send_from(LOOPBACK, request.body(Body::from(r#"{"title":"Mine"}"#)).unwrap()).await
}

const OURS: [(&str, &str); 2] = [("origin", ORIGIN), ("sec-fetch-site", "same-origin")];

#[tokio::test]
async fn a_page_of_the_portal_may_ask_the_api_for_its_person() {
    let portal = Portal::start().await;
    let mut ada = portal.member(EMAIL).await;
    let token = ada.token().await;
    for fields in [&[][..], &[("sec-fetch-site", "same-origin")], &[("sec-fetch-site", "none")]] {
        let answer = script(&portal, &ada, "GET", "/api/v1/whoami", fields).await;
        assert_eq!((answer.status.as_u16(), answer.json()["method"].as_str()), (200, Some("session")), "{answer:?}");
    }
    let own = [&OURS[..], &[("x-csrf-token", token.as_str())]].concat();
    let made = script(&portal, &ada, "POST", "/api/v1/posts", &own).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    portal.recorded(&made).await;
    let page = ada.get(&format!("/logs/{}", made.header("x-request-id"))).await.text();
    assert!(page.contains("cookie") && page.contains("as themselves"), "{page}");
    // Whatever else came counts, and the cookie does not: a browser sends it with everything.
    let key = [&own[..], &[("x-api-key", "nonsense")]].concat();
    assert_eq!(script(&portal, &ada, "GET", "/api/v1/whoami", &key).await.code(), "invalid_token");
    let nobody = portal.browser();
    assert_eq!(script(&portal, &nobody, "GET", "/api/v1/whoami", &[]).await.code(), "missing_credential");
}

#[tokio::test]
async fn asvs_3_5_1_no_other_page_acts_in_a_persons_name() {
    let portal = Portal::start().await;
    let mut ada = portal.member(EMAIL).await;
    let mut eve = portal.member("eve@example.org").await;
    let (token, others) = (ada.token().await, eve.token().await);
    let csrf = ("x-csrf-token", token.as_str());
    for (method, fields) in [
        ("POST", vec![]),
        ("POST", vec![csrf]),
        ("POST", OURS.to_vec()),
        ("POST", vec![csrf, ("origin", "https://evil.example.org")]),
        ("POST", vec![csrf, ("origin", "null")]),
        ("POST", vec![csrf, ("sec-fetch-site", "same-site"), ("origin", ORIGIN)]),
        ("POST", [&OURS[..], &[("x-csrf-token", others.as_str())]].concat()),
        ("POST", [&OURS[..], &[("x-csrf-token", "")]].concat()),
        ("DELETE", vec![csrf, ("sec-fetch-site", "cross-site")]),
        ("GET", vec![("sec-fetch-site", "cross-site")]),
        ("GET", vec![("sec-fetch-site", "same-site")]),
    ] {
        let path = if method == "DELETE" { "/api/v1/account" } else { "/api/v1/posts" };
        let answer = script(&portal, &ada, method, path, &fields).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "forged_request"), "{method} {fields:?}");
        assert_eq!(portal.recorded(&answer).await.reason.as_deref(), Some("forged_request"));
    }
    let posts = script(&portal, &ada, "GET", "/api/v1/posts", &[]).await.json();
    assert_eq!(posts["posts"].as_array().map(Vec::len), Some(0));
}

#[tokio::test]
async fn a_session_that_ends_asks_for_nothing_more() {
    let portal = Portal::start().await;
    let mut ada = portal.member(EMAIL).await;
    let asks = async |browser: &Browser| script(&portal, browser, "GET", "/api/v1/whoami", &[]).await.status.as_u16();
    // Signed out.
    let before = ada.clone();
    assert_eq!(asks(&before).await, 200);
    ada.send("/dashboard", "/form/account/sign-out", &[]).await;
    assert_eq!(asks(&before).await, 401);
    // Ended from another browser.
    let mut here = portal.browser();
    here.send("/login", "/form/account/sign-in", &[("email", EMAIL), ("password", PASSWORD)]).await;
    let mut there = portal.browser();
    there.send("/login", "/form/account/sign-in", &[("email", EMAIL), ("password", PASSWORD)]).await;
    assert_eq!((asks(&here).await, asks(&there).await), (200, 200));
    here.send("/account/sessions", "/form/session/end-others", &[]).await;
    assert_eq!((asks(&here).await, asks(&there).await), (200, 401));
    // Ended by the clock, though it was asked for a moment before.
    portal.clock.advance(Duration::days(3) - Duration::seconds(20));
    assert_eq!(asks(&here).await, 200);
    portal.clock.advance(Duration::seconds(40));
    assert_eq!(asks(&here).await, 401);
}

#[tokio::test]
async fn r17_no_call_that_begins_after_a_sign_out_was_answered_is_let_in() {
    let portal = Portal::start().await;
    for round in 0..20 {
        let mut ada = portal.member(&format!("ada{round}@example.org")).await;
        let before = ada.clone();
        let calls = join_all((0..32).map(|_| script(&portal, &before, "GET", "/api/v1/whoami", &[])));
        let (_, _) = tokio::join!(calls, ada.send("/dashboard", "/form/account/sign-out", &[]));
        let late = join_all((0..4).map(|_| script(&portal, &before, "GET", "/api/v1/whoami", &[]))).await;
        assert!(late.iter().all(|answer| answer.status == 401), "round {round}");
    }
}

#[tokio::test]
async fn a_session_costs_a_question_to_the_store_once() {
    let portal = Portal::start().await;
    let ada = portal.member(EMAIL).await;
    assert_eq!(script(&portal, &ada, "GET", "/api/v1/whoami", &[]).await.status, 200);
    let before = portal.asked();
    for _ in 0..30 {
        assert_eq!(script(&portal, &ada, "GET", "/api/v1/whoami", &[]).await.status, 200);
    }
    let after = portal.asked();
    assert_eq!(after, before, "a session that is known costs nothing");
    let page = portal.browser().get("/docs").await.text();
    assert!(!between(&page, "name=\"_csrf\" value=\"", "\"").is_empty());
}
