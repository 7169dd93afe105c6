//! `GET /api/v1/status`: is anybody there?

use axum::Json;
use serde::Serialize;

/// The answer.
#[derive(Serialize)]
pub(super) struct Status {
    status: &'static str,
}

/// Says that the API answers. Public: it tells neither a version nor anything else of the server.
pub(super) async fn show() -> Json<Status> {
    Json(Status { status: "ok" })
}
