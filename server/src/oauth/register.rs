//! `/oauth/register`: apps that register themselves (RFC 7591), and manage that (RFC 7592).

use super::{
    answer::{Refused, json},
    client::{authorization, tell_of_refused, whence},
    form::is_of_type,
};
use crate::{connection::Arrival, routes::BODY_LIMIT, state::AppState};
use axum::{
    body::{Body, to_bytes},
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use latchkey_core::{
    authorization::{OauthError, Whence},
    oauth_client::ClientMetadata,
};
use serde_json::Value;

/// From where and when a request came, over a safe channel.
fn arrived(state: &AppState, request: &Request) -> Result<Whence, OauthError> {
    let arrival = Arrival::of(&state.config, request);
    let tell = |_: &OauthError| tell_of_refused(state, &arrival, request.uri().path(), request.headers(), &[]);
    whence(state, &arrival).inspect_err(tell)
}

/// Registers an app.
pub(super) async fn register(State(state): State<AppState>, request: Request) -> Result<Response, Refused> {
    let from = arrived(&state, &request)?;
    let (parts, body) = request.into_parts();
    let token = bearer(&parts.headers)?;
    let (metadata, _) = metadata_of(&parts.headers, body).await?;
    let registered = state.services.registrations.register(token, &metadata, from.address).await?;
    Ok(json(StatusCode::CREATED, &registered))
}

/// Says what is registered.
pub(super) async fn read(
    State(state): State<AppState>,
    Path(client_id): Path<String>,
    request: Request,
) -> Result<Response, Refused> {
    let _: Whence = arrived(&state, &request)?;
    let token = bearer(request.headers())?.ok_or(OauthError::InvalidRegistrationToken)?;
    Ok(json(StatusCode::OK, &state.services.registrations.read(token, &client_id).await?))
}

/// Replaces what is registered.
pub(super) async fn replace(
    State(state): State<AppState>,
    Path(client_id): Path<String>,
    request: Request,
) -> Result<Response, Refused> {
    /// RFC 7592 section 2.2: what this server sets is no business of the client's.
    const OURS: [&str; 4] =
        ["registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"];
    let from = arrived(&state, &request)?;
    let (parts, body) = request.into_parts();
    let token = bearer(&parts.headers)?.ok_or(OauthError::InvalidRegistrationToken)?;
    // Who it is comes before what it says.
    state.services.registrations.read(token, &client_id).await?;
    let (metadata, sent) = metadata_of(&parts.headers, body).await?;
    if OURS.iter().any(|member| sent.get(member).is_some()) {
        return Err(OauthError::InvalidRequest("leave out what this server sets").into());
    }
    if sent.get("client_id").and_then(Value::as_str) != Some(client_id.as_str()) {
        return Err(OauthError::InvalidRequest("client_id must be the client's own").into());
    }
    Ok(json(StatusCode::OK, &state.services.registrations.replace(token, &client_id, &metadata, from.address).await?))
}

/// Ends what is registered.
pub(super) async fn end(
    State(state): State<AppState>,
    Path(client_id): Path<String>,
    request: Request,
) -> Result<Response, Refused> {
    let from = arrived(&state, &request)?;
    let token = bearer(request.headers())?.ok_or(OauthError::InvalidRegistrationToken)?;
    state.services.registrations.end(token, &client_id, from.address).await?;
    Ok((StatusCode::NO_CONTENT, [(header::CACHE_CONTROL, "no-store")]).into_response())
}

/// The token of `Authorization: Bearer`, if there is one.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, OauthError> {
    let Some(field) = authorization(headers)? else { return Ok(None) };
    let read = field.to_str().ok().and_then(|text| text.split_once(' '));
    match read {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim())),
        _ => Err(OauthError::InvalidRegistrationToken),
    }
}

/// The metadata, and the object that it came as.
async fn metadata_of(headers: &HeaderMap, body: Body) -> Result<(ClientMetadata, Value), OauthError> {
    let wrong = |what: &str| OauthError::InvalidMetadata { addresses: false, what: what.to_owned() };
    if !is_of_type(headers, "application/json") {
        return Err(wrong("send the metadata as application/json"));
    }
    let bytes = to_bytes(body, BODY_LIMIT).await.map_err(|_| OauthError::TooLarge)?;
    let sent: Value = serde_json::from_slice(&bytes).map_err(|_| wrong("the body is no JSON object"))?;
    if !sent.is_object() {
        return Err(wrong("the body is no JSON object"));
    }
    let metadata =
        serde_json::from_value(sent.clone()).map_err(|_| wrong("a member is not of the type that it must be"))?;
    Ok((metadata, sent))
}
