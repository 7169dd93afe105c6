//! What browsers are told about pages: scripts run by their nonce alone, nothing is kept, nobody frames it.

use crate::support::{Portal, between};
use server::routes::{Kind, ROUTES};
use std::collections::BTreeSet;

#[tokio::test]
async fn csp_lets_nothing_run_without_its_nonce() {
    let portal = Portal::start().await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    ada.key(&application, "development", &["read:posts"], "never").await;
    let pages = ROUTES.iter().filter(|route| route.kind == Kind::Page).map(|route| {
        route.path.replace("{app}", &application).replace("{environment}", "development").replace("{guide}", "keys")
    });
    for path in pages.chain(["/nowhere".to_owned(), "/apps/rubbish/rubbish/keys".to_owned()]) {
        let answer = ada.get(&path).await;
        let policy = answer.header("content-security-policy").to_owned();
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{path}: {policy}");
        for part in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "object-src 'none'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(part), "{path}: {part} in {policy}");
        }
        let nonce = between(&policy, "'nonce-", "'");
        assert!(nonce.len() >= 22, "128 bits are 22 characters of base 64: {nonce}");
        let page = answer.text();
        for script in page.split("<script").skip(1) {
            let tag = script.split_once('>').unwrap().0;
            assert!(tag.contains(&format!("nonce=\"{nonce}\"")), "{path}: {tag}");
        }
        assert!(!page.contains(" style=\"") && !page.contains("<style") && !page.contains(" onclick="), "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "asvs_3_4_8: {path}");
        assert!(answer.header("strict-transport-security").is_empty(), "rfc6797_7_2: not over plain HTTP");
    }
}

#[tokio::test]
async fn csp_nonces_differ() {
    let portal = Portal::start().await;
    let mut nonces = BTreeSet::new();
    for _ in 0..500 {
        let answer = portal.browser().get("/login").await;
        nonces.insert(between(answer.header("content-security-policy"), "'nonce-", "'").to_owned());
    }
    assert_eq!(nonces.len(), 500);
}

#[tokio::test]
async fn no_other_origin_may_read_an_answer() {
    let portal = Portal::start().await;
    for path in ["/", "/api/v1/status", "/api/v1/whoami", "/form/account/sign-in"] {
        for method in ["GET", "OPTIONS"] {
            let headers = [("origin", "https://evil.test"), ("access-control-request-method", "POST")];
            let answer = portal.api(method, path, &headers, "").await;
            assert!(answer.headers.get("access-control-allow-origin").is_none(), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn pages_are_the_same_with_rubbish_in_the_query() {
    let portal = Portal::start().await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    for query in ["range=x", "range=%00", "before=x", "status=abc", "address=1.2.3", "a=1&a=2&=&&&", "path=%ff%fe"] {
        for part in ["usage", "logs", "keys"] {
            let answer = ada.get(&format!("/apps/{application}/development/{part}?{query}")).await;
            assert_eq!(answer.status, 200, "{part}?{query}");
        }
    }
    let page = ada.get(&format!("/apps/{application}/development/logs?status=abc&address=1.2.3")).await.text();
    assert!(
        page.contains("id=\"status-error\"") && page.contains("id=\"address-error\""),
        "what filters nothing says so"
    );
    let page = ada.get(&format!("/apps/{application}/development/logs?path=%22%3E%3Cscript%3Ealert(1)")).await.text();
    assert!(!page.contains("<script>alert"), "r14: {page}");
}

#[tokio::test]
async fn a_link_is_made_from_the_configured_address() {
    let portal = Portal::start().await;
    let headers = [("host", "evil.test"), ("x-forwarded-host", "evil.test"), ("forwarded", "host=evil.test")];
    for path in ["/", "/docs/first-key", "/signup"] {
        let answer = portal.api("GET", path, &headers, "").await;
        assert!(!format!("{answer:?}").contains("evil.test"), "r59: {answer:?}");
    }
}
