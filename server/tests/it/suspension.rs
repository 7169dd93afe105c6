//! What admins suspend, reinstate and revoke, whoever owns it.

use crate::{
    stage::{SCOPES, Stage, error},
    support::{Answer, Browser, LOOPBACK, Node, PASSWORD, Portal, basic, send},
};
use axum::body::Body;
use http::{Request, StatusCode};
use latchkey_core::port::AccountReader;
use time::Duration;

const WHY: &str = "it sends spam since Monday";

pub(crate) async fn act(admin: &mut Browser, on: &str, id: &str, act: &str, reason: &str) -> String {
    let fields = [("on", on), ("id", id), ("act", act), ("reason", reason)];
    let answer = admin.send("/admin/credentials", "/form/directory/act", &fields).await;
    admin.get(answer.location()).await.text()
}

pub(crate) async fn account_id(portal: &Portal, email: &str) -> String {
    portal.store.account_by_email(email).await.unwrap().unwrap().0.id.to_string()
}

async fn asks(portal: &Portal, credential: &str) -> Answer {
    portal.with_key(credential, "GET", "/api/v1/posts", "").await
}

/// Refused like any credential that does not work; only its owner and admins read why.
async fn is_suspended(portal: &Portal, answer: &Answer, code: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::UNAUTHORIZED, code), "{answer:?}");
    assert!(!answer.text().contains("suspend"), "the caller is told the class alone: {answer:?}");
    let row = portal.recorded(answer).await;
    assert_eq!((row.reason.as_deref(), row.attribution.is_some()), (Some("suspended"), true));
}

async fn sign_in(portal: &Portal, email: &str, password: &str) -> (Browser, String) {
    let mut browser = portal.browser();
    let answer = browser.send("/login", "/form/account/sign-in", &[("email", email), ("password", password)]).await;
    let text = browser.get(answer.location()).await.text();
    (browser, text)
}

