//! Traces of requests: a span says where, how it ended and why, never with what; and nobody else decides what is traced.

use crate::support::{Answer, Portal, mistyped};
use axum::{Router, body::Body, routing::post};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use server::{config::Given, telemetry::Traces};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt;

const PROXY: &str = "10.0.0.5:40000";
const STRANGER: &str = "198.51.100.77:40000";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// What stands where an operator gathers traces.
pub(crate) struct Collector {
    address: String,
    taken: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let taken = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&taken);
        let take = move |headers: HeaderMap, body: Bytes| async move {
            kept.lock().unwrap().push((headers, body));
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().route("/v1/traces", post(take));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, taken }
    }

    /// The settings of a server that sends everything here.
    pub(crate) fn given(&self) -> Given {
        Given { otlp_endpoint: self.address.parse().ok(), otlp_sample: Some(1.0), ..Given::default() }
    }

    /// All that was sent, with one character for each byte.
    pub(crate) fn text(&self) -> String {
        let taken = self.taken.lock().unwrap();
        taken.iter().flat_map(|(_, body)| body.iter()).map(|byte| char::from(*byte)).collect()
    }

    fn headers(&self) -> Vec<HeaderMap> {
        self.taken.lock().unwrap().iter().map(|(headers, _)| headers.clone()).collect()
    }
}

/// A server whose requests are traced on this thread.
async fn traced(given: Given) -> (Portal, Traces, DefaultGuard) {
    let given = Given { trusted_proxies: Some("10.0.0.0/8".to_owned()), require_tls: Some(false), ..given };
    let portal = Portal::with(given).await;
    let traces = Traces::new(&portal.state.config).unwrap().unwrap();
    let listening = tracing::subscriber::set_default(tracing_subscriber::registry().with(traces.layer()));
    (portal, traces, listening)
}

async fn ask(portal: &Portal, from: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
    portal.send_from(from, request.body(Body::empty()).unwrap()).await
}

/// How a text is written as the value of an attribute (OTLP's `KeyValue`).
fn attribute(name: &str, value: &str) -> String {
    let length = u8::try_from(value.len()).unwrap();
    format!("{name}\u{12}{}\n{}{value}", char::from(length + 2), char::from(length))
}

/// And a status: a number of two bytes.
fn status(status: u16) -> String {
    let bytes = [(status & 0x7f) | 0x80, status >> 7].map(|byte| char::from(u8::try_from(byte).unwrap()));
    format!("http.response.status_code\u{12}\u{3}\u{18}{}{}", bytes[0], bytes[1])
}

/// The id of the trace that callers name, byte by byte.
fn id_of_the_trace() -> String {
    let bytes = (0..TRACE.len()).step_by(2).map(|at| u8::from_str_radix(&TRACE[at..at + 2], 16).unwrap());
    bytes.map(char::from).collect()
}

#[tokio::test]
async fn a_refused_call_is_a_span_with_its_route_its_status_and_its_reason() {
    let collector = Collector::start().await;
    let headers = Some("x-tenant=desk".to_owned());
    let given = Given { otlp_headers: headers, otlp_service: Some("desk-7".to_owned()), ..collector.given() };
    let (portal, traces, _listening) = traced(given).await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let key = ada.key(&application, "development", &["read:posts"], "never").await;
    let refused = portal.with_key(&key, "POST", "/api/v1/posts", "{}").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(portal.with_key(&mistyped(&key), "GET", "/api/v1/whoami", "").await.status, StatusCode::UNAUTHORIZED);
    for path in [format!("/api/v1/posts/{key}?access_token={key}"), format!("/login?next=%2F{key}")] {
        ask(&portal, STRANGER, &path, &[("user-agent", &key)]).await;
    }
    ask(&portal, STRANGER, "/health/ready", &[]).await;
    traces.finish().await;

    let text = collector.text();
    for said in [
        attribute("service.name", "desk-7"),
        attribute("http.request.method", "POST"),
        attribute("http.route", "/api/v1/posts"),
        attribute("url.path", "/api/v1/posts"),
        attribute("client.address", "127.0.0.1"),
        attribute("client.address", "198.51.100.77"),
        attribute("latchkey.reason", "insufficient_scope"),
        attribute("latchkey.reason", "bad_checksum"),
        attribute("latchkey.request_id", refused.header("x-request-id")),
        attribute("http.route", "/api/v1/posts/{id}"),
        attribute("http.route", "/login"),
        attribute("http.route", "/form/account/sign-up"),
        status(403),
        status(401),
        status(200),
    ] {
        assert!(text.contains(&said), "{said:?}");
    }
    assert!(text.contains("POST /api/v1/posts"), "its name");
    for secret in [&key[20..52], &mistyped(&key)[20..52], "access_token", "ada@example.org", "next="] {
        assert!(!text.contains(secret), "r53: {secret}");
    }
    assert!(!text.contains("/health/"), "whoever looks after the server asks all the time");
    let headers = collector.headers();
    assert!(headers.iter().all(|sent| sent["x-tenant"] == "desk"), "{headers:?}");
    assert!(headers.iter().all(|sent| sent["content-type"] == "application/x-protobuf"), "{headers:?}");
}

