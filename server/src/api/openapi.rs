//! What the demo API is, for tools: OpenAPI 3.1. Paths and schemas are drawn from the handlers and types themselves; what every call
//! has in common, credentials and refusals, is added from the table of routes.

use super::{posts, status, whoami};
use crate::{
    portal::cookie::session_cookie_name,
    problem,
    routes::{Access, Endpoint, Kind, ROUTES, Route},
    unjudged::Unjudged,
};
use bytes::Bytes;
use http::header;
use latchkey_core::problem::ProblemCode;
use latchkey_model::Scope;
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

/// Where it is.
pub(super) const PATH: &str = "/api/openapi.json";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Latchkey demo API",
        version = "1",
        description = "Posts, to try credentials on. Each environment has posts of its own, and so has each person in each environment: \
            an app sees those of its own environment, and what comes without an app those of production."
    ),
    paths(
        status::show,
        whoami::show,
        posts::list,
        posts::create,
        posts::show,
        posts::update,
        posts::remove,
        posts::remove_all
    )
)]
struct Drawn;

/// Errors that a call can be answered with.
type Errors = &'static [ProblemCode];

/// What the door refuses. Words of 403 that are about scopes are for calls that need one.
const REFUSALS: Errors = &[
    ProblemCode::AmbiguousCredentials,
    ProblemCode::CredentialInQuery,
    ProblemCode::MissingCredential,
    ProblemCode::InvalidToken,
    ProblemCode::InvalidCredentials,
    ProblemCode::UseDpopNonce,
    ProblemCode::InvalidDpopProof,
    ProblemCode::TlsRequired,
    ProblemCode::Forbidden,
    ProblemCode::ForgedRequest,
    ProblemCode::AddressBlocked,
    ProblemCode::RateLimited,
    ProblemCode::TooManyFailures,
    ProblemCode::Internal,
    ProblemCode::Unavailable,
];
const NEEDS_SCOPE: Errors = &[ProblemCode::InsufficientScope];
const ONE_POST: Errors = &[ProblemCode::NotFound];
const CHANGES: Errors = &[ProblemCode::Changed];
const TAKES_POST: Errors =
    &[ProblemCode::InvalidJson, ProblemCode::TooLarge, ProblemCode::UnsupportedMediaType, ProblemCode::Invalid];
/// Where the same request was sent twice, and everything was deleted in between, there is no first answer to repeat.
const CREATES: Errors = &[ProblemCode::InvalidIdempotencyKey, ProblemCode::IdempotencyKeyReused, ProblemCode::Changed];
const LISTS: Errors = &[ProblemCode::InvalidQuery];

/// What a call can be answered beside what the door refuses.
fn errors_of(endpoint: Endpoint) -> &'static [Errors] {
    match endpoint {
        Endpoint::ListPosts => &[LISTS],
        Endpoint::CreatePost => &[TAKES_POST, CREATES],
        Endpoint::GetPost => &[ONE_POST],
        Endpoint::UpdatePost => &[ONE_POST, CHANGES, TAKES_POST],
        Endpoint::DeletePost => &[ONE_POST, CHANGES],
        Endpoint::Status | Endpoint::Whoami | Endpoint::DeleteAccount | Endpoint::Userinfo | Endpoint::PostUserinfo => {
            &[]
        }
    }
}

/// Answers with the document of the server at this address.
pub(super) fn show(
    base_url: &str,
) -> impl Fn(Unjudged) -> std::future::Ready<axum::response::Response> + Clone + Send + Sync + use<> {
    let document = Bytes::from(document(base_url).to_string());
    move |request: Unjudged| {
        let fields = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "max-age=300")];
        std::future::ready(request.answer((fields, document.clone())))
    }
}

/// The document of the server at this address.
fn document(base_url: &str) -> Value {
    let mut document = serde_json::to_value(Drawn::openapi()).unwrap_or_default();
    document["servers"] = json!([{"url": base_url}]);
    document["externalDocs"] = json!({
        "description": format!("What every code of an error means; for programs: {base_url}{}", problem::LIST),
        "url": format!("{base_url}/docs/errors"),
    });
    if let Some(info) = document["info"].as_object_mut() {
        info.remove("license");
    }
    // The introduction is kept drawn, and the id written behind it.
    let whoami = &mut document["components"]["schemas"]["Whoami"];
    whoami["properties"]["request_id"] = json!({"type": "string", "format": "uuid"});
    document["components"]["schemas"]["Problem"] = problem_schema();
    document["components"]["securitySchemes"] = security_schemes(base_url);
    for route in ROUTES {
        let Kind::Api(endpoint) = route.kind else { continue };
        let operation = &mut document["paths"][route.path][route.method.to_ascii_lowercase()];
        let Some(operation) = operation.as_object_mut() else { continue };
        // A tag for each handler's module tells a reader nothing.
        operation.remove("tags");
        finish(operation, route, endpoint);
    }
    // What indexing made for routes that are not of the demo API.
    if let Some(paths) = document["paths"].as_object_mut() {
        paths.retain(|path, _| path.starts_with("/api/"));
    }
    document
}

