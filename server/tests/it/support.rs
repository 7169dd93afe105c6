//! A portal of its own for each test, and those who come to it.

use axum::body::{Body, Bytes, to_bytes};
use http::{HeaderMap, Method, Request, StatusCode, header};
use latchkey_core::{
    Ports, Services,
    clock::{Clock, FixedClock},
    port::{
        RequestLogReader,
        request_log::{LogScope, RequestRow},
    },
    random::SystemRandom,
};
use latchkey_storage::SeaStore;
use server::{
    assets::Assets,
    config::{Config, Given},
    front::Front,
    serve::{Server, build, open_database},
    state::AppState,
};
use sqlx::Connection;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use time::{OffsetDateTime, macros::datetime};

pub(crate) const PASSWORD: &str = "violet tractor hums at dawn";
pub(crate) const ORIGIN: &str = "http://127.0.0.1:4000";
pub(crate) const LOOPBACK: &str = "127.0.0.1:50000";
pub(crate) const START: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

/// A portal on a new database, at a time that stands still until the test moves it.
pub(crate) struct Portal {
    pub(crate) app: Front,
    pub(crate) state: AppState,
    pub(crate) store: SeaStore,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) folder: tempfile::TempDir,
    statements: Arc<AtomicU64>,
    _server: Server,
}

/// A second server on the same store.
pub(crate) struct Node {
    pub(crate) app: Front,
    _server: Server,
}

impl Portal {
    pub(crate) async fn start() -> Self {
        Self::with(Given::default()).await
    }

