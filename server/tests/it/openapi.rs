//! The demo API's description is true: what it says is there is there, and what is answered is what it says.

use crate::support::{Answer, Browser, Portal, mistyped};
use http::StatusCode;
use jsonschema::Validator;
use latchkey_core::{api_key::PlainApiKey, random::SystemRandom};
use latchkey_model::KeyKind;
use serde_json::{Value, json};
use server::{
    config::Given,
    routes::{Access, Kind, ROUTES},
};
use std::collections::BTreeSet;
use time::Duration;

const JSON: (&str, &str) = ("content-type", "application/json");

struct Described {
    portal: Portal,
    ada: Browser,
    application: String,
    document: Value,
    /// Every status of every operation that was seen, and with each refusal its code.
    seen: BTreeSet<(String, String, Option<String>)>,
}

impl Described {
    async fn start(given: Given) -> Self {
        let portal = Portal::with(given).await;
        let answer = portal.api("GET", "/api/openapi.json", &[], "").await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "application/json"));
        let mut ada = portal.member("ada@example.org").await;
        let application = ada.application("Bookshelf").await;
        Self { document: answer.json(), portal, ada, application, seen: BTreeSet::new() }
    }

    async fn key(&mut self, environment: &str, fields: &[(&str, &str)]) -> String {
        let all = ["read:posts", "write:posts", "delete:account"].map(|scope| ("scopes[]", scope));
        let fields =
            if fields.iter().any(|(name, _)| *name == "scopes[]") { fields.to_vec() } else { [&all, fields].concat() };
        let fields = [&fields[..], &[("expiry", "never")]].concat();
        self.ada.key_with(&self.application.clone(), environment, &fields).await
    }

    /// Calls, and holds the answer against what is said of it.
    async fn call(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let answer = self.portal.api(method, path, headers, body).await;
        self.check(method, path, &answer);
        answer
    }

    fn check(&mut self, method: &str, path: &str, answer: &Answer) {
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let template = match path.strip_prefix("/api/v1/posts/") {
            Some(_) => "/api/v1/posts/{id}",
            None => path,
        };
        let operation = &self.document["paths"][template][method.to_lowercase()];
        let status = answer.status.as_str();
        let said = &operation["responses"][status];
        assert!(said.is_object(), "{method} {template} says nothing of {status}: {answer:?}");
        for name in said["headers"].as_object().into_iter().flatten().map(|(name, _)| name) {
            let told = !answer.header(name).is_empty();
            // Who has no key has no limits of it, and this machine's network has none.
            let depends = name.starts_with("ratelimit") || name == "dpop-nonce" || (status, name.as_str()) == SOMETIMES;
            assert!(told || depends, "{method} {template} {status} has no {name}: {answer:?}");
        }
        for name in ["www-authenticate", "dpop-nonce", "retry-after", "etag", "location"] {
            let is_said = said["headers"].get(name).is_some();
            assert!(is_said || answer.header(name).is_empty(), "{method} {template} {status} says nothing of {name}");
        }
        let refused = answer.status.is_client_error() || answer.status.is_server_error();
        let code = refused.then(|| answer.code());
        if let Some(code) = &code {
            assert!(codes(said).contains(code), "{method} {template} {status} says nothing of {code}");
        }
        let content = said["content"].as_object();
        match content.and_then(|content| content.get(answer.header("content-type"))) {
            Some(media) => {
                let mut schema = media["schema"].clone();
                schema["components"] = self.document["components"].clone();
                let validator: Validator =
                    jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap();
                let body = answer.json();
                let errors: Vec<_> = validator.iter_errors(&body).map(|error| error.to_string()).collect();
                assert!(errors.is_empty(), "{method} {template} {status}: {errors:?}: {body}");
                let known: BTreeSet<_> = properties(&schema, &self.document).into_iter().collect();
                let told = body.as_object().into_iter().flatten().map(|(name, _)| name.clone());
                let untold: Vec<_> = told.filter(|name| !known.contains(name)).collect();
                assert!(untold.is_empty(), "{method} {template} {status} says nothing of {untold:?}");
            }
            None => assert!(content.is_none() && answer.body.is_empty(), "{method} {template} {status}: {answer:?}"),
        }
        self.seen.insert((format!("{method} {template}"), status.to_owned(), code));
    }
}

