//! Links in mails: signing up, confirming an address, taking another, choosing a new password; and that none of it tells a stranger
//! whose addresses have an account.

use crate::{
    outbox::Outbox,
    second_factors::set_up,
    support::{Answer, Browser, PASSWORD, Portal, between, form_request, join_all},
};
use http::StatusCode;
use latchkey_core::port::{AccountReader, Inserted, Store};
use server::config::{Given, SignUpPolicy};
use time::Duration;

const ADA: &str = "ada@example.org";
const NEW_PASSWORD: &str = "copper lanterns drift inland";

async fn confirming() -> Portal {
    Portal::with(Given { sign_up: Some(SignUpPolicy::Confirmed), ..Given::default() }).await
}

fn token_of(link: &str) -> &str {
    link.split_once("token=").unwrap().1
}

async fn sign_up(browser: &mut Browser, email: &str, password: &str) -> Answer {
    let fields = [("name", "Ada"), ("email", email), ("password", password)];
    browser.send("/signup", "/form/account/sign-up", &fields).await
}

async fn sign_in(portal: &Portal, email: &str, password: &str) -> Option<Browser> {
    let mut browser = portal.browser();
    let answer = browser.send("/login", "/form/account/sign-in", &[("email", email), ("password", password)]).await;
    (answer.location() == "/dashboard").then_some(browser)
}

async fn is_signed_in(browser: &mut Browser) -> bool {
    browser.get("/account/profile").await.status == StatusCode::OK
}

async fn finish(browser: &mut Browser, link: &str, password: &str) -> Answer {
    let fields = [("token", token_of(link)), ("name", "Ada"), ("password", password)];
    browser.send(link, "/form/account/finish-sign-up", &fields).await
}

async fn reset(browser: &mut Browser, link: &str, password: &str) -> Answer {
    browser.send(link, "/form/account/reset-password", &[("token", token_of(link)), ("password", password)]).await
}

async fn forgot(portal: &Portal, email: &str) -> (StatusCode, String, String, u64) {
    let mut browser = portal.browser();
    browser.token().await;
    let before = portal.asked();
    let answer = browser.send("/forgot", "/form/account/forgot", &[("email", email)]).await;
    let statements = portal.asked() - before;
    let page = browser.get("/forgot").await.text();
    (answer.status, answer.location().to_owned(), between(&page, "role=\"status\"", "</").to_owned(), statements)
}

#[tokio::test]
async fn an_account_comes_to_be_by_its_mail() {
    let portal = confirming().await;
    let mut outbox = Outbox::of(&portal).await;
    let mut ada = portal.browser();
    let answer = sign_up(&mut ada, ADA, PASSWORD).await;
    assert_eq!(answer.location(), "/signup/mail");
    assert!(ada.get("/signup/mail").await.text().contains("Look into your mail"));
    assert!(sign_in(&portal, ADA, PASSWORD).await.is_none(), "there is no account yet");
    let link = outbox.link(&portal, ADA, "/signup/confirm").await;
    assert!(ada.get(&link).await.text().contains("Finish creating your account"));
    // whoever else asked with this address, and with whatever password, has no part in what its reader makes.
    sign_up(&mut portal.browser(), ADA, NEW_PASSWORD).await;
    let mut reader = portal.browser();
    assert_eq!(finish(&mut reader, &link, "password1234").await.location(), link);
    assert!(reader.get(&link).await.text().contains("easy to guess"), "and the link is not spent by that");
    assert_eq!(finish(&mut ada, &link, PASSWORD).await.location(), "/apps/new");
    assert!(sign_in(&portal, ADA, NEW_PASSWORD).await.is_none() && sign_in(&portal, ADA, PASSWORD).await.is_some());
    assert!(ada.get("/account/profile").await.text().contains(">confirmed<"));
    assert!(reader.get(&link).await.text().contains("This link is not good any more"));
    assert_eq!(finish(&mut reader, &link, PASSWORD).await.location(), link, "r17: it works once");
}

