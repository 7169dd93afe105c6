//! Programs get tokens in every way that there is, and fail to.

use super::{
    planted::Planted,
    scene::{SCOPES, Scene},
};
use crate::{
    sender_constrained::{FORM, Holder},
    stage::{REDIRECT, Stage, Tokens, VERIFIER, encoded},
    support::{Answer, ORIGIN},
};
use http::StatusCode;
use serde_json::json;

fn plant_tokens(planted: &mut Planted, whose: &str, tokens: &Tokens) {
    planted.plant_credential(&format!("an access token of {whose}"), &tokens.access);
    for (what, token) in [("a refresh token", &tokens.refresh), ("an ID token", &tokens.id)] {
        if !token.is_empty() {
            planted.plant_credential(&format!("{what} of {whose}"), token);
        }
    }
}

/// Codes, refresh tokens, secrets, assertions, proofs and pushed requests.
pub(super) async fn clients_get_tokens(scene: &mut Scene, planted: &mut Planted) {
    let Scene { stage, machine, .. } = scene;
    planted.plant("the verifier of a code", VERIFIER);
    let code = stage.code().await;
    planted.plant_credential("a code that is redeemed", &code);
    plant_tokens(planted, "a person", &Tokens::of(&stage.redeem_code(&code).await));
    planted.saw("a code that is redeemed twice", &stage.redeem_code(&code).await);
    let unspent = stage.code().await;
    planted.plant_credential("a code that nobody redeems", &unspent);
    let verifier = "canary-verifier-that-is-not-the-right-one-00000";
    planted.plant("a wrong verifier", verifier);
    let grant = ("grant_type", "authorization_code");
    let wrong = [grant, ("code", &unspent), ("redirect_uri", REDIRECT), ("code_verifier", verifier)];
    planted.saw("a wrong verifier", &stage.redeem(&wrong).await);

    let first = stage.tokens().await;
    let second = Tokens::of(&stage.refresh(&first.refresh).await);
    plant_tokens(planted, "a person who goes on", &first);
    plant_tokens(planted, "a person who went on", &second);
    let authorization = stage.authorization.clone();
    for token in [&second.access, &second.refresh, &second.id] {
        let told =
            stage.portal.oauth("/oauth/introspect", authorization.as_deref(), &encoded(&[("token", token)])).await;
        planted.saw("an introspection", &told);
    }
    let userinfo = stage.portal.with_key(&second.access, "GET", "/oauth/userinfo", "").await;
    assert_eq!(userinfo.status, StatusCode::OK, "{userinfo:?}");
    planted.saw("userinfo", &userinfo);

    planted.plant_credential("a token of a service account", &stage.portal.token_of(machine).await);
    let (ada, application) = (&mut stage.ada, stage.application.clone());
    let opaque = [("token_form", "opaque"), ("name", "Weekly import")];
    let opaque = ada.service_account(&application, "development", &["read:posts"], &opaque).await;
    planted.plant_credential("the secret of another service account", &opaque.secret);
    planted.plant_credential("an opaque token", &stage.portal.token_of(&opaque).await);
    push_with_a_secret(stage, planted).await;
    sign_instead(stage, planted).await;
    prove_a_key(stage, planted).await;
}