/// Of the refusals with this status, one has the field.
const SOMETIMES: (&str, &str) = ("403", "www-authenticate");

/// The codes that a response is described with.
fn codes(response: &Value) -> Vec<String> {
    let parts = response["content"]["application/problem+json"]["schema"]["allOf"].as_array();
    let words = parts.into_iter().flatten().filter_map(|part| part["properties"]["code"]["enum"].as_array());
    words.flatten().map(|word| word.as_str().unwrap().to_owned()).collect()
}

/// Codes that calls are answered with elsewhere: what the door says alike everywhere, faults of ours, and a race.
fn is_elsewhere(operation: &str, code: &str) -> bool {
    let of_the_door = [
        "invalid_credentials",
        "use_dpop_nonce",
        "invalid_dpop_proof",
        "tls_required",
        "forged_request",
        "address_blocked",
        "too_many_failures",
        "internal",
        "unavailable",
    ];
    of_the_door.contains(&code) || (operation, code) == ("POST /api/v1/posts", "changed")
}

/// The members that a schema names, by way of references.
fn properties(schema: &Value, document: &Value) -> Vec<String> {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/components/schemas/")) {
        return properties(&document["components"]["schemas"][name], document);
    }
    let own = schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone());
    let parts = schema["allOf"].as_array().into_iter().flatten().flat_map(|part| properties(part, document));
    own.chain(parts).collect()
}

fn post() -> String {
    json!({"title": "Hello", "body": "First post"}).to_string()
}

#[tokio::test]
async fn every_endpoint_is_described_with_who_may_call_it() {
    let here = Described::start(Given::default()).await;
    assert_eq!(here.document["openapi"], "3.1.0");
    let mut described = BTreeSet::new();
    for (path, item) in here.document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let method = method.to_uppercase();
            let route = ROUTES.iter().find(|route| route.method == method && route.path == path).unwrap();
            match route.access {
                Access::Key(needed) => {
                    let needed: Vec<_> = needed.into_iter().collect();
                    let ways = operation["security"].as_array().unwrap();
                    assert!(
                        ways.contains(&json!({"bearer": []})) && ways.contains(&json!({"oauth2": needed})),
                        "{path}"
                    );
                }
                _ => assert!(operation["security"].is_null(), "{path} is everybody's"),
            }
            let schemes = here.document["components"]["securitySchemes"].as_object().unwrap();
            for way in operation["security"].as_array().into_iter().flatten() {
                assert!(way.as_object().unwrap().keys().all(|name| schemes.contains_key(name)), "{way}");
            }
            assert!(operation["operationId"].is_string() && operation["summary"].is_string(), "{method} {path}");
            described.insert((method, path.clone()));
        }
    }
    let expected: BTreeSet<_> = ROUTES
        .iter()
        .filter(|route| matches!(route.kind, Kind::Api(_)) && route.path.starts_with("/api/"))
        .map(|route| (route.method.to_owned(), route.path.to_owned()))
        .collect();
    assert_eq!(described, expected);
    let metadata = here.portal.api("GET", "/.well-known/oauth-authorization-server", &[], "").await.json();
    let flows = &here.document["components"]["securitySchemes"]["oauth2"]["flows"];
    assert_eq!(flows["authorizationCode"]["authorizationUrl"], metadata["authorization_endpoint"]);
    assert_eq!(flows["clientCredentials"]["tokenUrl"], metadata["token_endpoint"]);
    for scope in flows["clientCredentials"]["scopes"].as_object().unwrap().keys() {
        assert!(metadata["scopes_supported"].as_array().unwrap().contains(&json!(scope)), "{scope}");
    }
}

