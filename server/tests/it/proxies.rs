//! Proxies that the operator trusts say for whom they ask; nobody else does.

use crate::{
    https::{Https, named},
    stage::{encoded, error},
    support::{Answer, Portal, basic},
};
use axum::body::Body;
use http::{Request, StatusCode};
use latchkey_core::{api_key::PlainApiKey, random::SystemRandom};
use latchkey_model::KeyKind;
use server::{
    config::Given,
    connection::{Peer, ProxyFields},
};

const PROXY: &str = "10.0.0.1:40000";
const STRANGER: &str = "198.51.100.66:40000";

fn trusting(networks: &str) -> Given {
    Given { trusted_proxies: Some(networks.to_owned()), ..Given::default() }
}

async fn ask(portal: &Portal, peer: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
    let request = fields.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
    portal.send_from(peer, request.body(Body::empty()).unwrap()).await
}

/// A portal that trusts this network, and a key that works from 203.0.113.0/24 alone.
async fn with_key(given: Given) -> (Portal, String) {
    let portal = Portal::with(given).await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let fields = [("scopes[]", "read:posts"), ("expiry", "never"), ("allowed_from", "203.0.113.0/24")];
    let key = ada.key_with(&application, "development", &fields).await;
    (portal, key)
}

#[tokio::test]
async fn r48_a_trusted_proxy_says_who_asks_and_nobody_else_does() {
    let (portal, key) = with_key(trusting("10.0.0.0/8")).await;
    for (peer, forwarded, status, recorded) in [
        (PROXY, &["203.0.113.9"][..], 200, "203.0.113.9"),
        (PROXY, &["203.0.113.9, 10.0.0.2"], 200, "203.0.113.9"),
        // What its caller wrote stands left of what the proxy wrote, on this line or on one before.
        (PROXY, &["203.0.113.9, 198.51.100.7"], 403, "198.51.100.7"),
        (PROXY, &["203.0.113.9", "198.51.100.7"], 403, "198.51.100.7"),
        (PROXY, &["203.0.113.9, unknown"], 403, "0.0.0.0"),
        // It does not say for whom: nobody who is known, and never the proxy or this machine.
        (PROXY, &[], 403, "0.0.0.0"),
        (STRANGER, &["203.0.113.9"], 403, "198.51.100.66"),
    ] {
        // From whoever is no proxy of ours, nothing counts that it says: neither this.
        let mut fields = vec![("x-api-key", key.as_str()), ("x-forwarded-proto", "https")];
        fields.extend(forwarded.iter().map(|line| ("x-forwarded-for", *line)));
        fields.extend([("forwarded", "for=203.0.113.9;proto=https"), ("x-real-ip", "203.0.113.9")]);
        for path in ["/api/v1/whoami", "/api/v1/posts/0190b6f2-0000-7000-8000-000000000000"] {
            let answer = ask(&portal, peer, path, &fields).await;
            let expected = match (status, path) {
                (200, "/api/v1/whoami") => 200,
                (200, _) => 404,
                (refused, _) => refused,
            };
            let code = answer.code();
            assert_eq!(answer.status, expected, "{peer} {forwarded:?} {path}: {answer:?}");
            assert!(expected != 403 || ["forbidden", "tls_required"].contains(&code.as_str()), "{code}");
            assert_eq!(portal.recorded(&answer).await.address.to_string(), recorded, "{forwarded:?}");
        }
    }
}

#[tokio::test]
async fn a_credential_that_reached_the_proxy_in_the_clear_is_refused() {
    let (portal, key) = with_key(trusting("10.0.0.0/8 127.0.0.1")).await;
    let who = ("x-forwarded-for", "203.0.113.9");
    for (peer, proto, expected) in [
        (PROXY, Some("https"), "200 OK"),
        (PROXY, Some("http"), "403 Forbidden"),
        (PROXY, Some("https, http"), "403 Forbidden"),
        (PROXY, None, "403 Forbidden"),
        // Once it is named, this machine's own proxy must say it too.
        ("127.0.0.1:40000", Some("https"), "200 OK"),
        ("127.0.0.1:40000", Some("http"), "403 Forbidden"),
        (STRANGER, Some("https"), "403 Forbidden"),
    ] {
        let mut fields = vec![("x-api-key", key.as_str()), who];
        fields.extend(proto.map(|proto| ("x-forwarded-proto", proto)));
        let answer = ask(&portal, peer, "/api/v1/whoami", &fields).await;
        assert_eq!(answer.status.to_string(), expected, "{peer} {proto:?}: {answer:?}");
        if expected.starts_with("403") {
            assert_eq!(answer.code(), "tls_required");
        }
        let authorization = basic("lkc_0123456789abcdefghij", "secret");
        let request = Request::post("/oauth/token").header("authorization", authorization).header(who.0, who.1);
        let request = proto.iter().fold(request, |request, proto| request.header("x-forwarded-proto", *proto));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let body = Body::from(encoded(&[("grant_type", "client_credentials")]));
        let answer = portal.send_from(peer, request.body(body).unwrap()).await;
        let told = if expected.starts_with("200") { "invalid_client" } else { "invalid_request" };
        assert_eq!(error(&answer), told, "{peer} {proto:?}");
    }
}

