//! Signing in with other providers: another Latchkey by OpenID Connect, and a stand-in for GitHub.

use crate::{
    stage::encoded,
    support::{Answer, Browser, LOOPBACK, ORIGIN, PASSWORD, Portal, between, send},
    suspension::{account_id, act},
};
use axum::{
    Form, Json, Router,
    extract::State,
    routing::{get, post},
};
use http::{HeaderMap, StatusCode};
use latchkey_core::{
    port::{IdentityProviderReader, MailReader},
    secret::sha256,
};
use serde_json::{Value, json};
use server::config::Given;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::net::TcpListener;

const SAME: &str = "ada@example.org";
const METHODS: &str = "/account/sign-in-methods";

/// A portal, and another one that its people sign in with.
struct World {
    here: Portal,
    admin: Browser,
    there: Portal,
    /// Ada, signed in there.
    ada: Browser,
    id: String,
}

/// Another Latchkey, as it is reached by others.
async fn another() -> Portal {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let given = Given { listen: listener.local_addr().ok(), ..Given::default() };
    let portal = Portal::with(given).await;
    let app = portal.app.clone();
    tokio::spawn(server::plain_http::serve(listener, app, std::future::pending()));
    portal
}

impl World {
    async fn set() -> Self {
        let there = another().await;
        let here = Portal::with(Given { private_networks: Some(true), ..Given::default() }).await;
        let mut ada = there.member(SAME).await;
        let application = ada.application("Front desk").await;
        let id = new_id();
        let redirect = format!("{ORIGIN}/login/callback/{id}");
        let scopes = ["openid", "profile", "email"];
        let fields = [("redirect_uris", redirect.as_str()), ("signing_algorithm", "ES256")];
        let client = ada.oauth_client(&application, "production", &scopes, &fields).await;
        let mut admin = here.admin().await;
        let added = add(&mut admin, &id, there.state.config.base_url(), &client.client_id, &client.secret).await;
        assert_eq!(added.location(), "/admin/identity-providers", "{added:?}");
        Self { here, admin, there, ada, id }
    }

    /// Sends a browser off; where it is led.
    async fn leave(&self, browser: &mut Browser, next: &str) -> String {
        leave(browser, &self.id, next).await
    }

    /// Ada says yes at the provider, where she is asked; where she is led.
    async fn agree(&mut self, url: &str) -> Answer {
        let (_, query) = url.split_once('?').unwrap();
        let path = format!("/oauth/authorize?{query}");
        let asked = self.ada.get(&path).await;
        if asked.status != StatusCode::OK {
            return asked;
        }
        let mut fields = vec![("asked", query), ("answer", "allow")];
        fields.extend(["openid", "profile", "email"].map(|scope| ("ticked[]", scope)));
        self.ada.send(&path, "/form/grant/answer", &fields).await
    }

    /// There and back again.
    async fn round(&mut self, browser: &mut Browser, next: &str) -> Answer {
        let url = self.leave(browser, next).await;
        let led = self.agree(&url).await;
        browser.get(&path_of(led.location())).await
    }

    /// Somebody here whose address is Ada's too, with her identity linked.
    async fn linked(&mut self) -> Browser {
        let mut browser = self.here.member(SAME).await;
        let back = self.round(&mut browser, METHODS).await;
        assert_eq!(back.location(), METHODS, "{back:?}");
        let linked = browser.send(METHODS, "/form/linked-identity/link", &[]).await;
        assert_eq!(linked.location(), METHODS);
        browser
    }
}

/// An id that no form had before.
pub(crate) fn new_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    uuid::Uuid::from_u128(NEXT.fetch_add(1, Ordering::Relaxed).into()).to_string()
}

pub(crate) async fn add(admin: &mut Browser, id: &str, issuer: &str, client_id: &str, secret: &str) -> Answer {
    let fields = [
        ("form_id", id),
        ("name", "Other desk"),
        ("kind", "openid"),
        ("address", issuer),
        ("client_id", client_id),
        ("client_secret", secret),
        ("scopes", "openid profile email"),
        ("reason", "our people sign in there"),
    ];
    admin.send("/admin/identity-providers/new", "/form/identity-provider/save", &fields).await
}

