//! `POST /oauth/device_authorization` (RFC 8628 section 3.1).

use super::{
    answer::{Refused, json},
    asked::Asked,
};
use crate::state::AppState;
use axum::{
    extract::{Request, State},
    response::Response,
};
use http::StatusCode;

/// Gives a device its codes.
pub(super) async fn begin(State(state): State<AppState>, request: Request) -> Result<Response, Refused> {
    let asked = Asked::read(&state, request).await?;
    let client = asked.client(&state).await?;
    let begun = state.services.devices.begin(&client, asked.form.get("scope"), asked.address()).await?;
    Ok(json(StatusCode::OK, &begun))
}
