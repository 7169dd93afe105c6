//! What servers and operators' programs ask: what requests are worth, and other policies.

use super::{ADDRESS, World, refusal};
use crate::{
    sender_constrained::Holder,
    stage::encoded,
    support::{Answer, Machine, ORIGIN, between},
};
use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::{Value, json};

/// A machine of the application with a token for the gateway.
pub(super) struct Program {
    pub(super) machine: Machine,
    pub(super) token: String,
}

pub(super) async fn program(world: &mut World, environment: &str) -> Program {
    let application = world.application.clone();
    let machine = world.ada.service_account(&application, environment, &["read:posts"], &[]).await;
    let token = gateway_token(world, &machine).await;
    Program { machine, token }
}

async fn gateway_token(world: &World, machine: &Machine) -> String {
    let gateway = format!("{ORIGIN}/gateway");
    let body = encoded(&[("grant_type", "client_credentials"), ("resource", &gateway)]);
    let answer = world.portal.oauth("/oauth/token", Some(&machine.basic()), &body).await;
    assert_eq!((answer.status, &answer.json()["scope"]), (StatusCode::OK, &json!("")), "{answer:?}");
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

/// A world in which one program may verify and another may change policies.
async fn world() -> (World, Program, Program) {
    let mut world = World::new().await;
    let (verifier, editor) = (program(&mut world, "production").await, program(&mut world, "staging").await);
    let answer =
        world.change(&[("verifiers", &verifier.machine.client_id), ("editors", &editor.machine.client_id)]).await;
    let page = world.admin.get(answer.location()).await.text();
    assert!(page.contains("Saved"), "{page}");
    (world, verifier, editor)
}

pub(super) async fn verify(world: &World, token: &str, body: &Value) -> Answer {
    world.portal.with_key(token, "POST", "/gateway/verify", &body.to_string()).await
}

pub(super) fn request(method: &str, target: &str, fields: &Value) -> Value {
    let mut request = json!({"method": method, "target": target, "address": "203.0.113.9"});
    request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    request
}

#[tokio::test]
async fn a_server_is_told_what_a_request_is_worth() {
    let (mut world, verifier, _) = world().await;
    let key = world.key("production", &["orders:read", "read:posts"]).await;
    let one = request("GET", "/v1/orders/7?x=1", &json!({"x-api-key": key, "user-agent": "shop/1"}));
    let answer = verify(&world, &verifier.token, &json!({"api": "orders", "request": one})).await;
    assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::OK, "no-store"), "{answer:?}");
    let worth = answer.json();
    assert_eq!((&worth["valid"], &worth["code"]), (&json!(true), &json!("ok")));
    let principal = &worth["principal"];
    assert_eq!((&principal["kind"], &principal["sub"]), (&json!("application"), &json!(world.application)));
    assert_eq!((&principal["scope"], &principal["environment"]), (&json!("orders:read"), &json!("production")));
    assert_eq!(worth["limits"][0]["remaining"], 599, "{worth}");
    assert!(worth.get("answer").is_none() && !answer.text().contains(&key), "{worth}");
    // What a caller says of itself may have any sign in it.
    let odd = request("GET", "/v1/orders", &json!({"x-api-key": key, "user-agent": "Mozilla\\/5.0 \"x\" \\ \u{7}"}));
    let body = json!({"api": "orders", "request": odd}).to_string().replace("/v1", "\\/v1");
    let odd = world.portal.with_key(&verifier.token, "POST", "/gateway/verify", &body).await;
    assert_eq!((odd.status, &odd.json()["valid"]), (StatusCode::OK, &json!(true)), "{odd:?}");
    // It is logged as the caller's own, not as the server's.
    let id = worth["request_id"].as_str().unwrap();
    for _ in 0..100 {
        let page = world.ada.get(&format!("/logs/{id}")).await;
        if page.status == StatusCode::OK {
            let page = page.text();
            assert!(page.contains("orders:/v1/orders/{id}") && page.contains("203.0.113.9"), "{page}");
            assert!(page.contains("shop/1"), "{page}");
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("it was not recorded");
}

#[tokio::test]
async fn what_is_refused_comes_with_an_answer_to_give() {
    let (mut world, verifier, _) = world().await;
    let key = world.key("production", &["orders:read"]).await;
    let bearer = format!("Bearer {key}");
    for (one, code, status) in [
        (request("GET", "/v1/orders", &json!({})), "missing_credential", 401),
        (request("GET", "/v1/orders", &json!({"authorization": "Bearer x"})), "invalid_token", 401),
        (request("POST", "/v1/orders", &json!({"x-api-key": key})), "insufficient_scope", 403),
        (request("GET", "/v1/orders", &json!({"x-api-key": key, "tls": false})), "tls_required", 403),
        (
            request("GET", "/v1/orders", &json!({"x-api-key": key, "authorization": bearer})),
            "ambiguous_credentials",
            400,
        ),
        (request("GET", "/v1/../admin", &json!({"x-api-key": key})), "ambiguous_request", 400),
        (request("GET", "/v3", &json!({"x-api-key": key})), "not_found", 404),
        (request("PUT", "/v1/orders", &json!({"x-api-key": key})), "method_not_allowed", 405),
        (request("GET", &format!("/v1/orders?key={key}"), &json!({})), "credential_in_query", 400),
    ] {
        let answer = verify(&world, &verifier.token, &json!({"api": "orders", "request": one})).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let worth = answer.json();
        assert_eq!((&worth["valid"], &worth["code"]), (&json!(false), &json!(code)), "{one}");
        let suggested = &worth["answer"];
        assert_eq!((&suggested["status"], &suggested["problem"]["code"]), (&json!(status), &json!(code)));
        assert_eq!(suggested["problem"]["request_id"], worth["request_id"]);
        assert_eq!(
            suggested.get("www_authenticate").is_some(),
            status == 401 || code == "insufficient_scope",
            "{worth}"
        );
        assert_eq!(suggested.get("allow"), (status == 405).then_some(&json!("GET, HEAD, POST")), "{worth}");
        assert!(suggested.get("dpop_nonce").is_none(), "{worth}");
        assert!(!answer.text().contains(&key), "r53: {worth}");
    }
}

#[tokio::test]
async fn without_the_store_neither_a_proxy_nor_a_server_lets_anybody_in() {
    let (mut world, verifier, _) = world().await;
    let application = world.application.clone();
    let mut credentials = vec![world.key("production", &["orders:read"]).await];
    for form in ["jwt", "opaque"] {
        let fields = [("token_form", form)];
        let machine = world.ada.service_account(&application, "production", &["orders:read"], &fields).await;
        credentials.push(world.portal.token_of(&machine).await);
    }
    // The server's own credential and the API are remembered; those of its callers were never seen.
    let nobody = json!({"api": "orders", "request": request("GET", "/v1/orders", &json!({}))});
    assert_eq!(verify(&world, &verifier.token, &nobody).await.json()["code"], "missing_credential");
    world.portal.store.clone().close().await.unwrap();
    for credential in &credentials {
        let bearer = format!("Bearer {credential}");
        let checked = world.check("GET", "/v1/orders", &[("authorization", &bearer)]).await;
        assert_eq!(refusal(&checked), (503, "unavailable".to_owned()), "{checked:?}");
        assert_eq!(checked.header("retry-after"), "5");
        let one = request("GET", "/v1/orders", &json!({"authorization": bearer}));
        let answer = verify(&world, &verifier.token, &json!({"api": "orders", "request": one})).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let worth = answer.json();
        assert_eq!((&worth["valid"], &worth["code"]), (&json!(false), &json!("unavailable")), "{worth}");
        let suggested = &worth["answer"];
        assert_eq!((&suggested["status"], &suggested["retry_after"]), (&json!(503), &json!("5")), "{worth}");
        assert!(worth.get("principal").is_none() && !answer.text().contains(credential), "r53: {worth}");
    }
    // Once nothing is remembered any more, the server itself is not let in.
    world.portal.clock.advance(time::Duration::seconds(61));
    let bearer = format!("Bearer {}", credentials[0]);
    let checked = world.check("GET", "/v1/orders", &[("authorization", &bearer)]).await;
    let answer = verify(&world, &verifier.token, &nobody).await;
    for answer in [&checked, &answer] {
        assert_eq!(refusal(answer), (503, "unavailable".to_owned()));
        assert_eq!(answer.header("retry-after"), "5", "{answer:?}");
    }
}

#[tokio::test]
async fn rfc9449_9_a_server_is_told_which_nonce_the_next_proof_needs() {
    let (mut world, verifier, _) = world().await;
    let application = world.application.clone();
    let fields = [("dpop_required", "yes")];
    let machine = world.ada.service_account(&application, "production", &["orders:read"], &fields).await;
    let (holder, url) = (Holder::new(), format!("{ORIGIN}/oauth/token"));
    let (authorization, kind) = (machine.basic(), "application/x-www-form-urlencoded");
    let token = async |nonce: Option<&str>| {
        let proof = holder.proof_at(&world.portal, "POST", &url, None, nonce);
        let fields = [("authorization", authorization.as_str()), ("content-type", kind), ("dpop", proof.as_str())];
        world.portal.api("POST", "/oauth/token", &fields, "grant_type=client_credentials").await
    };
    let nonce = token(None).await.header("dpop-nonce").to_owned();
    let token = token(Some(&nonce)).await.json()["access_token"].as_str().unwrap().to_owned();
    let worth = async |nonce: Option<&str>| {
        let proof = holder.proof_at(&world.portal, "GET", &format!("{ADDRESS}/v1/orders"), Some(&token), nonce);
        let one = request("GET", "/v1/orders", &json!({"authorization": format!("DPoP {token}"), "dpop": proof}));
        verify(&world, &verifier.token, &json!({"api": "orders", "request": one})).await.json()
    };
    let refused = worth(None).await;
    assert_eq!((&refused["valid"], &refused["code"]), (&json!(false), &json!("use_dpop_nonce")), "{refused}");
    let nonce = refused["answer"]["dpop_nonce"].as_str().unwrap();
    let let_in = worth(Some(nonce)).await;
    assert_eq!((&let_in["valid"], let_in.get("answer")), (&json!(true), None), "{let_in}");
}

#[tokio::test]
async fn a_hundred_are_asked_about_at_once_and_no_more() {
    let (mut world, verifier, _) = world().await;
    let key = world.key("production", &["orders:read"]).await;
    let good = request("GET", "/v1/orders", &json!({"x-api-key": key}));
    let bad = request("GET", "/v1/orders", &json!({"x-api-key": "nonsense"}));
    let public = request("GET", "/health", &json!({}));
    let mut requests = vec![good.clone(), bad, public];
    requests.resize(100, good.clone());
    let answer = verify(&world, &verifier.token, &json!({"api": "orders", "requests": requests})).await.json();
    let verdicts = answer["verdicts"].as_array().unwrap();
    let valid: Vec<_> = verdicts.iter().map(|worth| worth["valid"].as_bool().unwrap()).collect();
    assert_eq!(valid.iter().filter(|valid| **valid).count(), 99);
    assert!(!valid[1] && verdicts.len() == 100 && verdicts[2].get("principal").is_none());
    requests.push(good);
    let many = verify(&world, &verifier.token, &json!({"api": "orders", "requests": requests})).await;
    assert_eq!((many.status, many.code().as_str()), (StatusCode::BAD_REQUEST, "invalid_json"));
    let one = request("GET", "/v1/orders", &json!({}));
    for body in [
        "",
        "[]",
        "{}",
        r#"{"api": "orders"}"#,
        r#"{"api": "orders", "request": {"method": "GET"}}"#,
        &json!({"api": "orders", "request": one, "requests": [one]}).to_string(),
        &json!({"api": "orders", "request": one, "other": 1}).to_string(),
        &json!({"api": "orders", "request": {"method": "GET", "target": "/", "address": "nowhere"}}).to_string(),
    ] {
        let answer = world.portal.with_key(&verifier.token, "POST", "/gateway/verify", body).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::BAD_REQUEST, "invalid_json"), "{body}");
    }
    let answer = world.portal.with_key(&verifier.token, "GET", "/gateway/verify", "").await;
    assert_eq!((answer.status, answer.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
    // Who asks for others is held up by no limit of its own: a thousand callers are not one.
    for _ in 0..20 {
        let requests = vec![request("GET", "/health", &json!({})); 50];
        verify(&world, &verifier.token, &json!({"api": "orders", "requests": requests})).await;
    }
    assert_eq!(verify(&world, &verifier.token, &json!({"api": "orders", "request": one})).await.status, StatusCode::OK);
}

#[tokio::test]
async fn only_programs_that_an_admin_named_are_answered() {
    let (mut world, verifier, editor) = world().await;
    let question = json!({"api": "orders", "request": request("GET", "/v1/orders", &json!({}))});
    let key = world.key("production", &["orders:read"]).await;
    let person = world.ada.token_with(&[("scopes[]", "orders:read"), ("expiry", "30")]).await;
    let ordinary = world.portal.token_of(&verifier.machine).await;
    let stranger = program(&mut world, "development").await;
    for (token, status, code) in [
        (editor.token.as_str(), 404, "not_found"),
        (&stranger.token, 404, "not_found"),
        (&key, 404, "not_found"),
        (&person, 404, "not_found"),
        // A token for an API is none for the gateway: whoever runs that API may have it.
        (&ordinary, 401, "invalid_token"),
        ("", 401, "invalid_token"),
    ] {
        let answer = verify(&world, token, &question).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{token}: {answer:?}");
    }
    let unknown = json!({"api": "other", "request": request("GET", "/", &json!({}))});
    assert_eq!(verify(&world, &verifier.token, &unknown).await.code(), "not_found");
    let whoami = world.portal.with_key(&verifier.token, "GET", "/api/v1/whoami", "").await;
    assert_eq!(whoami.code(), "invalid_token", "nor is one for the gateway good elsewhere");
    for (token, expected) in [(&verifier.token, 404), (&editor.token, 200)] {
        let answer = world.portal.with_key(token, "GET", "/gateway/apis/orders/policies", "").await;
        assert_eq!(answer.status, expected, "{answer:?}");
    }
    // Taken from the list, it is nobody at once.
    world.change(&[("verifiers", "")]).await;
    assert_eq!(verify(&world, &verifier.token, &question).await.code(), "not_found");
}

#[tokio::test]
async fn a_program_replaces_policies_that_nobody_else_has_changed() {
    let (mut world, _, editor) = world().await;
    let key = world.key("production", &["orders:read"]).await;
    let at = "/gateway/apis/orders/policies";
    let shown = world.portal.with_key(&editor.token, "GET", at, "").await;
    assert_eq!(shown.json()["policies"][1], "GET /v1/orders orders:read", "{shown:?}");
    let tag = shown.header("etag").to_owned();
    let put = async |world: &World, body: &Value, tag: Option<&str>| {
        let authorization = format!("Bearer {}", editor.token);
        let mut request =
            Request::put(at).header("authorization", authorization).header("content-type", "application/json");
        if let Some(tag) = tag {
            request = request.header("if-match", tag);
        }
        world.portal.send_from(crate::support::LOOPBACK, request.body(Body::from(body.to_string())).unwrap()).await
    };
    let new = json!({"policies": ["GET /v2/orders orders:read", "# a remark", "GET /health public"]});
    let answer = put(&world, &new, Some(&tag)).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.json()["policies"], json!(["GET /v2/orders orders:read", "GET /health public"]));
    assert_eq!(world.check("GET", "/v2/orders", &[("x-api-key", &key)]).await.status, 200);
    assert_eq!(world.check("GET", "/v1/orders", &[("x-api-key", &key)]).await.status, 404);
    // The log says which program it was, and from where.
    let log = format!("/teams/{}/audit/export?action=guarded_api.changed", world.admin.team_id().await);
    let log = world.admin.get(&log).await.text();
    let event: Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    let because = format!("by the service account {}", editor.machine.client_id);
    assert_eq!((&event["reason"], &event["from"]), (&json!(because), &json!("127.0.0.1")), "{event}");
    for stale in [tag.as_str(), "\"0\"", "nonsense"] {
        let late = put(&world, &new, Some(stale)).await;
        assert_eq!((late.status, late.code().as_str()), (StatusCode::PRECONDITION_FAILED, "changed"), "{stale}");
    }
    for (policies, told) in [
        (json!(["GET /a"]), "Line 1"),
        (json!(["GET /a drop:orders"]), "none of the scopes"),
        (json!(["GET /a any", "GET /a public"]), "cover the same requests"),
        (json!(["GET /a any development"]), "takes no credentials for development"),
    ] {
        let answer = put(&world, &json!({"policies": policies}), None).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (422, "invalid"), "{answer:?}");
        assert!(answer.json()["errors"]["policies"].as_str().unwrap().contains(told), "{answer:?}");
    }
    for body in [json!({}), json!([]), json!({"policies": "GET /a any"}), json!({"policies": [], "other": 1})] {
        let answer = put(&world, &body, None).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "invalid_json"), "{body}: {answer:?}");
    }
    let bearer = format!("Bearer {}", editor.token);
    let large = json!({"policies": ["x".repeat(1024 * 1024)]}).to_string();
    for (kind, body, status, code) in [
        ("application/json", "{", 400, "invalid_json"),
        ("application/json", large.as_str(), 413, "too_large"),
        ("text/plain", "{}", 415, "unsupported_media_type"),
    ] {
        let headers = [("authorization", bearer.as_str()), ("content-type", kind)];
        let answer = world.portal.api("PUT", at, &headers, body).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{kind}");
    }
    // What a person has in front of them is not what there is: they are told, and nothing is lost.
    let page = world.admin.get("/admin/apis/orders").await.text();
    let version = between(&page, "name=\"version\" value=\"", "\"").to_owned();
    assert_eq!(put(&world, &json!({"policies": []}), None).await.status, StatusCode::OK);
    let mut all = super::fields(&[("name", "Orders desk")]);
    all.extend([("api", "orders"), ("version", version.as_str())]);
    let answer = world.admin.send("/admin/apis/orders", "/form/guarded-api/save", &all).await;
    let page = world.admin.get(answer.location()).await.text();
    assert!(page.contains("Somebody else changed this API") && page.contains("value=\"Orders desk\""), "{page}");
    assert_eq!(refused(&world, &key).await, 404, "{ADDRESS}: nothing is covered");
}

async fn refused(world: &World, key: &str) -> u16 {
    world.check("GET", "/v1/orders", &[("x-api-key", key)]).await.status.as_u16()
}
