//! `POST /oauth/par` (RFC 9126).

use super::{
    answer::{Refused, json},
    client::{authenticate, whence},
    form::Form,
    proof::{answered, proven},
};
use crate::state::AppState;
use axum::{
    extract::{Request, State},
    response::Response,
};
use http::{HeaderMap, StatusCode};
use latchkey_core::authorization::Whence;

/// Takes a request before its person comes. A proof that comes with it binds the code to its key (RFC 9449 section 10.1).
pub(super) async fn push(State(state): State<AppState>, request: Request) -> Result<Response, Refused> {
    let from = whence(&state, request.extensions())?;
    let (headers, form) = Form::read(request).await?;
    let outcome = take(&state, from, &headers, &form).await;
    Ok(answered(&state, &headers, from.at, outcome))
}

async fn take(state: &AppState, from: Whence, headers: &HeaderMap, form: &Form) -> Result<Response, Refused> {
    let client = authenticate(state, headers, form, from).await?;
    let proven = proven(state, headers, "/oauth/par", from.at)?;
    let pushed = state.services.pushed.take(&client, &form.parameters(), proven.as_ref()).await?;
    Ok(json(StatusCode::CREATED, &pushed))
}
