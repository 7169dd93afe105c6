//! Sessions in a browser: a new id at sign-in, dead at once after sign-out, an end in any case.

use crate::support::{LOOPBACK, PASSWORD, Portal, form_request};
use axum::body::Body;
use http::{Request, StatusCode, header};
use server::config::Given;
use std::sync::Arc;
use time::Duration;
use tokio::sync::Barrier;

const SIGN_IN: [(&str, &str); 2] = [("email", "ada@example.org"), ("password", PASSWORD)];

#[tokio::test]
async fn r10_signing_in_takes_a_new_id_and_ends_the_old_one() {
    let portal = Portal::start().await;
    portal.member("ada@example.org").await;
    let mut browser = portal.browser();
    // A wrong password leaves a message, so this browser has a session before it signs in.
    browser.send("/login", "/form/account/sign-in", &[("email", "ada@example.org"), ("password", "no")]).await;
    let before = browser.clone();
    assert!(before.cookies.contains_key("latchkey"), "{:?}", before.cookies);
    let answer = browser.send("/login", "/form/account/sign-in", &SIGN_IN).await;
    assert_eq!(answer.location(), "/dashboard");
    assert_ne!(browser.cookies["latchkey"], before.cookies["latchkey"]);
    assert_eq!(browser.get("/dashboard").await.status, StatusCode::OK);
    assert_eq!(before.clone().get("/dashboard").await.status, StatusCode::SEE_OTHER, "the old id is nobody's");
}

