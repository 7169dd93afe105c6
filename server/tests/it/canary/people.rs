//! People sign in and set things up, and type secrets into the wrong fields.

use super::{planted::Planted, scene::Scene};
use crate::{
    identity_providers::{add, new_id},
    outbox::Outbox,
    second_factors::set_up,
    support::{Browser, PASSWORD, Portal, basic, between, form_request},
};
use http::{StatusCode, header};

const ADA: &str = "ada@example.org";
const EVE: &str = "eve@example.org";
const GRACE: &str = "grace@example.org";
const WRONG: &str = "canary-wrong-password";
/// What shows the links of mails that are not sent.
const OUTBOX: Option<&str> = Some("a page of an admin: /admin/outbox");

/// Passwords, right and wrong, and what browsers have from then on.
pub(super) async fn prove_themselves(scene: &mut Scene, planted: &mut Planted) {
    planted.plant("a wrong password", WRONG);
    planted.plant("what is no passkey", "canary-passkey-answer");
    let portal = &scene.stage.portal;
    let mut eve = portal.browser();
    for email in [ADA, "nobody@example.org"] {
        let failed = eve.send("/login", "/form/account/sign-in", &[("email", email), ("password", WRONG)]).await;
        planted.saw("a sign-in that failed", &failed);
        planted.saw("a page of Eve: /login", &eve.get("/login").await);
    }
    let weak = [("name", "Eve"), ("email", EVE), ("password", "canarycanarycanary")];
    planted.saw("a weak password", &eve.send("/signup", "/form/account/sign-up", &weak).await);
    planted.saw("a page of Eve: /signup", &eve.get("/signup").await);
    let passkey = [("answer", "canary-passkey-answer")];
    planted.saw("no passkey", &eve.send("/login/passkey", "/form/account/passkey-sign-in", &passkey).await);
    planted.saw("a page of Eve: /login/passkey", &eve.get("/login/passkey").await);
    let stage = &mut scene.stage;
    for (current, new) in [(WRONG, "copper lanterns drift inland"), (PASSWORD, "canarycanarycanary")] {
        let change = [("current_password", current), ("password", new)];
        let refused = stage.ada.send("/account/security", "/form/account/change-password", &change).await;
        planted.saw("a change of a password", &refused);
        planted.saw("a page of Ada: /account/security", &stage.ada.get("/account/security").await);
    }
    // Grace lets programs send hers.
    let allow = [("allowed", "yes")];
    stage.grace.send("/account/sign-in-methods", "/form/account/allow-password", &allow).await;
    for (password, status) in [(PASSWORD, StatusCode::OK), (WRONG, StatusCode::UNAUTHORIZED)] {
        let authorization = basic(GRACE, password);
        planted.plant("a password, encoded", &authorization["Basic ".len()..]);
        let answer = stage.portal.api("GET", "/api/v1/whoami", &[("authorization", &authorization)], "").await;
        assert_eq!(answer.status, status, "{answer:?}");
        planted.saw("a password at the API", &answer);
    }
    for browser in [&mut stage.ada, &mut stage.grace, &mut scene.admin] {
        have_what_browsers_have(browser, planted).await;
    }
}

async fn have_what_browsers_have(browser: &mut Browser, planted: &mut Planted) {
    planted.plant("the id of a session", &browser.cookies["latchkey"]);
    planted.plant("what makes a browser known", &browser.cookies["latchkey_device"]);
    let token = browser.token().await;
    planted.plant_shown("the token of forms", &token, Some("a page of "));
}

/// Links of every kind, used and not.
pub(super) async fn are_mailed_links(scene: &mut Scene, planted: &mut Planted) {
    let portal = &scene.stage.portal;
    let mut outbox = Outbox(scene.admin.clone());
    let mut eve = portal.member(EVE).await;
    portal.browser().send("/forgot", "/form/account/forgot", &[("email", EVE)]).await;
    let reset = outbox.link(portal, EVE, "/reset").await;
    planted.plant_shown("a link for another password", token_of(&reset), OUTBOX);
    for password in ["canarycanarycanary", "a canary that sings at dawn"] {
        let fields = [("token", token_of(&reset)), ("password", password)];
        eve.send(&reset, "/form/account/reset-password", &fields).await;
    }
    planted.plant("a password that was set by a link", "a canary that sings at dawn");
    planted.saw("a page of Eve: /login", &eve.get("/login").await);

    let verify = outbox.link(portal, GRACE, "/verify-email").await;
    planted.plant_shown("a link that confirms an address", token_of(&verify), OUTBOX);
    let ada = &mut scene.stage.ada;
    // It is not hers.
    ada.send(&verify, "/form/account/confirm-email", &[("token", token_of(&verify))]).await;
    let new = "ada.lovelace@example.net";
    ada.send("/account/profile", "/form/account/change-email", &[("email", new)]).await;
    let change = outbox.link(portal, new, "/verify-email").await;
    planted.plant_shown("a link to another address", token_of(&change), OUTBOX);
    let team = ada.team_id().await;
    let page = format!("/teams/{team}");
    let invite = [("team", team.as_str()), ("email", "carol@example.org"), ("role", "developer")];
    ada.send(&page, "/form/team/invite", &invite).await;
    let invitation = outbox.link(portal, "carol@example.org", "/invitation").await;
    planted.plant_shown("an invitation", token_of(&invitation), OUTBOX);
}