async fn leave(browser: &mut Browser, provider: &str, next: &str) -> String {
    let fields = [("provider", provider), ("next", next)];
    let begun = browser.send("/login", "/form/identity-provider/begin", &fields).await;
    assert_eq!((begun.status, begun.location()), (StatusCode::SEE_OTHER, "/login/leave"), "{begun:?}");
    let page = browser.get("/login/leave").await.text();
    assert!(page.contains("http-equiv=\"refresh\""), "{page}");
    let url = between(&page, "content=\"0;url=", "\"").replace("&amp;", "&");
    assert!(page.contains(&format!("href=\"{}\"", url.replace('&', "&amp;"))), "the same by hand: {page}");
    assert_eq!(browser.get("/login/leave").await.location(), "/login", "it leads there once");
    url
}

fn parameter_of(url: &str, name: &str) -> String {
    let url: url::Url = url.parse().unwrap();
    url.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned()).unwrap()
}

fn path_of(location: &str) -> String {
    location.strip_prefix(ORIGIN).unwrap_or_else(|| panic!("{location} leads elsewhere")).to_owned()
}

/// What is done to an answer on its way.
type Change = fn(&str) -> String;

async fn is_signed_in(browser: &mut Browser) -> bool {
    browser.get("/dashboard").await.status == StatusCode::OK
}

async fn sign_out(browser: &mut Browser) {
    browser.send("/dashboard", "/form/account/sign-out", &[]).await;
    assert!(!is_signed_in(browser).await);
}

#[tokio::test]
async fn an_identity_elsewhere_opens_an_account_once_its_person_said_so_and_never_by_its_address() {
    let mut world = World::set().await;
    // Somebody here has the same address.
    let mut victim = world.here.member(SAME).await;
    sign_out(&mut victim).await;
    let mut browser = world.here.browser();
    let login = browser.get("/login").await.text();
    assert!(login.contains("Sign in with Other desk"), "{login}");
    let back = world.round(&mut browser, "/apps").await;
    assert_eq!(back.location(), "/login?next=%2Faccount%2Fsign%2Din%2Dmethods", "{back:?}");
    assert!(!is_signed_in(&mut browser).await, "the same address opens nothing");
    let page = browser.get(back.location()).await.text();
    assert!(page.contains("does not open an account here yet"), "{page}");

    let fields = [("email", SAME), ("password", PASSWORD), ("next", METHODS)];
    let entered = browser.send(back.location(), "/form/account/sign-in", &fields).await;
    assert_eq!(entered.location(), METHODS);
    let page = browser.get(METHODS).await.text();
    assert!(page.contains("Let Other desk open this account?") && page.contains(SAME), "{page}");
    browser.send(METHODS, "/form/linked-identity/link", &[]).await;
    let page = browser.get(METHODS).await.text();
    assert!(page.contains("Linked. It opens this account") && page.contains("never"), "{page}");
    sign_out(&mut browser).await;

    let mut other = world.here.browser();
    let back = world.round(&mut other, "/apps/new").await;
    assert_eq!((back.status, back.location()), (StatusCode::SEE_OTHER, "/apps/new"), "{back:?}");
    assert!(is_signed_in(&mut other).await, "asvs_6_8_1: by issuer and subject");
    let page = other.get(METHODS).await.text();
    assert!(!page.contains(">never<"), "when it was used is shown: {page}");
    let subject = between(&page, "name=\"subject\" value=\"", "\"").to_owned();
    other.send(METHODS, "/form/linked-identity/unlink", &[("provider", &world.id), ("subject", &subject)]).await;
    sign_out(&mut other).await;
    world.round(&mut other, "/apps").await;
    assert!(!is_signed_in(&mut other).await, "unlinked, it opens nothing");
}

