//! The refusal table over HTTP: what the caller is told, and what the owner can read.

use crate::support::{Answer, Browser, LOOPBACK, Portal, mistyped};
use axum::body::Body;
use http::{Request, StatusCode};
use latchkey_core::api_key::PlainApiKey;
use server::config::Given;
use time::Duration;

const EVERYTHING: [&str; 2] = ["read:posts", "write:posts"];

/// Where every challenge says that tokens come from (RFC 9728 section 5.1).
const METADATA: &str = ", resource_metadata=\"http://127.0.0.1:4000/.well-known/oauth-protected-resource/api/v1\"";

struct Scene {
    portal: Portal,
    ada: Browser,
    application: String,
    key: String,
}

async fn scene(given: Given) -> Scene {
    let portal = Portal::with(given).await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let key = ada.key(&application, "development", &EVERYTHING, "7").await;
    Scene { portal, ada, application, key }
}

/// What every refusal has, whatever its reason.
async fn check(portal: &Portal, answer: &Answer, status: u16, code: &str, reason: &str) {
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.json();
    assert_eq!(body["status"], status, "rfc9457_3: the member is the status");
    assert_eq!(body["request_id"], answer.header("x-request-id"));
    assert_eq!(body["type"], format!("/docs/errors#{code}"));
    let row = portal.recorded(answer).await;
    assert_eq!((row.reason.as_deref(), row.status), (Some(reason), status));
    assert!(row.trace.failed().is_some() && row.remedy.is_some(), "{row:?}");
}

#[tokio::test]
async fn rfc6750_2_two_credentials_at_once() {
    let Scene { portal, key, .. } = scene(Given::default()).await;
    let bearer = format!("Bearer {key}");
    let answer = portal.api("GET", "/api/v1/whoami", &[("authorization", &bearer), ("x-api-key", &key)], "").await;
    check(&portal, &answer, 400, "ambiguous_credentials", "ambiguous_credentials").await;
    let answer = portal.api("GET", "/api/v1/whoami", &[("x-api-key", &key), ("x-api-key", &key)], "").await;
    check(&portal, &answer, 400, "ambiguous_credentials", "ambiguous_credentials").await;
}

#[tokio::test]
async fn rfc6750_3_no_credential() {
    let Scene { portal, .. } = scene(Given::default()).await;
    let answer = portal.api("GET", "/api/v1/whoami", &[], "").await;
    check(&portal, &answer, 401, "missing_credential", "missing_credential").await;
    assert_eq!(
        answer.header("www-authenticate"),
        format!(
            "Bearer realm=\"latchkey\"{METADATA}, DPoP realm=\"latchkey\", algs=\"ES256 EdDSA RS256 PS256\"{METADATA}"
        ),
        "each scheme that works, and no error code where none was sent (rfc9110_11_6_1)"
    );
}

#[tokio::test]
async fn whatever_is_wrong_with_a_key_the_caller_reads_one_text() {
    let Scene { portal, mut ada, application, key } = scene(Given::default()).await;
    let revoked = ada.key(&application, "staging", &EVERYTHING, "never").await;
    let id = ada.key_id(&application, "staging").await;
    ada.send("/apps", "/form/api-key/revoke", &[("id", &id)]).await;
    let expired = ada.key(&application, "production", &EVERYTHING, "7").await;
    // Written as a key is, with the right checksum, and never issued.
    let unknown = "lk_dev_000000000000_00000000000000000000000000000000";
    let unknown = format!("{unknown}{}", checksum(unknown));
    let other_secret = format!("{}{}", &key[..20], "0".repeat(32));
    let other_secret = format!("{other_secret}{}", checksum(&other_secret));
    let mut texts = Vec::new();
    for (key, reason) in [
        ("rubbish".to_owned(), "malformed"),
        (format!("{key}x"), "malformed"),
        (key[..key.len() - 1].to_owned(), "malformed"),
        (mistyped(&key), "bad_checksum"),
        (key.replace("lk_dev_", "lk_stg_"), "bad_checksum"),
        (unknown, "unknown_key"),
        (other_secret, "wrong_secret"),
        (revoked, "revoked"),
    ] {
        let answer = portal.with_key(&key, "GET", "/api/v1/whoami", "").await;
        check(&portal, &answer, 401, "invalid_token", reason).await;
        assert_eq!(
            answer.header("www-authenticate"),
            format!("Bearer realm=\"latchkey\", error=\"invalid_token\"{METADATA}")
        );
        texts.push(answer.json()["detail"].clone());
    }
    portal.clock.advance(Duration::days(7));
    let answer = portal.with_key(&expired, "GET", "/api/v1/whoami", "").await;
    check(&portal, &answer, 401, "invalid_token", "expired").await;
    texts.push(answer.json()["detail"].clone());
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
    let digest = portal.api("GET", "/api/v1/whoami", &[("authorization", "Digest YTpi")], "").await;
    check(&portal, &digest, 401, "invalid_token", "unknown_scheme").await;
}

