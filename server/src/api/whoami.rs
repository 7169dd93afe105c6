//! `GET /api/v1/whoami`: how am I known?

use axum::{Extension, Json};
use http::header;
use latchkey_core::authn::Principal;
use latchkey_model::{ApplicationId, Environment, RequestId, Scope};
use serde::Serialize;
use time::{OffsetDateTime, serde::rfc3339};

/// The principal, as the caller may see it.
#[derive(Serialize)]
pub(super) struct Whoami {
    method: &'static str,
    application: NamedApplication,
    environment: Environment,
    key: NamedKey,
    scopes: Vec<Scope>,
    request_id: RequestId,
}

#[derive(Serialize)]
struct NamedApplication {
    id: ApplicationId,
    name: String,
}

#[derive(Serialize)]
struct NamedKey {
    name: String,
    hint: String,
    #[serde(with = "rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
}

/// Tells the caller who it turned out to be.
pub(super) async fn show(
    Extension(principal): Extension<Principal>,
    Extension(request_id): Extension<RequestId>,
) -> ([(header::HeaderName, &'static str); 1], Json<Whoami>) {
    let answer = Whoami {
        method: "api_key",
        application: NamedApplication {
            id: principal.application_id,
            name: principal.application_name.as_str().to_owned(),
        },
        environment: principal.environment,
        key: NamedKey {
            name: principal.api_key_name.as_str().to_owned(),
            hint: principal.api_key_hint,
            expires_at: principal.expires_at,
        },
        scopes: principal.scopes.iter().cloned().collect(),
        request_id,
    };
    ([(header::CACHE_CONTROL, "no-store")], Json(answer))
}
