//! Every credential, and everything that can become of it: told alike, logged alike, with one step that failed.

use crate::{
    https::{Https, Identity, named},
    sender_constrained::Holder,
    stage::encoded,
    support::{Answer, Browser, Machine, ORIGIN, PASSWORD, Portal, basic},
};
use axum::body::Body;
use http::{Request, StatusCode};
use latchkey_core::port::request_log::RequestRow;
use latchkey_model::trace::{StepName, StepOutcome};
use server::config::Given;
use time::Duration;

const EMAIL: &str = "ada@example.org";
const READ: &[&str] = &["read:posts"];

/// A credential, as a request carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    KeyAsBearer,
    KeyInItsField,
    KeyAsBasicName,
    PersonalToken,
    Jwt,
    OpaqueToken,
    BoundToken,
    Password,
    Cookie,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::KeyAsBearer,
        Self::KeyInItsField,
        Self::KeyAsBasicName,
        Self::PersonalToken,
        Self::Jwt,
        Self::OpaqueToken,
        Self::BoundToken,
        Self::Password,
        Self::Cookie,
    ];

    /// What `whoami` calls it.
    fn method(self) -> &'static str {
        match self {
            Self::KeyAsBearer | Self::KeyInItsField | Self::KeyAsBasicName => "api_key",
            Self::PersonalToken => "personal_token",
            Self::Jwt | Self::OpaqueToken | Self::BoundToken => "access_token",
            Self::Password => "password",
            Self::Cookie => "session",
        }
    }

    fn is_a_persons_all(self) -> bool {
        matches!(self, Self::Password | Self::Cookie)
    }
}

/// A portal of its own for one credential, which nobody has spoiled yet.
struct Scene {
    portal: Portal,
    ada: Browser,
    kind: Kind,
    secret: String,
    machine: Option<Machine>,
    application: String,
    holder: Holder,
    nonce: String,
}

impl Scene {
    async fn new(kind: Kind) -> Self {
        let given = Given { requests_per_minute: "4".parse().ok(), ..Given::default() };
        let portal = Portal::with(given).await;
        let mut ada = portal.member(EMAIL).await;
        let application = ada.application("Bookshelf").await;
        let holder = Holder::new();
        let (mut machine, mut nonce) = (None, String::new());
        let secret = match kind {
            Kind::KeyAsBearer | Kind::KeyInItsField | Kind::KeyAsBasicName => {
                ada.key(&application, "development", READ, "7").await
            }
            Kind::PersonalToken => ada.token_with(&[("scopes[]", "read:posts"), ("expiry", "30")]).await,
            Kind::Jwt | Kind::OpaqueToken | Kind::BoundToken => {
                let fields = match kind {
                    Kind::OpaqueToken => &[("token_form", "opaque")][..],
                    Kind::BoundToken => &[("dpop_required", "yes")],
                    _ => &[],
                };
                let made = ada.service_account(&application, "development", READ, fields).await;
                let (token, found) = token_of(&portal, &made, &holder, kind == Kind::BoundToken).await;
                (machine, nonce) = (Some(made), found);
                token
            }
            Kind::Password => {
                ada.send("/account/sign-in-methods", "/form/account/allow-password", &[("allowed", "yes")]).await;
                PASSWORD.to_owned()
            }
            Kind::Cookie => ada.cookie_header(),
        };
        Self { portal, ada, kind, secret, machine, application, holder, nonce }
    }

    fn fields(&self, method: &str, path: &str) -> Vec<(&'static str, String)> {
        let secret = &self.secret;
        match self.kind {
            Kind::KeyInItsField => vec![("x-api-key", secret.clone())],
            Kind::KeyAsBasicName => vec![("authorization", basic(secret, ""))],
            Kind::Password => vec![("authorization", basic(EMAIL, secret))],
            Kind::Cookie => vec![("cookie", secret.clone())],
            Kind::BoundToken => {
                let url = format!("{ORIGIN}{path}");
                let proof = self.holder.proof_at(&self.portal, method, &url, Some(secret), Some(&self.nonce));
                vec![("authorization", format!("DPoP {secret}")), ("dpop", proof)]
            }
            _ => vec![("authorization", format!("Bearer {secret}"))],
        }
    }