#[tokio::test]
async fn r46_signing_up_tells_nobody_which_addresses_have_an_account() {
    let portal = confirming().await;
    let mut outbox = Outbox::of(&portal).await;
    let mut seen = Vec::new();
    // The admin's address has an account.
    for email in ["admin@example.org", "nobody@example.org"] {
        let mut browser = portal.browser();
        browser.token().await;
        let before = portal.asked();
        let answer = sign_up(&mut browser, email, PASSWORD).await;
        let asked = portal.asked() - before;
        seen.push((answer.status, answer.location().to_owned(), answer.text(), asked));
    }
    assert_eq!(seen[0], seen[1], "text, status and what the store was asked");
    assert!(outbox.told(&portal, "admin@example.org", "You have an account already").await);
    assert!(outbox.told(&portal, "nobody@example.org", "Finish creating your account").await);
    let (_, hash) = portal.store.account_by_email("admin@example.org").await.unwrap().unwrap();
    assert!(format!("{hash:?}") == "PasswordHash");
    assert!(sign_in(&portal, "admin@example.org", PASSWORD).await.is_some(), "nothing was changed");
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_a_link_that_works_once() {
    let portal = Portal::start().await;
    let mut outbox = Outbox::of(&portal).await;
    let mut ada = portal.member(ADA).await;
    assert_eq!(forgot(&portal, ADA).await, forgot(&portal, "nobody@example.org").await, "r46");
    assert_eq!(outbox.to(&portal, "nobody@example.org").await, Vec::<String>::new());
    let link = outbox.link(&portal, ADA, "/reset").await;
    // Once more within minutes: no second mail, and the first link stays good.
    forgot(&portal, ADA).await;
    assert_eq!(outbox.link(&portal, ADA, "/reset").await, link);
    let mut browser = portal.browser();
    assert!(browser.get(&link).await.text().contains("Choose a new password"));
    assert_eq!(reset(&mut browser, &link, "password1234").await.location(), link);
    assert!(browser.get(&link).await.text().contains("easy to guess"), "and the link is not spent by that");
    assert_eq!(reset(&mut browser, &link, NEW_PASSWORD).await.location(), "/login");
    assert!(browser.get("/login").await.text().contains("Your password is changed"));
    assert!(!is_signed_in(&mut browser).await, "asvs 6.4.3: it signs nobody in");
    assert!(!is_signed_in(&mut ada).await, "every session of before has ended");
    assert!(sign_in(&portal, ADA, PASSWORD).await.is_none());
    let mut ada = sign_in(&portal, ADA, NEW_PASSWORD).await.unwrap();
    assert!(ada.get("/account/profile").await.text().contains(">confirmed<"), "the mail reached its reader");
    assert!(reset(&mut browser, &link, PASSWORD).await.location().starts_with("/reset"), "r17");
    assert!(sign_in(&portal, ADA, PASSWORD).await.is_none());
    assert!(outbox.told(&portal, ADA, "Your password was changed").await, "asvs 6.3.7");
}

#[tokio::test]
async fn r29_a_link_is_good_for_its_time_and_for_its_purpose_alone() {
    let portal = Portal::start().await;
    let mut outbox = Outbox::of(&portal).await;
    let mut ada = portal.member(ADA).await;
    let verify = outbox.link(&portal, ADA, "/verify-email").await;
    forgot(&portal, ADA).await;
    let link = outbox.link(&portal, ADA, "/reset").await;
    for bad in ["", "x", &token_of(&link)[1..], &format!("{}0", token_of(&link)), token_of(&verify)] {
        let page = ada.get(&format!("/reset?token={bad}")).await.text();
        assert!(page.contains("This link is not good any more"), "{bad}");
        let answer = reset(&mut ada, &format!("/reset?token={bad}"), NEW_PASSWORD).await;
        assert!(answer.location().starts_with("/reset?token="), "{answer:?}");
    }
    portal.clock.advance(Duration::minutes(30));
    assert!(reset(&mut ada, &link, NEW_PASSWORD).await.location().starts_with("/reset"));
    assert!(sign_in(&portal, ADA, PASSWORD).await.is_some(), "nothing was changed");
}

#[tokio::test]
async fn r17_of_64_who_use_one_link_at_once_one_wins() {
    for portal in [Portal::start().await, Portal::on_postgres().await] {
        let mut outbox = Outbox::of(&portal).await;
        portal.member(ADA).await;
        forgot(&portal, ADA).await;
        let link = outbox.link(&portal, ADA, "/reset").await;
        let mut browser = portal.browser();
        let csrf = browser.token().await;
        let uses = (0..64).map(|number| {
            let (mut browser, csrf, link) = (browser.clone(), csrf.clone(), link.clone());
            tokio::spawn(async move {
                let password = format!("{NEW_PASSWORD} {number}");
                let fields =
                    [("_csrf", csrf.as_str()), ("_back", &link), ("token", token_of(&link)), ("password", &password)];
                let answer = browser.send_request(form_request("/form/account/reset-password", &fields)).await;
                (answer.location() == "/login").then_some(password)
            })
        });
        let won: Vec<String> = join_all(uses).await.into_iter().filter_map(Result::unwrap).collect();
        assert_eq!(won.len(), 1, "{won:?}");
        assert!(sign_in(&portal, ADA, &won[0]).await.is_some());
    }
}

#[tokio::test]
async fn a_session_that_was_being_made_when_the_password_changed_is_none() {
    let portal = Portal::start().await;
    let mut ada = portal.member(ADA).await;
    let csrf = ada.token().await;
    let sign_ins = portal.signing_in(ADA).await;
    let change = [
        ("_csrf", csrf.as_str()),
        ("_back", "/account/security"),
        ("current_password", PASSWORD),
        ("password", NEW_PASSWORD),
    ];
    let answer = ada.send_request(form_request("/form/account/change-password", &change)).await;
    assert_eq!(answer.location(), "/account/security");
    assert!(ada.get("/account/security").await.text().contains("Your password is changed"), "this browser goes on");
    for browser in join_all(sign_ins.into_iter()).await {
        assert!(!is_signed_in(&mut browser.unwrap()).await);
    }
}

#[tokio::test]
async fn r56_a_password_is_changed_by_who_knows_it() {
    let portal = Portal::start().await;
    let mut ada = portal.member(ADA).await;
    let mut phone = sign_in(&portal, ADA, PASSWORD).await.unwrap();
    let page = "/account/security";
    for (current, new, says) in [
        ("another password", NEW_PASSWORD, "This is not your current password."),
        (PASSWORD, PASSWORD, "This is the password that you have."),
        (PASSWORD, "adaexampleorg", "little more than your name"),
        (PASSWORD, "short", "Use at least 12 characters"),
    ] {
        ada.send(page, "/form/account/change-password", &[("current_password", current), ("password", new)]).await;
        let shown = ada.get(page).await.text();
        assert!(shown.contains(says), "{says}: {shown}");
    }
    let before = ada.cookies["latchkey"].clone();
    ada.send(page, "/form/account/change-password", &[("current_password", PASSWORD), ("password", NEW_PASSWORD)])
        .await;
    assert_ne!(ada.cookies["latchkey"], before, "asvs 7.2.4");
    assert!(is_signed_in(&mut ada).await && !is_signed_in(&mut phone).await, "asvs 7.4.3");
}

#[tokio::test]
async fn another_address_is_taken_by_its_link_in_the_browser_that_asked() {
    let portal = Portal::start().await;
    let mut outbox = Outbox::of(&portal).await;
    let mut ada = portal.member(ADA).await;
    forgot(&portal, ADA).await;
    let old_reset = outbox.link(&portal, ADA, "/reset").await;
    let new = "ada.lovelace@example.net";
    let ask = ada.send("/account/profile", "/form/account/change-email", &[("email", new)]).await;
    assert_eq!(ask.location(), "/account/profile");
    assert!(ada.get("/account/profile").await.text().contains("We wrote to both addresses"));
    let link = outbox.link(&portal, new, "/verify-email").await;
    assert!(outbox.told(&portal, ADA, "about to change").await);
    assert!(sign_in(&portal, new, PASSWORD).await.is_none(), "not yet");
    // Somebody else's browser changes nothing by it, signed in or not.
    let mut eve = portal.member("eve@example.org").await;
    let mut nobody = portal.browser();
    assert!(nobody.get(&link).await.location().starts_with("/login?next="));
    for other in [&mut eve, &mut nobody] {
        other.send(&link, "/form/account/confirm-email", &[("token", token_of(&link))]).await;
    }
    let taken = ada.send(&link, "/form/account/confirm-email", &[("token", token_of(&link))]).await;
    assert_eq!(taken.location(), "/account/profile");
    let profile = ada.get("/account/profile").await.text();
    assert!(profile.contains(new) && profile.contains(">confirmed<"), "{profile}");
    for told in [ADA, new] {
        assert!(outbox.told(&portal, told, "Your address was changed").await, "{told}");
    }
    assert!(sign_in(&portal, ADA, PASSWORD).await.is_none());
    assert!(sign_in(&portal, new, PASSWORD).await.is_some());
    let answer = reset(&mut nobody, &old_reset, NEW_PASSWORD).await;
    assert!(answer.location().starts_with("/reset"), "a link to the old address opens nothing: {answer:?}");
}

#[tokio::test]
async fn r46_an_address_that_somebody_has_is_asked_for_like_any_other() {
    let portal = Portal::start().await;
    let mut outbox = Outbox::of(&portal).await;
    let mut ada = portal.member(ADA).await;
    portal.member("eve@example.org").await;
    let mut seen = Vec::new();
    for email in ["eve@example.org", "nobody@example.org"] {
        let answer = ada.send("/account/profile", "/form/account/change-email", &[("email", email)]).await;
        let page = ada.get("/account/profile").await.text();
        seen.push((answer.status, answer.location().to_owned(), between(&page, "role=\"status\"", "</").to_owned()));
        let warned = outbox.told(&portal, "eve@example.org", "was wanted for another account").await;
        assert!(warned, "by her mail alone");
        portal.clock.advance(Duration::minutes(1));
    }
    assert_eq!(seen[0], seen[1]);
    // It is free when it is asked for, and somebody has it when the link is opened.
    let link = outbox.link(&portal, "nobody@example.org", "/verify-email").await;
    portal.member("nobody@example.org").await;
    ada.send(&link, "/form/account/confirm-email", &[("token", token_of(&link))]).await;
    assert!(ada.get("/account/profile").await.text().contains(ADA), "it stays as it was");
}

#[tokio::test]
async fn another_address_needs_a_fresh_sign_in_and_keeps_what_was_typed() {
    let portal = Portal::start().await;
    let mut ada = portal.member(ADA).await;
    portal.clock.advance(Duration::minutes(11));
    let answer = ada.send("/account/profile", "/form/account/change-email", &[("email", "new@example.net")]).await;
    assert!(answer.location().starts_with("/login?next=%2Faccount%2Fprofile&again=yes"), "{answer:?}");
    let again = answer.location().to_owned();
    let fields = [("email", ADA), ("password", PASSWORD), ("next", "/account/profile")];
    assert_eq!(ada.send(&again, "/form/account/sign-in", &fields).await.location(), "/account/profile");
    let page = ada.get("/account/profile").await.text();
    assert!(page.contains("value=\"new@example.net\"") && page.contains("send it again"), "{page}");
}

#[tokio::test]
async fn an_address_is_confirmed_and_apps_are_told() {
    let portal = Portal::start().await;
    let mut outbox = Outbox::of(&portal).await;
    let mut ada = portal.member(ADA).await;
    assert!(ada.get("/account/profile").await.text().contains(">not confirmed<"));
    let link = outbox.link(&portal, ADA, "/verify-email").await;
    // Somebody else who reads the mail confirms no account that is not theirs.
    let (mut reader, mut eve) = (portal.browser(), portal.member("eve@example.org").await);
    assert!(reader.get(&link).await.location().starts_with("/login?next="));
    for other in [&mut reader, &mut eve] {
        other.send(&link, "/form/account/confirm-email", &[("token", token_of(&link))]).await;
    }
    assert!(ada.get("/account/profile").await.text().contains(">not confirmed<"));
    assert!(ada.get(&link).await.text().contains("Confirm your address"), "looking does not spend it");
    let answer = ada.send(&link, "/form/account/confirm-email", &[("token", token_of(&link))]).await;
    assert_eq!(answer.location(), "/account/profile");
    assert!(ada.get("/account/profile").await.text().contains(">confirmed<"));
}

#[tokio::test]
async fn r55_a_link_to_an_address_that_was_given_up_sets_no_password() {
    for portal in [Portal::start().await, Portal::on_postgres().await] {
        let mut outbox = Outbox::of(&portal).await;
        portal.member(ADA).await;
        forgot(&portal, ADA).await;
        let link = outbox.link(&portal, ADA, "/reset").await;
        // The address changes just when the link is mailed: nothing has ended it.
        let account = portal.store.account_by_email(ADA).await.unwrap().unwrap().0.id;
        let mut work = portal.store.begin().await.unwrap();
        let new = "ada@example.net".parse().unwrap();
        assert_eq!(work.account_set_email(account, &new, portal.clock_now()).await.unwrap(), Inserted::Done);
        work.commit().await.unwrap();
        let mut browser = portal.browser();
        assert!(reset(&mut browser, &link, NEW_PASSWORD).await.location().starts_with("/reset"));
        assert!(sign_in(&portal, "ada@example.net", NEW_PASSWORD).await.is_none());
        assert!(sign_in(&portal, "ada@example.net", PASSWORD).await.is_some());
    }
}

#[tokio::test]
async fn r55_whoever_has_the_mail_gets_the_account_from_a_stranger_who_signed_up_with_it() {
    let portal = Portal::start().await;
    let mut outbox = Outbox::of(&portal).await;
    let mut stranger = portal.member(ADA).await;
    let token = stranger.token_with(&[("scopes[]", "read:posts"), ("expiry", "30")]).await;
    set_up(&portal, &mut stranger).await;
    assert_eq!(portal.with_key(&token, "GET", "/api/v1/posts", "").await.status, StatusCode::OK);
    forgot(&portal, ADA).await;
    let link = outbox.link(&portal, ADA, "/reset").await;
    let mut ada = portal.browser();
    assert_eq!(reset(&mut ada, &link, NEW_PASSWORD).await.location(), "/login");
    assert!(sign_in(&portal, ADA, NEW_PASSWORD).await.is_some(), "no factor of the stranger's is asked for");
    assert!(!is_signed_in(&mut stranger).await);
    assert_eq!(portal.with_key(&token, "GET", "/api/v1/posts", "").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn asking_twice_for_one_address_leaves_the_first_link_good() {
    let portal = Portal::start().await;
    let mut outbox = Outbox::of(&portal).await;
    let mut ada = portal.member(ADA).await;
    let new = "ada.lovelace@example.net";
    for _ in 0..2 {
        ada.send("/account/profile", "/form/account/change-email", &[("email", new)]).await;
    }
    let link = outbox.link(&portal, new, "/verify-email").await;
    ada.send(&link, "/form/account/confirm-email", &[("token", token_of(&link))]).await;
    assert!(sign_in(&portal, new, PASSWORD).await.is_some());
}
