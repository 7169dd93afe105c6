//! `POST /oauth/token` (RFC 6749 section 3.2).

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
use latchkey_core::authorization::{Exchange, TokenRequest, Whence};

/// Makes a token.
pub(super) async fn issue(State(state): State<AppState>, request: Request) -> Result<Response, Refused> {
    let from = whence(&state, request.extensions())?;
    let (headers, form) = Form::read(request).await?;
    let outcome = give(&state, from, &headers, &form).await;
    Ok(answered(&state, &headers, from.at, outcome))
}

async fn give(state: &AppState, from: Whence, headers: &HeaderMap, form: &Form) -> Result<Response, Refused> {
    let client = authenticate(state, headers, form, from).await?;
    let grant_type = form.required("grant_type", "grant_type is missing")?;
    let asked = TokenRequest {
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
        proven: proven(state, headers, "/oauth/token", from.at)?,
    };
    Ok(json(StatusCode::OK, &state.services.tokens.issue(&client, asked).await?))
}
