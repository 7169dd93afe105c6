//! `POST /oauth/par` (RFC 9126).

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

/// Takes a request before its person comes.
pub(super) async fn push(State(state): State<AppState>, request: Request) -> Result<Response, Refused> {
    let from = whence(&state, request.extensions())?;
    let (headers, form) = Form::read(request).await?;
    let client = authenticate(&state, &headers, &form, from).await?;
    Ok(json(StatusCode::CREATED, &state.services.pushed.take(&client, &form.parameters()).await?))
}
