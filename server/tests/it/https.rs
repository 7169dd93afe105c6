//! A server with listeners of its own that speak TLS, and clients with certificates.

use crate::support::{Answer, Portal};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderMap;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use server::{
    config::Given,
    tls::{self, Certificates, TlsListener},
};
use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    sync::Arc,
};
use time::{OffsetDateTime, macros::datetime};

/// Whoever signs certificates of clients.
pub(crate) struct Authority(Issuer<'static, KeyPair>, String);

/// What a client connects with.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) pem: String,
    der: CertificateDer<'static>,
    key: Vec<u8>,
}

const FROM: OffsetDateTime = datetime!(2026-01-01 0:00 UTC);
const UNTIL: OffsetDateTime = datetime!(2050-01-01 0:00 UTC);

/// What a certificate says, until somebody signs it.
pub(crate) fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.distinguished_name.push(DnType::OrganizationName, "Example, Inc.");
    (params.not_before, params.not_after) = (FROM, UNTIL);
    params
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = named("Example authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self(Issuer::new(params, key), pem)
    }

    pub(crate) fn pem(&self) -> &str {
        &self.1
    }

    /// Another that this one answers for, and the certificate that says so.
    pub(crate) fn authorize(&self, name: &str) -> (Self, Identity) {
        let mut params = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = Identity::of(&params.signed_by(&key, &self.0).unwrap(), &key);
        (Self(Issuer::new(params, key), certificate.pem.clone()), certificate)
    }

    /// Puts `certificate.pem` of a server on this machine, with its key, and `authority.pem` into a folder: a new authority's.
    pub(crate) fn set_up_server(folder: &Path) {
        let authority = Self::new();
        let mut params = named("localhost");
        params.subject_alt_names =
            vec![SanType::DnsName("localhost".try_into().unwrap()), SanType::IpAddress([127, 0, 0, 1].into())];
        let identity = authority.sign(&params);
        let certificate = format!("{}{}", identity.pem, identity.key_pem());
        std::fs::write(folder.join("certificate.pem"), certificate).unwrap();
        std::fs::write(folder.join("authority.pem"), authority.pem()).unwrap();
    }

    pub(crate) fn sign(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        Identity::of(&params.signed_by(&key, &self.0).unwrap(), &key)
    }
}

impl Identity {
    fn of(certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        Self { pem: certificate.pem(), der: certificate.der().clone(), key: key.serialize_der() }
    }

    /// One that nobody signed but itself.
    pub(crate) fn self_signed(params: &CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        Self::of(&params.self_signed(&key).unwrap(), &key)
    }

    pub(crate) fn der(&self) -> &[u8] {
        &self.der
    }

    /// As `Client-Cert` has it (RFC 9440 section 2.1).
    pub(crate) fn client_cert(&self) -> String {
        format!(":{}:", STANDARD.encode(self.der()))
    }

    /// As nginx's `$ssl_client_escaped_cert` has it.
    pub(crate) fn escaped(&self) -> String {
        percent_encoding::utf8_percent_encode(&self.pem, percent_encoding::NON_ALPHANUMERIC).to_string()
    }

    pub(crate) fn key_pem(&self) -> String {
        KeyPair::try_from(self.key.as_slice()).unwrap().serialize_pem()
    }
}

/// A portal that listens with TLS and asks for certificates.
pub(crate) struct Https {
    pub(crate) portal: Portal,
    pub(crate) tls: Tls,
}

/// What its clients know of it.
pub(crate) struct Tls {
    pub(crate) authority: Authority,
    /// What clients with a certificate call it.
    pub(crate) url: String,
    trusted: PathBuf,
    /// Whose clients' certificates are trusted.
    pub(crate) authorities: PathBuf,
    _folder: tempfile::TempDir,
}

impl Https {
    pub(crate) async fn start() -> Self {
        Self::with(Given::default()).await
    }

    pub(crate) async fn with(given: Given) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new();
        let file = folder.path().join("clients.pem");
        std::fs::write(&file, &authority.1).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let given = Given { mtls_listen: Some(address), client_ca: Some(file.clone()), ..given };
        let portal = Portal::with(given).await;
        let url = portal.state.config.mutual_tls_url().unwrap().to_owned();
        listen(&portal, listener, TlsListener::MutualTls);
        let trusted = portal.folder.path().join(tls::AUTHORITY);
        Self { portal, tls: Tls { authority, url, trusted, authorities: file, _folder: folder } }
    }
}

impl Tls {
    /// A client that trusts the server, and connects with this certificate, or none.
    pub(crate) fn client(&self, identity: Option<&Identity>) -> Client {
        Client { client: trusting(&self.trusted, identity), url: self.url.clone() }
    }
}

/// Serves a portal on a listener, with the certificates of its settings.
pub(crate) fn listen(portal: &Portal, listener: TcpListener, kind: TlsListener) {
    let authorities = &portal.state.authorities;
    let certificates = Certificates::load(&portal.state.config, authorities.clone()).unwrap();
    tokio::spawn(authorities.clone().watch());
    tokio::spawn(certificates.clone().watch());
    tokio::spawn(tls::serve(listener, kind, certificates, portal.app.router(), std::future::pending()));
}

/// A client of HTTP that trusts this authority.
pub(crate) fn trusting(authority: &Path, identity: Option<&Identity>) -> reqwest::Client {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match identity {
        Some(identity) => {
            let key = PrivateKeyDer::try_from(identity.key.clone()).unwrap();
            config.with_client_auth_cert(vec![identity.der.clone()], key).unwrap()
        }
        None => config.with_no_client_auth(),
    };
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    client.tls_backend_preconfigured(config).build().unwrap()
}

/// Asks a server with TLS.
pub(crate) struct Client {
    client: reqwest::Client,
    url: String,
}

impl Client {
    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let method = method.parse::<http::Method>().unwrap();
        let mut request = self.client.request(method, format!("{}{path}", self.url)).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request.send().await.unwrap()).await
    }

    /// Asks an endpoint of OAuth.
    pub(crate) async fn oauth(&self, path: &str, authorization: Option<&str>, pairs: &[(&str, &str)]) -> Answer {
        let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
        headers.extend(authorization.map(|value| ("authorization", value)));
        self.send("POST", path, &headers, &crate::stage::encoded(pairs)).await
    }

    /// Asks for a token by client credentials.
    pub(crate) async fn token(&self, client_id: &str) -> Answer {
        self.oauth("/oauth/token", None, &[("grant_type", "client_credentials"), ("client_id", client_id)]).await
    }

    /// Calls the API with a token.
    pub(crate) async fn whoami(&self, token: &str) -> Answer {
        self.send("GET", "/api/v1/whoami", &[("authorization", &format!("Bearer {token}"))], "").await
    }
}

/// What came back, as the router's own answers are seen.
pub(crate) async fn answer(response: reqwest::Response) -> Answer {
    let (status, headers): (_, HeaderMap) = (response.status(), response.headers().clone());
    Answer { status, headers, body: response.bytes().await.unwrap() }
}
