//! What people are shown of a client when it asks them: its picture, and whether an admin has looked at it.

use crate::{
    stage::{SCOPES, Stage},
    support::{Answer, Browser, between},
};
use axum::body::Body;
use http::{Request, StatusCode, header};

/// A picture of one pixel, as PNG.
const PNG: &[u8] = include_bytes!("pixel.png");

/// Uploads a file as a browser does.
async fn upload(browser: &mut Browser, page: &str, id: &str, token: Option<&str>, file: &[u8]) -> Answer {
    let own = browser.token().await;
    let mut body = Vec::new();
    for (name, value) in [("_csrf", token.unwrap_or(&own)), ("_back", page), ("id", id)] {
        body.extend(format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
    }
    let head = "--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"logo.png\"\r\nContent-Type: image/png\r\n\r\n";
    body.extend(head.bytes());
    body.extend(file);
    body.extend(b"\r\n--cut--\r\n");
    let request = Request::post("/form/oauth-client/set-logo")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=cut")
        .header(header::ORIGIN, &browser.origin)
        .header("sec-fetch-site", "same-origin")
        .body(Body::from(body))
        .unwrap();
    browser.send_request(request).await
}

fn id_of(page: &str) -> &str {
    page.rsplit('/').next().unwrap()
}

/// What the list shows of the one client on it, in a digest.
fn seen_of(list: &str) -> String {
    between(list, "name=\"seen\" value=\"", "\"").to_owned()
}

async fn asks(stage: &mut Stage) -> String {
    let url = stage.url(|_| ());
    stage.grace.get(&url).await.text()
}

#[tokio::test]
async fn r58_a_logo_is_uploaded_drawn_anew_and_shown_to_whoever_is_asked() {
    let mut stage = Stage::set(&[]).await;
    let page = stage.page.clone();
    let uploaded = upload(&mut stage.ada, &page, id_of(&page), None, PNG).await;
    assert_eq!((uploaded.status, uploaded.location()), (StatusCode::SEE_OTHER, page.as_str()), "{uploaded:?}");
    assert!(stage.ada.get(&page).await.text().contains("This is its logo from now on"));
    let consent = asks(&mut stage).await;
    let src = between(&consent, "<img src=\"", "\"").to_owned();
    assert!(src.starts_with(&format!("/logos/{}/", stage.client_id)), "{src}");
    let shown = stage.portal.api("GET", &src, &[], "").await;
    assert_eq!((shown.header("content-type"), shown.header("x-content-type-options")), ("image/png", "nosniff"));
    assert!(shown.body.starts_with(b"\x89PNG") && shown.header("cache-control").contains("immutable"));
    assert_eq!(shown.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
    for other in [src.replace(".png", ".svg"), src.replace(".png", "0.png"), src.replace(&stage.client_id, "lkc_x")] {
        assert_eq!(stage.portal.api("GET", &other, &[], "").await.status, StatusCode::NOT_FOUND, "{other}");
    }

    for (file, sentence) in [
        (&b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>"[..], "Choose a PNG"),
        (b"", "Choose a picture of at most 2 MB"),
        (&PNG[..30], "Choose a PNG"),
    ] {
        upload(&mut stage.ada, &page, id_of(&page), None, file).await;
        let text = stage.ada.get(&page).await.text();
        assert!(text.contains(&format!("class=\"field-error\">{sentence}")), "{sentence}: {text}");
    }
    assert!(asks(&mut stage).await.contains(&src), "what is refused changes nothing");
    let huge = upload(&mut stage.ada, &page, id_of(&page), None, &vec![0; 9 * 1024 * 1024]).await;
    assert_eq!(huge.status, StatusCode::PAYLOAD_TOO_LARGE);

    stage.ada.send(&page, "/form/oauth-client/remove-logo", &[("id", id_of(&page))]).await;
    assert!(!asks(&mut stage).await.contains("<img"), "it is gone");
    assert_eq!(stage.portal.api("GET", &src, &[], "").await.status, StatusCode::NOT_FOUND);
    // The log says which picture it was.
    let log = format!("/teams/{}/audit/export?action=oauth_client.changed", stage.ada.team_id().await);
    let file = stage.ada.get(&log).await.text();
    let change = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["changes"][0].clone();
    let (gone, made) = file.lines().map(change).next().zip(file.lines().map(change).next_back()).unwrap();
    assert_eq!((&made["field"], &made["before"], &gone["after"]), (&"logo".into(), &"".into(), &"".into()), "{file}");
    assert!(src.contains(made["after"].as_str().unwrap()) && gone["before"] == made["after"], "{src} {file}");
}

#[tokio::test]
async fn t05_a_file_is_taken_with_this_browsers_token_from_its_owner_alone() {
    let mut stage = Stage::set(&[]).await;
    let page = stage.page.clone();
    let forged = upload(&mut stage.ada, &page, id_of(&page), Some("forged"), PNG).await;
    assert_eq!(forged.location(), page, "it is led back, and nothing is done");
    let mut eve = stage.portal.member("eve@example.org").await;
    upload(&mut eve, "/apps", id_of(&page), None, PNG).await;
    eve.send("/apps", "/form/oauth-client/remove-logo", &[("id", id_of(&page))]).await;
    assert!(!asks(&mut stage).await.contains("<img"));
    let other = Request::post("/form/account/theme")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=cut")
        .header(header::ORIGIN, &eve.origin)
        .body(Body::from("--cut--\r\n"))
        .unwrap();
    assert_eq!(eve.send_request(other).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "no other form takes files");
}

#[tokio::test]
async fn asvs_10_7_people_read_whether_an_admin_has_verified_who_asks() {
    let mut stage = Stage::set(&[]).await;
    let mut admin = stage.portal.admin().await;
    let (page, id) = (stage.page.clone(), id_of(&stage.page.clone()).to_owned());
    assert!(asks(&mut stage).await.contains("Nobody has verified it"));
    let list = admin.get("/admin/apps").await.text();
    assert!(list.contains("Reading list") && list.contains("Not verified"), "{list}");
    let seen = seen_of(&list);
    for browser in [&mut stage.ada, &mut stage.grace] {
        let fields = [("id", id.as_str()), ("seen", &seen), ("verified", "yes"), ("reason", "we know who runs it")];
        browser.send("/dashboard", "/form/oauth-client/verify", &fields).await;
    }
    assert!(asks(&mut stage).await.contains("Nobody has verified it"), "no developer says so, least of all its own");
    let verify = async |admin: &mut Browser| {
        let seen = seen_of(&admin.get("/admin/apps").await.text());
        let fields = [("id", id.as_str()), ("seen", &seen), ("verified", "yes"), ("reason", "we know who runs it")];
        admin.send("/admin/apps", "/form/oauth-client/verify", &fields).await
    };
    verify(&mut admin).await;
    assert!(asks(&mut stage).await.contains("An admin of this portal has verified"));

    // A setting that people do not see changes nothing; a name, an address or a picture does.
    let client = crate::support::Machine { page: page.clone(), client_id: String::new(), secret: String::new() };
    let same = [("name", "Reading list"), ("redirect_uris", "https://reader.example/callback"), ("refresh", "yes")];
    let longer = [&same[..], &[("token_minutes", "30")]].concat();
    stage.ada.change_client(&client, SCOPES, &longer).await;
    assert!(asks(&mut stage).await.contains("An admin of this portal has verified"));
    let uris = "https://reader.example/callback\nhttps://reader.example/other";
    let elsewhere = [("name", "Reading list"), ("redirect_uris", uris), ("refresh", "yes")];
    stage.ada.change_client(&client, SCOPES, &elsewhere).await;
    assert!(asks(&mut stage).await.contains("Nobody has verified it"), "it leads elsewhere, too");
    // What the admin looked at is what they verify, not what it became before they clicked.
    admin
        .send(
            "/admin/apps",
            "/form/oauth-client/verify",
            &[("id", &id), ("seen", &seen), ("verified", "yes"), ("reason", "we know who runs it")],
        )
        .await;
    assert!(admin.get("/admin/apps").await.text().contains("It was changed since you looked"));
    assert!(asks(&mut stage).await.contains("Nobody has verified it"), "bait and switch");
    verify(&mut admin).await;
    let renamed = [("name", "Your bank"), ("redirect_uris", uris), ("refresh", "yes")];
    stage.ada.change_client(&client, SCOPES, &renamed).await;
    assert!(asks(&mut stage).await.contains("Nobody has verified it"), "it calls itself something else");
    verify(&mut admin).await;
    upload(&mut stage.ada, &page, &id, None, PNG).await;
    assert!(asks(&mut stage).await.contains("Nobody has verified it"), "it looks otherwise");
    verify(&mut admin).await;
    admin
        .send(
            "/admin/apps",
            "/form/oauth-client/verify",
            &[("id", &id), ("verified", ""), ("reason", "it changed hands")],
        )
        .await;
    assert!(asks(&mut stage).await.contains("Nobody has verified it"), "and it can be taken back");
}
