//! What a proxy is told.

use super::{ADDRESS, PROXY, World, refusal};
use crate::{
    sender_constrained::Holder,
    stage::encoded,
    support::{Answer, ORIGIN, between, mistyped},
};
use latchkey_core::{gateway, jose::Compact};
use serde_json::{Value, json};
use time::Duration;

fn claims(token: &str) -> Value {
    Compact::read(token).unwrap().unverified_claims().unwrap()
}

#[tokio::test]
async fn a_request_is_let_in_and_the_api_learns_who_asks() {
    let mut world = World::new().await;
    let key = world.key("production", &["orders:read", "read:posts"]).await;
    let answer = world.check("GET", "/v1/orders/7?expand=lines", &[("x-api-key", &key)]).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0), "{answer:?}");
    let told = |name: &str| answer.header(name);
    assert_eq!((told("x-auth-kind"), told("x-auth-subject")), ("application", world.application.as_str()));
    assert_eq!((told("x-auth-application"), told("x-auth-environment")), (world.application.as_str(), "production"));
    assert_eq!(told("x-auth-scopes"), "orders:read", "another API's scopes are not this one's business");
    let hint = told("x-auth-credential").split_once("...").unwrap();
    assert!(key.starts_with(hint.0) && key.ends_with(hint.1) && hint.0.len() < 24, "{hint:?}");
    assert_eq!((told("x-auth-client"), told("cache-control")), ("", "no-store"));
    assert!(told("ratelimit").starts_with("\"key\";r=599"), "{answer:?}");
    assert!(!format!("{answer:?}").contains(&key), "r53");

    // What the token says is proven by the keys that everybody can read.
    let token = told("x-auth-token");
    let compact = Compact::read(token).unwrap();
    assert_eq!(compact.header.typ.as_deref(), Some(gateway::TYPE));
    let verifying = world.portal.state.services.ring.verifying(compact.header.kid.as_deref().unwrap()).await.unwrap();
    let proven: Value = compact.verify(&verifying.unwrap()).unwrap();
    assert_eq!((&proven["iss"], &proven["aud"]), (&json!(ORIGIN), &json!(ADDRESS)));
    assert_eq!((&proven["sub"], &proven["scope"]), (&json!(world.application), &json!("orders:read")));
    assert_eq!(proven["exp"].as_i64().unwrap() - proven["iat"].as_i64().unwrap(), 120);

    let row = world.portal.recorded(&answer).await;
    assert_eq!((row.method.as_str(), row.route.as_str()), ("GET", "orders:/v1/orders/{id}"));
    assert_eq!((row.path.as_str(), row.status, row.address.to_string().as_str()), ("/v1/orders/7", 200, "203.0.113.9"));
    let id = answer.header("x-request-id").to_owned();
    let page = world.ada.get(&format!("/logs/{id}")).await.text();
    assert!(page.contains("holds orders:read") && page.contains("orders:/v1/orders/{id}"), "{page}");
    let application = world.application.clone();
    let usage = world.ada.get(&format!("/apps/{application}/production/usage")).await.text();
    assert!(usage.contains("orders:/v1/orders/{id}"), "{usage}");
}

#[tokio::test]
async fn rfc8725_3_11_what_the_api_is_given_opens_nothing_of_ours() {
    let mut world = World::new().await;
    let key = world.key("production", &["orders:read"]).await;
    let token = world.check("GET", "/v1/me", &[("x-api-key", &key)]).await.header("x-auth-token").to_owned();
    let whoami = world.portal.with_key(&token, "GET", "/api/v1/whoami", "").await;
    assert_eq!(whoami.code(), "invalid_token");
    assert_eq!(world.portal.recorded(&whoami).await.reason.as_deref(), Some("wrong_type"));
    let bearer = format!("Bearer {token}");
    assert_eq!(refusal(&world.check("GET", "/v1/me", &[("authorization", &bearer)]).await).1, "invalid_token");
}

