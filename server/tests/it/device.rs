//! A device on which nobody can sign in gets tokens, because its person says yes elsewhere.

use crate::{
    stage::{SCOPES, Stage, Tokens, encoded, error},
    support::{Answer, join_all},
    suspension::{account_id, act},
};
use http::StatusCode;
use latchkey_core::authorization::DeviceService;
use serde_json::Value;
use time::Duration;

const GRANT: (&str, &str) = ("grant_type", "urn:ietf:params:oauth:grant-type:device_code");

/// What a device has in hand.
struct Device {
    code: String,
    user_code: String,
}

impl Stage {
    async fn with_device() -> Self {
        Self::set(&[("auth_method", "none"), ("device", "yes")]).await
    }

    async fn begin(&self) -> (Device, Value) {
        let body = encoded(&[("client_id", self.client_id.as_str()), ("scope", &SCOPES.join(" "))]);
        let answer = self.portal.oauth("/oauth/device_authorization", None, &body).await;
        assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::OK, "no-store"), "{answer:?}");
        let told = answer.json();
        let text = |member: &str| told[member].as_str().unwrap().to_owned();
        (Device { code: text("device_code"), user_code: text("user_code") }, told)
    }

    async fn poll(&self, device: &Device) -> Answer {
        self.redeem(&[GRANT, ("device_code", &device.code)]).await
    }

    async fn answer_device(&mut self, device: &Device, ticked: &[&str], answer: &str) -> Answer {
        let page = format!("/device?user_code={}", device.user_code);
        let mut fields = vec![("user_code", device.user_code.as_str()), ("answer", answer)];
        fields.extend(ticked.iter().map(|scope| ("ticked[]", *scope)));
        self.grace.send(&page, "/form/device/answer", &fields).await
    }
}

#[tokio::test]
async fn rfc8628_3_a_person_lets_a_device_act() {
    let mut stage = Stage::with_device().await;
    let (device, told) = stage.begin().await;
    assert_eq!(told["verification_uri"], "http://127.0.0.1:4000/device");
    assert_eq!((&told["interval"], &told["expires_in"]), (&5.into(), &600.into()));
    assert!(device.code.len() >= 43, "rfc8628_5_2");
    assert_eq!(error(&stage.poll(&device).await), "authorization_pending");

    let complete = told["verification_uri_complete"].as_str().unwrap().strip_prefix("http://127.0.0.1:4000").unwrap();
    assert!(stage.portal.browser().get(complete).await.location().starts_with("/login?next=%2Fdevice"));
    let typed = [("user_code", device.user_code.to_lowercase().replace('-', " "))];
    let typed: Vec<_> = typed.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let found = stage.grace.send("/device", "/form/device/find", &typed).await;
    let page = stage.grace.get(found.location()).await;
    for told in ["Reading list", "Bookshelf", "Read posts", "grace@example.org", "in front of you", "deny it"] {
        assert!(page.text().contains(told), "rfc8628_3_3 and 5_4: {told}: {page:?}");
    }
    stage.portal.clock.advance(Duration::seconds(5));
    assert_eq!(error(&stage.poll(&device).await), "authorization_pending", "looking is no answer, rfc8628_3_3_1");

    let answered = stage.answer_device(&device, &["read:posts"], "allow").await;
    assert_eq!(answered.location(), "/account/authorized-apps");
    stage.portal.clock.advance(Duration::seconds(5));
    let given = stage.poll(&device).await;
    assert_eq!(given.json()["scope"], "read:posts", "what she ticked: {given:?}");
    let tokens = Tokens::of(&given);
    assert!(stage.works(&tokens).await);
    assert_eq!(stage.refresh(&tokens.refresh).await.status, StatusCode::OK);
    assert_eq!(error(&stage.poll(&device).await), "invalid_grant", "once");
    let page = stage.grace.get(&format!("/device?user_code={}", device.user_code)).await.text();
    assert!(page.contains("No device waits with this code"), "{page}");
}

#[tokio::test]
async fn r32_a_suspended_account_is_given_nothing_by_any_grant() {
    let mut stage = Stage::with_device().await;
    let mut admin = stage.portal.admin().await;
    let tokens = stage.tokens().await;
    let code = stage.code().await;
    let (device, _) = stage.begin().await;
    stage.answer_device(&device, SCOPES, "allow").await;
    let grace = account_id(&stage.portal, "grace@example.org").await;
    act(&mut admin, "account", &grace, "suspend", "a stolen laptop").await;
    for answer in [stage.poll(&device).await, stage.redeem_code(&code).await, stage.refresh(&tokens.refresh).await] {
        assert_eq!(error(&answer), "invalid_grant", "{answer:?}");
    }
    act(&mut admin, "account", &grace, "reinstate", "it was found").await;
    for answer in [stage.poll(&device).await, stage.redeem_code(&code).await, stage.refresh(&tokens.refresh).await] {
        assert_eq!(answer.status, StatusCode::OK, "nothing was spent: {answer:?}");
    }
}