#[tokio::test]
async fn who_signs_up_on_the_way_is_asked_too_and_may_say_no() {
    let mut world = World::set().await;
    let mut browser = world.here.browser();
    world.round(&mut browser, "/apps").await;
    let fields = crate::support::new_account("new@example.org");
    let entered = browser.send("/signup", "/form/account/sign-up", &fields).await;
    assert_eq!(entered.location(), METHODS);
    browser.send(METHODS, "/form/linked-identity/decline", &[]).await;
    let page = browser.get(METHODS).await.text();
    assert!(page.contains("Nothing was linked") && !page.contains("open this account?"), "{page}");
    let late = browser.send(METHODS, "/form/linked-identity/link", &[]).await;
    let page = browser.get(late.location()).await.text();
    assert!(page.contains("Begin again with the provider"), "{page}");
}

#[tokio::test]
async fn r15_an_answer_belongs_to_the_browser_that_asked_and_is_taken_once() {
    let mut world = World::set().await;
    drop(world.linked().await);
    let (mut asked, mut other) = (world.here.browser(), world.here.browser());
    let begun_by_get = asked.get(&format!("/form/identity-provider/begin?provider={}", world.id)).await;
    assert_ne!(begun_by_get.location(), "/login/leave", "a link begins nothing");
    let url = world.leave(&mut asked, "/apps").await;
    let answer = path_of(world.agree(&url).await.location());
    other.get(&answer).await;
    assert!(!is_signed_in(&mut other).await, "another browser: nobody is signed in as somebody else");
    let led = asked.get(&answer).await;
    assert_eq!(led.location(), "/apps", "{led:?}");
    sign_out(&mut asked).await;
    asked.get(&answer).await;
    assert!(!is_signed_in(&mut asked).await, "it was taken before");

    // Nor one that was changed on the way, or comes too late.
    let changes: [(&str, Change); 4] = [
        ("another state", |answer| answer.replace("state=", "state=x")),
        ("another issuer", |answer| answer.replace("iss=http", "iss=https")),
        ("no issuer", |answer| answer.split("&iss=").next().unwrap().to_owned()),
        ("an invented code", |answer| answer.replace("code=", "code=x")),
    ];
    for (what, change) in changes {
        let url = world.leave(&mut asked, "/apps").await;
        let answer = path_of(world.agree(&url).await.location());
        assert_ne!(change(&answer), answer, "{what}");
        let led = asked.get(&change(&answer)).await;
        assert_eq!(led.location(), "/login?next=%2Fapps", "{what}: {led:?}");
        assert!(!is_signed_in(&mut asked).await, "{what}");
    }
    let url = world.leave(&mut asked, "/apps").await;
    let answer = path_of(world.agree(&url).await.location());
    world.here.clock.advance(time::Duration::minutes(11));
    assert_eq!(asked.get(&answer).await.location(), "/login?next=%2Fapps");
    assert!(!is_signed_in(&mut asked).await, "too late");
}

#[tokio::test]
async fn r11_whoever_is_signed_in_stays_who_they_are() {
    let mut world = World::set().await;
    drop(world.linked().await);
    let mut grace = world.here.member("grace@example.org").await;
    let led = world.round(&mut grace, METHODS).await;
    assert_eq!(led.location(), METHODS);
    let page = grace.get(METHODS).await.text();
    assert!(page.contains("opens another account") && page.contains("grace@example.org"), "{page}");
    let led = grace.send(METHODS, "/form/linked-identity/link", &[]).await;
    let page = grace.get(led.location()).await.text();
    assert!(!page.contains("Linked."), "and takes no identity of somebody else's: {page}");
}

#[tokio::test]
async fn r07_nobody_is_led_elsewhere_after_signing_in() {
    let mut world = World::set().await;
    drop(world.linked().await);
    for next in ["https://evil.test/", "//evil.test", "/\\evil.test"] {
        let mut browser = world.here.browser();
        assert_eq!(world.round(&mut browser, next).await.location(), "/dashboard", "{next}");
    }
}

