//! The pictures of clients: for whoever is asked by one.

use crate::state::AppState;
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use latchkey_core::oauth_client::{ClientId, LogoDigest};

/// Where they are.
pub const PATH: &str = "/logos/{client_id}/{name}";

/// Serves a picture. Its address changes with it, so browsers keep it.
pub async fn serve(State(state): State<AppState>, Path((client_id, name)): Path<(String, String)>) -> Response {
    let digest = name.strip_suffix(".png").and_then(|digest| digest.parse::<LogoDigest>().ok());
    let (Ok(client_id), Some(digest)) = (client_id.parse::<ClientId>(), digest) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match state.services.ports.store.client_logo(&client_id, &digest).await {
        Ok(Some(png)) => {
            let headers = [
                (header::CONTENT_TYPE, "image/png"),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
                // Opened by itself, it is a picture and nothing that runs.
                (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
            ];
            (headers, png).into_response()
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a picture could not be read");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
