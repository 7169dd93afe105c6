//! What SQLite and PostgreSQL could do otherwise, on PostgreSQL: everything that is stored on the way to a token.

use crate::{
    stage::{SCOPES, Stage, Tokens, encoded, parameter},
    support::{Answer, Portal},
};
use http::StatusCode;
use serde_json::{Value, json};

async fn form(stage: &Stage, path: &str, pairs: &[(&str, &str)]) -> Answer {
    stage.portal.oauth(path, stage.authorization.as_deref(), &encoded(pairs)).await
}

#[tokio::test]
async fn every_way_to_a_token_works_on_postgres_too() {
    let fields = [
        ("token_form", "opaque"),
        ("device", "yes"),
        ("subject_type", "pairwise"),
        ("backchannel_logout_uri", "https://reader.example/logout"),
    ];
    let mut stage = Stage::build(Portal::on_postgres().await, &["openid", "read:posts", "write:posts"], &fields).await;

    // A pushed request, answered once; an opaque token, ended at once; a refresh token that knows what was used.
    let parameters = stage.parameters();
    let pairs: Vec<_> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let pushed = form(&stage, "/oauth/par", &pairs).await.json();
    let request_uri = pushed["request_uri"].as_str().unwrap();
    let asked = encoded(&[("client_id", stage.client_id.as_str()), ("request_uri", request_uri)]);
    let url = format!("/oauth/authorize?{asked}");
    let answer = stage.answer(&url, &["openid", "read:posts"], "allow").await;
    let tokens = Tokens::of(&stage.redeem_code(&parameter(&answer, "code").unwrap()).await);
    assert_eq!(stage.grace.get(&url).await.status, StatusCode::BAD_REQUEST);
    assert!(tokens.access.starts_with("lk_tok_") && !tokens.id.is_empty() && stage.works(&tokens).await);
    let again = Tokens::of(&stage.refresh(&tokens.refresh).await);
    form(&stage, "/oauth/revoke", &[("token", &again.access)]).await;
    assert!(!stage.works(&again).await);

    // A device.
    let device = form(&stage, "/oauth/device_authorization", &[("scope", "read:posts")]).await.json();
    let text = |value: &Value, member: &str| value[member].as_str().unwrap().to_owned();
    let (code, user_code) = (text(&device, "device_code"), text(&device, "user_code"));
    let grant_type = "urn:ietf:params:oauth:grant-type:device_code";
    let poll = [("grant_type", grant_type), ("device_code", code.as_str())];
    assert_eq!(form(&stage, "/oauth/token", &poll).await.json()["error"], "authorization_pending");
    let fields = [("user_code", user_code.as_str()), ("ticked[]", "read:posts"), ("answer", "allow")];
    stage.grace.send("/device", "/form/device/answer", &fields).await;
    let given = form(&stage, "/oauth/token", &poll).await;
    assert!(stage.works(&Tokens::of(&given)).await);
    assert_eq!(form(&stage, "/oauth/token", &poll).await.json()["error"], "invalid_grant");

    // Apps are noted that must be told, once each.
    stage.grace.send("/dashboard", "/form/account/sign-out", &[]).await;
    let sign_outs = &stage.portal.state.services.sign_outs;
    assert_eq!(sign_outs.deliver().await.unwrap(), 0, "nobody answers there");
    let now = stage.portal.clock_now() + time::Duration::minutes(1);
    let due = latchkey_core::port::LogoutReader::logout_notices_due(&stage.portal.store, now, 10).await.unwrap();
    assert_eq!((due.len(), due[0].0.attempts), (1, 1));

    // An app that registers itself, changes that, and ends it.
    let application = stage.application.clone();
    let page = format!("/apps/{application}/development/clients");
    let fields = [("application", application.as_str()), ("environment", "development"), ("policy", "token")];
    for _ in 0..2 {
        stage.ada.send(&page, "/form/oauth-client/registration", &fields).await;
    }
    let bearer = format!("Bearer {}", stage.ada.secret_on(&page).await);
    let about = json!({"redirect_uris": ["https://reader.example/callback"], "scope": SCOPES.join(" ")});
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let registered = stage.portal.api("POST", "/oauth/register", &headers, &about.to_string()).await;
    assert_eq!(registered.status, StatusCode::CREATED, "{registered:?}");
    let registered = registered.json();
    let own = format!("Bearer {}", text(&registered, "registration_access_token"));
    let place = format!("/oauth/register/{}", text(&registered, "client_id"));
    let own = [("authorization", own.as_str())];
    assert_eq!(stage.portal.api("GET", &place, &own, "").await.status, StatusCode::OK);
    assert_eq!(stage.portal.api("DELETE", &place, &own, "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(stage.portal.api("GET", &place, &own, "").await.status, StatusCode::UNAUTHORIZED);
    stage.portal.state.services.ports.store.ping().await.unwrap();
    server::workers::prune(&stage.portal.state).await.unwrap();
}
