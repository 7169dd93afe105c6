//! `GET /api/v1/status`: is anybody there?

use crate::unjudged::Unjudged;
use axum::{Json, response::Response};
use serde::Serialize;
use utoipa::ToSchema;

/// That somebody is there.
#[derive(Serialize, ToSchema)]
pub(super) struct Status {
    /// `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Says that the API answers. Public: it tells neither a version nor anything else of the server.
#[utoipa::path(get, path = "/api/v1/status", operation_id = "getStatus", responses((status = 200, body = Status, description = "It answers")))]
pub(super) async fn show(request: Unjudged) -> Response {
    request.answer(Json(Status { status: "ok" }))
}
