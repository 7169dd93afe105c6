//! Webhooks: signed, tried again, listed with every try, sent again, and switched off when nobody answers.

use crate::{
    outbox::Outbox,
    support::{Browser, Portal, between},
};
use aws_lc_rs::hmac;
use axum::{Router, body::Bytes, extract::State, routing};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use server::config::Given;
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU16, Ordering},
};
use time::Duration;

const ADA: &str = "ada@example.org";

/// Somebody's program that takes messages.
#[derive(Clone)]
struct Taker {
    came: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
    answers: Arc<AtomicU16>,
}

impl Taker {
    async fn start() -> (Self, String) {
        let taker = Self { came: Arc::default(), answers: Arc::new(AtomicU16::new(200)) };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new()
            .route(
                "/hook",
                routing::post(async |State(taker): State<Self>, headers: HeaderMap, body: Bytes| {
                    taker.came.lock().unwrap().push((headers, body));
                    StatusCode::from_u16(taker.answers.load(Ordering::Relaxed)).unwrap()
                }),
            )
            .with_state(taker.clone());
        tokio::spawn(async { axum::serve(listener, app).await });
        (taker, format!("http://{address}/hook?token=for-the-taker-alone"))
    }

    fn answer(&self, status: u16) {
        self.answers.store(status, Ordering::Relaxed);
    }

    /// What came since the last time.
    fn came(&self) -> Vec<(HeaderMap, Bytes)> {
        std::mem::take(&mut *self.came.lock().unwrap())
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers[name].to_str().unwrap()
}

/// Checks a message as Standard Webhooks tells whoever takes one.
fn signed_by(secret: &str, (headers, body): &(HeaderMap, Bytes)) -> bool {
    let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let head = format!("{}.{}.", header(headers, "webhook-id"), header(headers, "webhook-timestamp"));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &[head.as_bytes(), body].concat());
    let expected = format!("v1,{}", BASE64_STANDARD.encode(signature));
    header(headers, "webhook-signature").split(' ').any(|one| one == expected)
}

/// Ada's team with a webhook.
struct Hooked {
    portal: Portal,
    ada: Browser,
    of: String,
    alerts: String,
    page: String,
    secret: String,
}

impl Hooked {
    async fn at(url: &str) -> Self {
        let portal = Portal::with(Given { private_networks: Some(true), ..Given::default() }).await;
        let mut ada = portal.member(ADA).await;
        let team = ada.team_id().await;
        let (of, alerts) = (format!("team:{team}"), format!("/teams/{team}/alerts"));
        let new = format!("{alerts}/webhooks/new");
        let added = ada.send(&new, "/form/webhook/add", &[("of", &of), ("name", "On call"), ("url", url)]).await;
        let page = added.location().to_owned();
        let secret = ada.secret_on(&page).await;
        Self { portal, ada, of, alerts, page, secret }
    }

    fn id(&self) -> &str {
        self.page.rsplit('/').next().unwrap()
    }

    async fn act(&mut self, action: &str, fields: &[(&str, &str)]) -> String {
        let (of, id) = (self.of.clone(), self.id().to_owned());
        let fields = [&[("of", of.as_str()), ("id", id.as_str())], fields].concat();
        let page = self.page.clone();
        let answer = self.ada.send(&page, &format!("/form/webhook/{action}"), &fields).await;
        let location = answer.location().to_owned();
        self.ada.get(&location).await.text()
    }

    async fn deliver(&self) -> u64 {
        self.portal.state.services.courier.deliver().await.unwrap()
    }

    async fn text(&mut self) -> String {
        let page = self.page.clone();
        self.ada.get(&page).await.text()
    }
}