#[tokio::test]
async fn what_is_answered_is_what_is_described() {
    let given = Given { require_tls: Some(false), ..Given::default() };
    let mut here = Described::start(given).await;
    let key = here.key("development", &[]).await;
    let reader = here.key("staging", &[("scopes[]", "read:posts")]).await;
    let writer = here.key("staging", &[("scopes[]", "write:posts")]).await;
    let (own, reading) = (("x-api-key", key.as_str()), ("x-api-key", reader.as_str()));
    let writing = ("x-api-key", writer.as_str());
    here.call("GET", "/api/v1/status", &[], "").await;
    here.call("GET", "/api/v1/whoami", &[own], "").await;
    let token = here.ada.token_with(&[("scopes[]", "read:posts"), ("expiry", "30")]).await;
    here.call("GET", "/api/v1/whoami", &[("authorization", &format!("Bearer {token}"))], "").await;
    let application = here.application.clone();
    let machine = here.ada.service_account(&application, "development", &["read:posts"], &[]).await;
    let token = here.portal.token_of(&machine).await;
    here.call("GET", "/api/v1/whoami", &[("authorization", &format!("Bearer {token}"))], "").await;
    let unproven = here.call("GET", "/api/v1/whoami", &[("authorization", &format!("DPoP {token}"))], "").await;
    assert!(unproven.code() == "invalid_dpop_proof" && !unproven.header("dpop-nonce").is_empty(), "{unproven:?}");

    let made = here.call("POST", "/api/v1/posts", &[own, JSON, ("idempotency-key", "order-4711")], &post()).await;
    let path = made.header("location").to_owned();
    here.call("GET", "/api/v1/posts", &[own], "").await;
    here.call("GET", "/api/v1/posts?limit=1", &[own], "").await;
    let read = here.call("GET", &path, &[own], "").await;
    here.call("GET", &path, &[own, ("if-none-match", read.header("etag"))], "").await;
    here.call("PUT", &path, &[own, JSON], &post()).await;
    for method in ["PUT", "DELETE"] {
        here.call(method, &path, &[own, JSON, ("if-match", "\"1\"")], &post()).await;
    }
    for (method, path) in [("POST", "/api/v1/posts"), ("PUT", path.as_str())] {
        for (kind, body) in [
            (JSON, "{"),
            (JSON, "{}"),
            (JSON, r#"{"title": ""}"#),
            (("content-type", "text/plain"), "x"),
            (JSON, &format!("\"{}\"", "x".repeat(70_000))),
        ] {
            here.call(method, path, &[own, kind], body).await;
        }
    }
    here.call("POST", "/api/v1/posts", &[own, JSON, ("idempotency-key", "")], &post()).await;
    here.call("POST", "/api/v1/posts", &[own, JSON, ("idempotency-key", "order-4711")], r#"{"title": "Other"}"#).await;
    here.call("GET", "/api/v1/posts?limit=many", &[own], "").await;

    let nowhere = "/api/v1/posts/0190b6f2-0000-7000-8000-000000000000";
    let wrong = mistyped(&key);
    let elsewhere = here.key("production", &[("allowed_from", "203.0.113.0/24")]).await;
    let busy = here.key("production", &[("limits", "1/30d")]).await;
    here.portal.with_key(&busy, "GET", "/api/v1/whoami", "").await;
    let operations: Vec<_> = ROUTES.iter().filter(|route| matches!(route.access, Access::Key(_))).collect();
    for route in operations.iter().filter(|route| route.path.starts_with("/api/")) {
        let path = route.path.replace("/api/v1/posts/{id}", nowhere);
        let headers: [&[(&str, &str)]; 7] = [
            &[],
            &[("x-api-key", &wrong)],
            &[own, ("authorization", "Bearer x")],
            &[("x-api-key", &elsewhere)],
            &[("x-api-key", &busy)],
            &[reading, JSON],
            &[writing, JSON],
        ];
        for headers in headers {
            here.call(route.method, &path, headers, &post()).await;
        }
        here.call(route.method, &format!("{path}?api_key={key}"), &[], "").await;
        if route.path.ends_with("{id}") {
            here.call(route.method, &path, &[own, JSON], &post()).await;
        }
    }
    here.call("DELETE", &path, &[own], "").await;
    here.call("DELETE", "/api/v1/account", &[own], "").await;

    // Nothing is described that nobody gets, but for faults and a store that is out of reach (below).
    for (path, item) in here.document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let operation_name = format!("{} {path}", method.to_uppercase());
            for (status, response) in operation["responses"].as_object().unwrap() {
                let codes = codes(response);
                let all = if codes.is_empty() { vec![None] } else { codes.into_iter().map(Some).collect() };
                for code in all {
                    let elsewhere = code.as_deref().is_some_and(|code| is_elsewhere(&operation_name, code));
                    let told = (operation_name.clone(), status.clone(), code);
                    assert!(elsewhere || here.seen.contains(&told), "nobody gets {told:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn every_code_is_in_one_list_and_its_type_leads_to_what_it_means() {
    let here = Described::start(Given::default()).await;
    let answer = here.portal.api("GET", "/docs/errors.json", &[], "").await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "application/json"), "{answer:?}");
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    let list = answer.json();
    let listed = list["codes"].as_array().unwrap();
    let guide = here.portal.browser().get("/docs/errors").await.text();
    for one in listed {
        let code = one["code"].as_str().unwrap();
        assert_eq!(one["type"], format!("/docs/errors#{code}"));
        assert!(guide.contains(&format!("id=\"{code}\"")), "{code} has no section");
        assert!(one["title"].is_string() && one["meaning"].is_string(), "{one}");
    }
    assert!(here.document["externalDocs"]["description"].as_str().unwrap().contains("/docs/errors.json"));
    let operations = here.document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap());
    for (status, response) in operations.flat_map(|(_, operation)| operation["responses"].as_object().unwrap()) {
        let status: u16 = status.parse().unwrap();
        for code in codes(response) {
            let is_listed = listed.iter().any(|one| one["code"] == code.as_str() && one["status"] == status);
            assert!(is_listed, "{code} with {status}");
        }
    }
}

#[tokio::test]
async fn what_is_answered_while_the_store_is_away_is_described() {
    let mut here = Described::start(Given::default()).await;
    let key = here.key("development", &[]).await;
    here.portal.clock.advance(Duration::minutes(2));
    here.portal.store.clone().close().await.unwrap();
    let unknown = PlainApiKey::generate(&SystemRandom, KeyKind::Personal);
    for key in [key.as_str(), unknown.expose()] {
        let answer = here.call("GET", "/api/v1/posts", &[("x-api-key", key)], "").await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"));
    }
}

#[tokio::test]
async fn all_of_an_owners_data_goes_by_a_scope_of_its_own() {
    let mut here = Described::start(Given::default()).await;
    let key = here.key("development", &[]).await;
    let other = here.key("staging", &[]).await;
    let writer = here.key("development", &[("scopes[]", "read:posts"), ("scopes[]", "write:posts")]).await;
    let once = [("x-api-key", key.as_str()), JSON, ("idempotency-key", "order-4711")];
    for key in [&key, &other, &writer] {
        here.call("POST", "/api/v1/posts", &[("x-api-key", key), JSON], &post()).await;
    }
    here.call("POST", "/api/v1/posts", &once, &post()).await;
    let refused = here.call("DELETE", "/api/v1/account", &[("x-api-key", &writer)], "").await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::FORBIDDEN, "insufficient_scope"));
    assert!(refused.header("www-authenticate").contains("scope=\"delete:account\""), "{refused:?}");
    let done = here.call("DELETE", "/api/v1/account", &[("x-api-key", &key)], "").await;
    assert_eq!(done.status, StatusCode::NO_CONTENT);
    let count = async |key: &str| {
        let posts = here.portal.with_key(key, "GET", "/api/v1/posts", "").await.json();
        posts["posts"].as_array().unwrap().len()
    };
    assert_eq!((count(&writer).await, count(&other).await), (0, 1), "of this environment, and of no other");
    let again = here.call("POST", "/api/v1/posts", &once, &post()).await;
    assert_eq!(again.status, StatusCode::CREATED, "what was kept for those who ask again is gone, too");
    assert_eq!(
        here.portal.with_key(&key, "GET", "/api/v1/posts", "").await.json()["posts"].as_array().unwrap().len(),
        1
    );
}