#[tokio::test]
async fn rfc9700_4_4_2_an_answer_of_one_provider_is_not_taken_for_anothers() {
    let mut world = World::set().await;
    drop(world.linked().await);
    let second = new_id();
    let issuer = world.there.state.config.base_url().to_owned();
    add(&mut world.admin, &second, &issuer, "lkc_other", "secret").await;
    let mut browser = world.here.browser();
    let url = world.leave(&mut browser, "/apps").await;
    let answer = path_of(world.agree(&url).await.location());
    assert_eq!(browser.get(&answer.replace(&world.id, &second)).await.location(), "/login?next=%2Fapps");
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn a_provider_that_is_switched_off_or_gone_opens_nothing() {
    let mut world = World::set().await;
    drop(world.linked().await);
    let page = format!("/admin/identity-providers/{}", world.id);
    let mut browser = world.here.browser();
    let url = world.leave(&mut browser, "/apps").await;
    let answer = path_of(world.agree(&url).await.location());
    world
        .admin
        .send(
            &page,
            "/form/identity-provider/disable",
            &[("id", &world.id), ("disabled", "yes"), ("reason", "it is down")],
        )
        .await;
    browser.get(&answer).await;
    assert!(!is_signed_in(&mut browser).await, "it was switched off meanwhile");
    assert!(!browser.get("/login").await.text().contains("Other desk"));
    let refused = browser.send("/login", "/form/identity-provider/begin", &[("provider", &world.id)]).await;
    assert_eq!(refused.location(), "/login");

    world
        .admin
        .send(
            &page,
            "/form/identity-provider/disable",
            &[("id", &world.id), ("disabled", ""), ("reason", "it is back")],
        )
        .await;
    assert_eq!(world.round(&mut browser, "/apps").await.location(), "/apps", "on again, links are what they were");
    assert!(world.admin.get(&page).await.text().contains("One link of a person with it ends"), "said before");
    world.admin.send(&page, "/form/identity-provider/remove", &[("id", &world.id), ("reason", "nobody uses it")]).await;
    assert!(!browser.get(METHODS).await.text().contains("/form/linked-identity/unlink"), "links ended with it");
    assert_eq!(world.admin.get(&page).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_provider_that_is_removed_opens_nothing_at_once_and_its_links_go_by_and_by() {
    let mut world = World::set().await;
    drop(world.linked().await);
    let mut on_the_way = world.here.browser();
    let url = world.leave(&mut on_the_way, "/apps").await;
    let answer = path_of(world.agree(&url).await.location());
    let page = format!("/admin/identity-providers/{}", world.id);
    world.admin.send(&page, "/form/identity-provider/remove", &[("id", &world.id), ("reason", "nobody uses it")]).await;
    on_the_way.get(&answer).await;
    assert!(!is_signed_in(&mut on_the_way).await);
    let left = async |world: &World| world.here.store.linked_identity_count(world.id.parse().unwrap()).await.unwrap();
    assert_eq!(left(&world).await, 1, "nobody waits until they are gone");
    world.here.clock.advance(time::Duration::SECOND);
    server::workers::prune(&world.here.state).await.unwrap();
    assert_eq!(left(&world).await, 0);
}

#[tokio::test]
async fn asvs_7_4_2_an_identity_elsewhere_opens_no_suspended_account() {
    let mut world = World::set().await;
    let mut linked = world.linked().await;
    let id = account_id(&world.here, SAME).await;
    let mut on_the_way = world.here.browser();
    let url = world.leave(&mut on_the_way, "/apps").await;
    let answer = path_of(world.agree(&url).await.location());
    act(&mut world.admin, "account", &id, "suspend", "it sends spam").await;
    on_the_way.get(&answer).await;
    let mut later = world.here.browser();
    world.round(&mut later, "/apps").await;
    for browser in [&mut linked, &mut on_the_way, &mut later] {
        assert!(!is_signed_in(browser).await);
    }
    act(&mut world.admin, "account", &id, "reinstate", "they explained it").await;
    assert_eq!(world.round(&mut later, "/apps").await.location(), "/apps", "the link is what it was");
}

#[tokio::test]
async fn what_an_admin_writes_is_checked_kept_sealed_and_stays_one_provider() {
    let mut world = World::set().await;
    let new = "/admin/identity-providers/new";
    let refused = add(&mut world.admin, &new_id(), "http://id.example.org", "x", "hunter2-hunter2").await;
    assert_eq!(refused.location(), new);
    let page = world.admin.get(new).await.text();
    assert!(page.contains("Write an https:// address") && !page.contains("hunter2"), "{page}");
    let secret = "a-secret-of-another-provider";
    let sealed = new_id();
    let added = add(&mut world.admin, &sealed, "https://id.example.org", "x", secret).await;
    assert_eq!(added.location(), "/admin/identity-providers", "{added:?}");
    let page = world.admin.get(&format!("/admin/identity-providers/{sealed}")).await;
    assert!(page.status == StatusCode::OK && !page.text().contains(secret), "{page:?}");
    for file in std::fs::read_dir(world.here.folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap_or_default();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "r53: it is sealed");
    }
    let page = format!("/admin/identity-providers/{}", world.id);
    assert!(world.admin.get(&page).await.text().contains(&format!("{ORIGIN}/login/callback/{}", world.id)));
    let elsewhere = [
        ("id", world.id.as_str()),
        ("name", "Other desk"),
        ("kind", "openid"),
        ("address", "https://id.example.org"),
        ("client_id", "x"),
        ("scopes", "openid"),
        ("reason", "it moved"),
    ];
    world.admin.send(&page, "/form/identity-provider/save", &elsewhere).await;
    let shown = world.admin.get(&page).await.text();
    assert!(shown.contains("This is another provider"), "its names may be somebody else's: {shown}");
    // A provider that cannot be asked is not a dead end.
    let mut browser = world.here.browser();
    let gone = new_id();
    add(&mut world.admin, &gone, "http://127.0.0.1:1", "x", secret).await;
    let refused = browser.send("/login", "/form/identity-provider/begin", &[("provider", &gone)]).await;
    assert_eq!(refused.location(), "/login");
    assert!(browser.get("/login").await.text().contains("sign in with your password"));
}

#[tokio::test]
async fn api5_providers_are_for_admins_alone() {
    let mut world = World::set().await;
    let mut eve = world.here.member("eve@example.org").await;
    let id = world.id.clone();
    // Good, but for who sends it.
    let changed = [
        ("id", id.as_str()),
        ("disabled", "yes"),
        ("name", "Planted"),
        ("kind", "openid"),
        ("address", world.there.state.config.base_url()),
        ("client_id", "x"),
        ("scopes", "openid"),
        ("reason", "it moved"),
    ];
    for action in ["save", "disable", "remove"] {
        eve.send("/dashboard", &format!("/form/identity-provider/{action}"), &changed).await;
        let mut nobody = world.here.browser();
        nobody.send("/login", &format!("/form/identity-provider/{action}"), &changed).await;
    }
    add(&mut eve, &new_id(), "https://evil.test", "x", "secret").await;
    let list = world.admin.get("/admin/identity-providers").await.text();
    assert!(list.contains("Other desk") && list.contains("Offered"), "{list}");
    assert!(!list.contains("Planted") && !list.contains("Switched off"), "{list}");
    assert_eq!(list.matches("href=\"/admin/identity-providers/0").count(), 1, "{list}");
}

/// A stand-in for GitHub: it answers as GitHub's documentation has it.
#[derive(Clone, Default)]
struct Github(Arc<Mutex<Vec<Asked>>>);

type Asked = (HeaderMap, BTreeMap<String, String>);

async fn github() -> (Github, String) {
    let github = Github::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let token = async |State(github): State<Github>, headers: HeaderMap, Form(form): Form<BTreeMap<String, String>>| {
        let good = form.get("code").map(String::as_str) == Some("good");
        github.0.lock().unwrap().push((headers, form));
        // Its errors come with 200.
        let bad =
            json!({"error": "bad_verification_code", "error_description": "The code passed is incorrect or expired."});
        Json(if good {
            json!({"access_token": "gho_x", "scope": "read:user,user", "token_type": "bearer"})
        } else {
            bad
        })
    };
    let user = async |headers: HeaderMap| -> (StatusCode, Json<Value>) {
        let known = headers["authorization"] == "Bearer gho_x" && headers.contains_key("user-agent");
        let status = if known { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
        (status, Json(json!({"login": "ada", "id": 583_231, "email": null})))
    };
    let app = Router::new()
        .route("/login/oauth/access_token", post(token))
        .route("/api/v3/user", get(user))
        .with_state(github.clone());
    tokio::spawn(async { axum::serve(listener, app).await });
    (github, url)
}

#[tokio::test]
async fn github_is_spoken_to_in_its_own_way() {
    let (github, url) = github().await;
    let here = Portal::with(Given { private_networks: Some(true), ..Given::default() }).await;
    let mut admin = here.admin().await;
    let id = new_id();
    let fields = [
        ("form_id", id.as_str()),
        ("name", "GitHub"),
        ("kind", "github"),
        ("address", url.as_str()),
        ("client_id", "Iv1.abc"),
        ("client_secret", "github-secret"),
        ("scopes", "read:user"),
        ("reason", "our people are there"),
    ];
    let new = "/admin/identity-providers/new";
    let added = admin.send(new, "/form/identity-provider/save", &fields).await;
    assert_eq!(added.location(), "/admin/identity-providers", "{added:?}");
    let mut grace = here.member("grace@example.org").await;
    let away = leave(&mut grace, &id, METHODS).await;
    assert!(away.starts_with(&format!("{url}/login/oauth/authorize?")), "{away}");
    let value = |name| parameter_of(&away, name);
    assert_eq!((value("client_id").as_str(), value("scope").as_str()), ("Iv1.abc", "read:user"));
    assert_eq!((value("code_challenge_method").as_str(), value("response_type").as_str()), ("S256", "code"));
    let answer =
        |code: &str| format!("/login/callback/{id}?{}", encoded(&[("code", code), ("state", &value("state"))]));
    let led = grace.get(&answer("good")).await;
    assert_eq!(led.location(), METHODS, "{led:?}");
    {
        let requests = github.0.lock().unwrap();
        let [(headers, form)] = requests.as_slice() else { panic!("one request: {requests:?}") };
        assert_eq!(
            (headers["accept"].as_bytes(), form["client_secret"].as_str()),
            (&b"application/json"[..], "github-secret")
        );
        let challenge = base64::Engine::encode(
            &base64::engine::general_purpose::URL_SAFE_NO_PAD,
            sha256(form["code_verifier"].as_bytes()),
        );
        assert_eq!(challenge, value("code_challenge"), "rfc7636_4_6");
        assert_eq!(form["redirect_uri"], format!("{ORIGIN}/login/callback/{id}"));
    }
    assert!(grace.get(METHODS).await.text().contains("You have just signed in to GitHub as ada"));
    grace.send(METHODS, "/form/linked-identity/link", &[]).await;
    assert!(grace.get(METHODS).await.text().contains("value=\"583231\""), "by its number, never by its name");

    // A wrong code is an error with 200.
    let mut other = here.browser();
    let away = leave(&mut other, &id, "/apps").await;
    let state = parameter_of(&away, "state");
    assert_eq!(
        other.get(&format!("/login/callback/{id}?code=bad&state={state}")).await.location(),
        "/login?next=%2Fapps"
    );
    assert!(!is_signed_in(&mut other).await);
    let said_no = leave(&mut other, &id, "/apps").await;
    let state = parameter_of(&said_no, "state");
    other.get(&format!("/login/callback/{id}?error=access_denied&state={state}")).await;
    assert!(other.get("/login").await.text().contains("You said no at the provider"));
}

#[tokio::test]
async fn asvs_7_5_1_whoever_finds_a_browser_open_links_nothing_of_their_own() {
    let mut world = World::set().await;
    let mut grace = world.here.member("grace@example.org").await;
    world.here.clock.advance(time::Duration::minutes(11));
    world.round(&mut grace, METHODS).await;
    let page = grace.get(METHODS).await.text();
    assert!(page.contains("Sign in again") && !page.contains("Link it"), "{page}");
    grace.send(METHODS, "/form/linked-identity/link", &[]).await;
    let page = grace.get(METHODS).await.text();
    assert!(page.contains("Sign in with your password once more") && !page.contains("Unlink"), "{page}");
    // What was proven is kept until the password was given.
    let fields = [("email", "grace@example.org"), ("password", PASSWORD), ("next", METHODS)];
    grace.send("/login?again=yes", "/form/account/sign-in", &fields).await;
    grace.send(METHODS, "/form/linked-identity/link", &[]).await;
    let page = grace.get(METHODS).await.text();
    assert!(page.contains("Linked. It opens this account"), "{page}");
    let subject = between(&page, "name=\"subject\" value=\"", "\"").to_owned();
    // Mails of one instant have no order.
    world.here.clock.advance(time::Duration::seconds(1));
    grace.send(METHODS, "/form/linked-identity/unlink", &[("provider", &world.id), ("subject", &subject)]).await;
    let mails = world.here.store.mails(None, 10).await.unwrap();
    let subjects: Vec<_> = mails.iter().map(|mail| (mail.recipient.as_str(), mail.subject.as_str())).collect();
    let expected = ["Other desk opens your account no more", "Other desk opens your account from now on"];
    assert_eq!(subjects, expected.map(|subject| ("grace@example.org", subject)), "asvs_6_3_7: its person is told");
}

#[tokio::test]
async fn a_race_of_one_answer_is_won_once() {
    let mut world = World::set().await;
    drop(world.linked().await);
    let mut asked = world.here.browser();
    let url = world.leave(&mut asked, "/apps").await;
    let answer = path_of(world.agree(&url).await.location());
    let cookies = asked.cookie_header();
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let request = http::Request::get(&answer).header("cookie", &cookies).body(axum::body::Body::empty()).unwrap();
        let app = world.here.app.clone();
        all.spawn(async move { send(&app, LOOPBACK, request).await });
    }
    let answers = all.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.location() == "/apps").count(), 1, "{answers:?}");
}