/// A pushed request, with the client's secret beside it in the body.
async fn push_with_a_secret(stage: &mut Stage, planted: &mut Planted) {
    let application = stage.application.clone();
    let fields = [("auth_method", "client_secret_post"), ("name", "Posting list")];
    let client = stage.ada.oauth_client(&application, "development", SCOPES, &fields).await;
    planted.plant_credential("a secret that is posted", &client.secret);
    let mut parameters = stage.parameters();
    parameters.insert("client_id", client.client_id.clone());
    parameters.insert("client_secret", client.secret.clone());
    let pairs: Vec<_> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = stage.portal.oauth("/oauth/par", None, &encoded(&pairs)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    let request_uri = answer.json()["request_uri"].as_str().unwrap().to_owned();
    planted.plant_credential("the name of a pushed request", request_uri.rsplit(':').next().unwrap());
    let query = encoded(&[("client_id", &client.client_id), ("request_uri", &request_uri)]);
    assert_eq!(stage.grace.get(&format!("/oauth/authorize?{query}")).await.status, StatusCode::OK);
}

/// A service account that signs what it says.
async fn sign_instead(stage: &mut Stage, planted: &mut Planted) {
    let (application, holder) = (stage.application.clone(), Holder::new());
    let keys = holder.jwks();
    let fields = [("auth_method", "private_key_jwt"), ("keys", keys.as_str()), ("name", "Signing import")];
    let client = stage.ada.service_account(&application, "development", &["read:posts"], &fields).await;
    let assertion = holder.assertion(&stage.portal, &client.client_id, |_| ());
    planted.plant_credential("an assertion", &assertion);
    let body = encoded(&[
        ("grant_type", "client_credentials"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", &assertion),
    ]);
    let answer = stage.portal.oauth("/oauth/token", None, &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    planted.plant_credential("a token for an assertion", answer.json()["access_token"].as_str().unwrap());
    planted.saw("an assertion that is sent twice", &stage.portal.oauth("/oauth/token", None, &body).await);
}

/// A token that is bound to a key.
async fn prove_a_key(stage: &mut Stage, planted: &mut Planted) {
    let holder = Holder::new();
    let code = stage.code().await;
    let authorization = stage.authorization.clone().unwrap();
    let body = encoded(&[
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ]);
    let mut nonce: Option<String> = None;
    let answer = loop {
        let url = format!("{ORIGIN}/oauth/token");
        let proof = holder.proof_at(&stage.portal, "POST", &url, None, nonce.as_deref());
        planted.plant_credential("a proof at the token endpoint", &proof);
        let headers = [FORM, ("dpop", &proof), ("authorization", &authorization)];
        let answer = stage.portal.api("POST", "/oauth/token", &headers, &body).await;
        if nonce.is_some() {
            break answer;
        }
        planted.saw("a proof without a nonce", &answer);
        nonce = Some(answer.header("dpop-nonce").to_owned());
    };
    let tokens = Tokens::of(&answer);
    plant_tokens(planted, "a holder of a key", &tokens);
    let url = format!("{ORIGIN}/api/v1/whoami");
    let proof = holder.proof_at(&stage.portal, "GET", &url, Some(&tokens.access), nonce.as_deref());
    planted.plant_credential("a proof at the API", &proof);
    let bound = format!("DPoP {}", tokens.access);
    for (what, status) in [("a proof", StatusCode::OK), ("a proof that is used twice", StatusCode::UNAUTHORIZED)] {
        let headers = [("authorization", bound.as_str()), ("dpop", proof.as_str())];
        let answer = stage.portal.api("GET", "/api/v1/whoami", &headers, "").await;
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        planted.saw(what, &answer);
    }
}

/// A television that a person lets in, one that waits, and an app that registers itself.
pub(super) async fn devices_and_agents_come(scene: &mut Scene, planted: &mut Planted) {
    let stage = &mut scene.stage;
    let application = stage.application.clone();
    let fields = [("auth_method", "none"), ("device", "yes"), ("name", "Television")];
    let client = stage.ada.oauth_client(&application, "development", &["read:posts"], &fields).await;
    let begin = encoded(&[("client_id", &client.client_id), ("scope", "read:posts")]);
    for is_let_in in [true, false] {
        let told = stage.portal.oauth("/oauth/device_authorization", None, &begin).await.json();
        let text = |member: &str| told[member].as_str().unwrap().to_owned();
        let (code, user_code) = (text("device_code"), text("user_code"));
        planted.plant_credential("the code of a device", &code);
        planted.plant("what a person types for it", &user_code);
        if is_let_in {
            let page = format!("/device?user_code={user_code}");
            let fields = [("user_code", user_code.as_str()), ("answer", "allow"), ("ticked[]", "read:posts")];
            stage.grace.send(&page, "/form/device/answer", &fields).await;
        }
        let poll = encoded(&[
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", &code),
            ("client_id", &client.client_id),
        ]);
        let answer = stage.portal.oauth("/oauth/token", None, &poll).await;
        assert_eq!(answer.status == StatusCode::OK, is_let_in, "{answer:?}");
        if is_let_in {
            plant_tokens(planted, "a device", &Tokens::of(&answer));
        } else {
            planted.saw("a device that waits", &answer);
        }
    }
    register(stage, planted).await;
}

async fn register(stage: &mut Stage, planted: &mut Planted) {
    let application = stage.application.clone();
    let page = format!("/apps/{application}/development/clients");
    let fields = [("application", application.as_str()), ("environment", "development"), ("policy", "token")];
    stage.ada.send(&page, "/form/oauth-client/registration", &fields).await;
    let initial = stage.ada.secret_on(&page).await;
    planted.plant_credential("a token to register with", &initial);
    let metadata = json!({"client_name": "Agent", "redirect_uris": [REDIRECT], "scope": "read:posts"});
    let answer = send(stage, "POST", "/oauth/register", &initial, &metadata.to_string()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    let registered = answer.json();
    let text = |member: &str| registered[member].as_str().unwrap().to_owned();
    planted.plant_credential("the secret of an agent", &text("client_secret"));
    let own = text("registration_access_token");
    planted.plant_credential("the token of an agent", &own);
    let place = text("registration_client_uri").strip_prefix(ORIGIN).unwrap().to_owned();
    for (token, body) in [(&own, "{"), (&own, "{\"client_name\": 1}"), (&initial, metadata.to_string().as_str())] {
        planted.saw("a change that is refused", &send(stage, "PUT", &place, token, body).await);
    }
    let wrong = json!({"client_name": own, "redirect_uris": [format!("http://agent.example/{own}")], "scope": own});
    planted.saw(
        "metadata with a token in it",
        &send(stage, "POST", "/oauth/register", &initial, &wrong.to_string()).await,
    );
}

async fn send(stage: &Stage, method: &str, path: &str, token: &str, body: &str) -> Answer {
    let authorization = format!("Bearer {token}");
    let headers = [("content-type", "application/json"), ("authorization", authorization.as_str())];
    stage.portal.api(method, path, &headers, body).await
}
