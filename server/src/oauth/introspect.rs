//! `POST /oauth/introspect` (RFC 7662).

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

/// Says what a token is. `token_type_hint` is read by nobody: a token says itself what it is.
pub(super) async fn introspect(State(state): State<AppState>, request: Request) -> Result<Response, Refused> {
    let asked = Asked::read(&state, request).await?;
    let client = asked.client(&state).await?;
    let token = asked.form.required("token", "token is missing")?;
    Ok(json(StatusCode::OK, &state.services.tokens.introspect(&client, token).await?))
}
