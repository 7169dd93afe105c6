//! Who and what there is on the stage, with the secrets that it takes to set it.

use super::planted::Planted;
use crate::{
    gateway::fields,
    leaks::Github,
    stage::{Stage, encoded},
    support::{Browser, Machine, ORIGIN, PASSWORD, Portal, basic, mistyped, new_account},
};
use http::StatusCode;
use latchkey_core::port::AccountReader;
use server::config::Given;

/// What the app may ask for.
pub(super) const SCOPES: &[&str] = &["openid", "profile", "email", "read:posts", "write:posts"];

/// A portal with a guarded API, an admin, Ada with an app and programs, and Grace, who uses the app.
pub(super) struct Scene {
    pub(super) stage: Stage,
    pub(super) admin: Browser,
    pub(super) github: Github,
    /// Ada's service account, whose tokens are JWTs.
    pub(super) machine: Machine,
    /// The service account that may ask what requests are worth, and its token for that.
    pub(super) verifier: String,
    /// A key of the development environment.
    pub(super) key: String,
    /// The id of its row.
    pub(super) key_id: String,
    /// A key that is let in at the guarded API.
    pub(super) production: String,
    /// A personal access token, and the id of its row.
    pub(super) token: String,
    pub(super) token_id: String,
    /// The id of the first request of all.
    pub(super) first: String,
    /// The id of a provider.
    pub(super) provider: String,
    /// The id of Ada's account, and of her team.
    pub(super) account: String,
    pub(super) team: String,
    /// The ids of a webhook of hers, and of one of the portal's.
    pub(super) webhook: String,
    pub(super) portal_webhook: String,
}

