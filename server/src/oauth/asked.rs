//! A request to an endpoint that clients ask, read whole before anything of it is believed.

use super::{
    answer::Refused,
    client::{basic, tell_of_refused, whence},
    form::Form,
};
use crate::{
    connection::Arrival,
    door::{DPOP, fields, put_nonce},
    exposed,
    routes::BODY_LIMIT,
    state::AppState,
};
use axum::{
    body::{Bytes, to_bytes},
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, header};
use latchkey_core::{
    access_token::Binding,
    authorization::{Authenticated, OauthError, PresentedClient, Whence},
    certificate::CertificateThumbprint,
    dpop::{PresentedProof, ProofProblem},
};
use std::net::IpAddr;

/// What came, by which way.
pub(super) struct Asked {
    /// The parameters.
    pub(super) form: Form,
    from: Whence,
    headers: HeaderMap,
    /// What the caller calls the endpoint.
    url: String,
}

impl Asked {
    /// Reads a request.
    pub(super) async fn read(state: &AppState, request: Request) -> Result<Self, Refused> {
        let arrival = Arrival::of(&state.config, &request);
        if let Some(query) = request.uri().query() {
            let place = format!("{}, in the query of a URL", request.uri().path());
            exposed::report(state, arrival.address(), query, &place);
        }
        let from = match whence(state, &arrival) {
            Ok(from) => from,
            Err(error) => {
                let (parts, body) = request.into_parts();
                // Whoever asks first whether it may send the body has not sent it.
                let is_sent = !parts.headers.contains_key(header::EXPECT);
                let body = if is_sent { to_bytes(body, BODY_LIMIT).await.unwrap_or_default() } else { Bytes::new() };
                tell_of_refused(state, &arrival, parts.uri.path(), &parts.headers, &body);
                return Err(error.into());
            }
        };
        let url = format!("{}{}", arrival.called_url(&state.config), request.uri().path());
        let (headers, form) = Form::read(request).await?;
        Ok(Self { form, from, headers, url })
    }

    /// Authenticates the client, and notes for its people that it asked.
    pub(super) async fn client(&self, state: &AppState) -> Result<Authenticated, OauthError> {
        let parameter = |name| self.form.get(name).map(str::to_owned);
        let presented = PresentedClient {
            basic: basic(&self.headers)?,
            client_id: parameter("client_id"),
            client_secret: parameter("client_secret"),
            assertion_type: parameter("client_assertion_type"),
            assertion: parameter("client_assertion"),
        };
        let client = state.services.client_auth.authenticate(&presented, &self.from).await?;
        state.recorder.note_asked(&client.used, self.from.at, self.from.address);
        Ok(client)
    }

    /// The address that it came from.
    pub(super) fn address(&self) -> IpAddr {
        self.from.address
    }

    /// The certificate of its connection.
    pub(super) fn certificate(&self) -> Option<CertificateThumbprint> {
        self.from.certificate.as_deref().map(|certificate| certificate.thumbprint)
    }

    /// The key that the client proved to hold, if it sent a proof (RFC 9449 section 5).
    pub(super) fn proven(&self, state: &AppState) -> Result<Option<Binding>, OauthError> {
        if !self.headers.contains_key(&DPOP) {
            return Ok(None);
        }
        let proof = PresentedProof { fields: fields(&self.headers, &DPOP), method: "POST", url: &self.url };
        match state.services.proofs.judge(&proof, None, self.from.at) {
            Ok(thumbprint) => Ok(Some(Binding::Dpop(thumbprint))),
            Err(ProofProblem::Nonce) => Err(OauthError::UseDpopNonce),
            Err(ProofProblem::TooMany) => Err(OauthError::Unavailable(Box::new(ProofProblem::TooMany))),
            Err(problem) => {
                tracing::debug!(%problem, "a proof was not good");
                Err(OauthError::InvalidDpopProof("the DPoP proof is not good for this request"))
            }
        }
    }

    /// The answer, with the nonce that the next proof must carry where this request came with a proof.
    pub(super) fn answered(&self, state: &AppState, outcome: Result<Response, Refused>) -> Response {
        let mut response = outcome.unwrap_or_else(IntoResponse::into_response);
        if self.headers.contains_key(&DPOP) {
            put_nonce(response.headers_mut(), state, self.from.at);
        }
        response
    }
}
