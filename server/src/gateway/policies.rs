//! `GET` and `PUT /gateway/apis/{api}/policies`: an operator's program reads and replaces what an API takes.

use super::verify::{BODY_LIMIT, Failed, problem};
use crate::{connection::Arrival, door::Caller, problem::Problem, state::AppState};
use axum::{
    Json,
    extract::{FromRequest, Path, Request, State, rejection::JsonRejection},
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use latchkey_core::{gateway::Policies, problem::ProblemCode};
use serde::{Deserialize, Serialize};

/// Policies, one line for each.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    policies: Vec<String>,
}

/// Shows them.
pub(super) async fn show(
    State(state): State<AppState>,
    Caller { principal, request_id: id }: Caller,
    Path(slug): Path<String>,
) -> Result<Response, Failed> {
    let found = state.services.guarded_apis.policies(&principal, &slug).await;
    found.map(written).map_err(|error| Failed(problem(&error, id), id))
}

/// Replaces them all, if they are still those that the caller read.
pub(super) async fn replace(
    State(state): State<AppState>,
    Caller { principal, request_id: id }: Caller,
    Path(slug): Path<String>,
    request: Request,
) -> Result<Response, Failed> {
    let failed = |problem| Failed(problem, id);
    let from = Arrival::of(&state.config, &request).address();
    let version = match request.headers().get(header::IF_MATCH).map(|value| value.to_str().unwrap_or_default()) {
        None | Some("*") => None,
        // What is no version of ours is not the one that there is.
        Some(tag) => Some(tag.trim_matches('"').parse().unwrap_or(-1)),
    };
    let Json(body) = Json::<Body>::from_request(request, &()).await.map_err(|rejection| {
        failed(match rejection {
            JsonRejection::MissingJsonContentType(_) => {
                Problem::new(ProblemCode::UnsupportedMediaType, "Send Content-Type: application/json.")
            }
            other if other.status() == StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(BODY_LIMIT),
            _ => Problem::new(
                ProblemCode::InvalidJson,
                "The body is an object with policies, a list of lines such as GET /v1/orders orders:read.",
            ),
        })
    })?;
    let lines = body.policies.join("\n");
    let replaced = state.services.guarded_apis.replace_policies(&principal, from, &slug, &lines, version).await;
    replaced.map(written).map_err(|error| failed(problem(&error, id)))
}

fn written((policies, version): (Policies, i64)) -> Response {
    let headers = [(header::ETAG, format!("\"{version}\"")), (header::CACHE_CONTROL, "no-store".to_owned())];
    (headers, Json(Body { policies: policies.into() })).into_response()
}
