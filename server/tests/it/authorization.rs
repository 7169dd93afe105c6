//! Who may do what: every page and form of the table, asked by everybody.

use crate::support::{Browser, Portal};
use http::StatusCode;
use latchkey_core::port::AccountReader;
use server::routes::{Access, Kind, ROUTES, Route};

const FORM: &str = "01a20000-0000-7000-8000-000000000006";

/// Ids of Ada's things, to put into paths and forms.
struct Things {
    account: String,
    application: String,
    key: String,
    token: String,
    third_party: String,
    /// A service account, and its secret's row.
    client: String,
    secret: String,
    request: String,
    session: String,
    team: String,
    /// A webhook of the team's, and one of the portal's, where a test has one.
    webhook: String,
    admin_webhook: String,
}

/// A provider that an admin added.
const PROVIDER: &str = "01900000-0000-7000-8000-00000000000a";

impl Things {
    fn path(&self, route: &Route) -> String {
        let key = if route.path.starts_with("/account/tokens/") { &self.token } else { &self.key };
        route
            .path
            .replace("{app}", &self.application)
            .replace("{environment}", "development")
            .replace("{key}", key)
            .replace("{client}", if route.path.contains("/clients/") { &self.third_party } else { &self.client })
            .replace("{request_id}", &self.request)
            .replace("{provider}", PROVIDER)
            .replace("{api}", "orders")
            .replace("{account}", &self.account)
            .replace("{team}", &self.team)
            .replace("{kind}", "failure_rate")
            .replace("{webhook}", if route.path.starts_with("/admin/") { &self.admin_webhook } else { &self.webhook })
            .replace("{guide}", "keys")
    }

    fn fields(&self, route: &Route) -> Vec<(&'static str, String)> {
        let text = str::to_owned;
        match route.path {
            "/form/session/end" => vec![("id", self.session.clone())],
            "/form/api-key/create"
            | "/form/oauth-client/create"
            | "/form/application/create"
            | "/form/api-key/policy"
            | "/form/oauth-client/registration"
            | "/form/personal-token/create" => self.filled_in(route.path),
            "/form/api-key/update" => {
                let mut fields = self.filled_in("/form/api-key/create");
                fields.push(("id", self.key.clone()));
                fields
            }
            "/form/oauth-client/update" => {
                let mut fields = self.filled_in("/form/oauth-client/create");
                fields.push(("id", self.client.clone()));
                fields
            }
            "/form/grant/answer" => {
                vec![("asked", text("client_id=lkc_00000000000000000000")), ("answer", text("allow"))]
            }
            path if path.starts_with("/form/webhook/") => vec![
                ("of", format!("team:{}", self.team)),
                ("id", self.webhook.clone()),
                ("name", text("Planted")),
                ("url", text("https://planted.example/")),
                ("on", text("no")),
            ],
            "/form/alert/rule" => vec![("of", format!("team:{}", self.team)), ("kind", text("key_ends"))],
            path if path.starts_with("/form/team/") => {
                vec![("team", self.team.clone()), ("email", text("planted@example.org")), ("name", text("Planted"))]
            }
            path if path.starts_with("/form/oauth-client/") => vec![
                ("id", self.client.clone()),
                ("secret", self.secret.clone()),
                ("form_id", text("01a20000-0000-7000-8000-000000000005")),
            ],
            path if path.starts_with("/form/api-key/") => vec![
                ("id", self.key.clone()),
                ("form_id", text("01a20000-0000-7000-8000-000000000002")),
                ("overlap", text("24h")),
                ("start", text("now")),
            ],
            _ => Vec::new(),
        }
    }

    fn filled_in(&self, path: &str) -> Vec<(&'static str, String)> {
        let text = str::to_owned;
        match path {
            "/form/application/create" => vec![("name", text("Mine"))],
            "/form/api-key/create" => vec![
                ("application", self.application.clone()),
                ("environment", text("development")),
                ("form_id", text("01a20000-0000-7000-8000-000000000001")),
                ("name", text("Planted")),
                ("scopes[]", text("read:posts")),
                ("expiry", text("never")),
            ],
            "/form/oauth-client/create" => vec![
                ("application", self.application.clone()),
                ("environment", text("development")),
                ("form_id", text("01a20000-0000-7000-8000-000000000004")),
                ("kind", text("service_account")),
                ("name", text("Planted")),
                ("scopes[]", text("read:posts")),
                ("auth_method", text("client_secret_basic")),
                ("signing_algorithm", text("ES256")),
                ("token_minutes", text("15")),
                ("token_form", text("jwt")),
            ],
            "/form/oauth-client/registration" => vec![
                ("application", self.application.clone()),
                ("environment", text("development")),
                ("policy", text("token")),
            ],
            "/form/api-key/policy" => vec![
                ("application", self.application.clone()),
                ("environment", text("development")),
                ("disable_idle_days", text("77")),
            ],
            "/form/personal-token/create" => vec![
                ("form_id", text("01a20000-0000-7000-8000-000000000003")),
                ("name", text("Own token")),
                ("scopes[]", text("read:posts")),
                ("expiry", text("30")),
            ],
            _ => Vec::new(),
        }
    }
}

