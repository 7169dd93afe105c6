//! Every credential, and everything that can become of it: told alike, logged alike, with one step that failed.

use crate::{
    canary::log::Log,
    gateway::PROXY,
    https::{Client, Https, Identity, Tls, named},
    sender_constrained::{FORM, Holder},
    stage::{Stage, encoded},
    support::{Answer, Browser, LOOPBACK, Machine, ORIGIN, PASSWORD, Portal, basic, mistyped},
    suspension::{account_id, act},
};
use axum::body::Body;
use http::{Request, StatusCode};
use latchkey_core::{api_key::PlainApiKey, port::request_log::RequestRow, random::SystemRandom};
use latchkey_model::{
    Environment, KeyKind,
    trace::{StepName, StepOutcome},
};
use server::config::Given;
use time::Duration;
use tracing::{level_filters::LevelFilter, subscriber::DefaultGuard};

const EMAIL: &str = "ada@example.org";
const READ: &[&str] = &["read:posts"];
/// From where a proxy brings requests; keys are for this machine alone.
const OUTSIDE: &str = "198.51.100.77";

/// How a request is refused: the status and the code, and what is recorded of it.
type Refused = (u16, &'static str, &'static str, StepName);

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
    BoundOpaqueToken,
    CertificateToken,
    PersonsToken,
    ExchangedToken,
    Password,
    Cookie,
}

impl Kind {
    const ALL: [Self; 13] = [
        Self::KeyAsBearer,
        Self::KeyInItsField,
        Self::KeyAsBasicName,
        Self::PersonalToken,
        Self::Jwt,
        Self::OpaqueToken,
        Self::BoundToken,
        Self::BoundOpaqueToken,
        Self::CertificateToken,
        Self::PersonsToken,
        Self::ExchangedToken,
        Self::Password,
        Self::Cookie,
    ];

