//! `POST /oauth/revoke` (RFC 7009).

use super::{answer::Refused, asked::Asked};
use crate::state::AppState;
use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};

/// Ends a token. What is no token of the client's is answered alike (section 2.2).
pub(super) async fn revoke(State(state): State<AppState>, request: Request) -> Result<Response, Refused> {
    let asked = Asked::read(&state, request).await?;
    let client = asked.client(&state).await?;
    let token = asked.form.required("token", "token is missing")?;
    state.services.tokens.revoke(&client, token).await?;
    Ok((StatusCode::OK, [(header::CACHE_CONTROL, "no-store")]).into_response())
}
