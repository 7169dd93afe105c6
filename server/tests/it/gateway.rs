//! Guarded APIs: what a proxy is told about requests to them, and who may ask and change what.

mod admin;
mod certificates;
mod check;
mod programs;
mod real_certificates;
mod real_proxies;

use crate::support::{Answer, Browser, Portal, between};
use axum::body::{Body, to_bytes};
use http::{Request, StatusCode};
use server::{config::Given, connection::Peer};

/// Where the proxy of these tests asks from.
pub(crate) const PROXY: &str = "10.0.0.5:40000";
pub(crate) const ADDRESS: &str = "https://orders.example.org";
const POLICIES: &str = "GET /health public 3/1m\n\
    GET /v1/orders orders:read\n\
    POST /v1/orders orders:write production 2/1m\n\
    GET /v1/orders/{id} orders:read\n\
    DELETE /v1/orders/{id} orders:read,orders:write\n\
    GET /v1/me any\n\
    * /admin/{*rest} orders:admin";

/// A portal with a guarded API, an application beside it, and a proxy before it.
pub(crate) struct World {
    pub(crate) portal: Portal,
    pub(crate) admin: Browser,
    pub(crate) ada: Browser,
    pub(crate) application: String,
}

/// The form about the API, as it is filled in here; fields beyond that replace what is there.
pub(crate) fn fields<'a>(others: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let proposed = [
        ("name", "Orders"),
        ("slug", "orders"),
        ("base_url", ADDRESS),
        ("scopes", "orders:read See orders\norders:write\norders:admin"),
        ("policies", POLICIES),
        ("verifiers", ""),
        ("editors", ""),
    ];
    let kept = proposed.into_iter().filter(|(name, _)| !others.iter().any(|(other, _)| other == name));
    let mut all: Vec<_> = kept.chain(others.iter().copied()).collect();
    if !others.iter().any(|(name, _)| *name == "environments[]") {
        all.extend([("environments[]", "staging"), ("environments[]", "production")]);
    }
    all
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Given { trusted_proxies: Some("10.0.0.0/8".to_owned()), ..Given::default() }).await
    }

    pub(crate) async fn with(given: Given) -> Self {
        let portal = Portal::with(given).await;
        let mut admin = portal.admin().await;
        let answer = admin.send("/admin/apis/new", "/form/guarded-api/save", &fields(&[])).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/admin/apis/orders"), "{answer:?}");
        let mut ada = portal.member("ada@example.org").await;
        let application = ada.application("Bookshelf").await;
        Self { portal, admin, ada, application }
    }

    /// Changes the API; the answer to the form.
    pub(crate) async fn change(&mut self, others: &[(&str, &str)]) -> Answer {
        let page = self.admin.get("/admin/apis/orders").await.text();
        let version = between(&page, "name=\"version\" value=\"", "\"").to_owned();
        let mut all = fields(others);
        all.extend([("api", "orders"), ("version", version.as_str())]);
        self.admin.send("/admin/apis/orders", "/form/guarded-api/save", &all).await
    }

    pub(crate) async fn key(&mut self, environment: &str, scopes: &[&str]) -> String {
        let application = self.application.clone();
        self.ada.key(&application, environment, scopes, "never").await
    }

    /// What the proxy is told of a request with these fields.
    pub(crate) async fn check(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
        self.check_at("/gateway/check/orders", method, target, headers).await
    }

    pub(crate) async fn check_at(&self, at: &str, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
        let told = [
            ("x-forwarded-method", method),
            ("x-forwarded-uri", target),
            ("x-forwarded-for", "203.0.113.9"),
            ("x-forwarded-proto", "https"),
        ];
        self.ask_at_gateway(PROXY, "GET", at, &[&told[..], headers].concat()).await
    }

    /// Asks at the listener that is for checks.
    pub(crate) async fn ask_at_gateway(&self, peer: &str, method: &str, at: &str, headers: &[(&str, &str)]) -> Answer {
        ask_at_gateway(&self.portal, peer, method, at, headers).await
    }

    pub(crate) async fn ask_from(&self, peer: &str, method: &str, at: &str, headers: &[(&str, &str)]) -> Answer {
        let request = Request::builder().method(method).uri(at);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.portal.send_from(peer, request.body(Body::empty()).unwrap()).await
    }
}

/// Asks a portal at the listener that is for checks.
pub(crate) async fn ask_at_gateway(
    portal: &Portal,
    peer: &str,
    method: &str,
    at: &str,
    headers: &[(&str, &str)],
) -> Answer {
    let peer = Peer::Gateway(peer.parse().unwrap());
    let request = Request::builder().method(method).uri(at);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let response = portal.app.of(peer).answer(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    Answer { status: parts.status, headers: parts.headers, body: to_bytes(body, usize::MAX).await.unwrap() }
}

/// A refusal, in short.
pub(crate) fn refusal(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.header("content-type"), "application/problem+json", "{answer:?}");
    assert!(!answer.headers.keys().any(|name| name.as_str() == "x-auth-subject"), "{answer:?}");
    (answer.status.as_u16(), answer.code())
}