#[tokio::test]
async fn what_a_token_proves_is_drawn_anew_before_it_ends_and_when_the_api_changes() {
    let mut world = World::new().await;
    let key = world.key("production", &["orders:read"]).await;
    let token = async |world: &World| {
        let answer = world.check("GET", "/v1/me", &[("x-api-key", &key)]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.header("x-auth-token").to_owned()
    };
    let first = token(&world).await;
    world.portal.clock.advance(Duration::seconds(59));
    assert_eq!(token(&world).await, first, "a signature a minute");
    world.portal.clock.advance(Duration::seconds(1));
    let second = token(&world).await;
    assert_ne!(second, first);
    assert!(claims(&second)["exp"].as_i64().unwrap() > world.portal.clock_now().unix_timestamp() + 60);
    world.change(&[("scopes", "orders:write\norders:admin\norders:read")]).await;
    assert_ne!(token(&world).await, second, "it may say something else now");
}

#[tokio::test]
async fn r48_nobody_but_a_proxy_that_is_named_is_told_anything() {
    let mut world = World::new().await;
    let key = world.key("production", &["orders:read"]).await;
    let told = [
        ("x-api-key", key.as_str()),
        ("x-forwarded-method", "GET"),
        ("x-forwarded-uri", "/v1/orders"),
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-proto", "https"),
    ];
    let checks = ["/gateway/check/orders", "/gateway/check/orders/at/v1/orders", "/gateway/check/nothing"];
    for at in checks {
        let answer = world.ask_at_gateway("203.0.113.9:40000", "GET", at, &told).await;
        assert_eq!(refusal(&answer), (403, "not_a_proxy".to_owned()), "{at}");
        assert_eq!(answer.json()["request_id"], answer.header("x-request-id"), "{at}");
        assert!(answer.header("x-auth-token").is_empty() && answer.header("x-auth-kind").is_empty());
        // Where everybody comes there are no checks, not for a proxy either: it brings whoever asks it to.
        for peer in ["203.0.113.9:40000", "127.0.0.1:40000", PROXY] {
            let answer = world.ask_from(peer, "GET", at, &told).await;
            assert_eq!(refusal(&answer), (404, "not_found".to_owned()), "{peer} {at}");
            assert!(answer.header("x-auth-token").is_empty() && answer.header("x-auth-kind").is_empty());
        }
    }
    for peer in [PROXY, "127.0.0.1:40000", "[::1]:40000"] {
        assert_eq!(world.ask_at_gateway(peer, "GET", checks[0], &told).await.status, 200, "{peer}");
        // And nothing else is where the checks are.
        for at in ["/", "/api/v1/whoami", "/login", "/gateway/verify", "/health/live"] {
            assert_eq!(world.ask_at_gateway(peer, "GET", at, &told).await.status, 404, "{peer} {at}");
        }
        let unknown = world.ask_at_gateway(peer, "GET", checks[2], &told).await;
        assert_eq!(refusal(&unknown), (404, "not_found".to_owned()), "{peer}");
        assert_eq!(unknown.json()["request_id"], unknown.header("x-request-id"), "{peer}");
    }
}

#[tokio::test]
async fn a_check_says_once_what_it_is_about() {
    let mut world = World::new().await;
    let key = world.key("production", &["orders:read"]).await;
    let rest = [("x-api-key", key.as_str()), ("x-forwarded-for", "203.0.113.9"), ("x-forwarded-proto", "https")];
    let (method, uri) = (("x-forwarded-method", "GET"), ("x-forwarded-uri", "/v1/orders"));
    for told in [
        &[][..],
        &[method],
        &[uri],
        &[method, uri, uri],
        &[method, method, uri],
        &[method, ("x-original-uri", "/v1/orders")],
        &[method, uri, ("x-forwarded-uri", "/health")],
    ] {
        let answer = world.ask_at_gateway(PROXY, "GET", "/gateway/check/orders", &[told, &rest].concat()).await;
        assert_eq!(refusal(&answer), (400, "unreadable_check".to_owned()), "{told:?}");
    }
    for at in ["/gateway/check/other", "/gateway/check/", "/gateway/check/Orders", "/gateway/check/orders%2f"] {
        let answer = world.ask_at_gateway(PROXY, "GET", at, &[&[method, uri], &rest[..]].concat()).await;
        assert_eq!(refusal(&answer), (404, "not_found".to_owned()), "{at}");
    }
    // Whatever the check itself is.
    for method_of_check in ["POST", "DELETE", "OPTIONS", "BREW"] {
        let all = [&[method, uri], &rest[..]].concat();
        let answer = world.ask_at_gateway(PROXY, method_of_check, "/gateway/check/orders", &all).await;
        assert_eq!(answer.status, 200, "{method_of_check}");
    }
}

#[tokio::test]
async fn envoy_asks_by_sending_the_request_itself() {
    let mut world = World::new().await;
    let key = world.key("production", &["orders:read"]).await;
    let rest = [("x-api-key", key.as_str()), ("x-forwarded-for", "203.0.113.9"), ("x-forwarded-proto", "https")];
    let at = "/gateway/check/orders/at";
    for (method, target, status, code) in [
        ("GET", "/v1/orders?limit=1", 200, ""),
        ("HEAD", "/v1/orders", 200, ""),
        ("POST", "/v1/orders", 403, "insufficient_scope"),
        ("GET", "/v1/../admin/x", 400, "ambiguous_request"),
        ("GET", "/v1/nothing", 404, "not_found"),
        ("GET", "", 400, "ambiguous_request"),
        ("GET", "/v1/orders?only=401,403", 200, ""),
    ] {
        // Fields of a proxy of another kind are the caller's here.
        let forged = [("x-forwarded-method", "GET"), ("x-forwarded-uri", "/health")];
        let answer =
            world.ask_at_gateway(PROXY, method, &format!("{at}{target}"), &[&rest[..], &forged].concat()).await;
        assert_eq!(answer.status, status, "{method} {target}: {answer:?}");
        assert!(status == 200 || method == "HEAD" || answer.code() == code, "{method} {target}: {answer:?}");
    }
    let query = world.ask_at_gateway(PROXY, "GET", &format!("{at}/v1/orders?api_key={key}"), &rest).await;
    assert_eq!(refusal(&query), (400, "credential_in_query".to_owned()));
}

#[tokio::test]
async fn a_policy_says_who_may_and_how_often() {
    let mut world = World::new().await;
    let reader = world.key("production", &["orders:read"]).await;
    let writer = world.key("production", &["orders:write"]).await;
    let rehearsal = world.key("staging", &["orders:read", "orders:write"]).await;
    let other = world.key("production", &["read:posts"]).await;
    let toy = world.key("development", &["orders:read"]).await;
    let person = world.ada.token_with(&[("scopes[]", "orders:read"), ("expiry", "30")]).await;
    let ok = (200, String::new());
    let is = |status: u16, code: &str| (status, code.to_owned());
    for (key, method, target, expected) in [
        (&reader, "GET", "/v1/orders", ok.clone()),
        (&reader, "HEAD", "/v1/orders", ok.clone()),
        (&reader, "GET", "/v1/me", ok.clone()),
        (&reader, "GET", "/v1/me/", is(400, "ambiguous_request")),
        (&reader, "POST", "/v1/orders", is(403, "insufficient_scope")),
        (&reader, "DELETE", "/v1/orders/7", is(403, "insufficient_scope")),
        (&writer, "DELETE", "/v1/orders/7", is(403, "insufficient_scope")),
        (&rehearsal, "DELETE", "/v1/orders/7", ok.clone()),
        (&rehearsal, "POST", "/v1/orders", is(403, "wrong_environment")),
        (&toy, "GET", "/v1/orders", is(403, "wrong_environment")),
        (&other, "GET", "/v1/me", is(403, "insufficient_scope")),
        (&person, "GET", "/v1/orders", ok.clone()),
        (&reader, "GET", "/v2", is(404, "not_found")),
        (&reader, "PATCH", "/v1/orders", is(405, "method_not_allowed")),
        (&reader, "GET", "/admin/users", is(403, "insufficient_scope")),
    ] {
        let answer = world.check(method, target, &[("x-api-key", key)]).await;
        let found = if answer.status == 200 { ok.clone() } else { refusal(&answer) };
        assert_eq!(found, expected, "{method} {target}: {answer:?}");
        let row = world.portal.recorded(&answer).await;
        assert_eq!(row.trace.failed().is_some(), answer.status != 200, "{:?}", row.trace);
        if answer.status == 405 {
            assert_eq!(answer.header("allow"), "GET, HEAD, POST");
        }
    }
    let challenge = world.check("POST", "/v1/orders", &[("x-api-key", &reader)]).await;
    let challenge = challenge.header("www-authenticate");
    assert!(challenge.contains("scope=\"orders:write\""), "{challenge}");
    let metadata = format!("{ORIGIN}/.well-known/oauth-protected-resource/gateway/orders");
    assert!(challenge.contains(&format!("resource_metadata=\"{metadata}\"")), "rfc9728_5_1: {challenge}");
    let path = metadata.strip_prefix(ORIGIN).unwrap();
    let described = world.portal.api("GET", path, &[], "").await.json();
    assert_eq!(described["resource"], ADDRESS);
    assert_eq!(described["scopes_supported"], json!(["orders:read", "orders:write", "orders:admin"]));

    // Two a minute from each, beside its own limit.
    let mut left = Vec::new();
    for expected in [200, 200, 429] {
        let answer = world.check("POST", "/v1/orders", &[("x-api-key", &writer)]).await;
        assert_eq!(answer.status, expected, "{answer:?}");
        left.push(between(answer.header("ratelimit"), "\"key\";r=", ";").parse::<u32>().unwrap());
        assert!(answer.header("ratelimit-policy").contains("\"route\";q=2;w=60"), "{answer:?}");
        assert_eq!(expected == 429, !answer.header("retry-after").is_empty());
    }
    assert_eq!([left[0] - left[1], left[1] - left[2]], [1, 0], "what the route refuses costs the key nothing");
    let second = world.key("production", &["orders:write"]).await;
    assert_eq!(world.check("POST", "/v1/orders", &[("x-api-key", &second)]).await.status, 200, "each its own");
}

#[tokio::test]
async fn a_limit_is_of_one_api_and_of_one_caller() {
    let mut world = World::new().await;
    let line = "GET /v1/things any 1/1m";
    world.change(&[("policies", line)]).await;
    let other =
        [("slug", "stock"), ("base_url", "https://stock.example.org"), ("scopes", "stock:read"), ("policies", line)];
    world.admin.send("/admin/apis/new", "/form/guarded-api/save", &super::fields(&other)).await;
    let key = world.key("production", &["orders:read", "stock:read"]).await;
    let headers = [("x-api-key", key.as_str())];
    for (at, expected) in [("orders", 200), ("stock", 200), ("orders", 429), ("stock", 429)] {
        let answer = world.check_at(&format!("/gateway/check/{at}"), "GET", "/v1/things", &headers).await;
        assert_eq!(answer.status, expected, "{at}: {answer:?}");
    }
}

#[tokio::test]
async fn what_is_public_asks_nobody_and_tells_nothing_of_them() {
    let mut world = World::new().await;
    let key = world.key("production", &["orders:read"]).await;
    let mistyped = mistyped(&key);
    for headers in [&[][..], &[("x-api-key", key.as_str())], &[("x-api-key", mistyped.as_str())]] {
        let answer = world.check("GET", "/health", headers).await;
        assert_eq!((answer.status.as_u16(), answer.header("x-auth-kind")), (200, "anonymous"), "{answer:?}");
        assert!(answer.header("x-auth-subject").is_empty() && answer.header("x-auth-token").is_empty());
    }
    let fourth = world.check("GET", "/health", &[]).await;
    assert_eq!(refusal(&fourth), (429, "rate_limited".to_owned()), "three a minute from one network");
    assert!(!fourth.header("retry-after").is_empty());
    let nginx = world.check_at("/gateway/check/orders?only=401,403", "GET", "/health", &[]).await;
    assert_eq!((nginx.status.as_u16(), nginx.header("x-auth-status")), (403, "429"));
}

#[tokio::test]
async fn r46_no_way_to_write_a_request_leads_around_a_policy() {
    let mut world = World::new().await;
    let key = world.key("production", &["orders:read"]).await;
    let with = |others: &[(&'static str, &'static str)]| {
        [&[("x-api-key", key.clone().leak() as &'static str)], others].concat()
    };
    for target in [
        "/health/../admin/users",
        "/health/%2e%2e/admin/users",
        "/v1/orders/..%2f..%2fadmin%2fusers",
        "/v1/orders/%2e%2e",
        "//admin/users",
        "/ADMIN/users",
        "/v1/orders;/../../admin",
        "/v1/orders%00",
        "/v1/orders#/admin",
        "http://orders.example.org/v1/orders",
        "*",
        "",
        "orders",
    ] {
        let answer = world.check("GET", target, &with(&[])).await;
        assert_eq!(refusal(&answer), (400, "ambiguous_request".to_owned()), "{target}");
    }
    for other in [
        ("x-http-method-override", "DELETE"),
        ("x-http-method", "POST"),
        ("x-method-override", "delete"),
        ("x-original-url", "/admin"),
        ("x-rewrite-url", "/v1/orders"),
    ] {
        let answer = world.check("GET", "/v1/orders", &with(&[other])).await;
        assert_eq!(refusal(&answer), (400, "ambiguous_request".to_owned()), "{other:?}");
    }
    // Without a credential, nobody learns what there is.
    for target in ["/admin/users", "/v2", "/health/../admin"] {
        assert_eq!(refusal(&world.check("GET", target, &[]).await), (401, "missing_credential".to_owned()), "{target}");
    }
}

/// The refusals of the demo API and of a guarded one are told alike.
#[tokio::test]
async fn a_refusal_is_the_same_at_the_demo_api_and_at_a_guarded_one() {
    let mut world = World::new().await;
    let key = world.key("production", &["orders:read", "read:posts"]).await;
    let revoked = world.key("staging", &["orders:read", "read:posts"]).await;
    let application = world.application.clone();
    let id = world.ada.key_id(&application, "staging").await;
    let page = format!("/apps/{application}/staging/keys/{id}/revoke");
    world.ada.send(&page, "/form/api-key/revoke", &[("id", &id), ("confirm", "Web backend")]).await;
    let mistyped = mistyped(&key);
    let bearer = |key: &str| format!("Bearer {key}");
    let (good, bad) = (bearer(&key), bearer(&mistyped));
    for (headers, query, status) in [
        (vec![], "", 401),
        (vec![("x-api-key", revoked.as_str())], "", 401),
        (vec![("authorization", bad.as_str())], "", 401),
        (vec![("authorization", "Digest x")], "", 401),
        (vec![("authorization", "Bearer x.y.z")], "", 401),
        (vec![("authorization", "DPoP eyJ.x.y")], "", 401),
        (vec![("authorization", good.as_str()), ("x-api-key", key.as_str())], "", 400),
        (vec![("authorization", good.as_str()), ("authorization", good.as_str())], "", 400),
        (vec![("x-api-key", key.as_str())], "?access_token=x", 400),
    ] {
        let through = [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-proto", "https")];
        let own =
            world.ask_from(PROXY, "GET", &format!("/api/v1/posts{query}"), &[&headers[..], &through].concat()).await;
        let guarded = world.check("GET", &format!("/v1/orders{query}"), &headers).await;
        assert_eq!(own.status, status, "{headers:?}: {own:?}");
        let told = |answer: &Answer| {
            let mut body = answer.json();
            body["request_id"] = json!("");
            let challenge = answer.header("www-authenticate").split(", resource_metadata").next().unwrap().to_owned();
            let names = ["content-type", "cache-control", "retry-after", "x-request-id"];
            (answer.status, body, challenge, names.map(|name| !answer.header(name).is_empty()))
        };
        assert_eq!(told(&guarded), told(&own), "{headers:?}");
        let reason = |row: latchkey_core::port::request_log::RequestRow| (row.reason, row.remedy, row.trace);
        let (own, through) = (world.portal.recorded(&own).await, world.portal.recorded(&guarded).await);
        assert_eq!(reason(through), reason(own), "{headers:?}");
        // nginx passes on 401 and 403 alone; the rest stands in fields.
        let nginx =
            world.check_at("/gateway/check/orders?only=401,403", "GET", &format!("/v1/orders{query}"), &headers).await;
        assert_eq!(nginx.status, if status == 401 { 401 } else { 403 });
        assert_eq!(nginx.header("x-auth-status"), status.to_string());
        let problem: Value = serde_json::from_str(nginx.header("x-auth-problem")).unwrap();
        assert_eq!((&problem["code"], &problem["status"]), (&guarded.json()["code"], &json!(status)));
    }
}

#[tokio::test]
async fn rfc8707_2_2_a_token_is_good_where_it_was_made_for() {
    let mut world = World::new().await;
    let application = world.application.clone();
    let both = ["orders:read", "read:posts"];
    let machine = world.ada.service_account(&application, "production", &both, &[]).await;
    let token = async |world: &World, more: &[(&str, &str)]| {
        let body = encoded(&[&[("grant_type", "client_credentials")], more].concat());
        let answer = world.portal.oauth("/oauth/token", Some(&machine.basic()), &body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let answer = answer.json();
        (answer["access_token"].as_str().unwrap().to_owned(), answer["scope"].as_str().unwrap().to_owned())
    };
    let demo = format!("{ORIGIN}/api/v1");
    for (asked, aud, scope, at_demo, at_orders) in [
        (&[][..], json!([demo, ADDRESS]), "orders:read read:posts", 200, 200),
        (&[("resource", ADDRESS)], json!(ADDRESS), "orders:read", 401, 200),
        (&[("scope", "orders:read")], json!(ADDRESS), "orders:read", 401, 200),
        (&[("scope", "read:posts")], json!(demo), "read:posts", 200, 401),
        (&[("resource", &demo)], json!(demo), "read:posts", 200, 401),
    ] {
        let (token, granted) = token(&world, asked).await;
        assert_eq!((&claims(&token)["aud"], granted.as_str()), (&aud, scope), "{asked:?}");
        let bearer = format!("Bearer {token}");
        let own = world.portal.with_key(&token, "GET", "/api/v1/whoami", "").await;
        let guarded = world.check("GET", "/v1/orders", &[("authorization", &bearer)]).await;
        assert_eq!((own.status.as_u16(), guarded.status.as_u16()), (at_demo, at_orders), "{asked:?}: {guarded:?}");
        for answer in [own, guarded].iter().filter(|answer| answer.status == 401) {
            assert_eq!(answer.code(), "invalid_token");
            assert_eq!(world.portal.recorded(answer).await.reason.as_deref(), Some("wrong_audience"));
        }
    }
    let (narrow, _) = token(&world, &[("resource", ADDRESS)]).await;
    let answer = world.check("GET", "/v1/orders", &[("authorization", &format!("Bearer {narrow}"))]).await;
    assert_eq!(
        (answer.header("x-auth-kind"), answer.header("x-auth-client")),
        ("service_account", machine.client_id.as_str())
    );
    assert_eq!(answer.header("x-auth-subject"), machine.client_id);
    let unknown = encoded(&[("grant_type", "client_credentials"), ("resource", "https://other.example.org")]);
    let refused = world.portal.oauth("/oauth/token", Some(&machine.basic()), &unknown).await;
    assert_eq!(crate::stage::error(&refused), "invalid_target");
}

#[tokio::test]
async fn rfc9449_7_1_a_proof_names_the_apis_own_address() {
    let mut world = World::new().await;
    let application = world.application.clone();
    let fields = [("dpop_required", "yes")];
    let machine = world.ada.service_account(&application, "production", &["orders:read"], &fields).await;
    let holder = Holder::new();
    let portal = &world.portal;
    let url = format!("{ORIGIN}/oauth/token");
    let (authorization, kind) = (machine.basic(), "application/x-www-form-urlencoded");
    let ask = async |nonce: Option<&str>| {
        let proof = holder.proof_at(portal, "POST", &url, None, nonce);
        let fields = [("authorization", authorization.as_str()), ("content-type", kind), ("dpop", proof.as_str())];
        portal.api("POST", "/oauth/token", &fields, "grant_type=client_credentials").await
    };
    let nonce = ask(None).await.header("dpop-nonce").to_owned();
    let token = ask(Some(&nonce)).await.json()["access_token"].as_str().unwrap().to_owned();
    let bound = format!("DPoP {token}");
    for (at, method, status) in [
        (format!("{ADDRESS}/v1/orders"), "GET", 200),
        (format!("{ORIGIN}/gateway/check/orders"), "GET", 401),
        (format!("{ADDRESS}/v1/orders"), "POST", 401),
        (format!("{ADDRESS}/v1/me"), "GET", 401),
    ] {
        let proof = holder.proof_at(&world.portal, method, &at, Some(&token), Some(&nonce));
        let answer = world.check("GET", "/v1/orders", &[("authorization", &bound), ("dpop", &proof)]).await;
        assert_eq!(answer.status, status, "{method} {at}: {answer:?}");
        assert!(!answer.header("dpop-nonce").is_empty());
    }
    assert_eq!(refusal(&world.check("GET", "/v1/orders", &[("authorization", &bound)]).await).0, 401);
}

#[tokio::test]
async fn a_change_is_in_force_when_it_is_answered_and_costs_no_query_before() {
    let mut world = World::new().await;
    let key = world.key("production", &["orders:read"]).await;
    let headers = [("x-api-key", key.as_str())];
    assert_eq!(world.check("GET", "/v1/orders", &headers).await.status, 200);
    let before = world.portal.asked();
    for _ in 0..20 {
        assert_eq!(world.check("GET", "/v1/orders", &headers).await.status, 200);
    }
    assert_eq!(world.portal.asked(), before, "a check asks the database nothing");
    world.change(&[("policies", "GET /v1/orders orders:write")]).await;
    assert_eq!(refusal(&world.check("GET", "/v1/orders", &headers).await), (403, "insufficient_scope".to_owned()));
    world.change(&[("policies", "GET /v1/orders orders:read")]).await;
    assert_eq!(world.check("GET", "/v1/orders", &headers).await.status, 200);
}
