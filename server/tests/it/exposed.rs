//! What came where others can read it, in a URL or over plain HTTP: whose it is, hears of it, and what can be ended ends.

use crate::{
    audit::listed,
    canary::log::Log,
    outbox::Outbox,
    refusals::with_checksum,
    stage::encoded,
    support::{Answer, Browser, Machine, PASSWORD, Portal, basic},
};
use axum::body::Body;
use http::{Request, StatusCode};
use sea_orm::ConnectionTrait;
use server::config::Given;
use time::Duration;
use tracing::level_filters::LevelFilter;

const ADA: &str = "ada@example.org";
/// From here, nothing comes by TLS.
const ELSEWHERE: &str = "203.0.113.9:40000";
const GRANT: &str = "grant_type=client_credentials";

/// Asks the API over plain HTTP, until what came was looked at.
async fn in_the_clear(portal: &Portal, name: &str, value: &str) -> Answer {
    let request = Request::get("/api/v1/whoami").header(name, value).body(Body::empty()).unwrap();
    let answer = portal.send_from(ELSEWHERE, request).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "tls_required"), "{answer:?}");
    portal.state.services.leaks.finish().await;
    answer
}

/// The same in a URL, by TLS.
async fn in_a_url(portal: &Portal, query: &str) {
    let answer = portal.api("GET", &format!("/api/v1/whoami?{query}"), &[], "").await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "credential_in_query"), "{answer:?}");
    portal.state.services.leaks.finish().await;
}

/// A secret with the kind and the public id of this one.
fn made_up_around(secret: &str) -> String {
    with_checksum(&format!("{}{}", &secret[..20], "x".repeat(32)))
}

/// What looks like this token, and is none: around its id, or with what another says of itself.
fn forged(token: &str, other: &str) -> String {
    if token.starts_with("lk_tok_") {
        return made_up_around(token);
    }
    let parts: Vec<_> = token.split('.').collect();
    format!("{}.{}.{}", parts[0], other.split('.').nth(1).unwrap(), parts[2])
}

#[tokio::test]
async fn a_token_that_others_can_read_ends_and_its_clients_people_hear_of_it_once_a_day() {
    const TOLD: &str = "An access token of Nightly import was sent where others can read it";
    for form in ["jwt", "opaque"] {
        let portal = Portal::start().await;
        let mut outbox = Outbox::of(&portal).await;
        let mut ada = portal.member(ADA).await;
        let application = ada.application("Bookshelf").await;
        let fields = [("token_form", form)];
        let machine = ada.service_account(&application, "development", &["read:posts"], &fields).await;
        let works =
            async |token: &str| portal.with_key(token, "GET", "/api/v1/whoami", "").await.status == StatusCode::OK;
        let (first, second) = (portal.token_of(&machine).await, portal.token_of(&machine).await);
        let third = portal.token_of(&machine).await;

        let nobodys = forged(&first, &second);
        let answer = in_the_clear(&portal, "authorization", &format!("Bearer {nobodys}")).await;
        assert!(portal.recorded(&answer).await.attribution.is_none(), "{form}");
        in_a_url(&portal, &format!("access_token={nobodys}")).await;
        assert!(works(&first).await && works(&second).await, "{form}: nobody ends what they do not have");
        assert!(!outbox.told(&portal, ADA, TOLD).await, "{form}");

        let answer = in_the_clear(&portal, "authorization", &format!("Bearer {first}")).await;
        let owner = portal.recorded(&answer).await.attribution.unwrap();
        assert_eq!(owner.name, "Nightly import", "{form}: its people find the request");
        assert!(!works(&first).await && works(&second).await, "{form}");
        assert!(outbox.told(&portal, ADA, TOLD).await, "{form}");
        in_a_url(&portal, &format!("key={second}")).await;
        assert!(!works(&second).await && works(&third).await, "{form}");
        // What has ended ends no more.
        in_the_clear(&portal, "authorization", &format!("DPoP {first}")).await;
        let mails = outbox.to(&portal, ADA).await;
        assert_eq!(mails.iter().filter(|mail| mail.contains(TOLD)).count(), 1, "{form}: {mails:?}");
        let team = ada.team_id().await;
        let log = ada.get(&format!("/teams/{team}/audit")).await.text();
        let ended = listed(&log).matches("Ended a token that was sent where others can read it").count();
        assert_eq!(ended, 2, "{form}: {log}");
    }
}

