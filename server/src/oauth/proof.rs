//! The proof of a key that may come with a request to an endpoint (RFC 9449 section 5).

use crate::{
    door::{DPOP, fields},
    state::AppState,
};
use http::HeaderMap;
use latchkey_core::{
    access_token::Binding,
    authorization::OauthError,
    dpop::{PresentedProof, ProofProblem},
};
use time::OffsetDateTime;

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
