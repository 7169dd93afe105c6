//! `POST /oauth/token` (RFC 6749 section 3.2).

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
use latchkey_core::authorization::{Exchange, TokenRequest};

/// Makes a token.
pub(super) async fn issue(State(state): State<AppState>, request: Request) -> Result<Response, Refused> {
    let asked = Asked::read(&state, request).await?;
    let outcome = give(&state, &asked).await;
    Ok(asked.answered(&state, outcome))
}

async fn give(state: &AppState, asked: &Asked) -> Result<Response, Refused> {
    let client = asked.client(state).await?;
    let form = &asked.form;
    let grant_type = form.required("grant_type", "grant_type is missing")?;
    let wanted = TokenRequest {
        grant_type,
        scope: form.get("scope"),
        resources: form.all("resource").collect(),
        code: form.get("code"),
        redirect_uri: form.get("redirect_uri"),
        code_verifier: form.get("code_verifier"),
        refresh_token: form.get("refresh_token"),
        device_code: form.get("device_code"),
        exchange: Exchange {
            subject_token: form.get("subject_token"),
            subject_token_type: form.get("subject_token_type"),
            requested_token_type: form.get("requested_token_type"),
            actor_token: form.get("actor_token"),
            audience: form.get("audience"),
        },
        proven: asked.proven(state)?,
        certificate: asked.certificate(),
    };
    Ok(json(StatusCode::OK, &state.services.tokens.issue(&client, wanted).await?))
}