#[tokio::test]
async fn rfc8628_3_5_what_a_device_is_told_meanwhile() {
    let mut stage = Stage::with_device().await;
    let (hasty, _) = stage.begin().await;
    assert_eq!(error(&stage.poll(&hasty).await), "authorization_pending");
    assert_eq!(error(&stage.poll(&hasty).await), "slow_down");
    stage.portal.clock.advance(Duration::seconds(9));
    assert_eq!(error(&stage.poll(&hasty).await), "slow_down", "five seconds longer for all that follow");
    stage.portal.clock.advance(Duration::seconds(15));
    assert_eq!(error(&stage.poll(&hasty).await), "authorization_pending");

    let (denied, _) = stage.begin().await;
    assert_eq!(stage.answer_device(&denied, SCOPES, "deny").await.location(), "/device");
    let told = stage.poll(&denied).await;
    assert_eq!((told.status, error(&told).as_str()), (StatusCode::BAD_REQUEST, "access_denied"));
    let (late, _) = stage.begin().await;
    stage.portal.clock.advance(DeviceService::LIFE);
    assert_eq!(error(&stage.poll(&late).await), "expired_token");
    stage.answer_device(&late, SCOPES, "allow").await;
    assert_eq!(error(&stage.poll(&late).await), "expired_token");
    let made_up = Device { code: "x".repeat(43), user_code: String::new() };
    assert_eq!(error(&stage.poll(&made_up).await), "invalid_grant");
}

#[tokio::test]
async fn rfc8628_3_4_a_code_is_its_clients_own_and_what_was_taken_back_is_not_given() {
    let mut stage = Stage::with_device().await;
    let (device, _) = stage.begin().await;
    stage.answer_device(&device, SCOPES, "allow").await;
    let fields = [("auth_method", "none"), ("device", "yes"), ("name", "Another")];
    let other = stage.ada.oauth_client(&stage.application.clone(), "development", SCOPES, &fields).await;
    let pairs = [GRANT, ("device_code", device.code.as_str()), ("client_id", other.client_id.as_str())];
    assert_eq!(error(&stage.portal.oauth("/oauth/token", None, &encoded(&pairs)).await), "invalid_grant");
    let page = stage.grace.get("/account/authorized-apps").await.text();
    let id = crate::support::between(&page, "name=\"id\" value=\"", "\"").to_owned();
    stage.grace.send("/account/authorized-apps", "/form/grant/revoke", &[("id", &id)]).await;
    assert_eq!(error(&stage.poll(&device).await), "invalid_grant", "r32");

    let plain = Stage::set(&[("auth_method", "none")]).await;
    let body = encoded(&[("client_id", plain.client_id.as_str())]);
    let refused = plain.portal.oauth("/oauth/device_authorization", None, &body).await;
    assert_eq!(error(&refused), "unauthorized_client");
}

#[tokio::test]
async fn rfc8628_5_1_guesses_are_limited() {
    let mut stage = Stage::with_device().await;
    let (device, _) = stage.begin().await;
    let mut last = String::new();
    for _ in 0..61 {
        last = stage.grace.get("/device?user_code=BBBBBBBB").await.text();
    }
    assert!(last.contains("Too many tries"), "{last}");
    let page = stage.grace.get(&format!("/device?user_code={}", device.user_code)).await.text();
    assert!(page.contains("Too many tries"), "the right one is held up with the wrong ones: {page}");
    stage.portal.clock.advance(Duration::minutes(2));
    let page = stage.grace.get(&format!("/device?user_code={}", device.user_code)).await.text();
    assert!(page.contains("Reading list"), "{page}");
}

#[tokio::test]
async fn rfc8628_5_1_guesses_from_many_networks_are_limited_together() {
    let mut stage = Stage::with_device().await;
    let (device, _) = stage.begin().await;
    let page = async |cookies: &str, network: u32, code: &str| {
        let request = http::Request::get(format!("/device?user_code={code}")).header("cookie", cookies);
        let address = format!("[2001:db8:{network:x}::1]:50000");
        stage.portal.send_from(&address, request.body(axum::body::Body::empty()).unwrap()).await.text()
    };
    // Ten of one person, wherever they are; and of sixty people, ten each.
    for person in 0..60 {
        let cookies = stage.portal.member(&format!("person{person}@example.org")).await.cookie_header();
        for guess in 0..10 {
            let told = page(&cookies, 10 * person + guess / 4, "BBBBBBBB").await;
            assert!(told.contains("No device waits with this code"), "{person} {guess}: {told:.6000}");
        }
        if person == 0 {
            let told = page(&cookies, 999, "BBBBBBBB").await;
            assert!(told.contains("Too many tries"), "from a network that guessed nothing yet: {told:.6000}");
        }
    }
    let graces = stage.grace.cookie_header();
    for code in ["BBBBBBBB", &device.user_code] {
        let told = page(&graces, 999, code).await;
        assert!(told.contains("Too many tries"), "somebody who guessed nothing yet: {told:.6000}");
    }
    stage.portal.clock.advance(Duration::minutes(2));
    assert!(page(&graces, 999, &device.user_code).await.contains("Reading list"));
    stage.answer_device(&device, SCOPES, "allow").await;
    assert!(stage.works(&Tokens::of(&stage.poll(&device).await)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_race_for_one_device_code_is_won_once() {
    let mut stage = Stage::with_device().await;
    for _ in 0..20 {
        let (device, _) = stage.begin().await;
        let answered = stage.answer_device(&device, SCOPES, "allow").await;
        assert_eq!(answered.location(), "/account/authorized-apps");
        let mut won = 0;
        for answer in join_all((0..16).map(|_| stage.poll(&device))).await {
            if answer.status == StatusCode::OK {
                won += 1;
            } else {
                let told = error(&answer);
                assert!(["invalid_grant", "slow_down"].contains(&told.as_str()), "{told}");
            }
        }
        assert_eq!(won, 1);
    }
}
