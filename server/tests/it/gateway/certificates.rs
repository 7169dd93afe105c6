//! Client certificates of those who call a guarded API, as proxies hand them on and servers tell of them.

use super::{
    PROXY, World,
    programs::{program, request, verify},
    refusal,
};
use crate::{
    https::{Authority, Identity, named},
    stage::encoded,
    support::Machine,
};
use axum::body::Body;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use server::{config::Given, tls::CertificateField};
use time::macros::datetime;

const BY_TLS: [(&str, &str); 2] = [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-proto", "https")];
const MISSING: (u16, &str) = (401, "missing_credential");

/// A guarded API whose callers have certificates.
struct Scene {
    world: World,
    authority: Authority,
    /// A machine that is known by what the authority says of its certificate.
    machine: Machine,
    own: Identity,
    /// A token of that machine, bound to the certificate.
    bound: String,
    /// A certificate of another machine that is registered itself.
    pinned: Identity,
    /// Another of its own, whose time is over.
    past: Identity,
    _file: tempfile::NamedTempFile,
}

impl Scene {
    async fn set(gateway_certificates: Option<CertificateField>) -> Self {
        let (authority, file) = (Authority::new(), tempfile::NamedTempFile::new().unwrap());
        std::fs::write(file.path(), authority.pem()).unwrap();
        let given = Given {
            trusted_proxies: Some("10.0.0.0/8".to_owned()),
            gateway_listen: "127.0.0.1:0".parse().ok(),
            gateway_certificates,
            proxy_certificates: Some(CertificateField::ClientCert),
            client_ca: Some(file.path().to_owned()),
            ..Given::default()
        };
        let mut world = World::with(given).await;
        let application = world.application.clone();
        let own = authority.sign(&named("Nightly import"));
        let subject = [
            ("auth_method", "tls_client_auth"),
            ("certificate_subject_kind", "subject_dn"),
            ("certificate_subject", r"O=Example\, Inc.,CN=Nightly import"),
            ("certificate_bound", "yes"),
        ];
        let machine = world.ada.service_account(&application, "production", &["orders:read"], &subject).await;
        let mut ended = named("Whoever");
        ended.not_after = datetime!(2026-06-01 0:00 UTC);
        let (pinned, past) = (Identity::self_signed(&named("Whoever")), Identity::self_signed(&ended));
        let keys = format!("{}{}", pinned.pem, past.pem);
        let registered = [("auth_method", "self_signed_tls_client_auth"), ("keys", keys.as_str())];
        world.ada.service_account(&application, "production", &["orders:read"], &registered).await;
        let bound = bound_token(&world, &machine, &own).await;
        Self { world, authority, machine, own, bound, pinned, past, _file: file }
    }

    /// Certificates that are nobody's.
    fn strangers(&self) -> [(&'static str, Identity); 4] {
        [
            ("another authority's", Authority::new().sign(&named("Nightly import"))),
            ("of another name", self.authority.sign(&named("Nightly export"))),
            ("signed by itself", Identity::self_signed(&named("Nightly import"))),
            ("one whose time is over", self.past.clone()),
        ]
    }
}

/// A token of the machine's, which it gets from the portal, behind its own proxy.
async fn bound_token(world: &World, machine: &Machine, own: &Identity) -> String {
    let body = encoded(&[("grant_type", "client_credentials"), ("client_id", &machine.client_id)]);
    let request = Request::post("/oauth/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("client-cert", own.client_cert());
    let request = BY_TLS.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let answer = world.portal.send_from(PROXY, request.body(Body::from(body)).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn rfc9440_a_check_is_judged_by_the_certificate_that_a_named_proxy_hands_on() {
    let scene = Scene::set(Some(CertificateField::ClientCert)).await;
    let (world, field) = (&scene.world, scene.own.client_cert());
    let shown = ("client-cert", field.as_str());
    // Looked up, and from memory.
    for _ in 0..2 {
        let answer = world.check("GET", "/v1/orders", &[shown]).await;
        let told = ["x-auth-kind", "x-auth-client", "x-auth-scopes"].map(|name| answer.header(name));
        assert_eq!((answer.status.as_u16(), told[0]), (200, "service_account"), "{answer:?}");
        assert_eq!(told[1..], [scene.machine.client_id.as_str(), "orders:read"]);
    }
    let pinned = scene.pinned.client_cert();
    assert_eq!(world.check("GET", "/v1/orders", &[("client-cert", &pinned)]).await.status, 200);
    let refused = world.check("POST", "/v1/orders", &[shown]).await;
    assert_eq!(refusal(&refused), (403, "insufficient_scope".to_owned()));

    // A token that is bound to it is good with it alone.
    let bearer = format!("Bearer {}", scene.bound);
    let token = ("authorization", bearer.as_str());
    assert_eq!(world.check("GET", "/v1/orders", &[token, shown]).await.status, 200);
    for others in [&[token][..], &[token, ("client-cert", pinned.as_str())]] {
        let refused = world.check("GET", "/v1/orders", others).await;
        assert_eq!(refusal(&refused), (401, "invalid_token".to_owned()));
        assert_eq!(world.portal.recorded(&refused).await.reason.as_deref(), Some("wrong_certificate"));
    }

    for (what, identity) in scene.strangers() {
        let refused = world.check("GET", "/v1/orders", &[("client-cert", &identity.client_cert())]).await;
        assert_eq!(refusal(&refused), (MISSING.0, MISSING.1.to_owned()), "{what}");
    }
    for fields in [&[shown, shown][..], &[("x-ssl-client-cert", field.as_str())], &[("client-cert", "::")]] {
        let refused = world.check("GET", "/v1/orders", fields).await;
        assert_eq!(refusal(&refused), (MISSING.0, MISSING.1.to_owned()), "{fields:?}");
    }
}

#[tokio::test]
async fn r60_a_certificate_in_a_check_is_none_but_where_the_operator_says_so() {
    let scene = Scene::set(Some(CertificateField::ClientCert)).await;
    let field = scene.own.client_cert();
    let about = [("x-forwarded-method", "GET"), ("x-forwarded-uri", "/v1/orders"), ("client-cert", field.as_str())];
    let plain = ("x-forwarded-proto", "http");
    for (what, peer, by) in [
        ("by plain HTTP", PROXY, &[BY_TLS[0], plain][..]),
        ("its proxy does not say", PROXY, &BY_TLS[..1]),
        ("a program of this machine", "127.0.0.1:40000", &BY_TLS),
    ] {
        let all = [&about[..], by].concat();
        let refused = scene.world.ask_at_gateway(peer, "GET", "/gateway/check/orders", &all).await;
        assert_eq!(refusal(&refused), (MISSING.0, MISSING.1.to_owned()), "{what}");
    }
    // What holds for those who come to the portal by a proxy says nothing about checks.
    let scene = Scene::set(None).await;
    let refused = scene.world.check("GET", "/v1/orders", &[("client-cert", &scene.own.client_cert())]).await;
    assert_eq!(refusal(&refused), (MISSING.0, MISSING.1.to_owned()));
}

#[tokio::test]
async fn a_server_answers_for_the_certificate_of_its_caller() {
    let mut scene = Scene::set(None).await;
    let verifier = program(&mut scene.world, "production").await;
    scene.world.change(&[("verifiers", &verifier.machine.client_id)]).await;
    let world = &scene.world;
    let worth = async |fields: Value| {
        let one = request("GET", "/v1/orders", &fields);
        let answer = verify(world, &verifier.token, &json!({"api": "orders", "request": one})).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.json()
    };
    let own = scene.own.pem.as_str();
    for certificate in [own, &STANDARD.encode(scene.own.der())] {
        let known = worth(json!({"certificate": certificate})).await;
        assert_eq!(
            (&known["valid"], &known["principal"]["kind"]),
            (&json!(true), &json!("service_account")),
            "{known}"
        );
        assert_eq!(known["principal"]["client_id"], scene.machine.client_id);
    }
    assert_eq!(worth(json!({"certificate": scene.pinned.pem})).await["valid"], true);
    let bearer = format!("Bearer {}", scene.bound);
    assert_eq!(worth(json!({"certificate": own, "authorization": bearer})).await["valid"], true);
    for fields in [json!({"authorization": bearer}), json!({"authorization": bearer, "certificate": scene.pinned.pem})]
    {
        let refused = worth(fields).await;
        assert_eq!((&refused["valid"], &refused["code"]), (&json!(false), &json!("invalid_token")), "{refused}");
    }
    let refused = worth(json!({"certificate": own, "tls": false})).await;
    assert_eq!((&refused["valid"], &refused["code"]), (&json!(false), &json!(MISSING.1)), "{refused}");
    for (what, identity) in scene.strangers() {
        let refused = worth(json!({"certificate": identity.pem})).await;
        assert_eq!((&refused["valid"], &refused["code"]), (&json!(false), &json!(MISSING.1)), "{what}: {refused}");
    }
    for unreadable in [json!("nonsense!"), json!(""), json!(own.repeat(2)), json!(7)] {
        let one = request("GET", "/v1/orders", &json!({"certificate": unreadable}));
        let answer = verify(world, &verifier.token, &json!({"api": "orders", "request": one})).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::BAD_REQUEST, "invalid_json"), "{unreadable}");
    }
}
