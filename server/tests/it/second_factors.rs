//! What is asked for beside a password: codes are taken once, no way in goes past them, and of whom they are asked.

use crate::support::{Answer, Browser, LOOPBACK, PASSWORD, Portal, basic, between, form_request, join_all};
use axum::body::Body;
use http::{Request, StatusCode};
use latchkey_core::port::{AccountReader, Consumed, SecondFactorReader, Store};
use server::config::Given;
use time::Duration;
use totp_rs::{Builder, Totp};

const ADA: &str = "ada@example.org";
const SECURITY: &str = "/account/security";

/// The app on somebody's phone.
pub(crate) struct App(Totp);

impl App {
    fn of(secret: &str) -> Self {
        let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
        Self(Builder::new().with_secret(secret).with_account_name("x").build().unwrap())
    }

    fn code(&self, portal: &Portal) -> String {
        self.code_in(portal, 0)
    }

    /// The code of so many steps from now.
    fn code_in(&self, portal: &Portal, steps: i64) -> String {
        let seconds = portal.clock_now().unix_timestamp() + 30 * steps;
        self.0.generate(u64::try_from(seconds).unwrap()).to_string()
    }
}

/// Sets an app up; the app, and the recovery codes that come with it.
pub(crate) async fn set_up(portal: &Portal, browser: &mut Browser) -> (App, Vec<String>) {
    let page = browser.get("/account/security/app").await.text();
    assert!(page.contains("class=\"qr\""), "{page:.9000}");
    let secret = between(&page, "<code class=\"seed\">", "</code>").replace(' ', "");
    let app = App::of(&secret);
    let answer =
        browser.send("/account/security/app", "/form/second-factor/confirm-totp", &[("code", &app.code(portal))]).await;
    assert_eq!(answer.location(), SECURITY, "{answer:?}");
    let shown = browser.secret_on(SECURITY).await;
    (app, shown.lines().map(str::to_owned).collect())
}

async fn first_step(portal: &Portal, email: &str, next: &str) -> (Browser, Answer) {
    let mut browser = portal.browser();
    let fields = [("email", email), ("password", PASSWORD), ("next", next)];
    let answer = browser.send("/login", "/form/account/sign-in", &fields).await;
    (browser, answer)
}

async fn second_step(browser: &mut Browser, code: &str) -> Answer {
    browser.send("/second-factor", "/form/second-factor/verify", &[("code", code)]).await
}

async fn is_signed_in(browser: &mut Browser) -> bool {
    browser.get("/account/profile").await.status == StatusCode::OK
}

