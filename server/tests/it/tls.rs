//! Our own listeners with TLS: certificates that change while we serve, and what plain HTTP is still for beside them.

use crate::{
    https::{Authority, Identity, answer, listen, named, trusting},
    support::Portal,
};
use http::StatusCode;
use server::{
    config::Given,
    tls::{AUTHORITY, TlsListener},
};
use std::{net::TcpListener, path::Path, time::Duration};

/// A portal on TLS; what it is called.
async fn portal(given: Given) -> (Portal, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let portal = Portal::with(Given { tls_listen: listener.local_addr().ok(), ..given }).await;
    listen(&portal, listener, TlsListener::Ordinary);
    let url = portal.state.config.base_url().to_owned();
    (portal, url)
}

#[tokio::test]
async fn pages_and_the_api_are_served_by_tls_and_browsers_are_told_to_stay() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, given) = operators(folder.path());
    std::fs::write(folder.path().join("authority.pem"), authority.pem()).unwrap();
    let (_portal, url) = portal(given).await;
    let client = trusting(&folder.path().join("authority.pem"), None);
    for path in ["/", "/login", "/api/v1/status", "/health/ready"] {
        let answer = answer(client.get(format!("{url}{path}")).send().await.unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
        let strict = answer.header("strict-transport-security");
        assert_eq!(strict, "max-age=31536000; includeSubDomains", "rfc6797_7_2 at {path}");
    }
    // A key is judged by TLS, from any address.
    let refused =
        answer(client.get(format!("{url}/api/v1/whoami")).bearer_auth("lk_rubbish").send().await.unwrap()).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::UNAUTHORIZED, "invalid_token"));
}

#[tokio::test]
async fn a_certificate_that_is_made_here_serves_and_binds_no_browser_to_https() {
    let (portal, url) = portal(Given::default()).await;
    assert!(url.starts_with("https://localhost:"), "{url}");
    let client = trusting(&portal.folder.path().join(AUTHORITY), None);
    let page = answer(client.get(format!("{url}/login")).send().await.unwrap()).await;
    assert_eq!(
        (page.status, page.header("strict-transport-security")),
        (StatusCode::OK, ""),
        "other servers run here, too"
    );
}

#[tokio::test]
async fn plain_http_leads_people_on_and_takes_no_credential() {
    let (portal, url) = portal(Given::default()).await;
    let mut browser = portal.browser();
    let led = browser.get("/login?next=%2Fapps").await;
    assert_eq!((led.status, led.location()), (StatusCode::TEMPORARY_REDIRECT, &*format!("{url}/login?next=%2Fapps")));
    assert_eq!(led.header("strict-transport-security"), "", "rfc6797_7_2: never over plain HTTP");
    // r59: whatever the request calls us.
    let headers = [("host", "evil.test"), ("x-forwarded-host", "evil.test"), ("x-forwarded-proto", "https")];
    let led = portal.api("GET", "/", &headers, "").await;
    assert_eq!((led.status, led.location()), (StatusCode::TEMPORARY_REDIRECT, &*format!("{url}/")));
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let posted = portal.api("POST", "/form/account/sign-in", &form, "email=a&password=b").await;
    assert_eq!((posted.status, posted.code().as_str()), (StatusCode::FORBIDDEN, "tls_required"));

    let refused = portal.with_key("lk_rubbish", "GET", "/api/v1/whoami", "").await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::FORBIDDEN, "tls_required"), "also from here");
    let token = portal.oauth("/oauth/token", None, "grant_type=client_credentials&client_id=x").await;
    assert_eq!(token.json()["error"], "invalid_request");
    assert_eq!(portal.api("GET", "/api/v1/status", &[], "").await.status, StatusCode::OK, "what is public stays so");
    assert_eq!(portal.api("GET", "/health/ready", &[], "").await.status, StatusCode::OK);
}

/// Writes a certificate for this machine and its key, as an operator's tool does.
fn write(folder: &Path, authority: &Authority) {
    let mut params = named("keys.example.org");
    params.subject_alt_names = vec![rcgen::SanType::DnsName("localhost".try_into().unwrap())];
    let identity: Identity = authority.sign(&params);
    std::fs::write(folder.join("certificate.pem"), &identity.pem).unwrap();
    std::fs::write(folder.join("key.pem"), identity.key_pem()).unwrap();
}

fn files_in(folder: &Path) -> Given {
    Given {
        tls_certificate: Some(folder.join("certificate.pem")),
        tls_key: Some(folder.join("key.pem")),
        ..Given::default()
    }
}

/// A certificate of an operator's authority, and the settings that name it.
fn operators(folder: &Path) -> (Authority, Given) {
    let authority = Authority::new();
    write(folder, &authority);
    (authority, files_in(folder))
}

#[tokio::test]
async fn certificates_are_read_anew_without_a_restart_and_a_broken_file_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (Authority::new(), Authority::new());
    for (name, authority) in [("first.pem", &first), ("second.pem", &second)] {
        std::fs::write(folder.path().join(name), authority.pem()).unwrap();
    }
    write(folder.path(), &first);
    let (_portal, url) = portal(files_in(folder.path())).await;
    // A new client each time, so that each connects anew.
    let works = async |authority: &str| {
        let client = trusting(&folder.path().join(authority), None);
        client.get(format!("{url}/health/live")).send().await.is_ok()
    };
    assert!(works("first.pem").await && !works("second.pem").await);
    std::fs::write(folder.path().join("certificate.pem"), "no certificate").unwrap();
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert!(works("first.pem").await, "the one before stays in force");
    write(folder.path(), &second);
    for _ in 0..50 {
        if works("second.pem").await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(works("second.pem").await && !works("first.pem").await);
}