    async fn ask(&self, peer: &str, method: &str, path: &str, more: &[(&'static str, String)]) -> Answer {
        let plain = path.split('?').next().unwrap();
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in self.fields(method, plain).iter().chain(more) {
            request = request.header(*name, value);
        }
        self.portal.send_from(peer, request.body(Body::empty()).unwrap()).await
    }

    async fn reads(&self) -> Answer {
        self.ask(crate::support::LOOPBACK, "GET", "/api/v1/posts", &[]).await
    }

    /// Ends the credential, as its owner does.
    async fn end(&mut self) {
        let application = &self.application;
        match self.kind {
            Kind::KeyAsBearer | Kind::KeyInItsField | Kind::KeyAsBasicName => {
                let id = self.ada.key_id(application, "development").await;
                let page = format!("/apps/{application}/development/keys/{id}/revoke");
                self.ada.send(&page, "/form/api-key/revoke", &[("id", &id), ("confirm", "Web backend")]).await;
            }
            Kind::PersonalToken => {
                let id = self.ada.token_id().await;
                let page = format!("/account/tokens/{id}/revoke");
                self.ada.send(&page, "/form/api-key/revoke", &[("id", &id), ("confirm", "My script")]).await;
            }
            Kind::Jwt | Kind::OpaqueToken | Kind::BoundToken => {
                let machine = self.machine.as_ref().unwrap();
                let body = encoded(&[("token", &self.secret)]);
                let answer = self.portal.oauth("/oauth/revoke", Some(&machine.basic()), &body).await;
                assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
            }
            Kind::Password => {
                self.ada.send("/account/sign-in-methods", "/form/account/allow-password", &[("allowed", "")]).await;
            }
            Kind::Cookie => {
                self.ada.send("/dashboard", "/form/account/sign-out", &[]).await;
            }
        }
    }

    /// Whether a refusal has the shape of all of them.
    async fn is_refused(&self, answer: &Answer, status: u16, code: &str, reason: &str, step: StepName) {
        let said = format!("{:?} {answer:?}", self.kind);
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{said}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{said}");
        assert_eq!(answer.header("cache-control"), "no-store", "{said}");
        assert_eq!(
            !answer.header("www-authenticate").is_empty(),
            status == 401 || code == "insufficient_scope",
            "{said}"
        );
        assert_eq!(!answer.header("retry-after").is_empty(), status == 429, "{said}");
        let body = answer.json();
        let members: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["code", "detail", "request_id", "status", "title", "type"], "{said}");
        assert_eq!(
            (body["status"].as_u64(), body["request_id"].as_str()),
            (Some(status.into()), Some(answer.header("x-request-id")))
        );
        assert!(!format!("{answer:?}").contains(&self.secret), "r53: {said}");
        let row = self.portal.recorded(answer).await;
        assert_eq!((row.reason.as_deref(), row.status), (Some(reason), status), "{said}");
        assert_eq!(failed(&row), [step], "{said}");
        assert!(row.remedy.is_some() && !format!("{row:?}").contains(&self.secret), "{said}");
    }
}

/// The steps that failed; those before passed, and those after were not reached.
fn failed(row: &RequestRow) -> Vec<StepName> {
    let steps = row.trace.steps();
    let at = steps.iter().position(|step| step.outcome == StepOutcome::Failed).unwrap_or(steps.len());
    assert!(steps[..at].iter().all(|step| step.outcome == StepOutcome::Passed), "{steps:?}");
    assert!(steps.iter().skip(at + 1).all(|step| step.outcome == StepOutcome::NotReached), "{steps:?}");
    assert_eq!(steps.iter().map(|step| step.name).collect::<Vec<_>>(), StepName::ALL);
    steps.iter().filter(|step| step.outcome == StepOutcome::Failed).map(|step| step.name).collect()
}

async fn token_of(portal: &Portal, machine: &Machine, holder: &Holder, bound: bool) -> (String, String) {
    if !bound {
        return (portal.token_of(machine).await, String::new());
    }
    let url = format!("{ORIGIN}/oauth/token");
    let authorization = machine.basic();
    let ask = async |nonce: Option<&str>| {
        let proof = holder.proof_at(portal, "POST", &url, None, nonce);
        let form = ("content-type", "application/x-www-form-urlencoded");
        let fields = [("authorization", authorization.as_str()), form, ("dpop", proof.as_str())];
        portal.api("POST", "/oauth/token", &fields, "grant_type=client_credentials").await
    };
    let nonce = ask(None).await.header("dpop-nonce").to_owned();
    (ask(Some(&nonce)).await.json()["access_token"].as_str().unwrap().to_owned(), nonce)
}

#[tokio::test]
async fn every_credential_opens_what_it_may() {
    for kind in Kind::ALL {
        let scene = Scene::new(kind).await;
        let answer = scene.reads().await;
        assert_eq!(answer.status, StatusCode::OK, "{kind:?}: {answer:?}");
        assert!(answer.header("ratelimit").starts_with("\"key\";r=3"), "{kind:?}: {answer:?}");
        let row = scene.portal.recorded(&answer).await;
        assert_eq!(failed(&row), [], "{kind:?}");
        assert!(row.attribution.is_some() && row.reason.is_none(), "{kind:?}");
        let whoami = scene.ask(crate::support::LOOPBACK, "GET", "/api/v1/whoami", &[]).await.json();
        assert_eq!(whoami["method"], kind.method());
    }
}

#[tokio::test]
async fn every_credential_beside_another_is_refused_or_gives_way() {
    for kind in Kind::ALL {
        let scene = Scene::new(kind).await;
        for other in [("x-api-key", "nonsense"), ("authorization", "Bearer nonsense")] {
            let answer =
                scene.ask(crate::support::LOOPBACK, "GET", "/api/v1/posts", &[(other.0, other.1.to_owned())]).await;
            if kind == Kind::Cookie {
                // A browser sends it with everything: what was chosen counts.
                scene.is_refused(&answer, 401, "invalid_token", "malformed", StepName::Format).await;
            } else {
                scene
                    .is_refused(&answer, 400, "ambiguous_credentials", "ambiguous_credentials", StepName::Credential)
                    .await;
            }
        }
        let answer = scene.ask(crate::support::LOOPBACK, "GET", "/api/v1/posts?access_token=x", &[]).await;
        scene.is_refused(&answer, 400, "credential_in_query", "credential_in_query", StepName::Credential).await;
    }
}

#[tokio::test]
async fn every_credential_in_the_clear_is_refused() {
    for kind in Kind::ALL {
        let scene = Scene::new(kind).await;
        let answer = scene.ask("203.0.113.9:40000", "GET", "/api/v1/posts", &[]).await;
        scene.is_refused(&answer, 403, "tls_required", "tls_required", StepName::Credential).await;
    }
}

#[tokio::test]
async fn every_credential_that_was_ended_or_has_ended_opens_nothing() {
    for kind in Kind::ALL {
        let mut scene = Scene::new(kind).await;
        assert_eq!(scene.reads().await.status, StatusCode::OK, "{kind:?}");
        scene.end().await;
        let answer = scene.reads().await;
        match kind {
            Kind::Password => {
                let reason = "password_not_allowed";
                scene.is_refused(&answer, 401, "invalid_credentials", reason, StepName::Lookup).await;
            }
            Kind::Cookie => {
                let word = "missing_credential";
                scene.is_refused(&answer, 401, word, word, StepName::Credential).await;
            }
            _ => scene.is_refused(&answer, 401, "invalid_token", "revoked", StepName::Lifetime).await,
        }

        let scene = Scene::new(kind).await;
        assert_eq!(scene.reads().await.status, StatusCode::OK, "{kind:?}");
        scene.portal.clock.advance(Duration::days(31));
        let answer = scene.reads().await;
        match kind {
            Kind::Password => assert_eq!(answer.status, StatusCode::OK, "it has no end"),
            Kind::Cookie => {
                let word = "missing_credential";
                scene.is_refused(&answer, 401, word, word, StepName::Credential).await;
            }
            // The nonce of its proof is older still.
            Kind::BoundToken => {
                scene.is_refused(&answer, 401, "use_dpop_nonce", "missing_nonce", StepName::Lookup).await;
            }
            _ => scene.is_refused(&answer, 401, "invalid_token", "expired", StepName::Lifetime).await,
        }
    }
}

#[tokio::test]
async fn every_credential_keeps_to_its_scopes_and_its_limit() {
    for kind in Kind::ALL {
        let scene = Scene::new(kind).await;
        let forbidden = scene.ask(crate::support::LOOPBACK, "DELETE", "/api/v1/account", &[]).await;
        if kind == Kind::Cookie {
            scene.is_refused(&forbidden, 403, "forged_request", "forged_request", StepName::Credential).await;
        } else if kind.is_a_persons_all() {
            assert_eq!(forbidden.status, StatusCode::NO_CONTENT, "{kind:?}: {forbidden:?}");
        } else {
            let word = "insufficient_scope";
            scene.is_refused(&forbidden, 403, word, word, StepName::Scope).await;
        }
        let spent = usize::from(kind == Kind::Password);
        for _ in spent..4 {
            assert_eq!(scene.reads().await.status, StatusCode::OK, "{kind:?}");
        }
        let answer = scene.reads().await;
        scene.is_refused(&answer, 429, "rate_limited", "rate_limited", StepName::Limit).await;
    }
}

#[tokio::test]
async fn rfc8705_a_certificate_speaks_for_its_machine_and_keeps_to_the_same_rules() {
    let https = Https::with(Given { requests_per_minute: "6".parse().ok(), ..Given::default() }).await;
    let mut ada = https.portal.member(EMAIL).await;
    let application = ada.application("Bookshelf").await;
    let name = [
        ("auth_method", "tls_client_auth"),
        ("certificate_subject_kind", "subject_dn"),
        ("certificate_subject", r"O=Example\, Inc.,CN=Nightly import"),
    ];
    let machine = ada.service_account(&application, "development", READ, &name).await;
    let own = https.tls.authority.sign(&named("Nightly import"));
    let client = https.tls.client(Some(&own));
    let answer = client.send("GET", "/api/v1/whoami", &[], "").await;
    assert_eq!((answer.status, &answer.json()["method"]), (StatusCode::OK, &"client_certificate".into()), "{answer:?}");
    assert_eq!(answer.json()["client"]["id"], machine.client_id.as_str());
    let row = https.portal.recorded(&answer).await;
    assert_eq!(failed(&row), []);
    assert!(row.trace.steps()[0].detail.contains("client certificate"), "{row:?}");
    // Its scopes, and no more.
    let refused = client.send("POST", "/api/v1/posts", &[("content-type", "application/json")], "{}").await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (403, "insufficient_scope"));
    // Whatever else came counts.
    let other = client.send("GET", "/api/v1/whoami", &[("x-api-key", "nonsense")], "").await;
    assert_eq!(other.code(), "invalid_token");
    // Nobody's: of another name, of nobody we trust, and none.
    let strangers = [
        Some(https.tls.authority.sign(&named("Nightly export"))),
        Some(Identity::self_signed(&named("Nightly import"))),
        None,
    ];
    for identity in strangers {
        let refused = https.tls.client(identity.as_ref()).send("GET", "/api/v1/whoami", &[], "").await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (401, "missing_credential"), "{refused:?}");
        assert_eq!(failed(&https.portal.recorded(&refused).await), [StepName::Credential]);
    }
    // Two machines of one name are nobody.
    let twin = ada.service_account(&application, "staging", READ, &name).await;
    https.portal.clock.advance(Duration::seconds(61));
    assert_eq!(client.send("GET", "/api/v1/whoami", &[], "").await.code(), "missing_credential");
    ada.send(&twin.page, "/form/oauth-client/revoke", &[("id", twin.id()), ("confirm", "Nightly import")]).await;
    https.portal.clock.advance(Duration::seconds(61));
    for _ in 0..6 {
        assert_eq!(client.send("GET", "/api/v1/whoami", &[], "").await.status, StatusCode::OK);
    }
    assert_eq!(client.send("GET", "/api/v1/whoami", &[], "").await.code(), "rate_limited");
    // Ended, at once.
    ada.send(&machine.page, "/form/oauth-client/revoke", &[("id", machine.id()), ("confirm", "Nightly import")]).await;
    assert_eq!(client.send("GET", "/api/v1/whoami", &[], "").await.code(), "missing_credential");
}
