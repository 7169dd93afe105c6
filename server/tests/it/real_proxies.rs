//! Real proxies, set up as the guide says, in front of a real listener.

use crate::{
    https::{self, Authority, Identity, named, trusting},
    support::{Answer, Portal},
};
use server::{config::Given, plain_http, tls::CertificateField};
use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

const GUIDE: &str = include_str!("../../../app/guides/operating.md");

/// What the guide tells to write into a proxy's configuration.
fn told(behind: &str) -> &'static str {
    let (_, rest) = GUIDE.split_once(behind).unwrap_or_else(|| panic!("the guide says nothing {behind}"));
    let (_, block) = rest.split_once("```\n").unwrap();
    block.split_once("```").unwrap().0
}

/// A proxy of the system's packages, with TLS and without.
struct Proxy {
    child: Child,
    plain: SocketAddr,
    tls: SocketAddr,
    authority: PathBuf,
    _folder: tempfile::TempDir,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl Proxy {
    /// Starts one with what `configure` makes of its addresses and folder; the command reads it from the file at its end.
    async fn start(command: &[&str], configure: impl Fn(SocketAddr, SocketAddr, &Path) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Authority::set_up_server(folder.path());
        let file = |name: &str| folder.path().join(name);
        let (plain, tls) = (free_address(), free_address());
        std::fs::write(file("configuration"), configure(plain, tls, folder.path())).unwrap();
        let child = Command::new(command[0])
            .args(&command[1..])
            .arg(file("configuration"))
            .stderr(std::fs::File::create(file("errors")).unwrap())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} is needed (scripts/toolchain.sh --tests): {error}"));
        let proxy = Self { child, plain, tls, authority: file("authority.pem"), _folder: folder };
        for _ in 0..100 {
            if tokio::net::TcpStream::connect(proxy.tls).await.is_ok() {
                return proxy;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{command:?} did not start: {}", std::fs::read_to_string(file_of(&proxy, "errors")).unwrap());
    }

    async fn ask(&self, tls: bool, headers: &[(&str, &str)]) -> Answer {
        self.ask_as(None, tls, headers).await
    }

    async fn ask_as(&self, identity: Option<&Identity>, tls: bool, headers: &[(&str, &str)]) -> Answer {
        let client = trusting(&self.authority, identity);
        let url = if tls { format!("https://{}", self.tls) } else { format!("http://{}", self.plain) };
        let mut request = client.get(format!("{url}/api/v1/whoami"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        https::answer(request.send().await.unwrap()).await
    }
}

fn file_of(proxy: &Proxy, name: &str) -> PathBuf {
    proxy.authority.with_file_name(name)
}

/// A portal with a listener of its own, which trusts the address that its proxy calls from.
async fn portal() -> (Portal, SocketAddr) {
    portal_with(Given::default()).await
}

async fn portal_with(given: Given) -> (Portal, SocketAddr) {
    let portal = Portal::with(Given { trusted_proxies: Some("127.0.0.2".to_owned()), ..given }).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(plain_http::serve(listener, portal.app.clone(), std::future::pending()));
    (portal, address)
}

/// What a caller writes who wants to be somebody else, from everywhere.
const FORGED: [(&str, &str); 7] = [
    ("x-forwarded-for", "203.0.113.9"),
    ("x-forwarded-for", "203.0.113.9, 127.0.0.2"),
    ("x-forwarded-proto", "https"),
    ("forwarded", "for=203.0.113.9;proto=https"),
    ("x-real-ip", "203.0.113.9"),
    ("x_forwarded_for", "203.0.113.9"),
    ("x_forwarded_proto", "https"),
];

async fn says_who_asks(portal: &Portal, proxy: &Proxy) {
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let fields = [("scopes[]", "read:posts"), ("expiry", "never")];
    let key = ada.key_with(&application, "development", &fields).await;
    let elsewhere = [&fields[..], &[("allowed_from", "203.0.113.0/24")]].concat();
    let elsewhere = ada.key_with(&application, "staging", &elsewhere).await;
    let with = |key: &'static str, forged: &[(&'static str, &'static str)]| [&[("x-api-key", key)], forged].concat();
    let (key, elsewhere): (&'static str, &'static str) = (key.leak(), elsewhere.leak());

    for forged in [&FORGED[..0], &FORGED, &[("x-forwarded-proto", "http")]] {
        let answer = proxy.ask(true, &with(key, forged)).await;
        assert_eq!(answer.status, 200, "{forged:?}: {answer:?}");
        assert_eq!(portal.recorded(&answer).await.address.to_string(), "127.0.0.1", "{forged:?}");
        let answer = proxy.ask(true, &with(elsewhere, forged)).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "forbidden"), "{forged:?}");
        let answer = proxy.ask(false, &with(key, forged)).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "tls_required"), "{forged:?}");
    }
}