    pub(crate) async fn with(given: Given) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let given = Given { attempts_per_minute: given.attempts_per_minute.or("10000".parse().ok()), ..given };
        let clock = Arc::new(FixedClock::at(START));
        let (server, store, statements) = server(folder.path(), &clock, given).await;
        let state = server.state.clone();
        Self { app: Front::new(state.clone()), state, store, clock, folder, statements, _server: server }
    }

    /// How many statements the test's own thread asked the database so far, and so its requests, where the runtime has no other.
    pub(crate) fn asked(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Another node of the same portal: what it keeps in memory is its own.
    pub(crate) async fn another_node(&self) -> Node {
        let server = self.second_server(Given::default()).await;
        Node { app: Front::new(server.state.clone()), _server: server }
    }

    /// The rules of another server on the same store, with other settings.
    pub(crate) async fn restarted(&self, given: Given) -> Arc<Services> {
        self.second_server(given).await.state.services.clone()
    }

    /// The front of another server on the same store, whose writer of the request log has ended.
    pub(crate) async fn without_writer(&self) -> Front {
        let server = self.second_server(Given::default()).await;
        let front = Front::new(server.state.clone());
        server.finish().await;
        front
    }

    async fn second_server(&self, given: Given) -> Server {
        let database_url = Some(self.state.config.database_url.0.clone());
        server(self.folder.path(), &self.clock, Given { database_url, ..given }).await.0
    }

    /// A portal on a new database of the PostgreSQL that the tests were given.
    pub(crate) async fn on_postgres() -> Self {
        Self::with(Given { database_url: Some(postgres_database().await), ..Given::default() }).await
    }

    /// What time it is.
    pub(crate) fn clock_now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// A browser with no cookies yet.
    pub(crate) fn browser(&self) -> Browser {
        Browser {
            server: At::Here(self.app.clone()),
            origin: self.state.config.base_url().to_owned(),
            cookies: BTreeMap::new(),
        }
    }

    /// A browser that has signed up.
    pub(crate) async fn member(&self, email: &str) -> Browser {
        let mut browser = self.browser();
        let answer = browser.send("/signup", "/form/account/sign-up", &new_account(email)).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/apps/new"), "{answer:?}");
        browser
    }

    /// Sixteen browsers that sign in with this address and the right password, while whoever asks goes on.
    pub(crate) async fn signing_in(&self, email: &'static str) -> Vec<tokio::task::JoinHandle<Browser>> {
        let mut visitor = self.browser();
        let csrf = visitor.token().await;
        let sign_in = |_| {
            let (mut browser, csrf) = (visitor.clone(), csrf.clone());
            tokio::spawn(async move {
                let fields = [("_csrf", csrf.as_str()), ("_back", "/login"), ("email", email), ("password", PASSWORD)];
                browser.send_request(form_request("/form/account/sign-in", &fields)).await;
                browser
            })
        };
        (0..16).map(sign_in).collect()
    }

    /// A browser of an admin.
    pub(crate) async fn admin(&self) -> Browser {
        let token = self.state.services.accounts.setup_link().await.unwrap();
        let mut browser = self.browser();
        let mut fields = new_account("admin@example.org");
        fields.push(("token", token.expose()));
        let answer = browser.send("/setup", "/form/account/setup", &fields).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/dashboard"), "{answer:?}");
        browser
    }

    /// Asks the API, as a program on this machine does.
    pub(crate) async fn api(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send_from(LOOPBACK, request.body(Body::from(body.to_owned())).unwrap()).await
    }

    /// Asks with a key.
    pub(crate) async fn with_key(&self, key: &str, method: &str, path: &str, body: &str) -> Answer {
        let authorization = format!("Bearer {key}");
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        self.api(method, path, &headers, body).await
    }

    /// Asks an endpoint of OAuth, as a client does.
    pub(crate) async fn oauth(&self, path: &str, authorization: Option<&str>, body: &str) -> Answer {
        let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
        headers.extend(authorization.map(|value| ("authorization", value)));
        self.api("POST", path, &headers, body).await
    }

    /// A token of a service account.
    pub(crate) async fn token_of(&self, machine: &Machine) -> String {
        let answer = self.oauth("/oauth/token", Some(&machine.basic()), "grant_type=client_credentials").await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn send_from(&self, address: &str, request: Request<Body>) -> Answer {
        send(&self.app, address, request).await
    }

    /// The record of a request, once the writer has written it.
    pub(crate) async fn recorded(&self, answer: &Answer) -> RequestRow {
        let id = answer.header("x-request-id").parse().unwrap();
        for _ in 0..100 {
            if let Some(row) = self.store.request(LogScope::Portal, id).await.unwrap() {
                return row;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the request was not recorded within two seconds");
    }
}

/// A server on this folder, by this clock; its store, and how many statements that is asked.
async fn server(folder: &Path, clock: &Arc<FixedClock>, given: Given) -> (Server, SeaStore, Arc<AtomicU64>) {
    let config = Config::new(Given { data: Some(folder.to_owned()), ..given }).unwrap();
    let mut store = open_database(&config).await.unwrap();
    let statements = store.count_statements();
    let ports = Ports::new(Arc::new(store.clone()), clock.clone(), Arc::new(SystemRandom));
    let server = build(config, store.clone(), ports, Assets::none()).unwrap();
    (server, store, statements)
}

#[expect(clippy::disallowed_methods, reason = "tests are told where PostgreSQL is by the environment")]
fn postgres() -> Option<String> {
    std::env::var("LATCHKEY_TEST_POSTGRES").ok()
}

/// The address of a new database of the PostgreSQL that the tests were given.
pub(crate) async fn postgres_database() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let server = postgres().expect("PostgreSQL is needed: run `make test`, or `scripts/postgres.sh cargo test`");
    let name = format!("server_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let mut connection = sqlx::PgConnection::connect(&server).await.unwrap();
    let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::raw_sql(create).execute(&mut connection).await.unwrap();
    let (address, _) = server.rsplit_once('/').unwrap();
    format!("{address}/{name}")
}

pub(crate) fn new_account(email: &str) -> Vec<(&str, &str)> {
    vec![("name", "Ada"), ("email", email), ("password", PASSWORD)]
}

pub(crate) async fn send(app: &Front, address: &str, request: Request<Body>) -> Answer {
    let peer: SocketAddr = address.parse().unwrap();
    let response = app.of(peer.into()).answer(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    Answer { status: parts.status, headers: parts.headers, body }
}

/// All of them at once.
pub(crate) async fn join_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, done) in futures.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(output) = future.as_mut().poll(context)
            {
                *done = Some(output);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}\n{}", self.status, self.headers, self.text())
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub(crate) fn location(&self) -> &str {
        self.header("location")
    }

    /// The body, without the marks that Leptos leaves between texts.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).replace("<!>", "")
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// Where the server is.
#[derive(Clone)]
pub(crate) enum At {
    /// In this process.
    Here(Front),
    /// In a process of its own.
    There(SocketAddr),
}

/// A browser: it keeps cookies and fills in what forms carry.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) server: At,
    /// Where the server's pages say they are.
    pub(crate) origin: String,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(crate) fn cookie_header(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    pub(crate) async fn send_request(&mut self, mut request: Request<Body>) -> Answer {
        if !self.cookies.is_empty() {
            request.headers_mut().insert(header::COOKIE, self.cookie_header().parse().unwrap());
        }
        let answer = match &self.server {
            At::Here(app) => send(app, LOOPBACK, request).await,
            At::There(address) => crate::wire::ask(*address, request).await.unwrap_or_else(|| Answer {
                status: StatusCode::BAD_GATEWAY,
                headers: HeaderMap::new(),
                body: Bytes::new(),
            }),
        };
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            let (pair, attributes) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if value.is_empty() || attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let request = Request::builder().uri(path).header(header::ACCEPT, "text/html").body(Body::empty()).unwrap();
        self.send_request(request).await
    }

    /// The token that the forms of this browser carry.
    pub(crate) async fn token(&mut self) -> String {
        let page = self.get("/docs").await.text();
        between(&page, "name=\"_csrf\" value=\"", "\"").to_owned()
    }

    /// Fills in a form on a page, and sends it as a browser does.
    pub(crate) async fn send(&mut self, page: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.token().await;
        let mut all = vec![("_csrf", token.as_str()), ("_back", page)];
        all.extend_from_slice(fields);
        let mut request = form_request(action, &all);
        request.headers_mut().insert(header::ORIGIN, self.origin.parse().unwrap());
        self.send_request(request).await
    }

    /// Signs in once more, as whoever makes or ends a secret is asked to.
    pub(crate) async fn sign_in_again(&mut self, email: &str) {
        let fields = [("email", email), ("password", PASSWORD)];
        let answer = self.send("/login?again=yes", "/form/account/sign-in", &fields).await;
        assert_eq!(answer.location(), "/dashboard", "{answer:?}");
    }

    /// The id of the team that this person is in, of the first where there are several.
    pub(crate) async fn team_id(&mut self) -> String {
        between(&self.get("/teams").await.text(), "href=\"/teams/", "\"").to_owned()
    }

    /// Makes an application; its id.
    pub(crate) async fn application(&mut self, name: &str) -> String {
        let answer = self.send("/apps/new", "/form/application/create", &[("name", name)]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
        between(answer.location(), "/apps/", "/").to_owned()
    }

    /// Fills in and sends the form for a key.
    pub(crate) async fn create_key(&mut self, application: &str, environment: &str, fields: &[(&str, &str)]) -> Answer {
        let page = format!("/apps/{application}/{environment}/keys/new");
        let form_id = between(&self.get(&page).await.text(), "name=\"form_id\" value=\"", "\"").to_owned();
        let mut all = vec![
            ("application", application),
            ("environment", environment),
            ("form_id", form_id.as_str()),
            ("name", "Web backend"),
        ];
        all.extend_from_slice(fields);
        self.send(&page, "/form/api-key/create", &all).await
    }

    /// Makes a key with these fields; the key.
    pub(crate) async fn key_with(&mut self, application: &str, environment: &str, fields: &[(&str, &str)]) -> String {
        let answer = self.create_key(application, environment, fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
        let shown = self.get(&format!("/apps/{application}/{environment}/keys")).await.text();
        let secret = between(&shown, "class=\"secret-value\"><code>", "</code>").to_owned();
        assert!(secret.len() == 58 + usize::from(environment == "production"), "{secret}");
        secret
    }

    /// Makes a key with these scopes; the key.
    pub(crate) async fn key(&mut self, application: &str, environment: &str, scopes: &[&str], expiry: &str) -> String {
        let mut fields = vec![("expiry", expiry)];
        fields.extend(scopes.iter().map(|scope| ("scopes[]", *scope)));
        self.key_with(application, environment, &fields).await
    }

    /// The id of the newest live key of an environment.
    pub(crate) async fn key_id(&mut self, application: &str, environment: &str) -> String {
        let page = self.get(&format!("/apps/{application}/{environment}/keys")).await.text();
        let path = format!("/apps/{application}/{environment}/keys/");
        page.split(&path)
            .skip(1)
            .find_map(|rest| rest.get(..36).filter(|id| id.len() == 36 && !id.contains('"')))
            .unwrap()
            .to_owned()
    }

    /// Makes a personal access token; the token.
    pub(crate) async fn token_with(&mut self, fields: &[(&str, &str)]) -> String {
        let page = self.get("/account/tokens/new").await.text();
        let form_id = between(&page, "name=\"form_id\" value=\"", "\"").to_owned();
        let mut all = vec![("form_id", form_id.as_str()), ("name", "My script")];
        all.extend_from_slice(fields);
        let answer = self.send("/account/tokens/new", "/form/personal-token/create", &all).await;
        assert_eq!(answer.location(), "/account/tokens", "{answer:?}");
        self.secret_on("/account/tokens").await
    }

    /// Makes a service account with these scopes; fields beyond that replace what is proposed.
    pub(crate) async fn service_account(
        &mut self,
        application: &str,
        environment: &str,
        scopes: &[&str],
        fields: &[(&str, &str)],
    ) -> Machine {
        let proposed = [("kind", "service_account"), ("name", "Nightly import")];
        let place = format!("/apps/{application}/{environment}/service-accounts");
        self.client_at(&place, scopes, &[&proposed, fields].concat()).await
    }

    /// Makes an OAuth client with these scopes; fields beyond that replace what is proposed.
    pub(crate) async fn oauth_client(
        &mut self,
        application: &str,
        environment: &str,
        scopes: &[&str],
        fields: &[(&str, &str)],
    ) -> Machine {
        let proposed = [
            ("kind", "client"),
            ("name", "Reading list"),
            ("redirect_uris", "https://reader.example/callback"),
            ("refresh", "yes"),
        ];
        let place = format!("/apps/{application}/{environment}/clients");
        self.client_at(&place, scopes, &[&proposed, fields].concat()).await
    }

    /// Fills in the form for an OAuth client that is not taken; the page that says why.
    pub(crate) async fn try_client(&mut self, application: &str, scopes: &[&str], fields: &[(&str, &str)]) -> String {
        let proposed =
            [("kind", "client"), ("name", "Reading list"), ("redirect_uris", "https://reader.example/callback")];
        let place = format!("/apps/{application}/development/clients");
        let answer = self.send_client(&place, scopes, &[&proposed, fields].concat()).await;
        assert_eq!(answer.location(), format!("{place}/new"), "{answer:?}");
        self.get(answer.location()).await.text()
    }

    async fn client_at(&mut self, place: &str, scopes: &[&str], fields: &[(&str, &str)]) -> Machine {
        let answer = self.send_client(place, scopes, fields).await;
        let page = answer.location().to_owned();
        assert!(page.starts_with(&format!("{place}/0")), "{answer:?}");
        let shown = self.get(&page).await.text();
        let secret =
            shown.contains("secret-value").then(|| between(&shown, "class=\"secret-value\"><code>", "</code>"));
        let id = shown.find("lkc_").unwrap();
        Machine { secret: secret.unwrap_or_default().to_owned(), client_id: shown[id..id + 24].to_owned(), page }
    }

    async fn send_client(&mut self, place: &str, scopes: &[&str], fields: &[(&str, &str)]) -> Answer {
        let new = format!("{place}/new");
        let mut parts = place.split('/').skip(2);
        let (application, environment) = (parts.next().unwrap(), parts.next().unwrap());
        let form_id = between(&self.get(&new).await.text(), "name=\"form_id\" value=\"", "\"").to_owned();
        let place = [("application", application), ("environment", environment), ("form_id", form_id.as_str())];
        let all = client_fields(scopes, &[&place, fields].concat());
        self.send(&new, "/form/oauth-client/create", &all).await
    }

    /// Changes a client to these scopes; fields beyond that replace what is proposed for a new one.
    pub(crate) async fn change_client(&mut self, client: &Machine, scopes: &[&str], fields: &[(&str, &str)]) -> Answer {
        let known = [("id", client.id()), ("name", "Nightly import")];
        let all = client_fields(scopes, &[&known, fields].concat());
        self.send(&client.page, "/form/oauth-client/update", &all).await
    }

    /// The secret that a page shows once.
    pub(crate) async fn secret_on(&mut self, path: &str) -> String {
        let shown = self.get(path).await.text();
        between(&shown, "class=\"secret-value\"><code>", "</code>").to_owned()
    }

    /// The id of the newest live token.
    pub(crate) async fn token_id(&mut self) -> String {
        let page = self.get("/account/tokens").await.text();
        let ids = page.split("href=\"/account/tokens/").skip(1).filter_map(|rest| rest.split_once('"'));
        ids.map(|(id, _)| id).find(|id| id.len() == 36).unwrap().to_owned()
    }

    /// Rotates a key; the new secret. The page of the key is the path.
    pub(crate) async fn rotate(&mut self, page: &str, overlap: &str, start: &str) -> Answer {
        let rotate = format!("{page}/rotate");
        let form = self.get(&rotate).await.text();
        let form_id = between(&form, "name=\"form_id\" value=\"", "\"").to_owned();
        let id = page.rsplit('/').next().unwrap().to_owned();
        let fields = [("id", id.as_str()), ("form_id", form_id.as_str()), ("overlap", overlap), ("start", start)];
        self.send(&rotate, "/form/api-key/rotate", &fields).await
    }
}

/// The fields about a client: what is proposed, these in its place, and these scopes.
fn client_fields<'a>(scopes: &[&'a str], fields: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut all = BTreeMap::from([
        ("auth_method", "client_secret_basic"),
        ("signing_algorithm", "ES256"),
        ("token_minutes", "15"),
        ("token_form", "jwt"),
        ("subject_type", "public"),
    ]);
    all.extend(fields.iter().copied());
    all.into_iter().chain(scopes.iter().map(|scope| ("scopes[]", *scope))).collect()
}

/// A client or a service account, as whoever made it has it.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(crate) page: String,
    pub(crate) client_id: String,
    pub(crate) secret: String,
}

impl Machine {
    /// The id of its row.
    pub(crate) fn id(&self) -> &str {
        self.page.rsplit('/').next().unwrap()
    }

    /// Its name and secret as `Authorization: Basic`.
    pub(crate) fn basic(&self) -> String {
        basic(&self.client_id, &self.secret)
    }
}

/// `Authorization: Basic` (RFC 7617).
pub(crate) fn basic(name: &str, secret: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    format!("Basic {}", STANDARD.encode(format!("{name}:{secret}")))
}

/// A form as a browser sends it from a page of ours.
pub(crate) fn form_request(action: &str, fields: &[(&str, &str)]) -> Request<Body> {
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(fields);
    Request::builder()
        .method(Method::POST)
        .uri(action)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ORIGIN, ORIGIN)
        .header("sec-fetch-site", "same-origin")
        .header(header::ACCEPT, "text/html")
        .body(Body::from(body.finish()))
        .unwrap()
}

/// The form for how long things are kept, with so many days of single requests and few of counts by the hour.
pub(crate) fn days_kept<'a>(requests: &'a str, reason: &'a str) -> [(&'static str, &'a str); 10] {
    [
        ("days[requests]", requests),
        ("days[minute_counts]", "2"),
        ("days[hour_counts]", "15"),
        ("days[day_counts]", "400"),
        ("days[notices]", "90"),
        ("days[mails]", "90"),
        ("days[blocks]", "30"),
        ("days[alerts]", "90"),
        ("days[audit_events]", "0"),
        ("reason", reason),
    ]
}

/// The text between two others.
pub(crate) fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split_once(after).unwrap().0
}

/// The key with one character of its secret changed.
pub(crate) fn mistyped(key: &str) -> String {
    let at = key.len() - 12;
    let other = if &key[at..=at] == "a" { "b" } else { "a" };
    format!("{}{other}{}", &key[..at], &key[at + 1..])
}
