//! Real proxies, set up by the very files of the guide, in front of an API that nobody reaches without being let in.

use super::{World, fields};
use crate::{
    https::{Authority, trusting},
    support::{Answer, join_all},
};
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::State,
};
use http::{HeaderMap, HeaderName, Request, StatusCode};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use server::{config::Given, plain_http};
use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
};

pub(super) const NGINX: &str = include_str!("../../../../app/guides/gateway/nginx.conf");
pub(super) const CADDY: &str = include_str!("../../../../app/guides/gateway/Caddyfile");
pub(super) const HAPROXY: &str = include_str!("../../../../app/guides/gateway/haproxy.cfg");
const LUA: &str = include_str!("../../../../app/guides/gateway/latchkey.lua");
const TRAEFIK: &str = include_str!("../../../../app/guides/gateway/traefik.yml");
const ENVOY: &str = include_str!("../../../../app/guides/gateway/envoy.yaml");

/// A request that reached the API.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    method: String,
    target: String,
    pub(super) headers: HeaderMap,
    body: String,
}

type Everything = Arc<Mutex<Vec<Seen>>>;

/// The API: it answers everybody, and gives away whatever it is told.
async fn api(State(seen): State<Everything>, request: Request<Body>) -> (StatusCode, HeaderMap, String) {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 10_000_000).await.unwrap_or_default();
    let mut told = HeaderMap::new();
    for name in ["x-auth-token", "x-auth-subject"] {
        let name = HeaderName::from_static(name);
        told.extend(parts.headers.get(&name).map(|value| (name.clone(), value.clone())));
    }
    let one = Seen {
        method: parts.method.to_string(),
        target: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers: parts.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    seen.lock().unwrap().push(one);
    (StatusCode::OK, told, "the API".to_owned())
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A proxy, the API behind it, and Latchkey beside them.
pub(super) struct Street {
    pub(super) world: World,
    key: String,
    pub(super) proxy: SocketAddr,
    client: reqwest::Client,
    seen: Everything,
    close_latchkey: Option<oneshot::Sender<()>>,
    child: Child,
    pub(super) folder: tempfile::TempDir,
}

impl Drop for Street {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const POLICIES: &str = "GET,POST,PUT /ok/{*rest} orders:read\n\
    GET /few orders:read 1/1h\n\
    GET /open public\n\
    * /admin/{*rest} orders:admin";

/// How a proxy's configuration is made for its address, Latchkey's and the API's, and for a folder.
type Configure<'a> = &'a dyn Fn([SocketAddr; 3], &Path) -> String;

impl Street {
    /// As [`Street::with`], for callers by plain HTTP from this machine.
    async fn new(command: &[&str], configure: Configure<'_>) -> Self {
        Self::with(Given { require_tls: Some(false), ..Given::default() }, command, configure).await
    }

    /// The command reads the proxy's configuration from the file at its end. In the folder is a certificate for the proxy, which the
    /// authority beside it has signed.
    pub(super) async fn with(given: Given, command: &[&str], configure: Configure<'_>) -> Self {
        let given = Given {
            unknown_keys_per_minute: "100000".parse().ok(),
            requests_per_minute: "100000".parse().ok(),
            team_requests_per_minute: "100000".parse().ok(),
            ..given
        };
        let mut world = World::with(given).await;
        let page = world.change(&[("policies", POLICIES)]).await;
        assert!(world.admin.get(page.location()).await.text().contains("Saved"));
        let key = world.key("production", &["orders:read"]).await;

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let latchkey = listener.local_addr().unwrap();
        let (close_latchkey, closed) = oneshot::channel();
        let front = world.portal.app.clone();
        let serving = plain_http::serve_gateway(listener, front, std::future::pending());
        tokio::spawn(async move {
            tokio::select! {
                () = serving => {}
                _ = closed => {}
            }
        });
        let seen = Everything::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = listener.local_addr().unwrap();
        let router = Router::new().fallback(api).with_state(seen.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });

        let folder = tempfile::tempdir().unwrap();
        Authority::set_up_server(folder.path());
        let proxy = free_address();
        let file = folder.path().join("configuration");
        std::fs::write(&file, configure([proxy, latchkey, upstream], folder.path())).unwrap();
        let child = Command::new(command[0])
            .args(&command[1..])
            .arg(&file)
            .env("HOME", folder.path())
            .env("XDG_DATA_HOME", folder.path())
            .env("XDG_CONFIG_HOME", folder.path())
            .stderr(std::fs::File::create(folder.path().join("errors")).unwrap())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} is needed (scripts/toolchain.sh --tests): {error}"));
        let close_latchkey = Some(close_latchkey);
        let client = trusting(&folder.path().join("authority.pem"), None);
        let street = Self { world, key, proxy, client, seen, close_latchkey, child, folder };
        for _ in 0..200 {
            if TcpStream::connect(street.proxy).await.is_ok() {
                return street;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let errors = street.folder.path().join("errors");
        panic!("{command:?} did not start: {}", std::fs::read_to_string(errors).unwrap());
    }

    /// What reached the API since this was asked before.
    pub(super) fn taken(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }

    /// What comes back of these bytes, until the connection ends or nothing more comes.
    async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.proxy).await.unwrap();
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let mut buffer = [0; 8_192];
        while let Ok(Ok(read)) = tokio::time::timeout(Duration::from_millis(400), stream.read(&mut buffer)).await {
            if read == 0 {
                break;
            }
            answer.extend_from_slice(&buffer[..read]);
        }
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// One request as a client sends it: the status, the fields and the body.
    async fn ask(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> (u16, HeaderMap, String) {
        let mut request = self.client.request(method.parse().unwrap(), format!("http://{}{target}", self.proxy));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.body(body.to_owned()).send().await.unwrap();
        (answer.status().as_u16(), answer.headers().clone(), answer.text().await.unwrap())
    }

    async fn holds(&mut self) {
        self.lets_in_whom_a_policy_lets_in().await;
        self.passes_on_refusals().await;
        self.lets_no_credential_past().await;
        self.lets_nobody_around().await;
        self.lets_nobody_in_alone().await;
    }

    async fn lets_in_whom_a_policy_lets_in(&self) {
        let key = self.key.clone();
        let forged = [
            ("x-auth-subject", "somebody else"),
            ("X-AUTH-KIND", "account"),
            ("x_auth_subject", "somebody else"),
            ("x-auth-client", "lkc_forged"),
            ("x-auth-token", "forged"),
            ("x-forwarded-uri", "/open"),
            ("x-forwarded-method", "GET"),
            ("x-forwarded-for", "198.51.100.7"),
            ("forwarded", "for=198.51.100.7"),
            ("x-original-url", "/admin"),
            ("x-http-method-override", "DELETE"),
            ("client-cert", ":YWJj:"),
            ("client-cert-chain", ":YWJj:"),
            ("x-ssl-client-cert", "YWJj"),
            ("connection", "x-auth-subject, x-auth-kind, x-api-key"),
        ];
        for forged in [&forged[..0], &forged] {
            let headers = [&[("x-api-key", key.as_str()), ("user-agent", "shop/1")], forged].concat();
            let (status, answer, text) = self.ask("POST", "/ok/a%2Fb?x=1&y", &headers, "the body").await;
            assert_eq!((status, text.as_str()), (200, "the API"), "{answer:?}");
            assert!(answer.contains_key("ratelimit") && answer.contains_key("x-request-id"), "{answer:?}");
            assert!(!answer.contains_key("x-auth-token"), "what is for the API stays there: {answer:?}");
            let seen = self.taken();
            let [one] = &seen[..] else { panic!("{seen:?}") };
            assert_eq!(
                (one.method.as_str(), one.target.as_str(), one.body.as_str()),
                ("POST", "/ok/a%2Fb?x=1&y", "the body")
            );
            let told =
                |name: &str| one.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
            assert_eq!(told("x-auth-subject"), [self.world.application.as_str()], "{one:?}");
            assert_eq!((told("x-auth-kind"), told("x-auth-scopes")), (vec!["application"], vec!["orders:read"]));
            assert_eq!(told("x-auth-token").len(), 1);
            let gone = ["x-api-key", "x_auth_subject", "x-auth-client", "x-original-url", "x-http-method-override"];
            assert!(gone.iter().all(|name| told(name).is_empty()), "{one:?}");
            assert!(!one.headers.keys().any(|name| name.as_str().contains("client-cert")), "{one:?}");
            assert!(!format!("{one:?}").contains("198.51.100.7"), "{one:?}");
            let answer = Answer { status: StatusCode::OK, headers: answer, body: Bytes::new() };
            assert_eq!(self.world.portal.recorded(&answer).await.user_agent, "shop/1", "the caller's, not the proxy's");
        }
        let (status, ..) = self.ask("GET", "/open", &forged, "").await;
        let seen = self.taken();
        assert_eq!((status, seen.len()), (200, 1));
        assert_eq!(seen[0].headers["x-auth-kind"], "anonymous");
        assert!(!seen[0].headers.contains_key("x-auth-subject"), "{seen:?}");
    }

    async fn passes_on_refusals(&self) {
        let key = [("x-api-key", self.key.as_str())];
        for (method, target, headers, status, code) in [
            ("GET", "/ok/a", &[][..], 401, "missing_credential"),
            ("GET", "/ok/a", &[("authorization", "Bearer x")], 401, "invalid_token"),
            ("GET", "/ok/a", &[key[0], ("authorization", "Bearer x")], 400, "ambiguous_credentials"),
            ("GET", "/ok/a?api_key=x", &[], 400, "credential_in_query"),
            ("DELETE", "/admin/users", &key, 403, "insufficient_scope"),
            ("GET", "/nothing", &key, 404, "not_found"),
            ("DELETE", "/ok/a", &key, 405, "method_not_allowed"),
            ("GET", "/few", &key, 200, ""),
            ("GET", "/few", &key, 429, "rate_limited"),
        ] {
            let (found, answer, text) = self.ask(method, target, headers, "").await;
            assert_eq!(found, status, "{method} {target} {headers:?}: {answer:?} {text}");
            if status == 200 {
                continue;
            }
            assert_eq!(answer["content-type"], "application/problem+json", "{method} {target}");
            let problem: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{target}: {text}"));
            assert_eq!(problem["code"], code, "{method} {target}");
            assert_eq!(answer.contains_key("www-authenticate"), status == 401 || code == "insufficient_scope");
            assert_eq!(answer.contains_key("retry-after"), status == 429);
            assert_eq!(answer.contains_key("allow"), status == 405);
            assert!(!answer.contains_key("x-auth-problem") && !answer.contains_key("x-auth-status"), "{answer:?}");
        }
        assert_eq!(self.taken().len(), 1, "/few, once");
    }

    /// Of a credential's field that comes twice, no copy counts or goes on that nobody has judged.
    async fn lets_no_credential_past(&self) {
        let good = format!("X-API-Key: {}\r\n", self.key);
        for other in ["X-API-Key: x\r\n", "x-api-key: x\r\n", "Authorization: Bearer x\r\n", "Authorization: x\r\n"] {
            for (fields, is_refused) in [
                (format!("{other}{good}"), true),
                // nginx sees the first copy of a field alone, and Latchkey what nginx sees.
                (format!("{good}{other}"), other.starts_with('A')),
            ] {
                let request = format!("GET /ok/a HTTP/1.1\r\nHost: h\r\n{fields}Connection: close\r\n\r\n");
                let answer = self.raw(request.as_bytes()).await;
                let seen = self.taken();
                assert_eq!(answer.starts_with("HTTP/1.1 4"), seen.is_empty(), "{fields}: {answer}");
                assert!(seen.is_empty() || !is_refused, "{fields}: {seen:?}");
                assert!(!seen.iter().any(has_credential), "{fields}: {seen:?}");
            }
        }
    }

    /// Whatever is sent, with a credential or without, the API is asked for what it lets this caller do, and told who that is.
    async fn lets_nobody_around(&self) {
        let mut random = StdRng::seed_from_u64(7);
        let probes: Vec<_> = KNOWN.map(str::to_owned).into_iter().chain((0..400).map(|_| probe(&mut random))).collect();
        for credential in [None, Some(format!("X-API-Key: {}\r\n", self.key))] {
            let mut reached = 0;
            for some in probes.chunks(16) {
                let bytes =
                    some.iter().map(|probe| probe.replace("CREDENTIAL\r\n", credential.as_deref().unwrap_or_default()));
                join_all(bytes.map(|bytes| async move { self.raw(bytes.as_bytes()).await })).await;
                for one in self.taken() {
                    reached += 1;
                    let said = format!("{credential:?} {one:?}\n{some:#?}");
                    assert!(is_let_in(&one, credential.is_some()) && !has_credential(&one), "{said}");
                    let told: Vec<_> = one.headers.get_all("x-auth-subject").iter().collect();
                    let public = is_public(&one);
                    assert_eq!(told.len(), usize::from(!public), "{said}");
                    assert!(public || told[0] == self.world.application.as_str(), "{said}");
                }
            }
            assert!(credential.is_none() || reached > 20, "the probes are good for something: {reached}");
        }
    }

    /// Nobody is let in while Latchkey does not answer.
    async fn lets_nobody_in_alone(&mut self) {
        drop(self.close_latchkey.take());
        tokio::time::sleep(Duration::from_millis(200)).await;
        for target in ["/ok/a", "/open"] {
            let (status, ..) = self.ask("GET", target, &[("x-api-key", self.key.as_str())], "").await;
            assert!(status >= 500, "{target}: {status}");
        }
        assert_eq!(self.taken().len(), 0);
    }
}

fn has_credential(one: &Seen) -> bool {
    ["authorization", "x-api-key", "dpop"].iter().any(|name| one.headers.contains_key(*name))
}

fn is_public(one: &Seen) -> bool {
    let path = one.target.split('?').next().unwrap();
    path == "/open" && ["GET", "HEAD"].contains(&one.method.as_str())
}

/// Whether the policies let the holder of `orders:read` in, however a server reads the path.
fn is_let_in(one: &Seen, with_credential: bool) -> bool {
    if is_public(one) {
        return true;
    }
    let methods = ["GET", "HEAD", "POST", "PUT"].contains(&one.method.as_str());
    let mut path = one.target.split('?').next().unwrap().to_owned();
    for _ in 0..4 {
        path = percent_encoding::percent_decode_str(&path).decode_utf8_lossy().into_owned();
    }
    let simple: String =
        path.replace('\\', "/").split('/').map(|part| part.split(';').next().unwrap()).collect::<Vec<_>>().join("/");
    // As browsers and many frameworks resolve it (the URL Standard).
    let resolved = url::Url::parse(&format!("http://h{simple}")).unwrap().path().to_lowercase();
    let merged = resolved.split('/').find(|part| !part.is_empty());
    with_credential && methods && (merged == Some("ok") || resolved == "/few")
}

/// Ways around a proxy that somebody has found before.
const KNOWN: [&str; 24] = [
    "GET /admin/users HTTP/1.1\r\nHost: h\r\nCREDENTIAL\r\n\r\n",
    "GET /ok/../admin/users HTTP/1.1\r\nHost: h\r\nCREDENTIAL\r\n\r\n",
    "GET /ok/%2e%2e/admin/users HTTP/1.1\r\nHost: h\r\nCREDENTIAL\r\n\r\n",
    "GET /ok/..%2fadmin/users HTTP/1.1\r\nHost: h\r\nCREDENTIAL\r\n\r\n",
    "GET /ok/..;/admin/users HTTP/1.1\r\nHost: h\r\nCREDENTIAL\r\n\r\n",
    "GET /open/../admin HTTP/1.1\r\nHost: h\r\nCREDENTIAL\r\n\r\n",
    "GET //admin HTTP/1.1\r\nHost: h\r\nCREDENTIAL\r\n\r\n",
    "GET http://h/admin HTTP/1.1\r\nHost: h\r\nCREDENTIAL\r\n\r\n",
    "GET http://open?/open HTTP/1.1\r\nHost: h\r\nCREDENTIAL\r\n\r\n",
    "GET /open#/../admin HTTP/1.1\r\nHost: h\r\nCREDENTIAL\r\n\r\n",
    "GET /open HTTP/1.1\r\nHost: h\r\nHost: admin\r\nCREDENTIAL\r\n\r\n",
    "CONNECT h:80 HTTP/1.1\r\nHost: h\r\nCREDENTIAL\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: h\r\nCREDENTIAL\r\n\r\n",
    "TRACE /ok/a HTTP/1.1\r\nHost: h\r\nCREDENTIAL\r\n\r\n",
    "GET /admin HTTP/1.0\r\nCREDENTIAL\r\n\r\n",
    "GET /admin\r\n\r\n",
    "GET /open HTTP/1.1 /admin HTTP/1.1\r\nHost: h\r\nCREDENTIAL\r\n\r\n",
    "POST /ok/a HTTP/1.1\r\nHost: h\r\nCREDENTIAL\r\nContent-Length: 44\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /admin/users HTTP/1.1\r\nHost: h\r\n\r\n",
    "POST /ok/a HTTP/1.1\r\nHost: h\r\nCREDENTIAL\r\nTransfer-Encoding : chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\nGET /admin/users HTTP/1.1\r\nHost: h\r\n\r\n",
    "POST /ok/a HTTP/1.1\r\nHost: h\r\nCREDENTIAL\r\nContent-Length: 0\r\nContent-Length: 40\r\n\r\nGET /admin/users HTTP/1.1\r\nHost: h\r\n\r\n",
    "POST /ok/a HTTP/1.1\r\nHost: h\r\nCREDENTIAL\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\nGET /admin HTTP/1.1\r\nHost: h\r\n\r\n",
    "GET /ok/a HTTP/1.1\r\nHost: h\r\nCREDENTIAL\r\nContent-Length: 38\r\n\r\nGET /admin/users HTTP/1.1\r\nHost: h\r\n\r\n",
    "GET /ok/a HTTP/1.1\r\nHost: h\r\nCREDENTIAL\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\nGET /admin HTTP/1.1\r\nHost: h\r\n\r\n",
    "GET /ok/a HTTP/1.1\r\nHost: h\r\nCREDENTIAL\r\nX: a\r\n GET /admin HTTP/1.1\r\n\r\n",
];

/// A request that somebody may try, put together by chance: mostly as it should be, in most of its parts.
fn probe(random: &mut StdRng) -> String {
    fn one<'a>(random: &mut StdRng, usual: &'a str, others: &[&'a str]) -> &'a str {
        if random.random_bool(0.75) { usual } else { others.choose(random).unwrap() }
    }
    let method = one(random, "GET", &["HEAD", "POST", "PUT", "DELETE", "get", "PATCH", "OPTIONS", "FOO", "GET\t"]);
    let begin = one(random, "/ok", &["/OK", "/open", "/admin", "//ok", "/%6fk", "/ok%2f", "/few"]);
    let slash = one(random, "/", &["//", "/./", "%2f", "\\", "%5c", ";/", "/;a/"]);
    let ups = ["", "..", "..", "%2e%2e", "%252e%252e", ".%2e", "..;x", "...", "%c0%ae%c0%ae"];
    let up = one(random, "a", &ups);
    let ends =
        ["/admin/users", "/%61dmin", "/ADMIN", "?x=/../admin", "%00", "%0d%0aX-Auth-Subject:%20x", "#/admin", ""];
    let end = one(random, "/admin", &ends);
    let version = one(random, "HTTP/1.1", &["HTTP/1.0", "http/1.1", "HTTP/2.0", ""]);
    let hosts = ["host: h\r\n", "Host: h\r\nHost: i\r\n", "", "Host : h\r\n", "Host: h/admin\r\n"];
    let host = one(random, "Host: h\r\n", &hosts);
    let fields = [
        "X-Auth-Subject: forged\r\n",
        "x-auth-kind: account\r\n",
        "X_Auth_Subject: forged\r\n",
        "X-Forwarded-Uri: /open\r\n",
        "X-Forwarded-Method: GET\r\n",
        "X-Original-URL: /admin\r\n",
        "X-HTTP-Method-Override: DELETE\r\n",
        "Authorization: Bearer x\r\n",
        "Connection: X-Auth-Subject, X-Auth-Kind\r\n",
        "Connection: close\r\n",
        "X-Auth-Subject : forged\r\n",
        "X-Auth-Subject:forged\r\n\tmore\r\n",
        "Expect: 100-continue\r\n",
        "Te: trailers\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n",
    ];
    let some: String = (0..3).map(|_| one(random, "", &fields)).collect();
    let next = "GET /admin/users HTTP/1.1\r\nHost: h\r\nX-Auth-Subject: forged\r\n\r\n";
    let body = match random.random_range(0..14) {
        0 => format!("Content-Length: {}\r\n\r\n{next}", next.len()),
        1 => format!("Content-Length: 3\r\n\r\nabc{next}"),
        2 => format!("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n{next}"),
        3 => format!("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n{next}"),
        4 => format!("Transfer-Encoding: chunked\r\n\r\n0\r\nX-Auth-Subject: forged\r\n\r\n{next}"),
        5 => format!("Content-Length: +3\r\n\r\nabc{next}"),
        6 => format!("Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc{next}"),
        _ => "\r\n".to_owned(),
    };
    format!("{method} {begin}{slash}{up}{end} {version}\r\n{host}CREDENTIAL\r\n{some}{body}")
}

/// The guide's file with these addresses.
pub(super) fn at(file: &str, [proxy, latchkey, upstream]: [SocketAddr; 3]) -> String {
    let names = ["127.0.0.1:4001", "127.0.0.1:3000", ":8080"];
    assert!(file.contains(names[0]) && file.contains(names[1]) || file.contains("abns@latchkey"), "{file}");
    file.replace(names[0], &latchkey.to_string())
        .replace(names[1], &upstream.to_string())
        .replace(names[2], &format!(":{}", proxy.port()))
}

/// nginx's whole configuration, with this file of the guide's and what a server needs to listen.
pub(super) fn nginx([proxy, latchkey, upstream]: [SocketAddr; 3], folder: &Path, file: &str, listens: &str) -> String {
    let place = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {place}/{kind};\n"))
        .concat();
    let file = at(file, [proxy, latchkey, upstream]).replace("listen 8080;", &format!("listen {proxy}{listens};"));
    format!(
        "daemon off; user root; pid {place}/pid; error_log stderr; worker_processes 1; events {{}}
        http {{ access_log off; {temporary} {file} }}"
    )
}

/// `HAProxy`'s, with this file of the guide's and its script beside it.
pub(super) fn haproxy(addresses: [SocketAddr; 3], folder: &Path, file: &str) -> String {
    let asks = format!("abns@latchkey-{}", addresses[0].port());
    let lua = folder.join("latchkey.lua");
    std::fs::write(&lua, LUA.replace("abns@latchkey", &asks)).unwrap();
    at(file, addresses).replace("abns@latchkey", &asks).replace("/etc/haproxy/latchkey.lua", &lua.display().to_string())
}

pub(super) const NGINX_COMMAND: [&str; 2] = ["nginx", "-c"];
pub(super) const CADDY_COMMAND: [&str; 5] = ["caddy", "run", "--adapter", "caddyfile", "--config"];
pub(super) const HAPROXY_COMMAND: [&str; 3] = ["haproxy", "-db", "-f"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r46_nginx_lets_in_whom_latchkey_lets_in() {
    Street::new(&NGINX_COMMAND, &|addresses, folder| nginx(addresses, folder, NGINX, "")).await.holds().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r46_caddy_lets_in_whom_latchkey_lets_in() {
    let configure = |addresses, _: &Path| format!("{{\n\tadmin off\n}}\n{}", at(CADDY, addresses));
    Street::new(&CADDY_COMMAND, &configure).await.holds().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r46_haproxy_lets_in_whom_latchkey_lets_in() {
    Street::new(&HAPROXY_COMMAND, &|addresses, folder| haproxy(addresses, folder, HAPROXY)).await.holds().await;
}

#[test]
fn a_check_says_what_the_caller_is_and_does_not_let_it_ask_for_a_trace() {
    // Caddy passes on every field that its file does not name, the others none.
    for (file, line) in [
        (NGINX, "proxy_set_header User-Agent         $http_user_agent;"),
        (LUA, "[\"user-agent\"]         = values(client[\"user-agent\"])"),
        (TRAEFIK, "authRequestHeaders: [Authorization, X-API-Key, DPoP, User-Agent]"),
        (ENVOY, "- exact: user-agent"),
        (CADDY, "header_up -Traceparent"),
        (CADDY, "header_up -Tracestate"),
    ] {
        assert!(file.contains(line), "{line}");
    }
    for file in [NGINX, HAPROXY, LUA, TRAEFIK, ENVOY] {
        assert!(!file.to_lowercase().contains("traceparent"));
    }
}

#[test]
fn the_probes_are_told_apart_by_what_they_ask() {
    let seen = |method: &str, target: &str| Seen {
        method: method.to_owned(),
        target: target.to_owned(),
        headers: HeaderMap::new(),
        body: String::new(),
    };
    for target in ["/ok/a", "/ok/../ok/a", "/ok/a%2fb?/../admin"] {
        assert!(is_let_in(&seen("GET", target), true) && !is_let_in(&seen("GET", target), false), "{target}");
    }
    for target in
        ["/admin", "/ok/../admin", "/ok/%2e%2e/admin", "/ok/..;x/admin", "/ok\\..\\admin", "/ok/%252e%252e/admin"]
    {
        assert!(!is_let_in(&seen("GET", target), true), "{target}");
    }
    assert!(!is_let_in(&seen("DELETE", "/ok/a"), true) && is_let_in(&seen("GET", "/open"), false));
    assert_eq!(fields(&[]).len(), 9);
}