#[tokio::test]
async fn a_client_secret_that_others_can_read_ends_where_the_settings_say_so_and_its_people_are_told() {
    let portal = Portal::start().await;
    let mut outbox = Outbox::of(&portal).await;
    let mut ada = portal.member(ADA).await;
    let application = ada.application("Bookshelf").await;
    let scopes = &["read:posts"];
    let kept = ada.service_account(&application, "development", scopes, &[]).await;
    let in_url = ada.service_account(&application, "staging", scopes, &[]).await;
    let posts = [("auth_method", "client_secret_post")];
    let ended = ada.service_account(&application, "production", scopes, &posts).await;
    let body_of = |machine: &Machine| {
        let secret = ("client_secret", machine.secret.as_str());
        encoded(&[("grant_type", "client_credentials"), ("client_id", &machine.client_id), secret])
    };
    let send = async |authorization: &str, body: &str| {
        let request = Request::post("/oauth/token")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", authorization)
            .body(Body::from(body.to_owned()));
        let answer = portal.send_from(ELSEWHERE, request.unwrap()).await;
        portal.state.services.leaks.finish().await;
        (answer.status, answer.text())
    };
    let nobodys = send(&basic(&kept.client_id, &made_up_around(&kept.secret)), GRANT).await;
    assert!(nobodys.0 == StatusCode::BAD_REQUEST && nobodys.1.contains("use https"), "{nobodys:?}");
    assert!(!outbox.told(&portal, ADA, "A client secret of Nightly import was found").await);
    for _ in 0..2 {
        assert_eq!(send(&kept.basic(), GRANT).await, nobodys);
        assert_eq!(send("Basic", &body_of(&ended)).await, nobodys, "nobody learns whether it is one");
    }
    let path = format!("/oauth/token?client_secret={}", in_url.secret.replacen('_', "%5F", 1));
    assert_eq!(portal.oauth(&path, Some(&in_url.basic()), GRANT).await.status, StatusCode::OK);
    portal.state.services.leaks.finish().await;

    let works = portal.oauth("/oauth/token", Some(&kept.basic()), GRANT).await.status;
    let refused = portal.oauth("/oauth/token", None, &body_of(&ended)).await.status;
    assert_eq!((works, refused), (StatusCode::OK, StatusCode::UNAUTHORIZED));
    let mails = outbox.to(&portal, ADA).await;
    let told = |place: &str| {
        let found = mails.iter().filter(|mail| mail.contains("A client secret of Nightly import was found"));
        found.filter(|mail| mail.contains(place)).count()
    };
    assert_eq!(told("/oauth/token, to which it came over plain HTTP"), 2, "each once: {mails:?}");
    assert_eq!(told("/oauth/token, in the query of a URL"), 1, "{mails:?}");
}

#[tokio::test]
async fn whose_password_comes_over_plain_http_hears_of_it_once_a_day() {
    const TOLD: &str = "Your password was sent where others can read it";
    let portal = Portal::start().await;
    let mut outbox = Outbox::of(&portal).await;
    let mut ada = portal.member(ADA).await;
    for (email, password) in [(ADA, "another password"), ("nobody@example.org", PASSWORD)] {
        in_the_clear(&portal, "authorization", &basic(email, password)).await;
    }
    assert!(!outbox.told(&portal, ADA, TOLD).await, "nobody is told of others' guesses");
    for _ in 0..2 {
        in_the_clear(&portal, "authorization", &basic(ADA, PASSWORD)).await;
    }
    let mails = outbox.to(&portal, ADA).await;
    let told: Vec<_> = mails.iter().filter(|mail| mail.contains(TOLD)).collect();
    assert!(told.len() == 1 && told[0].contains("from 203.0.113.9"), "{mails:?}");
    let own = ada.get("/account/activity").await.text();
    assert_eq!(listed(&own).matches("Sent the password where others can read it").count(), 1, "{own}");
}

/// Ada's password, as a program sends it over plain HTTP.
async fn send_password(portal: &Portal) {
    let request = Request::get("/api/v1/whoami").header("authorization", basic(ADA, PASSWORD)).body(Body::empty());
    let answer = portal.send_from(ELSEWHERE, request.unwrap()).await;
    assert_eq!(answer.code(), "tls_required", "{answer:?}");
}

/// How often the account's log says that.
async fn noted(ada: &mut Browser) -> usize {
    let own = ada.get("/account/activity").await.text();
    listed(&own).matches("Sent the password where others can read it").count()
}

