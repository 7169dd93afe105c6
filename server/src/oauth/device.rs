//! `POST /oauth/device_authorization` (RFC 8628 section 3.1).

use super::{
    answer::{Refused, json},
    client::{authenticate, whence},
    form::Form,
};
use crate::state::AppState;
use axum::{
    extract::{Request, State},
    response::Response,
};
use http::StatusCode;

/// Gives a device its codes.
pub(super) async fn begin(State(state): State<AppState>, request: Request) -> Result<Response, Refused> {
    let from = whence(&state, request.extensions())?;
    let (headers, form) = Form::read(request).await?;
    let client = authenticate(&state, &headers, &form, from).await?;
    Ok(json(StatusCode::OK, &state.services.devices.begin(&client, form.get("scope")).await?))
}