#[tokio::test]
async fn r10_an_id_that_somebody_made_up_is_not_taken() {
    let portal = Portal::start().await;
    portal.member("ada@example.org").await;
    let mut victim = portal.browser();
    victim.cookies.insert("latchkey".to_owned(), "AAAAAAAAAAAAAAAAAAAAAA".to_owned());
    victim.send("/login", "/form/account/sign-in", &SIGN_IN).await;
    assert_ne!(victim.cookies["latchkey"], "AAAAAAAAAAAAAAAAAAAAAA");
    let mut attacker = portal.browser();
    attacker.cookies.insert("latchkey".to_owned(), "AAAAAAAAAAAAAAAAAAAAAA".to_owned());
    assert_eq!(attacker.get("/dashboard").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn asvs_7_4_1_a_signed_out_session_is_dead() {
    let portal = Portal::start().await;
    let mut ada = portal.member("ada@example.org").await;
    let stolen = ada.clone();
    let answer = ada.send("/dashboard", "/form/account/sign-out", &[]).await;
    assert_eq!(answer.location(), "/");
    assert!(!ada.cookies.contains_key("latchkey"), "the browser forgets it");
    assert_eq!(stolen.clone().get("/dashboard").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t03_requests_in_flight_do_not_bring_a_signed_out_session_back() {
    let portal = Portal::start().await;
    for round in 0..8 {
        let mut ada = portal.member(&format!("ada{round}@example.org")).await;
        let token = ada.token().await;
        let start = Arc::new(Barrier::new(9));
        let mut running = Vec::new();
        for number in 0..8 {
            // Each of these leaves a message in the session, so each saves it.
            let (mut tab, token, start) = (ada.clone(), token.clone(), Arc::clone(&start));
            running.push(tokio::spawn(async move {
                let fields = [("_csrf", token.as_str()), ("_back", "/apps/new"), ("name", "")];
                start.wait().await;
                if number % 2 == 0 {
                    tokio::task::yield_now().await;
                }
                tab.send_request(form_request("/form/application/create", &fields)).await;
            }));
        }
        let (mut leaving, start) = (ada.clone(), Arc::clone(&start));
        running.push(tokio::spawn(async move {
            start.wait().await;
            let fields = [("_csrf", token.as_str()), ("_back", "/")];
            let answer = leaving.send_request(form_request("/form/account/sign-out", &fields)).await;
            assert_eq!(answer.location(), "/");
        }));
        for one in running {
            one.await.unwrap();
        }
        assert_eq!(ada.get("/dashboard").await.status, StatusCode::SEE_OTHER, "round {round}");
    }
}

#[tokio::test]
async fn asvs_7_3_a_session_ends_when_nobody_comes_back_and_in_any_case() {
    let portal = Portal::with(Given {
        session_idle_hours: "2".parse().ok(),
        session_days: "1".parse().ok(),
        ..Given::default()
    })
    .await;
    let mut idle = portal.member("idle@example.org").await;
    let mut busy = portal.member("busy@example.org").await;
    for hour in 1..=23 {
        portal.clock.advance(Duration::hours(1));
        assert_eq!(busy.get("/dashboard").await.status, StatusCode::OK, "hour {hour}");
    }
    assert_eq!(idle.get("/dashboard").await.status, StatusCode::SEE_OTHER, "nobody came back for two hours");
    portal.clock.advance(Duration::hours(1));
    assert_eq!(busy.get("/dashboard").await.status, StatusCode::SEE_OTHER, "a day is over");
}

#[tokio::test]
async fn asvs_7_5_2_sessions_are_seen_and_ended() {
    let portal = Portal::start().await;
    let mut laptop = portal.member("ada@example.org").await;
    let mut phone = portal.browser();
    phone.send("/login", "/form/account/sign-in", &SIGN_IN).await;
    let page = laptop.get("/account/sessions").await.text();
    assert_eq!(page.matches("/form/session/end\"").count(), 2, "{page}");
    let answer = laptop.send("/account/sessions", "/form/session/end-others", &[]).await;
    assert_eq!(answer.location(), "/account/sessions");
    assert_eq!(phone.get("/dashboard").await.status, StatusCode::SEE_OTHER);
    assert_eq!(laptop.get("/dashboard").await.status, StatusCode::OK);
}

#[tokio::test]
async fn cookies_are_for_this_portal_alone() {
    let portal = Portal::with(Given { public_url: "https://keys.example.org".parse().ok(), ..Given::default() }).await;
    let mut browser = portal.browser();
    let page = browser.get("/signup").await;
    let token = browser.token().await;
    let mut fields = crate::support::new_account("ada@example.org");
    fields.extend([("_csrf", token.as_str()), ("_back", "/signup")]);
    let mut request = form_request("/form/account/sign-up", &fields);
    request.headers_mut().insert(header::ORIGIN, "https://keys.example.org".parse().unwrap());
    let signed_up = browser.send_request(request).await;
    assert_eq!(signed_up.location(), "/apps/new", "{signed_up:?}");
    let all: Vec<_> =
        page.headers.get_all("set-cookie").iter().chain(signed_up.headers.get_all("set-cookie")).collect();
    let named = |name: &str| {
        let cookie = all.iter().map(|cookie| cookie.to_str().unwrap()).find(|cookie| cookie.starts_with(name));
        cookie.unwrap_or_else(|| panic!("no {name} in {all:?}")).to_owned()
    };
    for name in ["__Host-latchkey=", "__Host-latchkey_form="] {
        let cookie = named(name);
        for attribute in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(cookie.contains(attribute), "{attribute} in {cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
    assert!(page.header("strict-transport-security").starts_with("max-age=31536000"), "{page:?}");
}

#[tokio::test]
async fn r46_signing_in_says_the_same_of_every_failure() {
    let portal = Portal::start().await;
    portal.member("ada@example.org").await;
    let mut seen = Vec::new();
    for (email, password) in
        [("ada@example.org", "wrong"), ("nobody@example.org", PASSWORD), ("not an address", PASSWORD), ("", "")]
    {
        let mut browser = portal.browser();
        let answer = browser.send("/login", "/form/account/sign-in", &[("email", email), ("password", password)]).await;
        assert_eq!(answer.location(), "/login", "{email}");
        let page = browser.get("/login").await.text();
        seen.push(crate::support::between(&page, "tone-bad\">", "<").to_owned());
    }
    assert_eq!(seen, vec!["The e-mail or the password is not right."; 4]);
}

#[tokio::test]
async fn r43_parallel_guesses_do_not_beat_the_limit() {
    let portal = Portal::with(Given { attempts_per_minute: "5".parse().ok(), ..Given::default() }).await;
    let mut browser = portal.browser();
    let token = browser.token().await;
    let guesses = (0..20).map(|number| {
        let (mut browser, token) = (browser.clone(), token.clone());
        tokio::spawn(async move {
            let password = format!("guess {number}");
            let fields =
                [("_csrf", token.as_str()), ("_back", "/login"), ("email", "ada@example.org"), ("password", &password)];
            browser.send_request(form_request("/form/account/sign-in", &fields)).await;
            browser.get("/login").await.text()
        })
    });
    let mut tried = 0;
    for guess in guesses.collect::<Vec<_>>() {
        tried += usize::from(guess.await.unwrap().contains("is not right"));
    }
    assert!((1..=5).contains(&tried), "{tried} of 20 guesses were tried");
}

#[tokio::test]
async fn a_visitor_gets_no_session_for_looking() {
    let portal = Portal::start().await;
    let mut visitor = portal.browser();
    for path in ["/", "/docs", "/login", "/signup"] {
        visitor.get(path).await;
    }
    assert!(!visitor.cookies.contains_key("latchkey"), "{:?}", visitor.cookies);
    let request = Request::builder().uri("/").header("cookie", "latchkey=\u{7f}%%%").body(Body::empty());
    if let Ok(request) = request {
        assert_eq!(portal.send_from(LOOPBACK, request).await.status, StatusCode::OK, "rubbish in a cookie is no fault");
    }
}