/// CRC-32/ISO-HDLC in six digits of base 62: written here again, so that a change of the format is noticed.
fn checksum(text: &str) -> String {
    const DIGITS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut crc = !0_u32;
    for byte in text.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    let mut rest = !crc as usize;
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[rest % 62];
        rest /= 62;
    }
    String::from_utf8(digits.to_vec()).unwrap()
}

/// A key with the right checksum behind it.
pub(crate) fn with_checksum(text: &str) -> String {
    format!("{text}{}", checksum(text))
}

#[tokio::test]
async fn dead_and_mistyped_keys_reach_their_owner_and_nobody_else() {
    let Scene { portal, mut ada, application, key } = scene(Given::default()).await;
    let mut eve = portal.member("eve@example.org").await;
    let answer = portal.with_key(&mistyped(&key), "GET", "/api/v1/whoami", "").await;
    let row = portal.recorded(&answer).await;
    assert_eq!(row.attribution.unwrap().name, "Web backend");
    let path = format!("/logs/{}", answer.header("x-request-id"));
    let page = ada.get(&path).await.text();
    assert!(page.contains("the checksum does not match") && page.contains("Compare the key"), "{page}");
    assert_eq!(eve.get(&path).await.status, StatusCode::NOT_FOUND);
    let logs = format!("/apps/{application}/development/logs");
    assert!(ada.get(&logs).await.text().contains("bad_checksum"));
    for (filter, there) in [("reason=bad_checksum", true), ("reason=revoked", false), ("outcome=served", false)] {
        let page = ada.get(&format!("{logs}?{filter}")).await.text();
        assert_eq!(page.contains(&path), there, "{filter}");
    }
    let usage = ada.get(&format!("/apps/{application}/development/usage")).await.text();
    assert!(usage.contains("1 (100.00 %)"), "{usage}");
}

#[tokio::test]
async fn r48_a_key_from_another_network() {
    let portal = Portal::with(Given { require_tls: Some(false), ..Given::default() }).await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let fields = [("scopes[]", "read:posts"), ("expiry", "never"), ("allowed_from", "203.0.113.0/24, 2001:db8::/32")];
    let key = ada.key_with(&application, "development", &fields).await;
    let from = |address: &'static str| {
        let request = Request::builder()
            .uri("/api/v1/whoami")
            .header("x-api-key", &key)
            // What a caller says about its own address is not believed.
            .header("x-forwarded-for", "203.0.113.9")
            .header("x-real-ip", "203.0.113.9")
            .body(Body::empty())
            .unwrap();
        portal.send_from(address, request)
    };
    for inside in ["203.0.113.9:1", "[2001:db8:1::1]:1", "[::ffff:203.0.113.9]:1"] {
        assert_eq!(from(inside).await.status, StatusCode::OK, "{inside}");
    }
    for outside in ["203.0.114.9:1", "[2001:db9::1]:1", LOOPBACK] {
        let answer = from(outside).await;
        check(&portal, &answer, 403, "forbidden", "address_not_allowed").await;
        assert!(!answer.text().contains("203.0.113"), "the caller does not learn the list: {answer:?}");
    }
    let row = portal.recorded(&from("198.51.100.7:1").await).await;
    let detail = "came from 198.51.100.7, allowed: 203.0.113.0/24 2001:db8::/32";
    assert_eq!(row.trace.failed().unwrap().detail, detail);

    let page = format!("/apps/{application}/development/keys/new");
    let fields = [("scopes[]", "read:posts"), ("expiry", "never"), ("allowed_from", "203.0.113.0/24 everywhere")];
    let answer = ada.create_key(&application, "development", &fields).await;
    assert_eq!(answer.location(), page);
    let page = ada.get(&page).await.text();
    assert!(page.contains("everywhere is not an address or a network"), "{page}");
    assert!(page.contains("value=\"203.0.113.0/24 everywhere\""), "what was typed is there still: {page}");
}

