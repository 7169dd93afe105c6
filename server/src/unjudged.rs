//! Answers of the API and the gateway that no door stands before: they name their request all the same.

use crate::{
    door::{came, put_request_id},
    problem::Problem,
    state::AppState,
    telemetry,
};
use axum::{
    extract::FromRequestParts,
    http::request::Parts,
    response::{IntoResponse, Response},
};
use latchkey_model::RequestId;
use std::{
    convert::Infallible,
    future::{Ready, ready},
};

/// A request that nobody is asked about, by the id that its answer has. It is not recorded.
pub(crate) struct Unjudged(RequestId);

impl FromRequestParts<AppState> for Unjudged {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let (_, id) = came(state);
        if state.is_traced() {
            telemetry::note(id, None);
        }
        Ok(Self(id))
    }
}

impl Unjudged {
    /// An answer to it.
    pub(crate) fn answer(self, answer: impl IntoResponse) -> Response {
        let mut response = answer.into_response();
        put_request_id(response.headers_mut(), self.0);
        response
    }

    /// Says what is wrong with it.
    pub(crate) fn refuse(self, problem: &Problem) -> Response {
        let response = problem.response(Some(self.0));
        self.answer(response)
    }
}

/// There is nothing at this path.
pub(crate) async fn not_found(request: Unjudged) -> Response {
    request.refuse(&Problem::not_found())
}

/// Answers whoever asks a path by another method than these.
pub(crate) fn only(allow: &str) -> impl Fn(Unjudged) -> Ready<Response> + Clone + use<> {
    let problem = Problem::method_not_allowed(allow.to_owned());
    move |request: Unjudged| ready(request.refuse(&problem))
}