#[tokio::test]
async fn an_alert_is_posted_signed_and_told_over_when_it_is_and_resumed_when_it_goes_on() {
    let (taker, url) = Taker::start().await;
    let mut hooked = Hooked::at(&url).await;
    assert!(hooked.secret.starts_with("whsec_"));
    assert!(!hooked.text().await.contains(&hooked.secret), "it is shown once");
    let application = hooked.ada.application("Bookshelf").await;
    let key = hooked.ada.key(&application, "development", &["read:posts"], "never").await;
    for _ in 0..25 {
        hooked.portal.with_key(&key, "POST", "/api/v1/posts", "{}").await;
    }
    let last = hooked.portal.with_key(&key, "GET", "/api/v1/posts", "").await;
    hooked.portal.recorded(&last).await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(hooked.portal.state.services.alert_watch.look().await.unwrap(), 1);
    assert_eq!(hooked.deliver().await, 1);
    let came = taker.came();
    assert_eq!(came.len(), 1);
    assert!(signed_by(&hooked.secret, &came[0]));
    assert!(!signed_by("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", &came[0]));
    let body: Value = serde_json::from_slice(&came[0].1).unwrap();
    assert_eq!((body["type"].as_str(), body["data"]["kind"].as_str()), (Some("alert.raised"), Some("failure_rate")));
    assert_eq!(body["data"]["subject"]["type"], "api_key");
    assert_eq!(
        (&body["data"]["measured"]["matching"], &body["data"]["measured"]["requests"]),
        (&25.into(), &26.into())
    );
    assert!(!String::from_utf8_lossy(&came[0].1).contains(&key[20..]), "no secret is in it");
    assert_eq!(header(&came[0].0, "content-type"), "application/json");

    hooked.portal.clock.advance(Duration::minutes(12));
    hooked.portal.state.services.alert_watch.look().await.unwrap();
    assert_eq!(hooked.deliver().await, 1);
    let over: Value = serde_json::from_slice(&taker.came()[0].1).unwrap();
    assert_eq!((over["type"].as_str(), &over["data"]["id"]), (Some("alert.ended"), &body["data"]["id"]));
    assert!(over["data"]["ended_at"].is_string());
    let page = hooked.text().await;
    assert!(page.matches("taken with 200").count() == 2 && page.contains("http://127.0.0.1"), "{page:.9000}");
    let alerts = hooked.ada.get(&hooked.alerts.clone()).await.text();
    assert!(!alerts.contains("for-the-taker-alone"), "some services keep a secret in the query");

    // What begins anew within the hour is the same alert: whoever heard of its end hears that it goes on.
    for _ in 0..30 {
        hooked.portal.with_key(&key, "POST", "/api/v1/posts", "{}").await;
    }
    let last = hooked.portal.with_key(&key, "GET", "/api/v1/posts", "").await;
    hooked.portal.recorded(&last).await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let watch = &hooked.portal.state.services.alert_watch;
    assert_eq!((watch.look().await.unwrap(), watch.look().await.unwrap()), (0, 0));
    assert_eq!(hooked.deliver().await, 1, "once");
    let resumed: Value = serde_json::from_slice(&taker.came()[0].1).unwrap();
    assert_eq!((resumed["type"].as_str(), &resumed["data"]["id"]), (Some("alert.resumed"), &body["data"]["id"]));
    assert!(resumed["data"].get("ended_at").is_none(), "{resumed}");
}

#[tokio::test]
async fn what_is_not_taken_is_tried_again_with_a_growing_pause_and_given_up() {
    let (taker, url) = Taker::start().await;
    let mut hooked = Hooked::at(&url).await;
    taker.answer(500);
    hooked.act("test", &[]).await;
    hooked.act("test", &[]).await;
    assert_eq!(hooked.deliver().await, 0);
    let first = taker.came();
    assert_eq!(first.len(), 1, "the second waits behind the first");
    let id = header(&first[0].0, "webhook-id").to_owned();
    assert_eq!(hooked.deliver().await, 0);
    assert!(taker.came().is_empty(), "not at once");
    let page = hooked.text().await;
    assert!(
        page.contains("it answered 500") && page.contains(">failing<") && page.contains(">waiting<"),
        "{page:.9000}"
    );
    hooked.portal.clock.advance(Duration::seconds(6));
    taker.answer(302);
    hooked.deliver().await;
    let second = taker.came();
    assert_eq!(second.len(), 1, "a redirect is followed nowhere, and is no answer");
    taker.answer(204);
    hooked.portal.clock.advance(Duration::minutes(6));
    assert_eq!(hooked.deliver().await, 2);
    let third = taker.came();
    let ids: Vec<_> = [&first[0], &third[0], &third[1]].map(|(headers, _)| header(headers, "webhook-id")).into();
    assert!(ids.contains(&id.as_str()) && ids.iter().collect::<std::collections::HashSet<_>>().len() == 2);
    assert!(third.iter().all(|message| signed_by(&hooked.secret, message)), "each try is signed anew");
    assert!(!hooked.text().await.contains(">failing<"));

    taker.answer(503);
    hooked.act("test", &[]).await;
    for _ in 0..12 {
        hooked.deliver().await;
        hooked.portal.clock.advance(Duration::hours(27));
    }
    assert_eq!(taker.came().len(), 5 + 1, "after five days, nothing is posted");
}

#[tokio::test]
async fn a_message_is_sent_again_under_its_id() {
    let (taker, url) = Taker::start().await;
    let mut hooked = Hooked::at(&url).await;
    let mut eve = hooked.portal.member("eve@example.org").await;
    hooked.act("test", &[]).await;
    hooked.deliver().await;
    let page = hooked.text().await;
    let delivery = between(&page, "name=\"delivery\" value=\"", "\"").to_owned();
    let again = [("of", hooked.of.as_str()), ("id", hooked.id()), ("delivery", &delivery)];
    eve.send("/dashboard", "/form/webhook/replay", &again).await;
    assert_eq!(hooked.deliver().await, 0, "r54: nobody else's");
    hooked.act("replay", &[("delivery", &delivery)]).await;
    assert_eq!(hooked.deliver().await, 1);
    let came = taker.came();
    assert_eq!(header(&came[0].0, "webhook-id"), header(&came[1].0, "webhook-id"));
    assert_eq!(came[0].1, came[1].1);
    let text = hooked.act("replay", &[("delivery", "00000000-0000-0000-0000-000000000000")]).await;
    assert!(text.contains("no such message"), "{text:.9000}");
}