#[tokio::test]
async fn rfc6750_3_1_a_missing_scope() {
    let Scene { portal, mut ada, application, .. } = scene(Given::default()).await;
    let reader = ada.key(&application, "staging", &["read:posts"], "never").await;
    let answer = portal.with_key(&reader, "POST", "/api/v1/posts", "{\"title\":\"x\"}").await;
    check(&portal, &answer, 403, "insufficient_scope", "insufficient_scope").await;
    assert_eq!(
        answer.header("www-authenticate"),
        format!("Bearer realm=\"latchkey\", error=\"insufficient_scope\", scope=\"write:posts\"{METADATA}")
    );
    let row = portal.recorded(&answer).await;
    assert_eq!(row.trace.failed().unwrap().detail, "needs write:posts, holds read:posts");
    let list = portal.with_key(&reader, "GET", "/api/v1/posts", "").await;
    assert_eq!(list.json()["posts"].as_array().map(Vec::len), Some(0), "nothing was made");
}

#[tokio::test]
async fn rfc9700_a_key_in_the_url_is_refused_and_counts_as_exposed() {
    let Scene { portal, mut ada, application, key } = scene(Given::default()).await;
    let path = format!("/api/v1/whoami?api_key={key}");
    let answer = portal.api("GET", &path, &[], "").await;
    check(&portal, &answer, 400, "credential_in_query", "credential_in_query").await;
    let row = portal.recorded(&answer).await;
    assert!(!format!("{row:?}").contains(&key), "the record has no key: {row:?}");
    let keys = format!("/apps/{application}/development/keys");
    assert!(ada.get(&keys).await.text().contains("banner tone-bad"), "its owner is told");
}

#[tokio::test]
async fn a_made_up_key_around_a_known_id_exposes_nothing() {
    let Scene { portal, mut ada, application, key } = scene(Given::default()).await;
    let made_up = format!("{}{}", &key[..20], "0".repeat(32));
    let made_up = format!("{made_up}{}", checksum(&made_up));
    let answer = portal.api("GET", &format!("/api/v1/whoami?key={made_up}"), &[], "").await;
    check(&portal, &answer, 400, "credential_in_query", "credential_in_query").await;
    let request = Request::builder().uri("/api/v1/whoami").header("x-api-key", &made_up).body(Body::empty()).unwrap();
    let answer = portal.send_from("203.0.113.9:1", request).await;
    check(&portal, &answer, 403, "tls_required", "tls_required").await;
    let page = ada.get(&format!("/apps/{application}/development/keys")).await.text();
    assert!(!page.contains("banner tone-"), "nobody is alarmed: {page}");
}

#[tokio::test]
async fn a_key_over_plain_http_from_elsewhere() {
    let Scene { portal, key, .. } = scene(Given::default()).await;
    for address in ["203.0.113.9:1", "[2001:db8::1]:1", "10.0.0.1:1"] {
        let request = Request::builder().uri("/api/v1/whoami").header("x-api-key", &key).body(Body::empty()).unwrap();
        let answer = portal.send_from(address, request).await;
        check(&portal, &answer, 403, "tls_required", "tls_required").await;
        // What a stranger says about the way it came is not believed.
        let request = Request::builder()
            .uri("/api/v1/whoami")
            .header("x-api-key", &key)
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-for", "127.0.0.1")
            .header("forwarded", "for=127.0.0.1;proto=https")
            .body(Body::empty())
            .unwrap();
        assert_eq!(portal.send_from(address, request).await.status, StatusCode::FORBIDDEN, "r48 r59: {address}");
    }
    let request = Request::builder().uri("/api/v1/whoami").header("x-api-key", &key).body(Body::empty()).unwrap();
    assert_eq!(portal.send_from("[::ffff:127.0.0.1]:1", request).await.status, StatusCode::OK, "{LOOPBACK} in IPv6");
}

