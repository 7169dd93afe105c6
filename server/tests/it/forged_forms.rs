//! Forms that no page of ours sent: every form of the table, in every disguise.

use crate::support::{ORIGIN, Portal, form_request, new_account};
use axum::body::Body;
use http::{HeaderValue, Request, StatusCode, header};
use server::routes::{Kind, ROUTES};

fn forms() -> impl Iterator<Item = &'static str> {
    ROUTES.iter().filter(|route| route.kind == Kind::Form).map(|route| route.path)
}

#[tokio::test]
async fn t05_every_form_from_every_origin() {
    let portal = Portal::start().await;
    let mut ada = portal.browser();
    let token = ada.token().await;
    let origins = [
        // What the browser says of the origin, of the site, and whether the form is taken.
        (None, None, false),
        (None, Some("same-origin"), true),
        (None, Some("none"), false),
        (None, Some("same-site"), false),
        (None, Some("cross-site"), false),
        (Some("null"), None, false),
        (Some("null"), Some("same-origin"), false),
        (Some("https://evil.test"), None, false),
        (Some("https://evil.test"), Some("same-origin"), false),
        (Some("http://127.0.0.1:4000.evil.test"), None, false),
        (Some("http://evil127.0.0.1:4000"), None, false),
        (Some("https://127.0.0.1:4000"), None, false),
        (Some("http://127.0.0.1:4001"), None, false),
        (Some(ORIGIN), Some("cross-site"), false),
        (Some(ORIGIN), Some("same-site"), false),
        (Some(ORIGIN), Some("none"), false),
        (Some(ORIGIN), Some("same-origin"), true),
        (Some(ORIGIN), None, true),
    ];
    for path in forms() {
        for (origin, site, taken) in origins {
            let mut request = form_request(path, &[("_csrf", &token), ("_back", "/docs")]);
            request.headers_mut().remove(header::ORIGIN);
            request.headers_mut().remove("sec-fetch-site");
            for (name, value) in [("origin", origin), ("sec-fetch-site", site)] {
                if let Some(value) = value {
                    request.headers_mut().insert(name, HeaderValue::from_static(value));
                }
            }
            let answer = ada.clone().send_request(request).await;
            let expected = if taken { StatusCode::SEE_OTHER } else { StatusCode::FORBIDDEN };
            assert_eq!(answer.status, expected, "{path} from {origin:?}, {site:?}");
        }
    }
}

#[tokio::test]
async fn t05_every_form_in_every_encoding() {
    let portal = Portal::start().await;
    let mut ada = portal.browser();
    let token = ada.token().await;
    for path in forms() {
        for encoding in ["text/plain", "multipart/form-data; boundary=x", "application/json", "application/cbor", ""] {
            let mut request = form_request(path, &[("_csrf", &token)]);
            request.headers_mut().remove(header::CONTENT_TYPE);
            if !encoding.is_empty() {
                request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(encoding));
            }
            let answer = ada.clone().send_request(request).await;
            assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{path} as {encoding:?}");
        }
    }
}

#[tokio::test]
async fn t05_every_form_asks_for_its_own_browsers_token() {
    let portal = Portal::start().await;
    let (mut ada, mut eve) = (portal.browser(), portal.browser());
    let (own, others) = (ada.token().await, eve.token().await);
    assert_ne!(own, others);
    for path in forms() {
        for token in ["", "x", others.as_str(), &own[1..]] {
            let answer = ada.clone().send_request(form_request(path, &[("_csrf", token), ("_back", "/docs")])).await;
            // It is led back to its page, and nothing of it is done.
            assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/docs"), "{path}");
        }
        let mut without = portal.browser();
        let answer = without.send_request(form_request(path, &[("_csrf", &own), ("_back", "/docs")])).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/docs"), "{path} without the cookie");
    }
    let mut fields = new_account("ada@example.org");
    fields.extend([("_csrf", "wrong"), ("_back", "/signup")]);
    let answer = ada.send_request(form_request("/form/account/sign-up", &fields)).await;
    assert_eq!(answer.location(), "/signup");
    let page = ada.get("/signup").await.text();
    assert!(page.contains("had expired") && page.contains("ada@example.org"), "what was typed is there: {page}");
    assert!(!page.contains(crate::support::PASSWORD), "but for the password");
    assert_eq!(ada.get("/dashboard").await.status, StatusCode::SEE_OTHER, "nobody was signed up");
}

#[tokio::test]
async fn t06_no_form_leads_away_from_the_portal() {
    let portal = Portal::start().await;
    for elsewhere in ["https://evil.test/", "//evil.test", "/\\evil.test", "javascript:alert(1)", "/a\r\nx: y"] {
        let mut ada = portal.browser();
        let answer = ada.send(elsewhere, "/form/account/theme", &[("theme", "dark")]).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/"), "back to {elsewhere:?}");
        let fields = [("email", "nobody@example.org"), ("password", "wrong"), ("next", elsewhere)];
        let answer = ada.send("/login", "/form/account/sign-in", &fields).await;
        assert!(answer.location().starts_with("/login?next="), "{answer:?}");
        let token = ada.token().await;
        let mut request = form_request("/form/account/theme", &[("_csrf", &token), ("theme", "dark")]);
        request.headers_mut().insert(header::REFERER, HeaderValue::from_static("https://evil.test/page"));
        assert_eq!(ada.send_request(request).await.location(), "/", "the Referer says nothing");
    }
    let mut ada = portal.member("ada@example.org").await;
    ada.send("/dashboard", "/form/account/sign-out", &[]).await;
    let fields = [("email", "ada@example.org"), ("password", crate::support::PASSWORD), ("next", "//evil.test")];
    assert_eq!(ada.send("/login", "/form/account/sign-in", &fields).await.location(), "/dashboard");
}

#[tokio::test]
async fn t12_a_form_that_is_too_large_is_not_read() {
    let portal = Portal::start().await;
    let mut ada = portal.browser();
    let token = ada.token().await;
    let large = "x".repeat(server::routes::BODY_LIMIT);
    for path in forms() {
        let answer = ada.clone().send_request(form_request(path, &[("_csrf", &token), ("name", &large)])).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
    }
}

#[tokio::test]
async fn r15_nothing_is_done_by_a_link() {
    let portal = Portal::start().await;
    let mut ada = portal.member("ada@example.org").await;
    for path in forms() {
        let request = Request::builder().uri(format!("{path}?email=a&password=b")).body(Body::empty()).unwrap();
        let answer = ada.send_request(request).await;
        assert!(
            [StatusCode::METHOD_NOT_ALLOWED, StatusCode::NOT_FOUND].contains(&answer.status),
            "GET {path}: {answer:?}"
        );
    }
    assert_eq!(ada.get("/dashboard").await.status, StatusCode::OK, "Ada is signed in still");
}

#[tokio::test]
async fn a_form_with_fields_missing_is_explained_and_never_a_fault() {
    let portal = Portal::start().await;
    let mut ada = portal.member("ada@example.org").await;
    for path in forms().filter(|path| *path != "/form/account/sign-out") {
        for fields in
            [&[][..], &[("name", ""), ("scopes", "one"), ("scopes[]", "")], &[("name", "a\0b"), ("id", "%00")]]
        {
            let answer = ada.send("/docs", path, fields).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path} {fields:?}: {answer:?}");
            assert!(!answer.location().contains("__err"), "{path} {fields:?}: {answer:?}");
        }
    }
}
