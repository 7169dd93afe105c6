//! Limits of keys together, of networks that make keys up, and what the database is asked for.

use crate::support::{Answer, LOOPBACK, Portal, mistyped};
use axum::body::Body;
use http::{Request, StatusCode};
use latchkey_core::{api_key::PlainApiKey, random::SystemRandom};
use latchkey_model::{Environment, KeyKind};
use server::{config::Given, plain_http};
use time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

async fn statements_of(portal: &Portal, keys: &[&str]) -> u64 {
    let before = portal.asked();
    for key in keys {
        portal.with_key(key, "GET", "/api/v1/whoami", "").await;
    }
    portal.asked() - before
}

#[tokio::test]
async fn a_bad_checksum_asks_the_database_nothing_and_a_known_key_asks_once() {
    let portal = Portal::start().await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let key = ada.key(&application, "development", &["read:posts"], "never").await;
    let wrong = mistyped(&key);
    assert_eq!(statements_of(&portal, &[&wrong, "lk_dev_rubbish", "rubbish"]).await, 0);
    assert_eq!(statements_of(&portal, &[&key]).await, 1, "the first look");
    assert_eq!(statements_of(&portal, &[&key, &key, &key]).await, 0, "it is remembered");
    portal.clock.advance(Duration::seconds(61));
    assert_eq!(statements_of(&portal, &[&key]).await, 1, "for a minute");
    let nobodys = PlainApiKey::generate(&SystemRandom, KeyKind::Api(Environment::Development));
    assert_eq!(statements_of(&portal, &[nobodys.expose()]).await, 1);
    assert_eq!(statements_of(&portal, &[nobodys.expose(), nobodys.expose()]).await, 0, "that nobody has it, too");
}

#[tokio::test]
async fn all_keys_of_a_team_share_a_limit() {
    let given = Given { team_requests_per_minute: "5".parse().ok(), ..Given::default() };
    let portal = Portal::with(given).await;
    let (mut ada, mut eve) = (portal.member("ada@example.org").await, portal.member("eve@example.org").await);
    let (hers, others) = (ada.application("Bookshelf").await, eve.application("Library").await);
    let keys = [
        ada.key(&hers, "development", &["read:posts"], "never").await,
        ada.key(&hers, "production", &["read:posts"], "never").await,
    ];
    let other = eve.key(&others, "development", &["read:posts"], "never").await;
    for number in 0..5 {
        assert_eq!(portal.with_key(&keys[number % 2], "GET", "/api/v1/whoami", "").await.status, StatusCode::OK);
    }
    let answer = portal.with_key(&keys[0], "GET", "/api/v1/whoami", "").await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::TOO_MANY_REQUESTS, "rate_limited"));
    assert_eq!(answer.header("ratelimit-policy"), "\"key\";q=600;w=60, \"all-keys\";q=5;w=60");
    let wait: i64 = answer.header("retry-after").parse().unwrap();
    let row = portal.recorded(&answer).await;
    assert!(row.trace.failed().unwrap().detail.contains("of all keys together"), "{row:?}");
    assert_eq!(portal.with_key(&other, "GET", "/api/v1/whoami", "").await.status, StatusCode::OK, "another team's");
    portal.clock.advance(Duration::seconds(wait));
    assert_eq!(portal.with_key(&keys[1], "GET", "/api/v1/whoami", "").await.status, StatusCode::OK);
}

const ELSEWHERE: &str = "203.0.113.9:1";

async fn call_from(portal: &Portal, address: &str, key: &str) -> Answer {
    let request = Request::builder().uri("/api/v1/whoami").header("x-api-key", key).body(Body::empty()).unwrap();
    portal.send_from(address, request).await
}