#[tokio::test]
async fn ratelimit_fields_are_true_and_the_limit_holds_under_concurrency() {
    let Scene { portal, key, .. } = scene(Given { requests_per_minute: "10".parse().ok(), ..Given::default() }).await;
    let first = portal.with_key(&key, "GET", "/api/v1/whoami", "").await;
    assert_eq!(first.header("ratelimit-policy"), "\"key\";q=10;w=60");
    assert!(first.header("ratelimit").starts_with("\"key\";r=9;t="), "{first:?}");
    let second = portal.with_key(&key, "GET", "/api/v1/whoami", "").await;
    assert!(second.header("ratelimit").starts_with("\"key\";r=8;t="), "{second:?}");
    let mut running = Vec::new();
    for _ in 0..40 {
        let (app, key) = (portal.app.clone(), key.clone());
        running.push(tokio::spawn(async move {
            let peer: std::net::SocketAddr = LOOPBACK.parse().unwrap();
            let request =
                Request::builder().uri("/api/v1/whoami").header("x-api-key", key).body(Body::empty()).unwrap();
            app.of(peer.into()).answer(request).await.unwrap().status()
        }));
    }
    let mut passed = 0;
    for one in running {
        passed += usize::from(one.await.unwrap() == StatusCode::OK);
    }
    assert_eq!(passed, 8, "ten in all, however they come");
    let answer = portal.with_key(&key, "GET", "/api/v1/whoami", "").await;
    // So many were alike that this one has no row of its own.
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (429, "rate_limited"));
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    let reset: u64 = answer.header("ratelimit").rsplit("t=").next().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait) && wait >= reset, "{answer:?}");
    portal.clock.advance(Duration::seconds(i64::try_from(wait).unwrap()));
    assert_eq!(portal.with_key(&key, "GET", "/api/v1/whoami", "").await.status, StatusCode::OK, "after the wait");
    // Another spelling of the same credential is no other bucket.
    let spelled = format!("bearer   {key}");
    let answer = portal.api("GET", "/api/v1/whoami", &[("authorization", &spelled)], "").await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{answer:?}");
}

#[tokio::test]
async fn asvs_8_3_2_a_revocation_counts_for_the_next_request() {
    let Scene { portal, mut ada, application, key } = scene(Given::default()).await;
    assert_eq!(portal.with_key(&key, "GET", "/api/v1/whoami", "").await.status, StatusCode::OK);
    let id = ada.key_id(&application, "development").await;
    let answer = ada.send("/apps", "/form/api-key/revoke", &[("id", &id)]).await;
    assert_eq!(answer.location(), format!("/apps/{application}/development/keys"));
    assert_eq!(portal.with_key(&key, "GET", "/api/v1/whoami", "").await.status, StatusCode::UNAUTHORIZED);
    let again = ada.send("/apps", "/form/api-key/revoke", &[("id", &id)]).await;
    assert!(ada.get(again.location()).await.text().contains("revoked already"));
}

#[tokio::test]
async fn a_served_request_is_recorded_with_its_key_and_its_route() {
    let Scene { portal, mut ada, application, key } = scene(Given::default()).await;
    let answer = portal.with_key(&key, "GET", "/api/v1/posts/019a0000-0000-7000-8000-000000000001", "").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let row = portal.recorded(&answer).await;
    assert_eq!((row.route.as_str(), row.reason, row.status), ("/api/v1/posts/{id}", None, 404));
    assert_eq!(row.path, "/api/v1/posts/019a0000-0000-7000-8000-000000000001");
    let page = ada.get(&format!("/apps/{application}/development/keys")).await.text();
    assert!(page.contains("from 127.0.0.1"), "the last use is shown: {page}");
}

#[tokio::test]
async fn r62_what_a_caller_writes_into_the_log_is_shown_as_text() {
    let Scene { portal, mut ada, key, .. } = scene(Given::default()).await;
    let request = Request::builder()
        .uri("/api/v1/posts/%3Cscript%3Ealert(1)%3C%2Fscript%3E%0d%0aX")
        .header("x-api-key", &key)
        .header("user-agent", "<img src=x onerror=alert(1)>")
        .body(Body::empty())
        .unwrap();
    let answer = portal.send_from(LOOPBACK, request).await;
    portal.recorded(&answer).await;
    let page = ada.get(&format!("/logs/{}", answer.header("x-request-id"))).await.text();
    assert!(!page.contains("<img src=x") && !page.contains("<script>alert"), "r14: {page}");
    assert!(page.contains("&lt;img src=x"), "{page}");
}

#[tokio::test]
async fn r53_a_key_with_a_tab_in_it_is_not_whole_again_in_the_log() {
    let Scene { portal, key, .. } = scene(Given::default()).await;
    let (one, other) = key.split_at(30);
    let agent = format!("reader {one}\t{other}");
    let headers = [("x-api-key", key.as_str()), ("user-agent", agent.as_str())];
    let answer = portal.api("GET", "/api/v1/whoami", &headers, "").await;
    let hint = PlainApiKey::parse(&key).unwrap().hint();
    assert_eq!(portal.recorded(&answer).await.user_agent, format!("reader {hint}"));
}