#[tokio::test]
async fn messages_are_signed_with_both_secrets_for_a_day() {
    let (taker, url) = Taker::start().await;
    let mut hooked = Hooked::at(&url).await;
    let old = hooked.secret.clone();
    hooked.portal.clock.advance(Duration::minutes(11));
    let page = hooked.act("rotate", &[]).await;
    assert!(!page.contains("whsec_"), "making a secret takes a sign-in of the last ten minutes");
    hooked.ada.sign_in_again(ADA).await;
    let page = hooked.act("rotate", &[]).await;
    let new = between(&page, "<code>whsec_", "<").to_owned();
    let new = format!("whsec_{new}");
    assert_ne!(new, old);
    hooked.act("test", &[]).await;
    hooked.deliver().await;
    let both = taker.came();
    assert!(signed_by(&new, &both[0]) && signed_by(&old, &both[0]));
    hooked.portal.clock.advance(Duration::days(1));
    hooked.ada.sign_in_again(ADA).await;
    hooked.act("test", &[]).await;
    hooked.deliver().await;
    let one = taker.came();
    assert!(signed_by(&new, &one[0]) && !signed_by(&old, &one[0]));
}

#[tokio::test]
async fn whoever_is_gone_or_silent_for_days_is_told_nothing_and_people_hear_of_it() {
    let (taker, url) = Taker::start().await;
    let mut hooked = Hooked::at(&url).await;
    let mut outbox = Outbox::of(&hooked.portal).await;
    taker.answer(410);
    hooked.act("test", &[]).await;
    hooked.deliver().await;
    let page = hooked.text().await;
    assert!(page.contains(">gone<") && page.contains(">given up<"), "{page:.9000}");
    assert!(outbox.told(&hooked.portal, ADA, "The webhook On call was switched off").await);
    let text = hooked.act("test", &[]).await;
    assert!(text.contains("switch it on first"), "{text:.9000}");
    taker.came();
    taker.answer(200);
    hooked.act("switch", &[("on", "yes")]).await;
    hooked.act("test", &[]).await;
    assert_eq!(hooked.deliver().await, 1);
    hooked.act("switch", &[("on", "no")]).await;
    assert!(hooked.text().await.contains(">off<"));
    let list = hooked.act("remove", &[]).await;
    assert!(list.contains("The webhook is removed") && !list.contains(">On call</a>"), "{list:.9000}");
    assert_eq!(hooked.ada.get(&hooked.page.clone()).await.status, StatusCode::NOT_FOUND);
    let audit = hooked.ada.get(&hooked.alerts.replace("alerts", "audit")).await.text();
    for noted in ["Added a webhook", "Changed a webhook", "Removed a webhook", "answered that it is gone for good"] {
        assert!(audit.contains(noted), "{noted}");
    }
    assert!(!audit.contains("for-the-taker-alone"));
}

#[tokio::test]
async fn r58_addresses_that_lead_inside_are_told_nothing_and_odd_ones_not_taken() {
    let portal = Portal::start().await;
    let mut ada = portal.member(ADA).await;
    let team = ada.team_id().await;
    let (of, new) = (format!("team:{team}"), format!("/teams/{team}/alerts/webhooks/new"));
    for odd in ["", "example.org", "http://example.org/", "https://me:pw@example.org/", "javascript:alert(1)"] {
        let fields = [("of", of.as_str()), ("name", "On call"), ("url", odd)];
        let answer = ada.send(&new, "/form/webhook/add", &fields).await;
        assert_eq!(answer.location(), new, "{odd}");
        assert!(ada.get(&new).await.text().contains("field-error"), "{odd}");
    }
    let fields = [("of", of.as_str()), ("name", "On call"), ("url", "https://169.254.169.254/latest")];
    let page = ada.send(&new, "/form/webhook/add", &fields).await.location().to_owned();
    ada.get(&page).await;
    let id = page.rsplit('/').next().unwrap();
    ada.send(&page, "/form/webhook/test", &[("of", &of), ("id", id)]).await;
    assert_eq!(portal.state.services.courier.deliver().await.unwrap(), 0);
    assert!(ada.get(&page).await.text().contains("the address leads into a private network"));
    for _ in 0..10 {
        let fields = [("of", of.as_str()), ("name", "On call"), ("url", "https://example.org/hook")];
        ada.send(&new, "/form/webhook/add", &fields).await;
    }
    assert!(ada.get(&new).await.text().contains("as many as there may be"));
}

#[tokio::test]
async fn of_all_nodes_that_try_one_posts() {
    let (taker, url) = Taker::start().await;
    let mut hooked = Hooked::at(&url).await;
    for _ in 0..5 {
        hooked.act("test", &[]).await;
    }
    let courier = &hooked.portal.state.services.courier;
    let (one, two, three) = tokio::join!(courier.deliver(), courier.deliver(), courier.deliver());
    assert_eq!(one.unwrap() + two.unwrap() + three.unwrap(), 5);
    assert_eq!(taker.came().len(), 5);
}