impl Scene {
    pub(super) async fn set(given: Given, planted: &mut Planted) -> Self {
        let github = Github::start().await;
        let given = Given {
            trusted_proxies: Some("10.0.0.0/8".to_owned()),
            github_keys_url: github.address.parse().ok(),
            requests_per_minute: "100000".parse().ok(),
            team_requests_per_minute: "100000".parse().ok(),
            unknown_keys_per_minute: "100000".parse().ok(),
            reports_per_minute: "100000".parse().ok(),
            log_rows_per_second: "10000".parse().ok(),
            ..given
        };
        let portal = Portal::with(given).await;
        let server_secret = std::fs::read_to_string(portal.folder.path().join("secret.key")).unwrap();
        planted.plant("the server's own secret", server_secret.trim());
        let mut admin = first_admin(&portal, planted).await;
        let mut stage = Stage::build(portal, SCOPES, &[]).await;
        planted.plant_credential("the app's secret", &stage.secret);
        planted.plant_credential("a mistyped secret of the app", &mistyped(&stage.secret));
        planted.plant("the app's secret, encoded", &basic(&stage.client_id, &stage.secret)["Basic ".len()..]);

        let (ada, application) = (&mut stage.ada, stage.application.clone());
        let key = ada.key(&application, "development", &["read:posts", "write:posts"], "never").await;
        let key_id = ada.key_id(&application, "development").await;
        let token = ada.token_with(&[("scopes[]", "read:posts"), ("expiry", "30")]).await;
        let token_id = ada.token_id().await;
        let machine = ada.service_account(&application, "development", &["read:posts"], &[]).await;
        planted.plant_credential("the secret of a service account", &machine.secret);
        let verifier = ada.service_account(&application, "production", &["read:posts"], &[]).await;
        planted.plant_credential("the secret of a verifier", &verifier.secret);
        let api = fields(&[("verifiers", &verifier.client_id)]);
        let made = admin.send("/admin/apis/new", "/form/guarded-api/save", &api).await;
        assert_eq!(made.location(), "/admin/apis/orders", "{made:?}");
        // Its scopes are there from now on.
        let production = ada.key(&application, "production", &["read:posts", "orders:read"], "never").await;
        for (what, credential) in [("a key", &key), ("a production key", &production), ("a personal token", &token)] {
            planted.plant_credential(what, credential);
            planted.plant_credential(&format!("{what}, mistyped"), &mistyped(credential));
        }
        let gateway = format!("{ORIGIN}/gateway");
        let body = encoded(&[("grant_type", "client_credentials"), ("resource", &gateway)]);
        let answer = stage.portal.oauth("/oauth/token", Some(&verifier.basic()), &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let verifier = answer.json()["access_token"].as_str().unwrap().to_owned();
        planted.plant_credential("a token for the gateway", &verifier);
        let (provider, team) = (String::new(), ada.team_id().await);
        let (account, _) = stage.portal.store.account_by_email("ada@example.org").await.unwrap().unwrap();
        let account = account.id.to_string();
        let (of, alerts) = (format!("team:{team}"), format!("/teams/{team}/alerts"));
        planted.plant_kept("a token of a team's webhook", "canary-token-of-her-team", "a page of Ada: /teams/");
        let webhook = add_webhook(ada, &of, &alerts, "canary-token-of-her-team", planted).await;
        planted.plant_kept("a token of a webhook", "canary-token-of-the-portal", "a page of an admin: /admin/alerts/");
        let portal_webhook =
            add_webhook(&mut admin, "portal", "/admin/alerts", "canary-token-of-the-portal", planted).await;
        // Nobody is there: that is noted, and logged.
        assert_eq!(stage.portal.state.services.courier.deliver().await.unwrap(), 0);
        let first = stage.portal.with_key(&key, "GET", "/api/v1/whoami", "").await.header("x-request-id").to_owned();
        Self {
            stage,
            admin,
            github,
            machine,
            verifier,
            key,
            key_id,
            production,
            token,
            token_id,
            first,
            provider,
            account,
            team,
            webhook,
            portal_webhook,
        }
    }

    pub(super) fn portal(&self) -> &Portal {
        &self.stage.portal
    }
}

/// Adds a webhook to these alerts, at an address with this token in it, and gives it another secret; its id.
async fn add_webhook(browser: &mut Browser, of: &str, alerts: &str, token: &str, planted: &mut Planted) -> String {
    let url = format!("https://hook.invalid/?token={token}");
    let fields = [("of", of), ("name", "On call"), ("url", url.as_str())];
    let added = browser.send(&format!("{alerts}/webhooks/new"), "/form/webhook/add", &fields).await;
    let page = added.location().to_owned();
    let secret = browser.secret_on(&page).await;
    planted.plant("the secret of a webhook", secret.strip_prefix("whsec_").unwrap());
    let id = page.rsplit('/').next().unwrap().to_owned();
    browser.send(&page, "/form/webhook/rotate", &[("of", of), ("id", &id)]).await;
    let secret = browser.secret_on(&page).await;
    planted.plant("the next secret of a webhook", secret.strip_prefix("whsec_").unwrap());
    browser.send(&page, "/form/webhook/test", &[("of", of), ("id", &id)]).await;
    id
}

async fn first_admin(portal: &Portal, planted: &mut Planted) -> Browser {
    let token = portal.state.services.accounts.setup_link().await.unwrap();
    planted.plant("the setup link", token.expose());
    planted.plant("the password", PASSWORD);
    planted.plant("a weak password", "canarycanarycanary");
    let mut admin = portal.browser();
    let weak = [
        ("name", "Eve"),
        ("email", "admin@example.org"),
        ("password", "canarycanarycanary"),
        ("token", token.expose()),
    ];
    let refused = admin.send("/setup", "/form/account/setup", &weak).await;
    assert_ne!(refused.location(), "/dashboard", "{refused:?}");
    let mut fields = new_account("admin@example.org");
    fields.push(("token", token.expose()));
    let answer = admin.send("/setup", "/form/account/setup", &fields).await;
    assert_eq!(answer.location(), "/dashboard", "{answer:?}");
    let spent = admin.send("/setup", "/form/account/setup", &fields).await;
    assert_eq!(spent.status, StatusCode::SEE_OTHER, "{spent:?}");
    admin
}
