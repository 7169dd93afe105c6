//! An agent that registered nowhere is known by the address of a document about itself.

use crate::{
    stage::{VERIFIER, challenge, encoded, error, parameter},
    support::{Answer, Browser, Portal},
};
use axum::{Router, extract::State, routing};
use http::StatusCode;
use latchkey_core::{
    audit::{Action, Tenant},
    port::{AuditReader, audit::AuditFilter},
};
use serde_json::{Value, json};
use server::config::Given;
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};
use time::Duration;

const REDIRECT: &str = "http://127.0.0.1:51004/callback";

/// Where the agent publishes what it says of itself.
#[derive(Clone, Default)]
struct Site {
    document: Arc<Mutex<String>>,
    read: Arc<AtomicUsize>,
}

/// The site, and the client id that its address is. The document says of itself what the change makes of it.
async fn site(change: fn(&mut Value)) -> (Site, String) {
    let site = Site::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let id = format!("http://{}/client.json", listener.local_addr().unwrap());
    let show = async |State(site): State<Site>| {
        site.read.fetch_add(1, Ordering::Relaxed);
        site.document.lock().unwrap().clone()
    };
    let app = Router::new().route("/client.json", routing::get(show)).with_state(site.clone());
    tokio::spawn(async { axum::serve(listener, app).await });
    let mut document = json!({
        "client_id": id, "client_name": "Agent", "redirect_uris": ["http://127.0.0.1/callback"], "scope": "read:posts",
    });
    change(&mut document);
    *site.document.lock().unwrap() = document.to_string();
    (site, id)
}

/// A portal where unknown apps may register, or may not.
async fn portal(policy: &str) -> (Portal, Browser) {
    let portal = Portal::with(Given { private_networks: Some(true), ..Given::default() }).await;
    let mut admin = portal.admin().await;
    let application = admin.application("Agents").await;
    let page = format!("/apps/{application}/development/clients");
    let fields = [("application", application.as_str()), ("environment", "development"), ("policy", policy)];
    admin.send(&page, "/form/oauth-client/registration", &fields).await;
    let grace = portal.member("grace@example.org").await;
    (portal, grace)
}

fn asked(id: &str) -> String {
    encoded(&[
        ("response_type", "code"),
        ("client_id", id),
        ("redirect_uri", REDIRECT),
        ("scope", "read:posts"),
        ("code_challenge", &challenge()),
        ("code_challenge_method", "S256"),
    ])
}

async fn ask(grace: &mut Browser, id: &str) -> Answer {
    grace.get(&format!("/oauth/authorize?{}", asked(id))).await
}

#[tokio::test]
async fn an_agent_is_known_by_its_document_asks_and_acts() {
    let (site, id) = site(|_| ()).await;
    let (portal, mut grace) = portal("open").await;
    let described = portal.api("GET", "/.well-known/oauth-authorization-server", &[], "").await.json();
    assert_eq!(described["client_id_metadata_document_supported"], true);
    let page = ask(&mut grace, &id).await.text();
    assert!(page.contains("Agent") && page.contains(&id) && page.contains("Nobody has verified it"), "{page}");
    let asked = asked(&id);
    let fields = [("asked", asked.as_str()), ("ticked[]", "read:posts"), ("answer", "allow")];
    let led = grace.send(&format!("/oauth/authorize?{asked}"), "/form/grant/answer", &fields).await;
    let code = parameter(&led, "code").unwrap();
    let redeem = encoded(&[
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
        ("client_id", &id),
    ]);
    let tokens = portal.oauth("/oauth/token", None, &redeem).await.json();
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(portal.with_key(access, "GET", "/api/v1/posts", "").await.status, StatusCode::OK);
    assert_eq!(site.read.load(Ordering::Relaxed), 1, "it is read once in a while, not for each request");

    // What the document says later is what holds.
    let mut changed: Value = serde_json::from_str(&site.document.lock().unwrap()).unwrap();
    changed["redirect_uris"] = json!(["https://agent.example/callback"]);
    *site.document.lock().unwrap() = changed.to_string();
    portal.clock.advance(Duration::minutes(5));
    assert_eq!(ask(&mut grace, &id).await.status, StatusCode::BAD_REQUEST, "the old address is registered no more");
    // Its team reads in its log what the document did.
    for (action, said) in
        [(Action::ClientCreated, "read:posts"), (Action::ClientChanged, "https://agent.example/callback")]
    {
        let filter = AuditFilter { action: Some(action), ..AuditFilter::default() };
        let events = portal.store.audit_events(None, &filter, 2).await.unwrap();
        let [event] = &events[..] else { panic!("{action}: {events:?}") };
        let (event, named) = (&event.event, event.event.changes.contains(said));
        assert!(matches!(event.tenant, Tenant::Team(_)) && event.reason.contains("document") && named, "{event:?}");
    }
}

#[tokio::test]
async fn what_is_no_document_about_the_client_makes_no_client() {
    let (portal, mut grace) = portal("open").await;
    let changes: [fn(&mut Value); 5] = [
        |document| document["client_id"] = json!("https://other.example/client.json"),
        |document| document["token_endpoint_auth_method"] = json!("client_secret_basic"),
        |document| document["redirect_uris"] = json!(["http://evil.test/"]),
        |document| *document = json!([]),
        |document| document["scope"] = json!("admin"),
    ];
    for change in changes {
        let (site, id) = site(change).await;
        let answer = ask(&mut grace, &id).await;
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::BAD_REQUEST, ""),
            "{}",
            site.document.lock().unwrap()
        );
        ask(&mut grace, &id).await;
        assert_eq!(site.read.load(Ordering::Relaxed), 1, "an address that says nothing is left alone for a while");
    }
    let body = encoded(&[("token", "x"), ("client_id", "https://127.0.0.1/nothing.json")]);
    assert_eq!(error(&portal.oauth("/oauth/revoke", None, &body).await), "invalid_client");
}

#[tokio::test]
async fn r58_no_document_is_read_from_inside_and_none_is_kept_where_nobody_may_register() {
    let (site, id) = site(|_| ()).await;
    let (closed, mut grace) = portal("closed").await;
    assert_eq!(ask(&mut grace, &id).await.status, StatusCode::BAD_REQUEST);
    let body = encoded(&[("token", "x"), ("client_id", &id)]);
    assert_eq!(error(&closed.oauth("/oauth/revoke", None, &body).await), "invalid_client");
    assert_eq!(site.read.swap(0, Ordering::Relaxed), 0, "it is not even asked for");
    let strict = Portal::start().await;
    let mut grace = strict.member("grace@example.org").await;
    assert_eq!(ask(&mut grace, &id).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(site.read.load(Ordering::Relaxed), 0);
}