#[tokio::test]
async fn r67_a_password_alone_does_not_open_an_account_that_asks_for_more() {
    let portal = Portal::start().await;
    let mut ada = portal.member(ADA).await;
    let (app, codes) = set_up(&portal, &mut ada).await;
    assert_eq!(codes.len(), 10);
    assert!(!ada.get(SECURITY).await.text().contains(&codes[0]), "shown once");
    assert!(is_signed_in(&mut ada).await, "this browser goes on");
    let (mut browser, answer) = first_step(&portal, ADA, "/account/tokens").await;
    assert_eq!(answer.location(), "/second-factor");
    assert!(!is_signed_in(&mut browser).await, "half is nothing");
    let cookie = browser.cookie_header();
    let with_cookie =
        portal.api("GET", "/api/v1/whoami", &[("cookie", &cookie), ("sec-fetch-site", "same-origin")], "").await;
    assert_eq!(with_cookie.status, StatusCode::UNAUTHORIZED, "{with_cookie:?}");
    portal.clock.advance(Duration::seconds(30));
    assert_eq!(second_step(&mut browser, "000000").await.location(), "/second-factor");
    assert!(browser.get("/second-factor").await.text().contains("This code is not right"));
    assert!(!is_signed_in(&mut browser).await);
    let half = browser.cookies["latchkey"].clone();
    assert_eq!(second_step(&mut browser, &app.code(&portal)).await.location(), "/account/tokens");
    assert_ne!(browser.cookies["latchkey"], half, "r10: under a new id");
    assert!(is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn r47_a_code_is_taken_once_and_none_of_before_it() {
    let portal = Portal::start().await;
    let mut ada = portal.member(ADA).await;
    let (app, _) = set_up(&portal, &mut ada).await;
    let sign_in = async |code: String| {
        let (mut browser, _) = first_step(&portal, ADA, "").await;
        second_step(&mut browser, &code).await;
        is_signed_in(&mut browser).await
    };
    assert!(!sign_in(app.code(&portal)).await, "it set the app up");
    assert!(sign_in(app.code_in(&portal, 1)).await, "a clock that is ahead");
    assert!(!sign_in(app.code_in(&portal, 1)).await, "again");
    portal.clock.advance(Duration::seconds(60));
    assert!(!sign_in(app.code_in(&portal, -1)).await, "of the step that was taken");
    assert!(sign_in(app.code(&portal)).await);
    portal.clock.advance(Duration::minutes(2));
    assert!(!sign_in(app.code_in(&portal, 2)).await, "too far ahead");
    assert!(!sign_in(app.code_in(&portal, -2)).await, "too old");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r17_of_64_who_bring_one_code_at_once_one_gets_in() {
    for portal in [Portal::start().await, Portal::on_postgres().await] {
        let mut ada = portal.member(ADA).await;
        set_up(&portal, &mut ada).await;
        let account = portal.store.account_by_email(ADA).await.unwrap().unwrap().0.id;
        let now = portal.clock_now();
        let digest = [7; 32];
        let mut work = portal.store.begin().await.unwrap();
        work.recovery_codes_replace(account, &[digest], now).await.unwrap();
        work.commit().await.unwrap();
        let step = now.unix_timestamp() / 30 + 1;
        for recovery in [false, true] {
            let tries = (0..64).map(|_| {
                let store = portal.store.clone();
                tokio::spawn(async move {
                    let mut work = store.begin().await.unwrap();
                    let taken = if recovery {
                        work.recovery_code_take(account, &digest, now).await.unwrap()
                    } else {
                        work.totp_take(account, step, now).await.unwrap()
                    };
                    work.commit().await.unwrap();
                    taken
                })
            });
            let won = join_all(tries).await.into_iter().filter(|taken| *taken.as_ref().unwrap() == Consumed::Won);
            assert_eq!(won.count(), 1, "recovery: {recovery}");
        }
        assert_eq!(portal.store.recovery_codes_left(account).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_recovery_code_takes_the_place_of_the_app_once_and_its_person_is_told() {
    let portal = Portal::start().await;
    let mut ada = portal.member(ADA).await;
    let (_, codes) = set_up(&portal, &mut ada).await;
    for (code, opens) in [(codes[0].to_uppercase(), true), (codes[0].clone(), false), (codes[1].replace('-', ""), true)]
    {
        let (mut browser, _) = first_step(&portal, ADA, "").await;
        second_step(&mut browser, &code).await;
        assert_eq!(is_signed_in(&mut browser).await, opens, "{code}");
    }
    assert!(ada.get(SECURITY).await.text().contains("8 left"));
    let outbox = portal.admin().await.get("/admin/outbox").await.text();
    assert!(outbox.contains("A recovery code was used") && outbox.contains("8 codes are left"), "{outbox}");
    assert!(!outbox.contains(&codes[0]), "r53");
    // New codes end the old ones.
    portal.clock.advance(Duration::minutes(2));
    ada.send(SECURITY, "/form/second-factor/new-recovery-codes", &[]).await;
    let new: Vec<_> = ada.secret_on(SECURITY).await.lines().map(str::to_owned).collect();
    let (mut browser, _) = first_step(&portal, ADA, "").await;
    second_step(&mut browser, &codes[5]).await;
    assert!(!is_signed_in(&mut browser).await);
    second_step(&mut browser, &new[5]).await;
    assert!(is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn guesses_of_codes_are_few() {
    let portal = Portal::start().await;
    let mut ada = portal.member(ADA).await;
    let (app, _) = set_up(&portal, &mut ada).await;
    portal.clock.advance(Duration::minutes(5));
    let (mut browser, _) = first_step(&portal, ADA, "").await;
    for _ in 0..5 {
        second_step(&mut browser, "123456").await;
    }
    // Another browser, another address: it is the account that is guessed at.
    let (mut other, _) = first_step(&portal, ADA, "").await;
    second_step(&mut other, &app.code(&portal)).await;
    assert!(other.get("/second-factor").await.text().contains("Too many tries"));
    assert!(!is_signed_in(&mut other).await);
    assert!(is_signed_in(&mut ada).await, "r45: whoever is signed in stays so");
}

#[tokio::test]
async fn r43_a_right_password_gives_no_new_guesses_of_codes() {
    let portal = Portal::start().await;
    let mut ada = portal.member(ADA).await;
    let (app, _) = set_up(&portal, &mut ada).await;
    // Her own browser, which has an allowance of its own; somebody sits at it who knows her password.
    portal.clock.advance(Duration::minutes(1));
    let mut browser = ada.clone();
    browser.cookies.remove("latchkey");
    let password = [("email", ADA), ("password", PASSWORD), ("next", "")];
    for _ in 0..2 {
        assert_eq!(browser.send("/login", "/form/account/sign-in", &password).await.location(), "/second-factor");
        for _ in 0..5 {
            second_step(&mut browser, "123456").await;
        }
    }
    assert_eq!(browser.send("/login", "/form/account/sign-in", &password).await.location(), "/second-factor");
    second_step(&mut browser, &app.code(&portal)).await;
    assert!(browser.get("/second-factor").await.text().contains("Too many tries"));
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn r67_a_session_that_never_showed_the_second_factor_opens_nothing_once_there_is_one() {
    let portal = Portal::start().await;
    let mut ada = portal.member(ADA).await;
    let (mut thief, answer) = first_step(&portal, ADA, "").await;
    assert_eq!(answer.location(), "/dashboard");
    let as_thief = async |thief: &Browser| {
        let headers = [("cookie", thief.cookie_header()), ("sec-fetch-site", "same-origin".to_owned())];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        portal.api("GET", "/api/v1/whoami", &headers, "").await.status
    };
    assert_eq!(as_thief(&thief).await, StatusCode::OK);
    set_up(&portal, &mut ada).await;
    assert!(is_signed_in(&mut ada).await);
    assert_eq!(as_thief(&thief).await, StatusCode::UNAUTHORIZED, "at once, at the API too");
    assert!(!is_signed_in(&mut thief).await);
    let page = ada.get("/account/sessions").await.text();
    assert_eq!(page.matches("/form/session/end\"").count(), 1, "hers alone is listed: {page:.6000}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sign_in_that_races_the_set_up_of_a_second_factor_gets_nothing_by_it() {
    let portal = Portal::start().await;
    let mut ada = portal.member(ADA).await;
    let secret = ada.get("/account/security/app").await.text();
    let app = App::of(&between(&secret, "<code class=\"seed\">", "</code>").replace(' ', ""));
    let csrf = ada.token().await;
    let sign_ins = portal.signing_in(ADA).await;
    let code = app.code(&portal);
    let confirm = [("_csrf", csrf.as_str()), ("_back", "/account/security/app"), ("code", code.as_str())];
    let answer = ada.send_request(form_request("/form/second-factor/confirm-totp", &confirm)).await;
    assert_eq!(answer.location(), SECURITY);
    for browser in join_all(sign_ins.into_iter()).await {
        assert!(!is_signed_in(&mut browser.unwrap()).await);
    }
    assert!(is_signed_in(&mut ada).await);
}

#[tokio::test]
async fn whoever_must_set_one_up_cannot_ask_for_none_instead() {
    let portal = Portal::start().await;
    let mut admin = portal.admin().await;
    let settings = "/admin/settings";
    admin.send(settings, "/form/second-factor/require", &[("admins", "yes")]).await;
    for action in ["/form/second-factor/require", "/form/second-factor/new-recovery-codes", "/form/account/rename"] {
        assert_eq!(admin.send(settings, action, &[]).await.location(), SECURITY, "{action}");
    }
    assert_eq!(admin.get(settings).await.location(), SECURITY);
    assert_eq!(admin.get("/account/securityx").await.location(), SECURITY, "a path that only begins like an open one");
    set_up(&portal, &mut admin).await;
    assert!(
        admin.get(settings).await.text().contains("name=\"admins\" value=\"yes\" checked"),
        "it is still asked for"
    );
}

#[tokio::test]
async fn an_operator_lets_somebody_in_again_who_has_lost_everything() {
    let portal = Portal::start().await;
    let mut ada = portal.member(ADA).await;
    let factors = &portal.state.services.second_factors;
    for nobody in [ADA, "nobody@example.org", "no address"] {
        assert!(factors.remove_all(nobody).await.is_err(), "{nobody}");
    }
    set_up(&portal, &mut ada).await;
    factors.remove_all("ADA@example.org").await.unwrap();
    assert!(!is_signed_in(&mut ada).await, "whoever is signed in may be who took the phone");
    let (mut browser, answer) = first_step(&portal, ADA, "").await;
    assert_eq!(answer.location(), "/dashboard");
    assert!(browser.get(SECURITY).await.text().contains("Set up"), "and begins anew");
}

#[tokio::test]
async fn what_was_begun_long_ago_or_with_another_password_leads_nowhere() {
    let portal = Portal::start().await;
    let mut ada = portal.member(ADA).await;
    let (app, _) = set_up(&portal, &mut ada).await;
    let (mut late, _) = first_step(&portal, ADA, "").await;
    portal.clock.advance(Duration::minutes(11));
    assert_eq!(second_step(&mut late, &app.code(&portal)).await.location(), "/login");
    let (mut outdated, _) = first_step(&portal, ADA, "").await;
    let new = "copper lanterns drift inland";
    let fields = [("current_password", PASSWORD), ("password", new)];
    assert_eq!(ada.send(SECURITY, "/form/account/change-password", &fields).await.location(), SECURITY);
    assert_eq!(second_step(&mut outdated, &app.code(&portal)).await.location(), "/login");
    assert!(!is_signed_in(&mut outdated).await);
    let mut nobody = portal.browser();
    assert_eq!(second_step(&mut nobody, &app.code(&portal)).await.location(), "/login");
    assert_eq!(nobody.get("/second-factor").await.location(), "/login");
}

#[tokio::test]
async fn asvs_7_5_1_setting_up_and_removing_take_a_fresh_sign_in() {
    let portal = Portal::start().await;
    let mut ada = portal.member(ADA).await;
    let (app, _) = set_up(&portal, &mut ada).await;
    portal.clock.advance(Duration::minutes(11));
    for action in ["/form/second-factor/remove-totp", "/form/second-factor/new-recovery-codes"] {
        let answer = ada.send(SECURITY, action, &[]).await;
        assert!(answer.location().starts_with("/login?next=%2Faccount%2Fsecurity&again=yes"), "{action}: {answer:?}");
    }
    let page = ada.get("/account/security/passkey").await;
    assert!(page.location().starts_with("/login?next="), "{page:?}");
    // Signing in once more asks for both factors, too.
    let again = [("email", ADA), ("password", PASSWORD), ("next", SECURITY)];
    assert_eq!(ada.send("/login?again=yes", "/form/account/sign-in", &again).await.location(), "/second-factor");
    assert_eq!(second_step(&mut ada, &app.code(&portal)).await.location(), SECURITY);
    assert_eq!(ada.send(SECURITY, "/form/second-factor/remove-totp", &[]).await.location(), SECURITY);
    let (mut browser, answer) = first_step(&portal, ADA, "").await;
    assert_eq!(answer.location(), "/dashboard", "the password is enough again");
    assert!(is_signed_in(&mut browser).await);
    let account = portal.store.account_by_email(ADA).await.unwrap().unwrap().0.id;
    assert_eq!(portal.store.recovery_codes_left(account).await.unwrap(), 0, "they go with the last factor");
}

#[tokio::test]
async fn asvs_7_5_1_what_makes_or_ends_a_secret_takes_a_fresh_sign_in_and_keeps_what_was_typed() {
    let portal = Portal::start().await;
    let mut ada = portal.member(ADA).await;
    let application = ada.application("Bookshelf").await;
    let key = ada.key(&application, "development", &["read:posts"], "never").await;
    let id = ada.key_id(&application, "development").await;
    let keys = format!("/apps/{application}/development/keys");
    let machine = ada.service_account(&application, "development", &["read:posts"], &[]).await;
    ada.token_with(&[("scopes[]", "read:posts"), ("expiry", "30")]).await;
    portal.clock.advance(Duration::minutes(11));
    let form = "01a20000-0000-7000-8000-000000000007";
    let fields = |more: &[(&'static str, &'static str)]| {
        let mut all = vec![("id", id.clone()), ("form_id", form.to_owned())];
        all.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        all
    };
    let of_machine = vec![("id", machine.id().to_owned()), ("form_id", form.to_owned())];
    for (page, action, fields) in [
        (format!("{keys}/{id}/rotate"), "/form/api-key/rotate", fields(&[("overlap", "24h"), ("start", "now")])),
        (format!("{keys}/{id}/revoke"), "/form/api-key/revoke", fields(&[])),
        (machine.page.clone(), "/form/oauth-client/add-secret", of_machine.clone()),
        (format!("{}/revoke", machine.page), "/form/oauth-client/revoke", of_machine),
        (
            "/account/tokens/new".to_owned(),
            "/form/personal-token/create",
            fields(&[("name", "Mine"), ("expiry", "30"), ("scopes[]", "read:posts")]),
        ),
    ] {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = ada.send(&page, action, &fields).await;
        let next = url::form_urlencoded::parse(answer.location().split_once('?').unwrap_or_default().1.as_bytes())
            .find(|(name, _)| name == "next")
            .map(|(_, value)| value.into_owned());
        assert_eq!(next.as_deref(), Some(page.as_str()), "{action}: {answer:?}");
    }
    assert_eq!(portal.with_key(&key, "GET", "/api/v1/posts", "").await.status, StatusCode::OK, "nothing was ended");
    let typed = ada.create_key(&application, "development", &[("notes", "For the import")]).await;
    assert!(typed.location().contains("again=yes"), "{typed:?}");
    let again = [("email", ADA), ("password", PASSWORD), ("next", "/account/tokens")];
    ada.send("/login?again=yes", "/form/account/sign-in", &again).await;
    let page = ada.get(&format!("{keys}/new")).await.text();
    assert!(page.contains("For the import") && page.contains("value=\"Web backend\""), "{page:.9000}");
    let revoked = ada.send(&keys, "/form/api-key/revoke", &[("id", &id)]).await;
    assert_eq!(revoked.location(), keys);
    assert_eq!(portal.with_key(&key, "GET", "/api/v1/posts", "").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn r67_no_program_gets_past_the_second_factor() {
    let portal = Portal::start().await;
    let mut ada = portal.member(ADA).await;
    ada.send("/account/sign-in-methods", "/form/account/allow-password", &[("allowed", "yes")]).await;
    let whoami = async || portal.api("GET", "/api/v1/whoami", &[("authorization", &basic(ADA, PASSWORD))], "").await;
    assert_eq!(whoami().await.status, StatusCode::OK);
    set_up(&portal, &mut ada).await;
    let refused = whoami().await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::UNAUTHORIZED, "invalid_credentials"));
    ada.send("/account/sign-in-methods", "/form/account/allow-password", &[("allowed", "yes")]).await;
    assert!(ada.get("/account/sign-in-methods").await.text().contains("which a program cannot bring"));
    assert_eq!(whoami().await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn r67_no_program_gets_past_a_second_factor_that_is_still_to_be_set_up() {
    let portal = Portal::start().await;
    let (mut admin, mut ada) = (portal.admin().await, portal.member(ADA).await);
    ada.send("/account/sign-in-methods", "/form/account/allow-password", &[("allowed", "yes")]).await;
    let whoami = async || portal.api("GET", "/api/v1/whoami", &[("authorization", &basic(ADA, PASSWORD))], "").await;
    assert_eq!(whoami().await.status, StatusCode::OK);
    admin.send("/admin/settings", "/form/second-factor/require", &[("developers", "yes")]).await;
    let refused = whoami().await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::UNAUTHORIZED, "invalid_credentials"));
    let row = portal.recorded(&refused).await;
    assert_eq!(row.reason.as_deref(), Some("password_not_allowed"));
    assert!(row.trace.failed().unwrap().detail.contains("must set up a second factor"), "{row:?}");
    assert!(row.remedy.unwrap().contains("Set up a second factor"));
    admin.send("/admin/settings", "/form/second-factor/require", &[("admins", "yes")]).await;
    assert_eq!(whoami().await.status, StatusCode::OK, "it is asked of developers no more");
}

#[tokio::test]
async fn whose_role_asks_for_one_sets_it_up_before_anything_else() {
    let portal = Portal::start().await;
    let (mut admin, mut ada) = (portal.admin().await, portal.member(ADA).await);
    let application = ada.application("Bookshelf").await;
    let as_ada = async |ada: &Browser| {
        let request = Request::builder()
            .uri("/api/v1/whoami")
            .header("cookie", ada.cookie_header())
            .header("sec-fetch-site", "same-origin");
        portal.send_from(LOOPBACK, request.body(Body::empty()).unwrap()).await.status
    };
    assert_eq!(as_ada(&ada).await, StatusCode::OK);
    let saved = admin.send("/admin/settings", "/form/second-factor/require", &[("developers", "yes")]).await;
    assert_eq!(saved.location(), "/admin/settings");
    assert_eq!(as_ada(&ada).await, StatusCode::UNAUTHORIZED, "nor by the portal's cookie at the API");
    for page in ["/dashboard", "/apps", &format!("/apps/{application}/development/keys"), "/account/tokens/new"] {
        let answer = ada.get(page).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, SECURITY), "{page}");
    }
    let made = ada.send("/apps/new", "/form/application/create", &[("name", "Another")]).await;
    assert_eq!(made.location(), SECURITY);
    assert_eq!(admin.get("/dashboard").await.status, StatusCode::OK, "it was asked of developers alone");
    assert!(ada.get(SECURITY).await.text().contains("Your role asks for a second factor"));
    set_up(&portal, &mut ada).await;
    assert_eq!(ada.get("/apps").await.status, StatusCode::OK);
    assert_eq!(as_ada(&ada).await, StatusCode::OK);
    ada.send(SECURITY, "/form/second-factor/remove-totp", &[]).await;
    assert!(ada.get(SECURITY).await.text().contains("Set up another one before you remove this"));
    let settings = admin.get("/admin/settings").await.text();
    assert!(settings.contains("name=\"developers\" value=\"yes\" checked"), "{settings}");
}

#[tokio::test]
async fn a_seed_is_kept_for_its_account_alone_and_readable_nowhere() {
    let portal = Portal::start().await;
    let mut ada = portal.member(ADA).await;
    let page = ada.get("/account/security/app").await.text();
    let secret = between(&page, "<code class=\"seed\">", "</code>").to_owned();
    let again = ada.get("/account/security/app").await.text();
    assert_eq!(between(&again, "<code class=\"seed\">", "</code>"), secret, "reloading begins nothing anew");
    set_up(&portal, &mut ada).await;
    let account = portal.store.account_by_email(ADA).await.unwrap().unwrap().0.id;
    let stored = portal.store.totp(account).await.unwrap().unwrap();
    let seed = totp_rs::Secret::try_from_base32(secret.replace(' ', "")).unwrap();
    let seed = seed.as_bytes();
    assert!(!stored.sealed_seed.windows(seed.len()).any(|window| window == seed));
    assert_eq!(ada.get("/account/security/app").await.location(), SECURITY, "there is one already");
}

#[tokio::test]
async fn a_passkey_that_nobody_has_signs_nobody_in() {
    let portal = Portal::with(Given { public_url: "http://localhost:4000".parse().ok(), ..Given::default() }).await;
    let mut browser = portal.browser();
    let page = "/login/passkey";
    let shown = browser.get(page).await.text();
    assert!(shown.contains("Use a passkey") || shown.contains("open this page there"), "{shown}");
    for answer in ["", "{}", "null", &"x".repeat(20_000)] {
        let said = browser.send(page, "/form/account/passkey-sign-in", &[("answer", answer)]).await;
        assert_eq!(said.location(), page);
        assert!(browser.get(page).await.text().contains("That passkey was not taken"), "{answer:.40}");
    }
    let token = browser.token().await;
    let request =
        form_request("/form/second-factor/add-passkey", &[("_csrf", &token), ("_back", "/"), ("name", "Mine")]);
    assert!(browser.send_request(request).await.location().starts_with('/'), "nobody's passkey is added");
}