/// Adds to a call who may make it, and what it is refused.
fn finish(operation: &mut Map<String, Value>, route: &Route, endpoint: Endpoint) {
    let Access::Key(needed) = route.access else {
        operation["responses"]["200"]["headers"]["x-request-id"] = text("The id of this request");
        return;
    };
    operation.insert("security".to_owned(), security(needed));
    let mut words: std::collections::BTreeMap<u16, Vec<&str>> = std::collections::BTreeMap::new();
    let scope = if needed.is_some() { &[NEEDS_SCOPE][..] } else { &[] };
    for code in [REFUSALS].iter().chain(scope).chain(errors_of(endpoint)).copied().flatten() {
        words.entry(code.status()).or_default().push(code.as_str());
    }
    for (status, words) in words {
        operation["responses"][status.to_string()] = json!({
            "description": words.join(", "),
            "headers": fields_of(status, needed.is_some()),
            "content": {"application/problem+json": {"schema": {
                "allOf": [
                    {"$ref": "#/components/schemas/Problem"},
                    {"properties": {"code": {"enum": words}, "status": {"const": status}}},
                ],
            }}},
        });
    }
    if let Some(responses) = operation["responses"].as_object_mut() {
        for (status, response) in responses {
            let headers = &mut response["headers"];
            headers["x-request-id"] = text("The id under which the owner finds this request");
            headers["dpop-nonce"] =
                text("What the next proof must carry, where a bound token came (RFC 9449 section 8.2)");
            if ["2", "304", "4"].iter().any(|kind| status.starts_with(kind)) {
                headers["ratelimit"] = text("What is left (draft-ietf-httpapi-ratelimit-headers)");
                headers["ratelimit-policy"] = text("What may be asked (the same)");
            }
        }
    }
}

fn text(description: &str) -> Value {
    json!({"description": description, "schema": {"type": "string"}})
}

/// The header fields of a refusal.
fn fields_of(status: u16, needs_scope: bool) -> Value {
    match status {
        401 => json!({"www-authenticate": text("How to authenticate (RFC 6750 section 3)")}),
        403 if needs_scope => {
            json!({"www-authenticate": text("With insufficient_scope: which scope is needed (RFC 6750 section 3.1)")})
        }
        429 | 503 => json!({"retry-after": {"description": "Seconds to wait", "schema": {"type": "integer"}}}),
        _ => json!({}),
    }
}

/// RFC 9457 section 3.1, then ours.
fn problem_schema() -> Value {
    json!({
        "type": "object",
        "description": "What is wrong (RFC 9457). Programs look at code.",
        "required": ["type", "title", "status", "detail", "code"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "For people"},
            "code": {"type": "string", "description": format!("It does not change. All there are: {}", problem::LIST)},
            "request_id": {"type": "string", "format": "uuid", "description": "Opens the story of the request, for the owner"},
            "errors": {
                "type": "object",
                "description": "What is wrong with which member",
                "additionalProperties": {"type": "string"},
            },
        },
    })
}

/// The ways in, each enough by itself.
fn security(needed: Option<&str>) -> Value {
    let scopes: Vec<_> = needed.into_iter().collect();
    json!([{"bearer": []}, {"apiKey": []}, {"basic": []}, {"oauth2": scopes}, {"openIdConnect": scopes}, {"cookie": []}, {"mutualTls": []}, {"bearer": [], "mutualTls": []}])
}

fn security_schemes(base_url: &str) -> Value {
    let scopes = json!({
        Scope::READ_POSTS: "Read posts",
        Scope::WRITE_POSTS: "Create, change and delete posts",
        Scope::DELETE_ACCOUNT: "Delete all of the account's demo data",
    });
    let token = format!("{base_url}/oauth/token");
    let cookie = session_cookie_name(base_url.starts_with("https:"));
    json!({
        "bearer": {
            "type": "http", "scheme": "bearer",
            "description": "An API key, a personal access token, or an access token of this server",
        },
        "basic": {
            "type": "http", "scheme": "basic",
            "description": "An API key as the user name, with no password; or the address and password of a person who lets programs send them",
        },
        "cookie": {
            "type": "apiKey", "in": "cookie", "name": cookie,
            "description": "The session of the portal, for its own pages: changes need X-CSRF-Token besides",
        },
        "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key"},
        "oauth2": {
            "type": "oauth2",
            "description": "Access tokens of this server (RFC 9068), with PKCE (S256). A token that is bound to a key travels as \
                `Authorization: DPoP` with a proof in `DPoP` (RFC 9449)",
            "flows": {
                "authorizationCode": {
                    "authorizationUrl": format!("{base_url}/oauth/authorize"),
                    "tokenUrl": token, "refreshUrl": token, "scopes": scopes,
                },
                "clientCredentials": {"tokenUrl": token, "scopes": scopes},
            },
        },
        "openIdConnect": {
            "type": "openIdConnect", "openIdConnectUrl": format!("{base_url}/.well-known/openid-configuration"),
        },
        "mutualTls": {
            "type": "mutualTLS",
            "description": "The certificate of a service account by itself, or beside an access token that is bound to it (RFC 8705), at the listener that asks for one",
        },
    })
}