#[tokio::test]
async fn rfc7239_4_forwarded_is_read_where_it_is_the_one_that_proxies_write() {
    let given = Given { proxy_fields: Some(ProxyFields::Forwarded), ..trusting("10.0.0.0/8") };
    let (portal, key) = with_key(given).await;
    let key = ("x-api-key", key.as_str());
    let forged = [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-proto", "https")];
    for (forwarded, status) in [
        ("for=203.0.113.9;proto=https", 200),
        ("for=\"203.0.113.9:80\";proto=https, for=10.0.0.2;proto=http", 200),
        ("for=203.0.113.9;proto=https, for=198.51.100.7;proto=https", 403),
        ("for=203.0.113.9;proto=http", 403),
    ] {
        let answer =
            ask(&portal, PROXY, "/api/v1/whoami", &[key, forged[0], forged[1], ("forwarded", forwarded)]).await;
        assert_eq!(answer.status, status, "{forwarded}: {answer:?}");
    }
    let answer = ask(&portal, PROXY, "/api/v1/whoami", &[key, forged[0], forged[1]]).await;
    assert_eq!(answer.code(), "tls_required", "what only the caller wrote counts for nothing");
}

#[tokio::test]
async fn r48_limits_are_of_those_who_ask_and_not_of_the_proxy() {
    let given = Given {
        unknown_keys_per_minute: "3".parse().ok(),
        attempts_per_minute: "3".parse().ok(),
        ..trusting("127.0.0.1")
    };
    let portal = Portal::with(given).await;
    let secure = ("x-forwarded-proto", "https");
    let guess = async |from: &str| {
        let made_up = PlainApiKey::generate(&SystemRandom, KeyKind::Personal);
        let fields = [("x-api-key", made_up.expose()), ("x-forwarded-for", from), secure];
        ask(&portal, "127.0.0.1:40000", "/api/v1/whoami", &fields).await.status
    };
    for number in 0..3 {
        // However it changes what it writes itself.
        assert_eq!(guess(&format!("192.0.2.{number}, 203.0.113.9")).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(guess("192.0.2.77, 203.0.113.9").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(guess("203.0.114.9").await, StatusCode::UNAUTHORIZED, "another network");

    let mut browser = portal.browser();
    let sign_in = async |browser: &mut crate::support::Browser, from: &str| {
        let token = browser.token().await;
        let fields =
            [("_csrf", token.as_str()), ("_back", "/login"), ("email", "x@example.org"), ("password", "wrong")];
        let mut request = crate::support::form_request("/form/account/sign-in", &fields);
        request.headers_mut().insert("x-forwarded-for", from.parse().unwrap());
        request.headers_mut().insert("x-forwarded-proto", "https".parse().unwrap());
        browser.send_request(request).await;
        browser.get("/login").await.text().contains("Too many")
    };
    let mut told = Vec::new();
    for number in 0..4 {
        told.push(sign_in(&mut browser, &format!("192.0.2.{number}, 203.0.113.200")).await);
    }
    assert_eq!(told, [false, false, false, true]);
    assert!(!sign_in(&mut browser, "203.0.115.1").await, "another network");
}

#[tokio::test]
async fn pages_come_through_a_proxy_with_tls_where_plain_http_leads_elsewhere() {
    let given = Given {
        tls_listen: "127.0.0.1:1".parse().ok(),
        public_url: "https://keys.example.org".parse().ok(),
        ..trusting("10.0.0.0/8")
    };
    let portal = Portal::with(given).await;
    let page = async |portal: &Portal, peer: &str, proto: Option<&str>| {
        let mut fields = vec![("x-forwarded-for", "203.0.113.9"), ("accept", "text/html")];
        fields.extend(proto.map(|proto| ("x-forwarded-proto", proto)));
        ask(portal, peer, "/login", &fields).await
    };
    for (peer, proto, status) in [(PROXY, "https", 200), (PROXY, "http", 307), (STRANGER, "https", 307)] {
        let answer = page(&portal, peer, Some(proto)).await;
        assert_eq!(answer.status, status, "{peer} {proto}");
        assert!(status == 200 || answer.location() == "https://keys.example.org/login", "r59: {answer:?}");
    }
    // Nobody is led in circles by a proxy that does not say how it was asked: whoever set it up is told.
    for proto in [None, Some("wss")] {
        let answer = page(&portal, PROXY, proto).await;
        assert_eq!(answer.status, 502);
        assert!(answer.text().contains("must set X-Forwarded-Proto"), "{answer:?}");
    }
    // A proxy that was asked in the clear leads to TLS, where the portal's address has it, without a listener of ours.
    let given = Given { public_url: "https://keys.example.org".parse().ok(), ..trusting("10.0.0.0/8") };
    let portal = Portal::with(given).await;
    assert_eq!(page(&portal, PROXY, Some("http")).await.status, 307);
    assert_eq!(page(&portal, PROXY, Some("https")).await.status, 200);
    assert_eq!(page(&portal, STRANGER, None).await.status, 200, "it has nowhere else to go to");
}

#[tokio::test]
async fn what_a_proxy_does_not_say_alarms_nobody() {
    let (portal, key) = with_key(trusting("10.0.0.0/8")).await;
    let mut admin = portal.admin().await;
    let who = ("x-forwarded-for", "203.0.113.9");
    for (proto, told) in [(None, 0), (Some("http"), 1)] {
        let mut fields = vec![("x-api-key", key.as_str()), who];
        fields.extend(proto.map(|proto| ("x-forwarded-proto", proto)));
        let answer = ask(&portal, PROXY, "/api/v1/whoami", &fields).await;
        assert_eq!(answer.code(), "tls_required");
        portal.recorded(&answer).await;
        assert_eq!(portal.state.services.housekeeping.tell_exposed().await.unwrap(), told, "{proto:?}");
    }
    assert_eq!(admin.get("/admin/outbox").await.text().matches("was sent where others can read it").count(), 1);
}

#[tokio::test]
async fn r60_the_certificate_of_a_proxy_is_nobodys_who_asks_through_it() {
    let https = Https::with(trusting("127.0.0.0/8")).await;
    let own = https.tls.authority.sign(&named("Nightly import"));
    let client = https.tls.client(Some(&own));
    let mut ada = https.portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let fields = [
        ("auth_method", "tls_client_auth"),
        ("certificate_subject_kind", "subject_dn"),
        ("certificate_subject", r"O=Example\, Inc.,CN=Nightly import"),
    ];
    let machine = ada.service_account(&application, "development", &["read:posts"], &fields).await;
    let secure = ("x-forwarded-proto", "https");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let body = encoded(&[("grant_type", "client_credentials"), ("client_id", &machine.client_id)]);
    for fields in [&[form, secure, ("x-forwarded-for", "203.0.113.9")][..], &[form, secure]] {
        let answer = client.send("POST", "/oauth/token", fields, &body).await;
        assert_eq!((answer.status, error(&answer).as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
    }
}

#[tokio::test]
async fn whoever_may_open_the_socket_is_a_proxy_and_says_for_whom_it_asks() {
    let (portal, key) = with_key(Given::default()).await;
    let ask = async |fields: &[(&str, &str)]| {
        let request = Request::get("/api/v1/whoami").header("x-api-key", &key);
        let request = fields.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = portal.app.of(Peer::Socket).answer(request.body(Body::empty()).unwrap()).await.unwrap();
        answer.status().as_u16()
    };
    let secure = ("x-forwarded-proto", "https");
    assert_eq!(ask(&[secure, ("x-forwarded-for", "203.0.113.9")]).await, 200);
    assert_eq!(ask(&[secure, ("x-forwarded-for", "203.0.113.9, 198.51.100.7")]).await, 403);
    assert_eq!(ask(&[("x-forwarded-for", "203.0.113.9")]).await, 403, "it does not say that it was TLS");
    assert_eq!(ask(&[secure]).await, 403, "it does not say for whom");
}