/// nginx in front of a portal, with these lines of the guide's.
async fn nginx(upstream: SocketAddr, lines: &str) -> Proxy {
    Proxy::start(&["nginx", "-c"], |plain, tls, folder| {
        let folder = folder.display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {folder}/{kind};\n"))
            .concat();
        format!(
            "daemon off; user root; pid {folder}/pid; error_log stderr; worker_processes 1; events {{}}
            http {{ access_log off; {temporary}
                server {{
                    listen {plain}; listen {tls} ssl;
                    ssl_certificate {folder}/certificate.pem; ssl_certificate_key {folder}/certificate.pem;
                    {lines}
                    location / {{ proxy_pass http://{upstream}; proxy_bind 127.0.0.2; }}
                }}
            }}"
        )
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r48_nginx_says_who_asks() {
    let (portal, upstream) = portal().await;
    let proxy = nginx(upstream, told("in\nnginx:")).await;
    says_who_asks(&portal, &proxy).await;
}

/// `HAProxy` in front of a portal, with these lines of the guide's and this at the end of its listener's.
async fn haproxy(upstream: SocketAddr, asks: &str, lines: &str) -> Proxy {
    Proxy::start(&["haproxy", "-db", "-f"], |plain, tls, folder| {
        format!(
            "defaults\n mode http\n timeout connect 5s\n timeout client 5s\n timeout server 5s\nfrontend all\n bind {plain}\n bind {tls} ssl crt {} {asks}\n{lines} default_backend portal\nbackend portal\n server portal {upstream} source 127.0.0.2\n",
            folder.join("certificate.pem").display(),
        )
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r48_haproxy_says_who_asks() {
    let (portal, upstream) = portal().await;
    let proxy = haproxy(upstream, "", told("and in HAProxy:")).await;
    says_who_asks(&portal, &proxy).await;
}

/// A portal that believes its proxy about certificates, the authority that it trusts, and the authority's file.
async fn by_certificate(field: CertificateField) -> (Portal, SocketAddr, Authority, tempfile::NamedTempFile) {
    let (authority, file) = (Authority::new(), tempfile::NamedTempFile::new().unwrap());
    std::fs::write(file.path(), authority.pem()).unwrap();
    let given = Given { proxy_certificates: Some(field), client_ca: Some(file.path().to_owned()), ..Given::default() };
    let (portal, upstream) = portal_with(given).await;
    (portal, upstream, authority, file)
}

async fn hands_on_certificates(portal: &Portal, proxy: &Proxy, authority: &Authority) {
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let own = authority.sign(&named("Nightly import"));
    let pinned = Identity::self_signed(&named("Whoever"));
    let subject = [
        ("auth_method", "tls_client_auth"),
        ("certificate_subject_kind", "subject_dn"),
        ("certificate_subject", r"O=Example\, Inc.,CN=Nightly import"),
    ];
    ada.service_account(&application, "development", &["read:posts"], &subject).await;
    let registered = [("auth_method", "self_signed_tls_client_auth"), ("keys", pinned.pem.as_str())];
    ada.service_account(&application, "development", &["read:posts"], &registered).await;

    // A certificate is no secret: everybody can send this in a field.
    let (standard, escaped) = (own.client_cert(), own.escaped());
    let forged = [
        ("client-cert", standard.as_str()),
        ("client_cert", &standard),
        ("x-ssl-client-cert", &escaped),
        ("x_ssl_client_cert", &escaped),
        ("client-cert-chain", &standard),
        ("x-forwarded-proto", "https"),
    ];
    for forged in [&[][..], &forged] {
        for identity in [&own, &pinned] {
            let answer = proxy.ask_as(Some(identity), true, forged).await;
            assert_eq!((answer.status.as_u16(), &answer.json()["method"]), (200, &"client_certificate".into()));
        }
        for nobody in [
            None,
            Some(Authority::new().sign(&named("Nightly import"))),
            Some(Identity::self_signed(&named("Nightly import"))),
            Some(authority.sign(&named("Nightly export"))),
        ] {
            let answer = proxy.ask_as(nobody.as_ref(), true, forged).await;
            assert_eq!(answer.status, 401, "{answer:?}");
        }
        assert_eq!(proxy.ask(false, forged).await.status, 401, "in the clear");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r60_nginx_hands_on_certificates_and_not_what_callers_say_of_them() {
    let (portal, upstream, authority, _file) = by_certificate(CertificateField::XSslClientCert).await;
    let proxy = nginx(upstream, &[told("in\nnginx:"), told("as nginx has it:")].concat()).await;
    hands_on_certificates(&portal, &proxy, &authority).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rfc9440_haproxy_hands_on_certificates_and_not_what_callers_say_of_them() {
    let (portal, upstream, authority, file) = by_certificate(CertificateField::ClientCert).await;
    let (_, asks) = GUIDE.split_once("whose `bind` line needs\n`").unwrap();
    let asks = asks.split('`').next().unwrap().replace("/etc/latchkey/clients.pem", file.path().to_str().unwrap());
    let lines = [told("and in HAProxy:"), told("crt-ignore-err all`:")].concat();
    let proxy = haproxy(upstream, &asks, &lines).await;
    hands_on_certificates(&portal, &proxy, &authority).await;
}
