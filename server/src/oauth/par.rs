//! `POST /oauth/par` (RFC 9126).

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

/// Takes a request before its person comes. A proof that comes with it binds the code to its key (RFC 9449 section 10.1).
pub(super) async fn push(State(state): State<AppState>, request: Request) -> Result<Response, Refused> {
    let asked = Asked::read(&state, request).await?;
    let outcome = take(&state, &asked).await;
    Ok(asked.answered(&state, outcome))
}

async fn take(state: &AppState, asked: &Asked) -> Result<Response, Refused> {
    let client = asked.client(state).await?;
    let proven = asked.proven(state)?;
    let pushed =
        state.services.pushed.take(&client, &asked.form.parameters(), proven.as_ref(), asked.address()).await?;
    Ok(json(StatusCode::CREATED, &pushed))
}
