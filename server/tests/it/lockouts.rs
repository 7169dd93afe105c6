//! Tries that fail: waits that grow, that survive a restart, that no crowd of them beats, and that nobody can turn on an owner.

use crate::support::{Answer, Browser, LOOPBACK, PASSWORD, Portal, basic, form_request, join_all, send};
use axum::body::Body;
use http::{Request, StatusCode, header};
use server::config::Given;
use time::Duration;

const ADA: &str = "ada@example.org";
const EVES: &str = "203.0.113.9:50000";
const WRONG: &str = "not the password at all";
const TOO_MANY: &str = "Too many tries from your address";

/// A browser somewhere, with the token of its forms.
struct Somewhere {
    browser: Browser,
    token: String,
    address: &'static str,
}

impl Somewhere {
    async fn at(portal: &Portal, address: &'static str) -> Self {
        let mut browser = portal.browser();
        let token = browser.token().await;
        Self { browser, token, address }
    }

    /// The sign-in form, as this browser sends it.
    fn form(&self, email: &str, password: &str) -> Request<Body> {
        let fields = [("_csrf", self.token.as_str()), ("_back", "/login"), ("email", email), ("password", password)];
        let mut request = form_request("/form/account/sign-in", &fields);
        request.headers_mut().insert(header::COOKIE, self.browser.cookie_header().parse().unwrap());
        request
    }