    /// What `whoami` calls it.
    fn method(self) -> &'static str {
        match self {
            Self::KeyAsBearer | Self::KeyInItsField | Self::KeyAsBasicName => "api_key",
            Self::PersonalToken => "personal_token",
            Self::Password => "password",
            Self::Cookie => "session",
            _ => "access_token",
        }
    }

    /// Whether it is a token that a machine asked for itself.
    fn is_a_machines(self) -> bool {
        matches!(
            self,
            Self::Jwt | Self::OpaqueToken | Self::BoundToken | Self::BoundOpaqueToken | Self::CertificateToken
        )
    }

    /// Whether each request with it takes a proof.
    fn needs_proof(self) -> bool {
        matches!(self, Self::BoundToken | Self::BoundOpaqueToken)
    }

    /// What becomes of it from an address that it was not made for; none where any address will do.
    fn elsewhere(self) -> Option<Refused> {
        match self {
            Self::KeyAsBearer | Self::KeyInItsField | Self::KeyAsBasicName | Self::PersonalToken => {
                Some((403, "forbidden", "address_not_allowed", StepName::Address))
            }
            // What a proxy brings shows no certificate.
            Self::CertificateToken => Some((401, "invalid_token", "wrong_certificate", StepName::Lookup)),
            _ => None,
        }
    }

    /// What becomes of one that somebody made up.
    fn made_up(self) -> Refused {
        match self {
            Self::KeyAsBearer | Self::KeyInItsField | Self::KeyAsBasicName | Self::PersonalToken => {
                (401, "invalid_token", "unknown_key", StepName::Lookup)
            }
            Self::Password => (401, "invalid_credentials", "wrong_password", StepName::Lookup),
            Self::Cookie => (401, "missing_credential", "missing_credential", StepName::Credential),
            _ => (401, "invalid_token", "wrong_signature", StepName::Lookup),
        }
    }

    /// What becomes of it while an admin has suspended what it stands for.
    fn suspended(self) -> Refused {
        match self {
            Self::Password => (401, "invalid_credentials", "suspended", StepName::Lookup),
            // Its session has ended.
            Self::Cookie => (401, "missing_credential", "missing_credential", StepName::Credential),
            _ => (401, "invalid_token", "suspended", StepName::Lifetime),
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
    /// What shows the certificate that the token is bound to.
    client: Option<Client>,
    log: Log,
    _tls: Option<Tls>,
    _listening: DefaultGuard,
}

impl Scene {
    async fn new(kind: Kind) -> Self {
        let given = Given {
            requests_per_minute: "4".parse().ok(),
            unknown_keys_per_minute: "2".parse().ok(),
            trusted_proxies: Some("10.0.0.0/8".to_owned()),
            ..Given::default()
        };
        match kind {
            Kind::PersonsToken | Kind::ExchangedToken => Self::of_person(kind, given).await,
            Kind::CertificateToken => {
                let https = Https::with(given).await;
                Self::on(kind, https.portal, Some(https.tls)).await
            }
            _ => Self::on(kind, Portal::with(given).await, None).await,
        }
    }

    async fn on(kind: Kind, portal: Portal, tls: Option<Tls>) -> Self {
        let log = Log::default();
        let listening = log.listen_at(LevelFilter::INFO);
        let mut ada = portal.member(EMAIL).await;
        let application = ada.application("Bookshelf").await;
        let holder = Holder::new();
        let client = tls.as_ref().map(|tls| tls.client(Some(&tls.authority.sign(&named("Nightly import")))));
        let (mut machine, mut nonce) = (None, String::new());
        let here = ("allowed_from", "127.0.0.0/8");
        let secret = match kind {
            Kind::KeyAsBearer | Kind::KeyInItsField | Kind::KeyAsBasicName => {
                let fields = [("scopes[]", "read:posts"), ("expiry", "7"), here];
                ada.key_with(&application, "development", &fields).await
            }
            Kind::PersonalToken => ada.token_with(&[("scopes[]", "read:posts"), ("expiry", "30"), here]).await,
            Kind::Password => {
                ada.send("/account/sign-in-methods", "/form/account/allow-password", &[("allowed", "yes")]).await;
                PASSWORD.to_owned()
            }
            Kind::Cookie => ada.cookie_header(),
            _ => {
                let fields = match kind {
                    Kind::OpaqueToken => &[("token_form", "opaque")][..],
                    Kind::BoundToken => &[("dpop", "yes")],
                    Kind::BoundOpaqueToken => &[("dpop", "yes"), ("token_form", "opaque")],
                    Kind::CertificateToken => &[("certificate_bound", "yes")],
                    _ => &[],
                };
                let made = ada.service_account(&application, "development", READ, fields).await;
                let holder = kind.needs_proof().then_some(&holder);
                let (token, found) = token_of(&portal, &made, holder, client.as_ref(), None).await;
                (machine, nonce) = (Some(made), found);
                token
            }
        };
        Self {
            portal,
            ada,
            kind,
            secret,
            machine,
            application,
            holder,
            nonce,
            client,
            log,
            _tls: tls,
            _listening: listening,
        }
    }

    /// With a token that an app, or a service behind it, has of Grace.
    async fn of_person(kind: Kind, given: Given) -> Self {
        let log = Log::default();
        let listening = log.listen_at(LevelFilter::INFO);
        let mut stage = Stage::build(Portal::with(given).await, READ, &[]).await;
        let tokens = stage.tokens().await;
        let application = stage.application;
        let app = Machine { page: stage.page, client_id: stage.client_id, secret: stage.secret };
        let (machine, secret) = if kind == Kind::ExchangedToken {
            let fields = [("exchange", "yes")];
            let service = stage.ada.service_account(&application, "development", READ, &fields).await;
            let pairs = [
                ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
                ("subject_token", tokens.access.as_str()),
                ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ];
            let answer = stage.portal.oauth("/oauth/token", Some(&service.basic()), &encoded(&pairs)).await;
            (service, access_token(&answer))
        } else {
            (app, tokens.access)
        };
        Self {
            portal: stage.portal,
            ada: stage.ada,
            kind,
            secret,
            machine: Some(machine),
            application,
            holder: Holder::new(),
            nonce: String::new(),
            client: None,
            log,
            _tls: None,
            _listening: listening,
        }
    }

    /// One of the same kind that nobody gave out.
    fn made_up(&self) -> String {
        let generated = |kind| PlainApiKey::generate(&SystemRandom, kind).expose().to_owned();
        match self.kind {
            Kind::KeyAsBearer | Kind::KeyInItsField | Kind::KeyAsBasicName => {
                generated(KeyKind::Api(Environment::Development))
            }
            Kind::PersonalToken => generated(KeyKind::Personal),
            Kind::OpaqueToken | Kind::BoundOpaqueToken => generated(KeyKind::AccessToken),
            Kind::Password => "another password".to_owned(),
            Kind::Cookie => format!("latchkey={}", "A".repeat(22)),
            _ => mistyped(&self.secret),
        }
    }

    fn fields(&self, secret: &str, method: &str, path: &str) -> Vec<(&'static str, String)> {
        match self.kind {
            Kind::KeyInItsField => vec![("x-api-key", secret.to_owned())],
            Kind::KeyAsBasicName => vec![("authorization", basic(secret, ""))],
            Kind::Password => vec![("authorization", basic(EMAIL, secret))],
            Kind::Cookie => vec![("cookie", secret.to_owned())],
            Kind::BoundToken | Kind::BoundOpaqueToken => {
                let url = format!("{ORIGIN}{path}");
                let proof = self.holder.proof_at(&self.portal, method, &url, Some(secret), Some(&self.nonce));
                vec![("authorization", format!("DPoP {secret}")), ("dpop", proof)]
            }
            _ => vec![("authorization", format!("Bearer {secret}"))],
        }
    }

    async fn ask(&self, peer: &str, method: &str, path: &str, more: &[(&'static str, String)]) -> Answer {
        self.ask_with(&self.secret, peer, method, path, more).await
    }

    /// Asks with another credential of the same kind.
    async fn ask_with(
        &self,
        secret: &str,
        peer: &str,
        method: &str,
        path: &str,
        more: &[(&'static str, String)],
    ) -> Answer {
        let plain = path.split('?').next().unwrap();
        let fields = self.fields(secret, method, plain);
        let all = fields.iter().chain(more).map(|(name, value)| (*name, value.as_str()));
        if let Some(client) = self.client.as_ref().filter(|_| peer == LOOPBACK) {
            return client.send(method, path, &all.collect::<Vec<_>>(), "").await;
        }
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in all {
            request = request.header(name, value);
        }
        self.portal.send_from(peer, request.body(Body::empty()).unwrap()).await
    }

    async fn reads(&self) -> Answer {
        self.ask(LOOPBACK, "GET", "/api/v1/posts", &[]).await
    }

    /// Reads with this secret from outside, by a proxy.
    async fn reads_outside(&self, secret: &str) -> Answer {
        let told = [("x-forwarded-for", OUTSIDE.to_owned()), ("x-forwarded-proto", "https".to_owned())];
        self.ask_with(secret, PROXY, "GET", "/api/v1/posts", &told).await
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
            Kind::Password => {
                self.ada.send("/account/sign-in-methods", "/form/account/allow-password", &[("allowed", "")]).await;
            }
            Kind::Cookie => {
                self.ada.send("/dashboard", "/form/account/sign-out", &[]).await;
            }
            _ => {
                let machine = self.machine.as_ref().unwrap();
                let body = encoded(&[("token", &self.secret)]);
                let answer = self.portal.oauth("/oauth/revoke", Some(&machine.basic()), &body).await;
                assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
            }
        }
    }

    /// Suspends what the credential stands for.
    async fn suspend(&self, admin: &mut Browser) {
        let (on, id) = match self.kind {
            Kind::PersonsToken | Kind::ExchangedToken => ("client", self.machine.as_ref().unwrap().id().to_owned()),
            Kind::PersonalToken | Kind::Password | Kind::Cookie => ("account", account_id(&self.portal, EMAIL).await),
            _ => ("application", self.application.clone()),
        };
        act(admin, on, &id, "suspend", "it sends spam since Monday").await;
    }

    /// Whether the answer of a refusal has the shape of all of them.
    fn has_the_shape(&self, answer: &Answer, status: u16, code: &str) {
        let said = format!("{:?} {answer:?}", self.kind);
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{said}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{said}");
        assert_eq!(answer.header("cache-control"), "no-store", "{said}");
        assert_eq!(
            !answer.header("www-authenticate").is_empty(),
            status == 401 || code == "insufficient_scope",
            "{said}"
        );
        assert_eq!(!answer.header("retry-after").is_empty(), [429, 503].contains(&status), "{said}");
        let body = answer.json();
        let members: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["code", "detail", "request_id", "status", "title", "type"], "{said}");
        assert_eq!(
            (body["status"].as_u64(), body["request_id"].as_str()),
            (Some(status.into()), Some(answer.header("x-request-id")))
        );
        assert!(!format!("{answer:?}").contains(&self.secret), "r53: {said}");
    }

    /// Whether a refusal has the shape of all of them, is recorded and is logged.
    async fn is_refused(&self, answer: &Answer, status: u16, code: &str, reason: &str, step: StepName) {
        self.has_the_shape(answer, status, code);
        let said = format!("{:?} {answer:?}", self.kind);
        let log = self.log.text();
        let mut lines = log.lines().filter(|line| line.contains(answer.header("x-request-id")));
        let expected = (format!("http.status={status} "), format!("reason=\"{reason}\""));
        assert!(lines.any(|line| line.contains(&expected.0) && line.contains(&expected.1)), "{said}: {log}");
        assert!(!log.contains(&self.secret), "r53: {said}");
        let row = self.portal.recorded(answer).await;
        assert_eq!((row.reason.as_deref(), row.status), (Some(reason), status), "{said}");
        assert_eq!(failed(&row), [step], "{said}");
        assert!(row.remedy.is_some() && !format!("{row:?}").contains(&self.secret), "{said}");
    }
}

/// The steps that failed; those before passed, and those after were not reached.
fn failed(row: &RequestRow) -> Vec<StepName> {
    let steps = row.trace.steps();
    // What is found out behind the door is found out when every check of the door has passed.
    let found_behind = row.reason.as_deref() == Some("wrong_owner");
    let after = if found_behind { StepOutcome::Passed } else { StepOutcome::NotReached };
    let at = steps.iter().position(|step| step.outcome == StepOutcome::Failed).unwrap_or(steps.len());
    assert!(steps[..at].iter().all(|step| step.outcome == StepOutcome::Passed), "{steps:?}");
    assert!(steps.iter().skip(at + 1).all(|step| step.outcome == after), "{steps:?}");
    assert_eq!(steps.iter().map(|step| step.name).collect::<Vec<_>>(), StepName::ALL);
    steps.iter().filter(|step| step.outcome == StepOutcome::Failed).map(|step| step.name).collect()
}

fn access_token(answer: &Answer) -> String {
    answer.json()["access_token"].as_str().unwrap_or_else(|| panic!("no token: {answer:?}")).to_owned()
}

/// A token of a machine, bound to a key or to a certificate where there is one, and the nonce of the next proof.
async fn token_of(
    portal: &Portal,
    machine: &Machine,
    holder: Option<&Holder>,
    client: Option<&Client>,
    resource: Option<&str>,
) -> (String, String) {
    let mut pairs = vec![("grant_type", "client_credentials")];
    pairs.extend(resource.map(|resource| ("resource", resource)));
    let authorization = machine.basic();
    if let Some(client) = client {
        let answer = client.oauth("/oauth/token", Some(&authorization), &pairs).await;
        return (access_token(&answer), String::new());
    }
    let body = encoded(&pairs);
    let Some(holder) = holder else {
        return (access_token(&portal.oauth("/oauth/token", Some(&authorization), &body).await), String::new());
    };
    let url = format!("{ORIGIN}/oauth/token");
    let ask = async |nonce: Option<&str>| {
        let proof = holder.proof_at(portal, "POST", &url, None, nonce);
        let fields = [FORM, ("authorization", authorization.as_str()), ("dpop", proof.as_str())];
        portal.api("POST", "/oauth/token", &fields, &body).await
    };
    let nonce = ask(None).await.header("dpop-nonce").to_owned();
    (access_token(&ask(Some(&nonce)).await), nonce)
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
        let whoami = scene.ask(LOOPBACK, "GET", "/api/v1/whoami", &[]).await.json();
        assert_eq!(whoami["method"], kind.method());
    }
}

#[tokio::test]
async fn every_credential_beside_another_is_refused_or_gives_way() {
    for kind in Kind::ALL {
        let scene = Scene::new(kind).await;
        for other in [("x-api-key", "nonsense"), ("authorization", "Bearer nonsense")] {
            let answer = scene.ask(LOOPBACK, "GET", "/api/v1/posts", &[(other.0, other.1.to_owned())]).await;
            if kind == Kind::Cookie {
                // A browser sends it with everything: what was chosen counts.
                scene.is_refused(&answer, 401, "invalid_token", "malformed", StepName::Format).await;
            } else {
                scene
                    .is_refused(&answer, 400, "ambiguous_credentials", "ambiguous_credentials", StepName::Credential)
                    .await;
            }
        }
        let answer = scene.ask(LOOPBACK, "GET", "/api/v1/posts?access_token=x", &[]).await;
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
            Kind::BoundToken | Kind::BoundOpaqueToken => {
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
        let forbidden = scene.ask(LOOPBACK, "DELETE", "/api/v1/account", &[]).await;
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

impl Scene {
    async fn is(&self, answer: &Answer, (status, code, reason, step): Refused) {
        self.is_refused(answer, status, code, reason, step).await;
    }

    async fn elsewhere(&self) {
        let answer = self.reads_outside(&self.secret).await;
        match self.kind.elsewhere() {
            Some(refused) => self.is(&answer, refused).await,
            None => assert_eq!(answer.status, StatusCode::OK, "{:?}: {answer:?}", self.kind),
        }
    }

    async fn made_up_by_a_stranger(&self) {
        let made_up = self.made_up();
        let answer = self.reads_outside(&made_up).await;
        self.is(&answer, self.kind.made_up()).await;
        // A cookie goes with whatever a browser sends: nobody is held up for one.
        if self.kind == Kind::Cookie {
            return;
        }
        for _ in 0..10 {
            let answer = self.reads_outside(&made_up).await;
            if answer.status == StatusCode::TOO_MANY_REQUESTS {
                let word = "too_many_failures";
                return self.is_refused(&answer, 429, word, word, StepName::Lookup).await;
            }
            self.is(&answer, self.kind.made_up()).await;
        }
        panic!("{:?}: nobody was held up", self.kind);
    }

    async fn at_what_is_anothers(&mut self) {
        let other = self.ada.key(&self.application, "staging", &["write:posts"], "never").await;
        let made = self.portal.with_key(&other, "POST", "/api/v1/posts", r#"{"title":"Hello"}"#).await;
        let answer = self.ask(LOOPBACK, "GET", made.location(), &[]).await;
        self.is_refused(&answer, 404, "not_found", "wrong_owner", StepName::Environment).await;
    }

    async fn made_for_another_api(&self) {
        if !self.kind.is_a_machines() {
            return;
        }
        let (machine, gateway) = (self.machine.as_ref().unwrap(), format!("{ORIGIN}/gateway"));
        let holder = self.kind.needs_proof().then_some(&self.holder);
        let (token, _) = token_of(&self.portal, machine, holder, self.client.as_ref(), Some(&gateway)).await;
        let answer = self.ask_with(&token, LOOPBACK, "GET", "/api/v1/posts", &[]).await;
        self.is_refused(&answer, 401, "invalid_token", "wrong_audience", StepName::Lookup).await;
    }

    async fn kept_out(&self, admin: &mut Browser) {
        let block = [("network", "198.51.100.0/24"), ("hours", "2"), ("reason", "a scan since midnight")];
        admin.send("/admin/blocks", "/form/block/add", &block).await;
        let answer = self.reads_outside(&self.secret).await;
        let word = "address_blocked";
        self.is_refused(&answer, 403, word, word, StepName::Credential).await;
    }

    /// Nothing can be recorded then; the log has the id that its caller was told.
    async fn without_the_store(&self) {
        // Whatever was remembered is looked up again.
        self.portal.clock.advance(Duration::seconds(61));
        self.portal.store.clone().close().await.unwrap();
        let answer = self.reads().await;
        self.has_the_shape(&answer, 503, "unavailable");
        let (log, id) = (self.log.text(), answer.header("x-request-id"));
        let is_told = |line: &str| line.contains(id) && line.contains("the door cannot");
        assert!(log.lines().any(is_told), "{:?}: {log}", self.kind);
    }
}

#[tokio::test]
async fn every_credential_is_refused_alike_whatever_becomes_of_it() {
    for kind in Kind::ALL {
        let mut scene = Scene::new(kind).await;
        let mut admin = scene.portal.admin().await;
        scene.elsewhere().await;
        scene.made_up_by_a_stranger().await;
        scene.at_what_is_anothers().await;
        scene.made_for_another_api().await;
        scene.kept_out(&mut admin).await;
        scene.suspend(&mut admin).await;
        scene.is(&scene.reads().await, kind.suspended()).await;
        scene.without_the_store().await;
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
