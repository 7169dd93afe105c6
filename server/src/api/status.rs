//! `GET /api/v1/status`: is anybody there?

use axum::Json;
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
pub(super) async fn show() -> Json<Status> {
    Json(Status { status: "ok" })
}