    async fn try_password(&mut self, portal: &Portal, email: &str, password: &str) -> Answer {
        let answer = portal.send_from(self.address, self.form(email, password)).await;
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            let (pair, _) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.browser.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    /// What the sign-in page says next.
    async fn said(&mut self) -> String {
        let page = self.browser.get("/login").await.text();
        page.split("role=\"alert\"")
            .nth(1)
            .and_then(|rest| rest.split_once("</"))
            .map(|(text, _)| text.to_owned())
            .unwrap_or_default()
    }

    async fn is_locked(&mut self, portal: &Portal, email: &str) -> bool {
        self.try_password(portal, email, WRONG).await;
        self.said().await.contains(TOO_MANY)
    }
}

#[tokio::test]
async fn one_account_from_one_network_waits_longer_and_longer_whether_or_not_it_is_there() {
    for email in [ADA, "nobody@example.org", "no address"] {
        let portal = Portal::start().await;
        portal.member(ADA).await;
        let mut eve = Somewhere::at(&portal, EVES).await;
        for number in 0..5 {
            assert!(!eve.is_locked(&portal, email).await, "{email} {number}");
        }
        for wait in [Duration::minutes(1), Duration::minutes(10), Duration::minutes(15), Duration::hours(1)] {
            portal.clock.advance(wait - Duration::SECOND);
            assert!(eve.is_locked(&portal, email).await, "{email}: {wait}");
            portal.clock.advance(Duration::SECOND);
            assert!(!eve.is_locked(&portal, email).await, "{email}: {wait}");
        }
        portal.clock.advance(Duration::hours(23));
        assert!(eve.is_locked(&portal, email).await);
    }
}

#[tokio::test]
async fn r45_strangers_do_not_lock_an_owner_out() {
    let portal = Portal::start().await;
    let mut ada = portal.member(ADA).await;
    let mut hers = Somewhere::at(&portal, EVES).await;
    assert_eq!(hers.try_password(&portal, ADA, PASSWORD).await.location(), "/dashboard");
    hers.browser.cookies.remove("latchkey");
    // From her own network, and from hundreds of others.
    let mut stranger = Somewhere::at(&portal, EVES).await;
    for _ in 0..6 {
        stranger.try_password(&portal, ADA, WRONG).await;
    }
    assert!(stranger.said().await.contains(TOO_MANY));
    assert_eq!(ada.get("/dashboard").await.status, StatusCode::OK, "whoever is signed in stays so");
    assert_eq!(hers.try_password(&portal, ADA, PASSWORD).await.location(), "/dashboard", "her browser is known");
    // Her browser's own allowance ends, too, and opens no other account.
    hers.browser.cookies.remove("latchkey");
    for _ in 0..10 {
        assert!(!hers.is_locked(&portal, ADA).await);
    }
    assert!(hers.is_locked(&portal, ADA).await);
    for _ in 0..5 {
        hers.try_password(&portal, "eve@example.org", WRONG).await;
    }
    assert!(hers.is_locked(&portal, "eve@example.org").await, "for others it is a stranger");
}

#[tokio::test]
async fn a_browser_that_is_new_to_an_account_is_told_of_once() {
    let portal = Portal::start().await;
    let mut admin = portal.admin().await;
    portal.member(ADA).await;
    portal.clock.advance(Duration::minutes(11));
    let told = async |admin: &mut Browser| {
        admin.get("/admin/outbox").await.text().matches("A new browser signed in to your account").count()
    };
    let mut phone = Somewhere::at(&portal, EVES).await;
    phone.try_password(&portal, ADA, WRONG).await;
    assert_eq!(told(&mut admin).await, 0, "it did not get in");
    phone.try_password(&portal, ADA, PASSWORD).await;
    assert_eq!(told(&mut admin).await, 1);
    assert!(admin.get("/admin/outbox").await.text().contains("from 203.0.113.9"));
    portal.clock.advance(Duration::days(1));
    phone.browser.cookies.remove("latchkey");
    phone.try_password(&portal, ADA, PASSWORD).await;
    admin.sign_in_again("admin@example.org").await;
    assert_eq!(told(&mut admin).await, 1, "it is known by now");
}

#[tokio::test]
async fn a_right_password_gives_back_what_was_counted() {
    let portal = Portal::start().await;
    portal.member(ADA).await;
    for _ in 0..3 {
        let mut eve = Somewhere::at(&portal, EVES).await;
        for _ in 0..4 {
            assert!(!eve.is_locked(&portal, ADA).await);
        }
        assert_eq!(eve.try_password(&portal, ADA, PASSWORD).await.location(), "/dashboard");
    }
}

#[tokio::test]
async fn one_network_that_tries_many_accounts_waits_and_admins_are_told_once() {
    let portal = Portal::start().await;
    let mut admin = portal.admin().await;
    portal.member(ADA).await;
    let mut eve = Somewhere::at(&portal, EVES).await;
    for number in 0..9 {
        assert!(!eve.is_locked(&portal, &format!("person{number}@example.org")).await, "{number}");
    }
    eve.try_password(&portal, "another@example.org", WRONG).await;
    let right = eve.try_password(&portal, ADA, PASSWORD).await;
    assert_eq!(right.location(), "/login", "it waits with a right one, too");
    assert!(eve.said().await.contains(TOO_MANY));
    let mut elsewhere = Somewhere::at(&portal, "203.0.113.10:50000").await;
    assert_eq!(elsewhere.try_password(&portal, ADA, PASSWORD).await.location(), "/dashboard");
    portal.clock.advance(Duration::minutes(16));
    eve.try_password(&portal, "one-more@example.org", WRONG).await;
    let outbox = admin.get("/admin/outbox").await.text();
    assert_eq!(outbox.matches("<h2>Somebody tries the passwords of many accounts").count(), 1, "{outbox}");
    assert!(outbox.contains("203.0.113.9"));
    assert!(!outbox.contains("person1@example.org"), "nor whom it tried");
}

#[tokio::test]
async fn what_was_counted_survives_a_restart_and_is_shared_with_other_nodes() {
    for portal in [Portal::start().await, Portal::on_postgres().await] {
        portal.member(ADA).await;
        let mut eve = Somewhere::at(&portal, EVES).await;
        for _ in 0..5 {
            eve.try_password(&portal, ADA, WRONG).await;
        }
        let other = portal.another_node().await;
        let answer = crate::support::send(&other.app, EVES, eve.form(ADA, PASSWORD)).await;
        assert_eq!(answer.location(), "/login", "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r43_many_guesses_at_once_are_no_more_than_one_after_another() {
    for portal in [Portal::start().await, Portal::on_postgres().await] {
        portal.member(ADA).await;
        let eve = Somewhere::at(&portal, EVES).await;
        let guesses = (0..40).map(|number| {
            let request = eve.form(ADA, &format!("a guess of many {number}"));
            let (mut browser, app) = (eve.browser.clone(), portal.app.clone());
            tokio::spawn(async move {
                let answer = crate::support::send(&app, EVES, request).await;
                let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
                let (name, value) = cookie.split_once('=').unwrap();
                browser.cookies.insert(name.to_owned(), value.to_owned());
                browser.get("/login").await.text().contains("is not right")
            })
        });
        let tried = join_all(guesses).await.into_iter().filter(|tried| *tried.as_ref().unwrap()).count();
        assert_eq!(tried, 5, "of 40");
    }
}

#[tokio::test]
async fn r44_basic_and_the_sign_in_page_count_together_and_names_in_one_form() {
    let portal = Portal::with(Given { require_tls: Some(false), ..Given::default() }).await;
    portal.member(ADA).await;
    let by_basic = async |email: &str, password: &str| {
        let request = Request::builder().uri("/api/v1/whoami").header("authorization", basic(email, password));
        portal.send_from(EVES, request.body(Body::empty()).unwrap()).await
    };
    for email in [ADA, "ADA@example.org", "Ada@EXAMPLE.org"] {
        assert_eq!(by_basic(email, WRONG).await.status, StatusCode::UNAUTHORIZED);
    }
    let mut eve = Somewhere::at(&portal, EVES).await;
    for _ in 0..2 {
        assert!(!eve.is_locked(&portal, ADA).await);
    }
    assert!(eve.is_locked(&portal, ADA).await);
    let refused = by_basic(ADA, PASSWORD).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{refused:?}");
    assert!(refused.header("retry-after").parse::<u32>().unwrap() > 30, "{refused:?}");
}

#[tokio::test]
async fn secrets_of_clients_are_counted_for_each_client_and_network() {
    let portal = Portal::with(Given { require_tls: Some(false), ..Given::default() }).await;
    let mut ada = portal.member(ADA).await;
    let application = ada.application("Bookshelf").await;
    let machine = ada.service_account(&application, "development", &["read:posts"], &[]).await;
    let ask = async |address: &str, secret: &str| {
        let request = Request::builder()
            .method("POST")
            .uri("/oauth/token")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", basic(&machine.client_id, secret));
        portal.send_from(address, request.body(Body::from("grant_type=client_credentials")).unwrap()).await.status
    };
    for _ in 0..5 {
        assert_eq!(ask(EVES, "wrong").await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(ask(EVES, "wrong").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(ask(EVES, &machine.secret).await, StatusCode::OK, "r45: whoever has it waits for nobody's mistakes");
    assert_eq!(ask("203.0.113.10:50000", &machine.secret).await, StatusCode::OK, "its own servers go on");
    assert_eq!(ask(LOOPBACK, &machine.secret).await, StatusCode::OK);
    portal.clock.advance(Duration::minutes(1));
    assert_eq!(ask(EVES, "wrong").await, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn right_passwords_that_come_together_do_not_lock_one_another_out() {
    for portal in [Portal::start().await, Portal::on_postgres().await] {
        let mut ada = portal.member(ADA).await;
        ada.send("/account/sign-in-methods", "/form/account/allow-password", &[("allowed", "yes")]).await;
        let calls = (0..12).map(|_| {
            let app = portal.app.clone();
            tokio::spawn(async move {
                let request = Request::builder().uri("/api/v1/whoami").header("authorization", basic(ADA, PASSWORD));
                send(&app, LOOPBACK, request.body(Body::empty()).unwrap()).await.status
            })
        });
        let statuses: Vec<_> = join_all(calls).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(statuses, [StatusCode::OK; 12]);
    }
}

#[tokio::test]
async fn codes_of_devices_are_counted_for_whoever_types_them() {
    let portal = Portal::start().await;
    let mut ada = portal.member(ADA).await;
    for _ in 0..5 {
        ada.send("/device", "/form/device/find", &[("user_code", "BCDF-GHJK")]).await;
    }
    let answer = ada.send("/device", "/form/device/find", &[("user_code", "BCDF-GHJK")]).await;
    let page = ada.get(answer.location()).await.text();
    assert!(page.contains("Too many"), "{page:.6000}");
}
