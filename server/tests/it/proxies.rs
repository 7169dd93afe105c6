//! Proxies that the operator trusts say for whom they ask; nobody else does.

use crate::{
    https::{Authority, Https, Identity, named},
    stage::{encoded, error},
    support::{Answer, Machine, Portal, basic},
};
use axum::body::Body;
use http::{Request, StatusCode};
use latchkey_core::{api_key::PlainApiKey, random::SystemRandom};
use latchkey_model::KeyKind;
use server::{
    config::Given,
    connection::{Arrival, Peer, ProxyFields},
    tls::CertificateField,
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

/// A machine that is known by a certificate of an authority of the operator's, behind a proxy that hands certificates on.
struct HandedOn {
    portal: Portal,
    machine: Machine,
    authority: Authority,
    own: Identity,
    file: std::path::PathBuf,
    _folder: tempfile::TempDir,
}

async fn handed_on(field: Option<CertificateField>) -> HandedOn {
    let folder = tempfile::tempdir().unwrap();
    let (authority, file) = (Authority::new(), folder.path().join("clients.pem"));
    std::fs::write(&file, authority.pem()).unwrap();
    let mtls_listen = field.is_none().then(|| "127.0.0.1:0".parse().unwrap());
    let given =
        Given { proxy_certificates: field, mtls_listen, client_ca: Some(file.clone()), ..trusting("10.0.0.0/8") };
    let portal = Portal::with(given).await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let fields = [
        ("auth_method", "tls_client_auth"),
        ("certificate_subject_kind", "subject_dn"),
        ("certificate_subject", r"O=Example\, Inc.,CN=Nightly import"),
        ("certificate_bound", "yes"),
    ];
    let machine = ada.service_account(&application, "development", &["read:posts"], &fields).await;
    let own = authority.sign(&named("Nightly import"));
    HandedOn { portal, machine, authority, own, file, _folder: folder }
}

impl HandedOn {
    async fn token(&self, peer: &str, fields: &[(&str, &str)]) -> Answer {
        let pairs = [("grant_type", "client_credentials"), ("client_id", &self.machine.client_id)];
        let request = Request::post("/oauth/token").header("content-type", "application/x-www-form-urlencoded");
        let request = fields.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.portal.send_from(peer, request.body(Body::from(encoded(&pairs))).unwrap()).await
    }
}

const BY_TLS: [(&str, &str); 2] = [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-proto", "https")];

#[tokio::test]
async fn rfc9440_a_trusted_proxy_hands_on_the_certificate_of_its_caller() {
    let stage = handed_on(Some(CertificateField::ClientCert)).await;
    let field = stage.own.client_cert();
    let shown = [BY_TLS[0], BY_TLS[1], ("client-cert", field.as_str())];
    let answer = stage.token(PROXY, &shown).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let bearer = format!("Bearer {}", answer.json()["access_token"].as_str().unwrap());
    // The token is worth something with the certificate, and the certificate by itself.
    let with_token = [&shown[..], &[("authorization", bearer.as_str())]].concat();
    for (fields, method) in [(&with_token[..], "access_token"), (&shown, "client_certificate")] {
        let answer = ask(&stage.portal, PROXY, "/api/v1/whoami", fields).await;
        assert_eq!((answer.status, &answer.json()["method"]), (StatusCode::OK, &method.into()), "{answer:?}");
    }
    let without = [BY_TLS[0], BY_TLS[1], ("authorization", bearer.as_str())];
    let answer = ask(&stage.portal, PROXY, "/api/v1/whoami", &without).await;
    assert_eq!(stage.portal.recorded(&answer).await.reason.as_deref(), Some("wrong_certificate"));

    // It need not be named in the field of nginx, and one of an authority of somebody's is nobody's.
    let stranger = Authority::new().sign(&named("Nightly import")).client_cert();
    let other = stage.authority.sign(&named("Nightly export")).client_cert();
    let escaped = stage.own.escaped();
    for (what, peer, fields) in [
        ("no proxy of ours", STRANGER, vec![("client-cert", field.as_str())]),
        ("this machine", "127.0.0.1:40000", vec![("client-cert", field.as_str())]),
        ("none", PROXY, vec![]),
        ("an empty one", PROXY, vec![("client-cert", "::")]),
        ("two", PROXY, vec![("client-cert", field.as_str()), ("client-cert", field.as_str())]),
        ("another authority's", PROXY, vec![("client-cert", stranger.as_str())]),
        ("of another name", PROXY, vec![("client-cert", other.as_str())]),
        ("in another field", PROXY, vec![("x-ssl-client-cert", escaped.as_str())]),
        ("in the chain alone", PROXY, vec![("client-cert-chain", field.as_str())]),
        ("no base64", PROXY, vec![("client-cert", ":!:")]),
        ("no certificate", PROXY, vec![("client-cert", ":YWJj:")]),
    ] {
        let fields = [&BY_TLS[..], &fields].concat();
        let answer = stage.token(peer, &fields).await;
        let told = if peer == STRANGER { "invalid_request" } else { "invalid_client" };
        assert_eq!(error(&answer), told, "{what}: {answer:?}");
        let answer = ask(&stage.portal, peer, "/api/v1/whoami", &fields).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what}: {answer:?}");
    }
    // The proxy got it in the clear, or does not say: whose it is was proven by nobody.
    for proto in [&[("x-forwarded-proto", "http")][..], &[]] {
        let fields = [&[BY_TLS[0], ("client-cert", field.as_str())], proto].concat();
        assert_eq!(ask(&stage.portal, PROXY, "/api/v1/whoami", &fields).await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_certificate_between_is_handed_on_in_the_chain() {
    let stage = handed_on(Some(CertificateField::ClientCert)).await;
    let (between, certificate) = stage.authority.authorize("Example department");
    let own = between.sign(&named("Nightly import")).client_cert();
    let chain = certificate.client_cert();
    let alone = [BY_TLS[0], BY_TLS[1], ("client-cert", own.as_str())];
    assert_eq!(error(&stage.token(PROXY, &alone).await), "invalid_client");
    let answer = stage.token(PROXY, &[&alone[..], &[("client-cert-chain", chain.as_str())]].concat()).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
}

#[tokio::test]
async fn nginx_hands_on_pem_and_an_authority_that_is_taken_out_opens_nothing() {
    let stage = handed_on(Some(CertificateField::XSslClientCert)).await;
    let escaped = stage.own.escaped();
    let shown = [BY_TLS[0], BY_TLS[1], ("x-ssl-client-cert", escaped.as_str())];
    assert_eq!(stage.token(PROXY, &shown).await.status, StatusCode::OK);
    let standard = stage.own.client_cert();
    let other = [BY_TLS[0], BY_TLS[1], ("client-cert", standard.as_str())];
    assert_eq!(error(&stage.token(PROXY, &other).await), "invalid_client");

    tokio::spawn(stage.portal.state.authorities.clone().watch());
    tokio::task::yield_now().await;
    std::fs::write(&stage.file, Authority::new().pem()).unwrap();
    let mut answer = stage.token(PROXY, &shown).await;
    for _ in 0..100 {
        if answer.status != StatusCode::OK {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        answer = stage.token(PROXY, &shown).await;
    }
    assert_eq!(error(&answer), "invalid_client");
}

#[tokio::test]
async fn r60_what_a_proxy_says_of_certificates_counts_where_the_operator_said_so() {
    let stage = handed_on(None).await;
    let field = stage.own.client_cert();
    let shown = [BY_TLS[0], BY_TLS[1], ("client-cert", field.as_str())];
    assert_eq!(error(&stage.token(PROXY, &shown).await), "invalid_client");
    // Nor does it at the listener for checks, where proxies pass on what their callers wrote.
    let stage = handed_on(Some(CertificateField::ClientCert)).await;
    let headers = shown.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    let arrival = |peer| Arrival::plain(&stage.portal.state.config, peer, &headers);
    let has_one = |peer| {
        arrival(peer).certificate(&stage.portal.state.authorities, stage.portal.state.services.ports.now()).is_some()
    };
    let proxy = PROXY.parse().unwrap();
    assert!(has_one(Peer::Address(proxy)) && has_one(Peer::Socket) && !has_one(Peer::Gateway(proxy)));
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