fn token_of(link: &str) -> &str {
    link.split_once("token=").unwrap().1
}

/// A provider's secret, a rotated key, and keys in fields for something else.
pub(super) async fn type_secrets_elsewhere(scene: &mut Scene, planted: &mut Planted) {
    let application = scene.stage.application.clone();
    let secret = "canary-secret-of-a-provider";
    planted.plant("the secret of a provider", secret);
    let id = new_id();
    for (issuer, taken) in [("nowhere", false), ("https://provider.example", true)] {
        let added = add(&mut scene.admin, &id, issuer, "us", secret).await;
        assert_eq!(added.location() == "/admin/identity-providers", taken, "{added:?}");
        planted.saw("a provider", &added);
        let page = scene.admin.get(added.location()).await;
        planted.saw("a page of an admin: about a provider", &page);
    }
    scene.provider = id;
    let ada = &mut scene.stage.ada;
    let page = format!("/apps/{application}/production/keys/{}", ada.key_id(&application, "production").await);
    let list = ada.rotate(&page, "24h", "now").await.location().to_owned();
    let next = ada.secret_on(&list).await;
    planted.plant_credential("the key that takes over", &next);

    let logs = format!("/apps/{application}/development/logs");
    for text in [&scene.key, &scene.verifier] {
        let query = format!("text={text}");
        let view = [("page", logs.as_str()), ("query", query.as_str()), ("name", "Mine")];
        planted.saw("a view that is not kept", &ada.send(&logs, "/form/request-log/save-view", &view).await);
        planted.saw("a page of Ada: a log", &ada.get(&logs).await);
    }
    let notes = format!("the old one was {}", scene.key);
    planted.saw("notes with a key", &ada.create_key(&application, "staging", &[("notes", &notes)]).await);
    planted.saw("a page of Ada: a new key", &ada.get(&format!("/apps/{application}/staging/keys/new")).await);
    let reason = format!("it was used with {}", scene.production);
    let block = [("network", "198.51.100.0/24"), ("hours", "1"), ("reason", reason.as_str())];
    planted.saw("a block", &scene.admin.send("/admin/blocks", "/form/block/add", &block).await);
    let blocks = scene.admin.get("/admin/blocks").await;
    assert!(blocks.text().contains("it was used with lk_live_"), "{blocks:?}");
    planted.saw("a page of an admin: the blocks", &blocks);
    sign_in_as(&scene.stage.portal, &scene.token).await;
}

/// A browser that says that it is a token.
async fn sign_in_as(portal: &Portal, agent: &str) {
    let mut browser = portal.browser();
    let csrf = browser.token().await;
    let fields = [("_csrf", csrf.as_str()), ("_back", "/login"), ("email", GRACE), ("password", PASSWORD)];
    let mut request = form_request("/form/account/sign-in", &fields);
    request.headers_mut().insert(header::USER_AGENT, agent.parse().unwrap());
    assert_eq!(browser.send_request(request).await.location(), "/dashboard");
}

/// An app on a phone, and codes for when it is lost.
pub(super) async fn add_a_second_factor(scene: &mut Scene, planted: &mut Planted) {
    let (portal, ada) = (&scene.stage.portal, &mut scene.stage.ada);
    let page = ada.get("/account/security/app").await.text();
    let seed = between(&page, "<code class=\"seed\">", "</code>").to_owned();
    planted.plant("a seed as it is shown", &seed);
    let seed = seed.replace(' ', "");
    planted.plant("a seed", &seed);
    planted.plant_bytes("the bytes of a seed", totp_rs::Secret::try_from_base32(&seed).unwrap().as_bytes());
    let (_, codes) = set_up(portal, ada).await;
    for code in &codes {
        planted.plant("a recovery code", code);
        planted.plant("a recovery code without its dashes", &code.replace('-', ""));
    }
    planted.plant("a wrong recovery code", "canary-recovery-code");
    // Halfway in, on the way to where a mail leads.
    planted.plant("a link that somebody wants to go on to", "canary-invitation");
    let next = ("next", "/invitation?token=canary-invitation");
    let mut halfway = portal.browser();
    halfway.send("/login", "/form/account/sign-in", &[("email", ADA), ("password", PASSWORD), next]).await;
    let mut browser = portal.browser();
    browser.send("/login", "/form/account/sign-in", &[("email", ADA), ("password", PASSWORD)]).await;
    for code in ["canary-recovery-code", codes[0].as_str()] {
        let answer = browser.send("/second-factor", "/form/second-factor/verify", &[("code", code)]).await;
        planted.saw("a recovery code", &answer);
        planted.saw("a page of Ada: after a recovery code", &browser.get(answer.location()).await);
    }
    assert_eq!(browser.get("/account/profile").await.status, StatusCode::OK, "the right one lets her in");
    have_what_browsers_have(&mut browser, planted).await;
    have_what_browsers_have(ada, planted).await;
}