#[tokio::test]
async fn of_passwords_that_come_at_once_one_is_noted() {
    let portal = Portal::on_postgres().await;
    let mut ada = portal.member(ADA).await;
    // The second is compared while the first is told of.
    for sql in [
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN PERFORM pg_sleep(0.7); RETURN NEW; END $$",
        "CREATE TRIGGER slow BEFORE INSERT ON audit_event FOR EACH ROW EXECUTE FUNCTION slow()",
    ] {
        portal.store.writer().execute_unprepared(sql).await.unwrap();
    }
    tokio::join!(send_password(&portal), send_password(&portal));
    portal.state.services.leaks.finish().await;
    assert_eq!(noted(&mut ada).await, 1);
}

#[tokio::test]
async fn whoever_could_not_be_told_of_a_password_is_told_of_the_next_one() {
    let portal = Portal::start().await;
    let mut ada = portal.member(ADA).await;
    let broken = "CREATE TRIGGER broken BEFORE INSERT ON audit_event BEGIN SELECT RAISE(ABORT, 'broken'); END";
    portal.store.writer().execute_unprepared(broken).await.unwrap();
    for (sql, times) in [("SELECT 1", 0), ("DROP TRIGGER broken", 1)] {
        portal.store.writer().execute_unprepared(sql).await.unwrap();
        send_password(&portal).await;
        portal.state.services.leaks.finish().await;
        assert_eq!(noted(&mut ada).await, times);
    }
}

#[tokio::test]
async fn what_finds_no_room_is_told_once_a_minute_with_how_much_it_was() {
    let portal = Portal::start().await;
    // The last one finds none, too.
    let room: Vec<_> = std::iter::from_fn(|| portal.state.services.leaks.room_for_sent()).collect();
    let log = Log::default();
    let _listening = log.listen_at(LevelFilter::WARN);
    for (told, left_out) in [(1, "left_out=2"), (2, "left_out=7")] {
        portal.clock.advance(Duration::MINUTE);
        for _ in 0..5 {
            send_password(&portal).await;
        }
        let text = log.text();
        assert_eq!(text.matches("too much comes where others can read it").count(), told, "{text}");
        assert!(text.contains(left_out), "{text}");
    }
    drop(room);
}

#[tokio::test]
async fn of_whoever_is_kept_out_no_password_is_compared() {
    let portal = Portal::start().await;
    let mut outbox = Outbox::of(&portal).await;
    portal.member(ADA).await;
    let block = [("network", "203.0.113.0/24"), ("hours", "2"), ("reason", "a scan since midnight")];
    outbox.0.send("/admin/blocks", "/form/block/add", &block).await;
    let request = Request::get("/api/v1/whoami").header("authorization", basic(ADA, PASSWORD)).body(Body::empty());
    let answer = portal.send_from(ELSEWHERE, request.unwrap()).await;
    assert_eq!(answer.code(), "address_blocked", "{answer:?}");
    portal.state.services.leaks.finish().await;
    assert!(!outbox.told(&portal, ADA, "Your password was sent where others can read it").await);
}

#[tokio::test]
async fn a_session_whose_cookie_came_over_plain_http_ends() {
    let here = async |portal: &Portal, cookie: &str| {
        portal.api("GET", "/api/v1/whoami", &[("cookie", cookie)], "").await.status
    };
    let portal = Portal::with(Given { public_url: "https://keys.example.org".parse().ok(), ..Given::default() }).await;
    let mut ada = portal.member(ADA).await;
    let cookie = ada.cookie_header();
    assert_eq!(here(&portal, &cookie).await, StatusCode::OK);
    in_the_clear(&portal, "cookie", &cookie).await;
    assert_eq!(here(&portal, &cookie).await, StatusCode::UNAUTHORIZED);
    let sign_in = [("email", ADA), ("password", PASSWORD)];
    ada.send("/login", "/form/account/sign-in", &sign_in).await;
    let page = ada.get("/account/notices").await.text();
    assert!(page.contains("A session of yours was sent where others can read it"), "{page}");

    // Where the portal itself is plain HTTP, browsers have nothing else.
    let portal = Portal::start().await;
    let cookie = portal.member(ADA).await.cookie_header();
    in_the_clear(&portal, "cookie", &cookie).await;
    assert_eq!(here(&portal, &cookie).await, StatusCode::OK);
}