#[tokio::test]
async fn a_strangers_word_joins_no_trace_and_has_nothing_traced() {
    let collector = Collector::start().await;
    // None, but for those that a proxy of ours wants to see.
    let (portal, traces, _listening) = traced(Given { otlp_sample: Some(0.0), ..collector.given() }).await;
    let sampled = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let by_proxy = [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-proto", "https")];
    for (from, path) in [(STRANGER, "/api/v1/whoami"), (STRANGER, "/login"), ("127.0.0.1:40000", "/docs")] {
        ask(&portal, from, path, &[&[("traceparent", sampled.as_str())], &by_proxy[..]].concat()).await;
    }
    ask(&portal, PROXY, "/api/v1/whoami", &[&[("traceparent", sampled.as_str())], &by_proxy[..]].concat()).await;
    let not_sampled = format!("00-{TRACE}-00f067aa0ba902b8-00");
    ask(&portal, PROXY, "/signup", &[&[("traceparent", not_sampled.as_str())], &by_proxy[..]].concat()).await;
    traces.finish().await;

    let text = collector.text();
    assert!(text.contains(&attribute("client.address", "203.0.113.9")), "{text:?}");
    assert!(text.contains(&attribute("latchkey.reason", "missing_credential")), "{text:?}");
    let id = id_of_the_trace();
    assert_eq!(text.matches(&id).count(), 1, "one span of the proxy's trace: {text:?}");
    for other in ["/login", "/docs", "/signup", "198.51.100.77"] {
        assert!(!text.contains(other), "{other}: {text:?}");
    }
}

#[tokio::test]
async fn r48_everything_is_traced_as_its_own_where_a_stranger_names_a_trace() {
    let collector = Collector::start().await;
    let (portal, traces, _listening) = traced(collector.given()).await;
    let named = format!("00-{TRACE}-00f067aa0ba902b7-01");
    ask(&portal, STRANGER, "/api/v1/whoami", &[("traceparent", &named), ("tracestate", "a=canary")]).await;
    traces.finish().await;
    let text = collector.text();
    assert!(text.contains(&attribute("client.address", "198.51.100.77")), "{text:?}");
    let id = id_of_the_trace();
    assert!(!text.contains(&id) && !text.contains("canary"), "{text:?}");
}

#[tokio::test]
async fn a_collector_out_of_reach_costs_no_request_anything() {
    let given = Given { otlp_endpoint: "http://127.0.0.1:1".parse().ok(), otlp_sample: Some(1.0), ..Given::default() };
    let (portal, traces, _listening) = traced(given).await;
    for _ in 0..6_000 {
        let answer = portal.api("GET", "/api/v1/status", &[], "").await;
        assert_eq!(answer.status, StatusCode::OK, "more than may wait: what is too much is lost, and nobody waits");
    }
    let began = Instant::now();
    traces.finish().await;
    assert!(began.elapsed() < Duration::from_secs(8), "nor does the end of the server wait for long");
}