#[tokio::test]
async fn oidc_core_3_1_2_1_a_provider_that_asked_nothing_is_no_fresh_sign_in() {
    let mut world = World::set().await;
    drop(world.linked().await);
    let mut developer = world.here.member("dev@example.org").await;
    let application = developer.application("Bookshelf").await;
    let app = developer.oauth_client(&application, "development", &["openid"], &[]).await;
    let mut browser = world.here.browser();
    world.round(&mut browser, "/apps").await;
    let parameters = [
        ("response_type", "code"),
        ("client_id", app.client_id.as_str()),
        ("redirect_uri", crate::stage::REDIRECT),
        ("scope", "openid"),
        ("code_challenge", &crate::stage::challenge()),
        ("code_challenge_method", "S256"),
    ];
    let plain = format!("/oauth/authorize?{}", encoded(&parameters));
    assert_eq!(browser.get(&plain).await.status, StatusCode::OK, "who signed in so is asked");
    for demand in ["prompt=login", "max_age=600"] {
        let led = browser.get(&format!("{plain}&{demand}")).await;
        assert!(led.location().starts_with("/login?next="), "{demand}: {led:?}");
        let page = browser.get(led.location()).await.text();
        assert!(page.contains("sign in once more") && !page.contains("Sign in with Other desk"), "{page}");
        // Signing in with the provider meanwhile is silent, and changes nothing.
        let marked = url::Url::parse(&format!("{ORIGIN}{}", led.location())).unwrap();
        let marked = marked.query_pairs().find(|(name, _)| name == "next").unwrap().1.into_owned();
        world.here.clock.advance(time::Duration::seconds(5));
        world.round(&mut browser, METHODS).await;
        let again = browser.get(&marked).await;
        assert!(again.location().starts_with("/login?next="), "{demand}: {again:?}");
    }
}