async fn things(portal: &Portal, ada: &mut Browser) -> Things {
    let application = ada.application("Bookshelf").await;
    let secret = ada.key(&application, "development", &["read:posts"], "never").await;
    let key = ada.key_id(&application, "development").await;
    ada.token_with(&[("scopes[]", "read:posts"), ("expiry", "30")]).await;
    let token = ada.token_id().await;
    let machine = ada.service_account(&application, "development", &["read:posts"], &[]).await;
    let client = machine.page.rsplit('/').next().unwrap().to_owned();
    // The second secret is the one that a stranger would end.
    ada.send(&machine.page, "/form/oauth-client/add-secret", &[("id", &client), ("form_id", FORM)]).await;
    let app = ada.oauth_client(&application, "development", &["read:posts"], &[]).await;
    let third_party = app.id().to_owned();
    let page = ada.get(&machine.page).await.text();
    let row = crate::support::between(&page, "name=\"secret\" value=\"", "\"").to_owned();
    let answer = portal.with_key(&secret, "GET", "/api/v1/whoami", "").await;
    let request = portal.recorded(&answer).await.id.to_string();
    let sessions = ada.get("/account/sessions").await.text();
    let session = crate::support::between(&sessions, "name=\"id\" value=\"", "\"").to_owned();
    let teams = ada.get("/teams").await.text();
    let team = crate::support::between(&teams, "href=\"/teams/", "\"").to_owned();
    let (account, _) = portal.store.account_by_email("ada@example.org").await.unwrap().unwrap();
    let account = account.id.to_string();
    let webhook = webhook(ada, &format!("team:{team}"), &format!("/teams/{team}/alerts/webhooks/new")).await;
    let admin_webhook = String::new();
    Things {
        account,
        application,
        key,
        token,
        third_party,
        client,
        secret: row,
        request,
        session,
        team,
        webhook,
        admin_webhook,
    }
}

/// Adds a webhook on this page; its id.
async fn webhook(browser: &mut Browser, of: &str, page: &str) -> String {
    let fields = [("of", of), ("name", "On call"), ("url", "https://example.org/hook")];
    let added = browser.send(page, "/form/webhook/add", &fields).await;
    added.location().rsplit('/').next().unwrap().to_owned()
}

fn pages() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|route| {
        // These lead on at once, or ask for something that the query has.
        let others = [
            "/signup",
            "/second-factor",
            "/login",
            "/login/leave",
            "/login/callback/{provider}",
            "/setup",
            "/oauth/authorize",
        ];
        route.kind == Kind::Page && !others.contains(&route.path)
    })
}

#[tokio::test]
async fn api1_every_page_for_everybody() {
    let portal = Portal::start().await;
    let (mut admin, mut ada, mut eve) =
        (portal.admin().await, portal.member("ada@example.org").await, portal.member("eve@example.org").await);
    let mut things = things(&portal, &mut ada).await;
    things.admin_webhook = webhook(&mut admin, "portal", "/admin/alerts/webhooks/new").await;
    let provider = [
        ("form_id", PROVIDER),
        ("name", "Other desk"),
        ("kind", "github"),
        ("client_id", "x"),
        ("client_secret", "x"),
        ("scopes", "read:user"),
        ("reason", "our people are there"),
    ];
    admin.send("/admin/identity-providers/new", "/form/identity-provider/save", &provider).await;
    admin.send("/admin/apis/new", "/form/guarded-api/save", &crate::gateway::fields(&[])).await;
    for route in pages() {
        let path = things.path(route);
        let named =
            ["{app}", "{key}", "{client}", "{request_id}", "{team}"].iter().any(|part| route.path.contains(part));
        let anonymous = portal.browser().get(&path).await;
        let (of_ada, of_eve, of_admin) = (ada.get(&path).await, eve.get(&path).await, admin.get(&path).await);
        let expected = match route.access {
            Access::Anybody => [200, 200, 200, 200],
            // Another owner's thing is not there at all; an admin may look at any request.
            Access::Account if route.path.contains("{request_id}") => [303, 200, 404, 200],
            Access::Account if named => [303, 200, 404, 404],
            Access::Account => [303, 200, 200, 200],
            Access::Admin => [303, 404, 404, 200],
            Access::Key(_) | Access::Machine => panic!("no page asks for a credential"),
        };
        let found = [&anonymous, &of_ada, &of_eve, &of_admin].map(|answer| answer.status.as_u16());
        assert_eq!(found, expected, "{path}: nobody, its owner, somebody else, an admin");
        if expected[0] == 303 {
            assert!(anonymous.location().starts_with("/login?next="), "{path}: {anonymous:?}");
            assert!(!anonymous.text().contains("Bookshelf"), "{path} tells nobody anything");
        }
        assert!(!named || !of_eve.text().contains("Bookshelf"), "{path} tells others nothing");
    }
}

