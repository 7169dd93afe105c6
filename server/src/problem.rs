//! Errors of the API as `application/problem+json` (RFC 9457).

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use latchkey_core::authn::refusal::Answer;
use latchkey_model::{FieldErrors, RequestId};
use serde::Serialize;
use std::borrow::Cow;

/// An error that an API caller gets.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: Cow<'static, str>,
    errors: FieldErrors,
    challenge: Option<Cow<'static, str>>,
    retry_after: Option<u64>,
    allow: Option<String>,
}

/// The members of the body.
#[derive(Serialize)]
struct Body9457<'a> {
    r#type: TypeOf<'a>,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<RequestId>,
    #[serde(skip_serializing_if = "FieldErrors::is_empty")]
    errors: &'a FieldErrors,
}

/// The stable URI of an error's type, written without being put together first.
struct TypeOf<'a>(&'a str);

impl Serialize for TypeOf<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("/docs/errors#{}", self.0))
    }
}

/// Bytes that most bodies have.
const TYPICAL_LENGTH: usize = 320;

impl Problem {
    /// An error with its stable word, its class in words, and what to do about it.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        title: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code,
            title,
            detail: detail.into(),
            errors: FieldErrors::default(),
            challenge: None,
            retry_after: None,
            allow: None,
        }
    }

    /// No such thing, as far as this caller may know.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found", "There is nothing here for this credential.")
    }

    /// The method is not one of the path's.
    pub fn method_not_allowed(allow: String) -> Self {
        let detail = format!("This path answers to {allow}.");
        Self {
            allow: Some(allow),
            ..Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed", detail)
        }
    }

    /// The store, or something else of ours, is out of reach.
    pub fn unavailable() -> Self {
        Self {
            retry_after: Some(5),
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "Temporarily unavailable",
                "Nothing was changed. Try again shortly.",
            )
        }
    }

    /// More reports than one network may send.
    pub fn too_many_reports(retry_after: time::Duration) -> Self {
        let seconds = u64::try_from(retry_after.whole_seconds() + 1).unwrap_or(1);
        Self {
            retry_after: Some(seconds),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limited",
                "Too many requests",
                format!("Wait {seconds} s before the next report."),
            )
        }
    }

    /// The body is larger than this route takes.
    pub fn too_large(limit: usize) -> Self {
        let detail = format!("A body may have {limit} bytes.");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "Body too large", detail)
    }

    /// A fault of ours.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Internal error",
            "Something went wrong on our side. The request id helps us to find it.",
        )
    }

    /// Members of the body are wrong; each sentence says why.
    pub fn invalid(errors: FieldErrors) -> Self {
        Self {
            errors,
            ..Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid",
                "Invalid content",
                "Some members are not valid: see errors.",
            )
        }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Draws the response; `request_id` is what the owner can look up.
    pub fn response(&self, request_id: Option<RequestId>) -> Response {
        let body = Body9457 {
            r#type: TypeOf(self.code),
            title: self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            request_id,
            errors: &self.errors,
        };
        let mut text = Vec::with_capacity(TYPICAL_LENGTH);
        if serde_json::to_writer(&mut text, &body).is_err() {
            text.clear();
        }
        let mut response = Response::new(Body::from(text));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match &self.challenge {
            Some(Cow::Borrowed(text)) => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(text));
            }
            Some(Cow::Owned(text)) => {
                if let Ok(value) = HeaderValue::from_str(text) {
                    headers.insert(header::WWW_AUTHENTICATE, value);
                }
            }
            None => {}
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(allow) = self.allow.as_ref().and_then(|allow| HeaderValue::from_str(allow).ok()) {
            headers.insert(header::ALLOW, allow);
        }
        response
    }
}

impl From<Answer> for Problem {
    fn from(answer: Answer) -> Self {
        Self {
            challenge: answer.challenge,
            retry_after: answer.retry_after,
            ..Self::new(
                StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
                answer.code,
                answer.title,
                answer.detail,
            )
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.response(None)
    }
}