/// Asks another node until it says so: what one changes, the others hear a moment later.
async fn becomes(node: &Node, credential: &str, expected: StatusCode) {
    for _ in 0..100 {
        let request = Request::builder().uri("/api/v1/posts").header("authorization", format!("Bearer {credential}"));
        let answer = send(&node.app, LOOPBACK, request.body(Body::empty()).unwrap()).await;
        if answer.status == expected {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the other node did not answer {expected} within two seconds");
}

#[tokio::test]
async fn nothing_of_a_suspended_application_is_let_in_until_it_is_reinstated() {
    let portal = Portal::start().await;
    let (mut admin, mut ada) = (portal.admin().await, portal.member("ada@example.org").await);
    let application = ada.application("Bookshelf").await;
    let key = ada.key(&application, "development", &["read:posts"], "never").await;
    let machine = ada.service_account(&application, "production", &["read:posts"], &[]).await;
    let token = portal.token_of(&machine).await;
    let opaque = ada.service_account(&application, "staging", &["read:posts"], &[("token_form", "opaque")]).await;
    let opaque = portal.token_of(&opaque).await;
    let (other, personal) =
        (ada.application("Elsewhere").await, ada.token_with(&[("scopes[]", "read:posts"), ("expiry", "30")]).await);
    let elsewhere = ada.key(&other, "development", &["read:posts"], "never").await;
    for credential in [&key, &token, &opaque, &personal, &elsewhere] {
        assert_eq!(asks(&portal, credential).await.status, StatusCode::OK);
    }

    act(&mut admin, "application", &application, "suspend", WHY).await;
    for credential in [&key, &token, &opaque] {
        is_suspended(&portal, &asks(&portal, credential).await, "invalid_token").await;
    }
    let asked = portal.oauth("/oauth/token", Some(&machine.basic()), "grant_type=client_credentials").await;
    assert_eq!((asked.status, error(&asked).as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
    for credential in [&personal, &elsewhere] {
        assert_eq!(asks(&portal, credential).await.status, StatusCode::OK, "nothing else is touched");
    }
    // A key that is made meanwhile is the application's, too.
    let later = ada.key(&application, "staging", &["read:posts"], "never").await;
    let refused = asks(&portal, &later).await;
    is_suspended(&portal, &refused, "invalid_token").await;
    let page = ada.get(&format!("/logs/{}", refused.header("x-request-id"))).await.text();
    assert!(page.contains("an admin suspended its application"), "{page}");
    assert!(page.contains("Write to whoever runs this portal"), "{page}");
    for part in ["keys", "clients", "settings"] {
        let page = ada.get(&format!("/apps/{application}/development/{part}")).await.text();
        assert!(page.contains("was suspended by an admin") && page.contains(WHY), "{part}: {page}");
    }
    assert!(ada.get("/account/notices").await.text().contains("An admin suspended the application Bookshelf"));
    let team = ada.team_id().await;
    let log = ada.get(&format!("/teams/{team}/audit")).await.text();
    assert!(log.contains("Suspended an application") && log.contains(WHY), "{log}");

    let again = act(&mut admin, "application", &application, "suspend", WHY).await;
    assert!(again.contains("It is like that already"), "{again}");
    act(&mut admin, "application", &application, "reinstate", "they mended it").await;
    for credential in [&key, &token, &opaque, &later] {
        assert_eq!(asks(&portal, credential).await.status, StatusCode::OK, "as it was");
    }
    portal.token_of(&machine).await;
    let page = ada.get(&format!("/apps/{application}/development/keys")).await.text();
    assert!(!page.contains("was suspended"), "{page}");
}

#[tokio::test]
async fn a_suspended_client_gets_nothing_and_its_tokens_are_refused() {
    let mut stage = Stage::set(&[]).await;
    let mut admin = stage.portal.admin().await;
    let tokens = stage.tokens().await;
    assert!(stage.works(&tokens).await);
    let code = stage.code().await;
    let id = stage.page.rsplit('/').next().unwrap().to_owned();
    act(&mut admin, "client", &id, "suspend", WHY).await;
    is_suspended(&stage.portal, &asks(&stage.portal, &tokens.access).await, "invalid_token").await;
    for answer in [stage.redeem_code(&code).await, stage.refresh(&tokens.refresh).await] {
        assert_eq!(error(&answer), "invalid_client", "as one that is revoked: {answer:?}");
    }
    let asked = stage.grace.get(&stage.url(|_| ())).await;
    assert!(asked.location().is_empty(), "nobody is led to it: {asked:?}");
    let page = stage.ada.get(&stage.page).await.text();
    assert!(page.contains("Suspended") && page.contains(WHY), "{page}");
    act(&mut admin, "client", &id, "reinstate", "they mended it").await;
    assert!(stage.works(&tokens).await, "as it was");
    assert_eq!(stage.redeem_code(&code).await.status, StatusCode::OK, "a code that nobody spent, too");
    assert_eq!(stage.refresh(&tokens.refresh).await.status, StatusCode::OK);
}

#[tokio::test]
async fn asvs_7_4_2_a_suspended_account_opens_by_nothing_until_it_is_reinstated() {
    let mut stage = Stage::set(&[]).await;
    let (email, methods) = ("grace@example.org", "/account/sign-in-methods");
    let mut admin = stage.portal.admin().await;
    let tokens = stage.tokens().await;
    let code = stage.code().await;
    let personal = stage.grace.token_with(&[("scopes[]", "read:posts"), ("expiry", "30")]).await;
    stage.grace.send(methods, "/form/account/allow-password", &[("allowed", "yes")]).await;
    let by_password = async |portal: &Portal, password: &str| {
        portal.api("GET", "/api/v1/whoami", &[("authorization", &basic(email, password))], "").await
    };
    assert_eq!(by_password(&stage.portal, PASSWORD).await.status, StatusCode::OK);
    assert_eq!(asks(&stage.portal, &personal).await.status, StatusCode::OK);
    let id = account_id(&stage.portal, email).await;

    act(&mut admin, "account", &id, "suspend", WHY).await;
    let answer = stage.grace.get("/dashboard").await;
    assert!(answer.location().starts_with("/login"), "the session has ended: {answer:?}");
    is_suspended(&stage.portal, &asks(&stage.portal, &personal).await, "invalid_token").await;
    is_suspended(&stage.portal, &asks(&stage.portal, &tokens.access).await, "invalid_token").await;
    is_suspended(&stage.portal, &by_password(&stage.portal, PASSWORD).await, "invalid_credentials").await;
    for answer in [stage.redeem_code(&code).await, stage.refresh(&tokens.refresh).await] {
        assert_eq!(error(&answer), "invalid_grant", "{answer:?}");
    }
    // Whoever has the password learns it; whoever guesses reads what everybody reads.
    let (mut browser, told) = sign_in(&stage.portal, email, PASSWORD).await;
    assert!(told.contains("This account is suspended") && told.contains("whoever runs this portal"), "{told}");
    assert!(browser.get("/dashboard").await.location().starts_with("/login"));
    let what_everybody_reads = "The e-mail or the password is not right.";
    let (_, guessed) = sign_in(&stage.portal, email, "another password").await;
    let (_, unknown) = sign_in(&stage.portal, "nobody@example.org", "another password").await;
    for page in [guessed, unknown] {
        assert!(page.contains(what_everybody_reads) && !page.contains("suspended"), "{page}");
    }
    let wrong = by_password(&stage.portal, "another password").await;
    assert_eq!(stage.portal.recorded(&wrong).await.reason.as_deref(), Some("wrong_password"));

    act(&mut admin, "account", &id, "reinstate", "we talked").await;
    assert!(stage.grace.get("/dashboard").await.location().starts_with("/login"), "sessions stay ended");
    assert!(stage.works(&tokens).await);
    assert_eq!(asks(&stage.portal, &personal).await.status, StatusCode::OK);
    assert_eq!(by_password(&stage.portal, PASSWORD).await.status, StatusCode::OK);
    assert_eq!(stage.redeem_code(&code).await.status, StatusCode::OK);
    let (mut browser, _) = sign_in(&stage.portal, email, PASSWORD).await;
    assert_eq!(browser.get("/dashboard").await.status, StatusCode::OK);
    let log = browser.get("/account/activity").await.text();
    for noted in ["Suspended the account", WHY, "Reinstated the account", "we talked"] {
        assert!(log.contains(noted), "{noted}: {log}");
    }
}

#[tokio::test]
async fn only_an_admin_acts_and_says_why_and_not_on_the_last_admin() {
    let portal = Portal::start().await;
    let (mut admin, mut ada) = (portal.admin().await, portal.member("ada@example.org").await);
    let mut eve = portal.member("eve@example.org").await;
    let application = ada.application("Bookshelf").await;
    let key = ada.key(&application, "development", &["read:posts"], "never").await;
    let key_id = ada.key_id(&application, "development").await;
    let (own, of_ada) = (account_id(&portal, "admin@example.org").await, account_id(&portal, "ada@example.org").await);
    for (on, id, word) in
        [("application", &application, "suspend"), ("account", &of_ada, "suspend"), ("key", &key_id, "revoke")]
    {
        for reason in ["", "-"] {
            let fields = [("on", on), ("id", id.as_str()), ("act", word), ("reason", reason)];
            let page = format!("/admin/accounts/{of_ada}");
            let answer = admin.send(&page, "/form/directory/act", &fields).await;
            assert_eq!(answer.location(), page, "{answer:?}");
            let text = admin.get(&page).await.text();
            assert!(text.contains("another look") && (on == "key" || text.contains("Say why")), "{on}: {text}");
        }
        eve.send("/dashboard", "/form/directory/act", &[("on", on), ("id", id), ("act", word), ("reason", WHY)]).await;
    }
    assert_eq!(asks(&portal, &key).await.status, StatusCode::OK);
    assert_eq!(ada.get("/dashboard").await.status, StatusCode::OK);
    for path in ["/admin/accounts", &format!("/admin/accounts/{of_ada}"), "/admin/credentials"] {
        assert_eq!(eve.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert!(act(&mut admin, "account", &own, "suspend", WHY).await.contains("You cannot suspend yourself"));
    // It takes a fresh sign-in, as ending one's own credentials does.
    portal.clock.advance(Duration::minutes(10));
    let fields = [("on", "account"), ("id", of_ada.as_str()), ("act", "suspend"), ("reason", WHY)];
    let answer = admin.send("/admin/accounts", "/form/directory/act", &fields).await;
    assert!(answer.location().starts_with("/login") && answer.location().contains("again=yes"), "{answer:?}");
    assert_eq!(ada.get("/dashboard").await.status, StatusCode::OK);
}

#[tokio::test]
async fn any_credential_is_found_by_its_public_part_and_revoked_with_a_reason() {
    let portal = Portal::start().await;
    let (mut admin, mut ada) = (portal.admin().await, portal.member("ada@example.org").await);
    let application = ada.application("Bookshelf").await;
    let key = ada.key(&application, "development", &["read:posts"], "never").await;
    let key_id = ada.key_id(&application, "development").await;
    let machine = ada.service_account(&application, "production", &["read:posts"], &[]).await;
    let token = portal.token_of(&machine).await;
    // A whole key is cut down before it gets into an address.
    let public = &key[7..19];
    for typed in [key.clone(), format!("Authorization: Bearer {key}"), format!("lk_dev_{}…{}", &key[7..11], &key[54..])]
    {
        let answer = admin.send("/admin/credentials", "/form/directory/find", &[("credential", &typed)]).await;
        let location = answer.location().to_owned();
        assert!(public.starts_with(location.strip_prefix("/admin/credentials?q=").unwrap()), "{location}");
        let page = admin.get(&location).await.text();
        assert!(page.contains("Web backend") && page.contains(&key_id), "{typed}: {page}");
        assert!(!page.contains(&key[19..]), "r53");
    }
    let led = admin.get(&format!("/admin/credentials?q={key}")).await;
    assert_eq!(led.location(), format!("/admin/credentials?q={public}"));
    let nothing = admin.send("/admin/credentials", "/form/directory/find", &[("credential", &token)]).await;
    assert_eq!(nothing.location(), "/admin/credentials", "a signed token is no name");
    for sought in [&machine.client_id, "nightly", &machine.secret[7..19]] {
        let page = admin.get(&format!("/admin/credentials?q={sought}")).await.text();
        assert!(page.contains("Nightly import"), "{sought}: {page}");
    }
    let accounts = admin.get("/admin/accounts?text=ADA%40&role=developer&state=live").await.text();
    assert!(accounts.contains("ada@example.org") && !accounts.contains("/admin/accounts/null"), "{accounts}");
    assert!(!admin.get("/admin/accounts?state=suspended").await.text().contains("ada@example.org"));

    // Before a key is revoked, the page shows what that would break.
    let served = asks(&portal, &key).await;
    portal.recorded(&served).await;
    let revoke = format!("/admin/credentials/{key_id}/revoke");
    assert!(admin.get(&format!("/admin/credentials?q={public}")).await.text().contains(&revoke));
    let page = admin.get(&revoke).await.text();
    assert!(page.contains("Revoking it would have refused all 1 request of the last 24 hours"), "{page}");
    assert!(page.contains("GET /api/v1/posts") && page.contains("127.0.0.1"), "{page}");
    assert_eq!(ada.get(&revoke).await.status, StatusCode::NOT_FOUND);

    act(&mut admin, "key", &key_id, "revoke", WHY).await;
    let page = admin.get(&revoke).await.text();
    assert!(page.contains("revoked by an admin") && !page.contains("directory/act"), "{page}");
    let refused = asks(&portal, &key).await;
    assert_eq!(portal.recorded(&refused).await.reason.as_deref(), Some("revoked"));
    let page = ada.get(&format!("/logs/{}", refused.header("x-request-id"))).await.text();
    assert!(page.contains("revoked by an admin"), "{page}");
    act(&mut admin, "client", machine.id(), "revoke", "it was found in a public place").await;
    assert_eq!(asks(&portal, &token).await.status, StatusCode::UNAUTHORIZED);
    let again = act(&mut admin, "client", machine.id(), "revoke", WHY).await;
    assert!(again.contains("It is like that already"), "{again}");
    let team = ada.team_id().await;
    let log = ada.get(&format!("/teams/{team}/audit")).await.text();
    for noted in ["Revoked a key", WHY, "Revoked a client", "it was found in a public place"] {
        assert!(log.contains(noted), "{noted}: {log}");
    }
    let notices = ada.get("/account/notices").await.text();
    assert!(notices.contains("An admin revoked") && notices.contains(WHY), "{notices}");
}

#[tokio::test]
async fn other_nodes_hear_of_suspensions() {
    let mut stage = Stage::build(Portal::on_postgres().await, SCOPES, &[]).await;
    let mut admin = stage.portal.admin().await;
    let node = stage.portal.another_node().await;
    let application = stage.application.clone();
    let key = stage.ada.key(&application, "development", &["read:posts"], "never").await;
    let tokens = stage.tokens().await;
    let personal = stage.grace.token_with(&[("scopes[]", "read:posts"), ("expiry", "30")]).await;
    for credential in [&key, &tokens.access, &personal] {
        becomes(&node, credential, StatusCode::OK).await;
    }
    let client = stage.page.rsplit('/').next().unwrap().to_owned();
    let grace = account_id(&stage.portal, "grace@example.org").await;
    for (on, id, of_it) in [
        ("application", &application, vec![&key, &tokens.access]),
        ("client", &client, vec![&tokens.access]),
        ("account", &grace, vec![&personal, &tokens.access]),
    ] {
        act(&mut admin, on, id, "suspend", WHY).await;
        for credential in &of_it {
            becomes(&node, credential, StatusCode::UNAUTHORIZED).await;
        }
        act(&mut admin, on, id, "reinstate", "they mended it").await;
        for credential in &of_it {
            becomes(&node, credential, StatusCode::OK).await;
        }
    }
}