#[tokio::test]
async fn api1_every_form_on_somebody_elses_things_changes_nothing() {
    let portal = Portal::start().await;
    let mut ada = portal.member("ada@example.org").await;
    let things = things(&portal, &mut ada).await;
    let mut eve = portal.member("eve@example.org").await;
    let mut nobody = portal.browser();
    for route in ROUTES.iter().filter(|route| route.kind == Kind::Form && route.access == Access::Account) {
        let owned = things.fields(route);
        let fields: Vec<_> = owned.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let anonymous = nobody.send("/apps", route.path, &fields).await;
        assert_eq!(anonymous.status, StatusCode::SEE_OTHER, "{}", route.path);
        assert!(anonymous.location().starts_with("/login"), "{}: {anonymous:?}", route.path);
        let others = eve.send("/apps", route.path, &fields).await;
        assert_eq!(others.status, StatusCode::SEE_OTHER, "{}: {others:?}", route.path);
    }
    let keys = ada.get(&format!("/apps/{}/development/keys", things.application)).await.text();
    for changed in ["Planted", "revoked", "switched off", "being rotated", "being replaced"] {
        assert!(!keys.contains(changed), "{changed}: {keys}");
    }
    let machines = format!("/apps/{}/development/service-accounts", things.application);
    let list = ada.get(&machines).await.text();
    assert!(!list.contains("Planted") && !list.contains("Revoked"), "{list}");
    let machine = ada.get(&format!("{machines}/{}", things.client)).await.text();
    assert!(!machine.contains(">Ended<"), "{machine}");
    let settings = ada.get(&format!("/apps/{}/development/settings", things.application)).await.text();
    assert!(!settings.contains("value=\"77\""), "{settings}");
    let tokens = ada.get("/account/tokens").await.text();
    assert!(!tokens.contains("Own token"), "{tokens}");
    let alerts = ada.get(&format!("/teams/{}/alerts", things.team)).await.text();
    assert!(alerts.contains("On call") && alerts.contains(">on<"), "{alerts}");
    assert!(!alerts.contains("Planted") && !alerts.contains(">off<"), "{alerts}");
    let applications = ada.get("/dashboard").await;
    assert_eq!(applications.status, StatusCode::OK, "Ada is signed in still");
    assert!(!applications.text().contains("Mine"));
}

#[tokio::test]
async fn api5_nobody_becomes_an_admin_by_a_form() {
    let portal = Portal::start().await;
    let mut eve = portal.browser();
    let fields = [
        ("name", "Eve"),
        ("email", "eve@example.org"),
        ("password", crate::support::PASSWORD),
        // Members that no form of ours has.
        ("role", "admin"),
        ("is_admin", "true"),
        ("account[role]", "admin"),
    ];
    let answer = eve.send("/signup", "/form/account/sign-up", &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(eve.get("/admin/failures").await.status, StatusCode::NOT_FOUND);
    for token in ["", "x", "0000000000000000000000000000000000000000"] {
        let mut mallory = portal.browser();
        let mut fields = crate::support::new_account("mallory@example.org");
        fields.push(("token", token));
        let answer = mallory.send("/setup", "/form/account/setup", &fields).await;
        assert!(answer.location().starts_with("/setup"), "{token:?}: {answer:?}");
        assert!(mallory.get(answer.location()).await.text().contains("used or has expired"), "{token:?}");
    }
}

#[tokio::test]
async fn a_setup_link_is_dead_once_there_is_an_admin() {
    let portal = Portal::start().await;
    let accounts = &portal.state.services.accounts;
    let token = accounts.setup_link().await.unwrap();
    let password = latchkey_core::account::PlainPassword::new(crate::support::PASSWORD);
    let form = latchkey_core::account::SignUp { email: "root@example.org", name: "Root", password };
    accounts.create_admin(form).await.unwrap();
    let mut eve = portal.browser();
    let mut fields = crate::support::new_account("eve@example.org");
    fields.push(("token", token.expose()));
    let answer = eve.send("/setup", "/form/account/setup", &fields).await;
    assert!(eve.get(answer.location()).await.text().contains("used or has expired"));
    assert_eq!(eve.get("/admin/failures").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn each_scope_is_checked_by_itself() {
    let portal = Portal::start().await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let page = format!("/apps/{application}/development/keys/new");
    let lists: [&[&str]; 5] = [
        &[],
        &["read:posts", "admin"],
        &["admin", "read:posts"],
        &["read:posts", "READ:POSTS"],
        &["read:posts write:posts"],
    ];
    for (number, scopes) in lists.into_iter().enumerate() {
        let form_id = format!("01a20000-0000-7000-8000-00000000000{number}");
        let mut fields = vec![
            ("application", application.as_str()),
            ("environment", "development"),
            ("form_id", form_id.as_str()),
            ("name", "Web backend"),
            ("expiry", "never"),
        ];
        fields.extend(scopes.iter().map(|scope| ("scopes[]", *scope)));
        let answer = ada.send(&page, "/form/api-key/create", &fields).await;
        assert_eq!(answer.location(), page, "{scopes:?}");
        assert!(ada.get(&page).await.text().contains("id=\"scopes-error\""), "{scopes:?}");
    }
    let keys = ada.get(&format!("/apps/{application}/development/keys")).await.text();
    assert!(keys.contains("No key for development yet"), "{keys}");
}
