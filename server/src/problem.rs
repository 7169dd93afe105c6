//! Errors of the API as `application/problem+json` (RFC 9457).

use crate::answer::{answer, push_json};
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use latchkey_core::{authn::refusal::Answer, problem::ProblemCode};
use latchkey_model::{FieldErrors, RequestId};
use serde_json::json;
use std::borrow::Cow;

const PROBLEM: &str = "application/problem+json";

/// Where programs find every code, beside the guide's page about them.
pub(crate) const LIST: &str = "/docs/errors.json";

/// `GET /docs/errors.json`: every code with its status, and what it means.
pub(crate) async fn list() -> Response {
    let codes = ProblemCode::ALL.iter().map(|code| {
        json!({
            "code": code.as_str(), "status": code.status(), "title": code.title(), "meaning": code.meaning(),
            "type": format!("/docs/errors#{}", code.as_str()),
        })
    });
    let codes = json!({ "codes": codes.collect::<Vec<_>>() });
    ([(header::CACHE_CONTROL, "public, max-age=300")], Json(codes)).into_response()
}

/// An error that an API caller gets.
#[derive(Debug, Clone)]
pub struct Problem {
    code: ProblemCode,
    detail: Cow<'static, str>,
    errors: FieldErrors,
    challenge: Option<Cow<'static, str>>,
    other_challenge: Option<&'static str>,
    retry_after: Option<u64>,
    allow: Option<String>,
}

/// Bytes that most bodies have.
const TYPICAL_LENGTH: usize = 320;

impl Problem {
    /// An error of the list, and what to do about it.
    pub fn new(code: ProblemCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: FieldErrors::default(),
            challenge: None,
            other_challenge: None,
            retry_after: None,
            allow: None,
        }
    }

    /// No such thing, as far as this caller may know.
    pub fn not_found() -> Self {
        Self::new(ProblemCode::NotFound, "There is nothing here for this credential.")
    }

    /// The method is not one of the path's.
    pub fn method_not_allowed(allow: String) -> Self {
        let detail = format!("This path answers to {allow}.");
        Self { allow: Some(allow), ..Self::new(ProblemCode::MethodNotAllowed, detail) }
    }

    /// The store, or something else of ours, is out of reach.
    pub fn unavailable() -> Self {
        Self { retry_after: Some(5), ..Self::new(ProblemCode::Unavailable, "Nothing was changed. Try again shortly.") }
    }

    /// More reports than one network may send.
    pub fn too_many_reports(retry_after: time::Duration) -> Self {
        let seconds = u64::try_from(retry_after.whole_seconds() + 1).unwrap_or(1);
        Self {
            retry_after: Some(seconds),
            ..Self::new(ProblemCode::RateLimited, format!("Wait {seconds} s before the next report."))
        }
    }

    /// The body is larger than this route takes.
    pub fn too_large(limit: usize) -> Self {
        Self::new(ProblemCode::TooLarge, format!("A body may have {limit} bytes."))
    }

    /// A fault of ours.
    pub fn internal() -> Self {
        Self::new(ProblemCode::Internal, "Something went wrong on our side. The request id helps us to find it.")
    }

    /// Members of the body are wrong; each sentence says why.
    pub fn invalid(errors: FieldErrors) -> Self {
        Self { errors, ..Self::new(ProblemCode::Invalid, "Some members are not valid: see errors.") }
    }

    /// Says more in each challenge, if there is one.
    #[must_use]
    pub fn with_challenge_parameter(mut self, parameter: &str) -> Self {
        if let Some(challenge) = &mut self.challenge {
            let challenge = challenge.to_mut();
            challenge.push_str(parameter);
            // On one line: some proxies pass on the first of several alone.
            if let Some(other) = self.other_challenge.take() {
                for part in [", ", other, parameter] {
                    challenge.push_str(part);
                }
            }
        }
        self
    }

    /// The word for programs.
    pub fn code(&self) -> &'static str {
        self.code.as_str()
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Draws the response; `request_id` is what the owner can look up.
    pub fn response(&self, request_id: Option<RequestId>) -> Response {
        let mut response = answer(self.status(), PROBLEM, self.body(request_id));
        let headers = response.headers_mut();
        if let Some(value) = self.challenge.as_deref().and_then(|challenge| HeaderValue::from_str(challenge).ok()) {
            headers.insert(header::WWW_AUTHENTICATE, value);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(allow) = self.allow.as_ref().and_then(|allow| HeaderValue::from_str(allow).ok()) {
            headers.insert(header::ALLOW, allow);
        }
        response
    }

    /// The members, in the order of RFC 9457 section 3.1, then ours.
    pub(crate) fn body(&self, request_id: Option<RequestId>) -> Vec<u8> {
        let mut body = Vec::with_capacity(TYPICAL_LENGTH);
        body.extend_from_slice(b"{\"type\":\"/docs/errors#");
        // Codes are words of ours, which need no escape.
        body.extend_from_slice(self.code().as_bytes());
        body.extend_from_slice(b"\",\"title\":");
        push_json(&mut body, self.code.title());
        body.extend_from_slice(b",\"status\":");
        body.extend_from_slice(self.status().as_str().as_bytes());
        body.extend_from_slice(b",\"detail\":");
        push_json(&mut body, &self.detail);
        body.extend_from_slice(b",\"code\":");
        push_json(&mut body, self.code());
        if let Some(id) = request_id {
            let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
            body.extend_from_slice(b",\"request_id\":\"");
            body.extend_from_slice(id.as_uuid().as_hyphenated().encode_lower(&mut text).as_bytes());
            body.push(b'"');
        }
        if !self.errors.is_empty()
            && let Ok(errors) = serde_json::to_vec(&self.errors)
        {
            body.extend_from_slice(b",\"errors\":");
            body.extend_from_slice(&errors);
        }
        body.push(b'}');
        body
    }
}

impl From<Answer> for Problem {
    fn from(answer: Answer) -> Self {
        Self {
            challenge: answer.challenge,
            other_challenge: answer.other_challenge,
            retry_after: answer.retry_after,
            allow: answer.allow,
            ..Self::new(answer.code, answer.detail)
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.response(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use uuid::Uuid;

    fn read(problem: &Problem, id: Option<RequestId>) -> Value {
        serde_json::from_slice(&problem.body(id)).unwrap()
    }

    #[test]
    fn rfc9457_3_1_the_members_of_a_problem() {
        let id = RequestId::from_uuid(Uuid::from_u128(7));
        let problem = Problem::new(ProblemCode::Changed, "A \"line\"\nand \\ another.");
        let expected = json!({
            "type": "/docs/errors#changed", "title": "Changed since", "status": 412, "detail": "A \"line\"\nand \\ another.",
            "code": "changed", "request_id": "00000000-0000-0000-0000-000000000007",
        });
        assert_eq!(read(&problem, Some(id)), expected);
        assert_eq!(read(&problem, None).get("request_id"), None);
    }

    #[test]
    fn members_that_are_wrong_are_told_one_by_one() {
        let mut errors = FieldErrors::default();
        errors.add("title", "A title is needed.");
        assert_eq!(read(&Problem::invalid(errors), None)["errors"]["title"], json!("A title is needed."));
    }
}
