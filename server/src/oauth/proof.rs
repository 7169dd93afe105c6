//! The proof of a key that may come with a request to an endpoint (RFC 9449 section 5).

use super::answer::Refused;
use crate::{
    door::{DPOP, fields, put_nonce},
    state::AppState,
};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use latchkey_core::{
    access_token::Binding,
    authorization::OauthError,
    dpop::{PresentedProof, ProofProblem},
};
use time::OffsetDateTime;

/// An endpoint's answer, with the nonce that the next proof must carry where this request came with a proof.
pub(super) fn answered(
    state: &AppState,
    headers: &HeaderMap,
    now: OffsetDateTime,
    outcome: Result<Response, Refused>,
) -> Response {
    let mut response = outcome.unwrap_or_else(IntoResponse::into_response);
    if headers.contains_key(&DPOP) {
        put_nonce(response.headers_mut(), state, now);
    }
    response
}

/// The key that the client proved to hold at the endpoint of this path, if it sent a proof.
pub(super) fn proven(
    state: &AppState,
    headers: &HeaderMap,
    path: &str,
    now: OffsetDateTime,
) -> Result<Option<Binding>, OauthError> {
    if !headers.contains_key(&DPOP) {
        return Ok(None);
    }
    let url = format!("{}{path}", state.config.base_url());
    let proof = PresentedProof { fields: fields(headers, &DPOP), method: "POST", url: &url };
    match state.services.proofs.judge(&proof, None, now) {
        Ok(thumbprint) => Ok(Some(Binding::Dpop(thumbprint))),
        Err(ProofProblem::Nonce) => Err(OauthError::UseDpopNonce),
        Err(ProofProblem::TooMany) => Err(OauthError::Unavailable(Box::new(ProofProblem::TooMany))),
        Err(problem) => {
            tracing::debug!(%problem, "a proof was not good");
            Err(OauthError::InvalidDpopProof("the DPoP proof is not good for this request"))
        }
    }
}