#[tokio::test]
async fn who_makes_keys_up_is_held_up_before_any_look_up_and_known_keys_are_not() {
    let given = Given { unknown_keys_per_minute: "3".parse().ok(), require_tls: Some(false), ..Given::default() };
    let portal = Portal::with(given).await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let key = ada.key(&application, "development", &["read:posts"], "never").await;
    let late = ada.key(&application, "staging", &["read:posts"], "never").await;
    let first = call_from(&portal, ELSEWHERE, &key).await;
    assert_eq!(first.status, StatusCode::OK);
    let made_up = || PlainApiKey::generate(&SystemRandom, KeyKind::Personal).expose().to_owned();
    for left in (0..3).rev() {
        let answer = call_from(&portal, ELSEWHERE, &made_up()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.header("ratelimit-policy"), "\"network\";q=3;w=60");
        assert!(answer.header("ratelimit").starts_with(&format!("\"network\";r={left};t=")), "{answer:?}");
    }
    let answer = call_from(&portal, ELSEWHERE, &made_up()).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::TOO_MANY_REQUESTS, "too_many_failures"));
    assert!(answer.header("ratelimit").starts_with("\"network\";r=0;t="), "{answer:?}");
    let wait: i64 = answer.header("retry-after").parse().unwrap();
    let before = portal.asked();
    for _ in 0..20 {
        call_from(&portal, ELSEWHERE, &made_up()).await;
    }
    assert_eq!(portal.asked(), before, "nothing is looked up for them");
    assert_eq!(call_from(&portal, ELSEWHERE, &key).await.status, StatusCode::OK, "a key that is known");
    // Another secret around a known id is answered as an id that nobody has: nobody learns which ids there are.
    let guess = PlainApiKey::generate(&SystemRandom, KeyKind::Api(Environment::Development));
    let guess = crate::refusals::with_checksum(&format!("{}{}", &key[..20], &guess.expose()[20..52]));
    let answer = call_from(&portal, ELSEWHERE, &guess).await;
    assert_eq!(answer.code(), "too_many_failures");
    assert!(portal.recorded(&answer).await.attribution.is_some(), "its owner is told all the same");
    // What is known of it may be old: it is looked up anew, and nobody holds it up for others' guesses.
    ada.send("/apps", "/form/api-key/disable", &[("id", &ada.clone().key_id(&application, "development").await)]).await;
    let answer = call_from(&portal, ELSEWHERE, &key).await;
    assert_eq!(portal.recorded(&answer).await.reason.as_deref(), Some("disabled"));
    // From another network, and from this machine, nothing has happened.
    assert_eq!(call_from(&portal, "198.51.100.7:1", &late).await.status, StatusCode::OK);
    for _ in 0..5 {
        assert_eq!(call_from(&portal, LOOPBACK, &made_up()).await.status, StatusCode::UNAUTHORIZED);
    }
    portal.clock.advance(Duration::seconds(wait));
    assert_eq!(call_from(&portal, ELSEWHERE, &made_up()).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_clock_that_jumps_lets_nobody_in_twice_and_locks_nobody_out() {
    let portal = Portal::with(Given { requests_per_minute: "2".parse().ok(), ..Given::default() }).await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let key = ada.key(&application, "development", &["read:posts"], "7").await;
    let status = async || portal.with_key(&key, "GET", "/api/v1/whoami", "").await.status.as_u16();
    assert_eq!((status().await, status().await, status().await), (200, 200, 429));
    // Ahead, beyond its expiry, and back again: it has ended only while it has.
    portal.clock.advance(Duration::days(30));
    assert_eq!(status().await, 401);
    portal.clock.advance(-Duration::days(30));
    assert_eq!(status().await, 429, "no second quota by setting the clock");
    portal.clock.advance(-Duration::days(1));
    assert_eq!((status().await, status().await, status().await), (200, 200, 429));
}

#[tokio::test]
async fn whoever_connects_and_does_not_come_to_the_point_is_not_waited_for() {
    let portal = Portal::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(plain_http::serve(listener, portal.app.clone(), std::future::pending()));
    // The slow one first: when the other is answered, both have been accepted.
    let mut slow = TcpStream::connect(address).await.unwrap();
    let mut asked = TcpStream::connect(address).await.unwrap();
    let question = "GET /health/live HTTP/1.1\r\nHost: h\r\n";
    slow.write_all(question.as_bytes()).await.unwrap();
    asked.write_all(format!("{question}\r\n").as_bytes()).await.unwrap();
    let mut buffer = [0; 4_096];
    assert!(asked.read(&mut buffer).await.unwrap() > 0);
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(31)).await;
    tokio::time::resume();
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(std::time::Duration::from_secs(5), slow.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "it has had half a minute for a head: {}", String::from_utf8_lossy(&rest));
    // One that has asked for something is waited for longer.
    asked.write_all(format!("{question}\r\n").as_bytes()).await.unwrap();
    assert!(asked.read(&mut buffer).await.unwrap() > 0);
}
