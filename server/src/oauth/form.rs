//! The parameters of a request (RFC 6749 section 3.2 and appendix B).

use super::answer::Refused;
use crate::routes::BODY_LIMIT;
use axum::{
    body::{Body, to_bytes},
    extract::Request,
};
use http::{HeaderMap, header};
use latchkey_core::authorization::OauthError;
use std::collections::HashMap;

/// The parameters of a body: each is there once, and an empty one is as good as none.
pub(super) struct Form(HashMap<String, String>);

impl Form {
    /// Reads a body.
    pub(super) async fn read(request: Request) -> Result<(HeaderMap, Self), Refused> {
        let (parts, body) = request.into_parts();
        let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = content_type.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(OauthError::InvalidRequest("send the parameters as application/x-www-form-urlencoded").into());
        }
        let form = Self::of_body(body).await?;
        Ok((parts.headers, form))
    }

    async fn of_body(body: Body) -> Result<Self, OauthError> {
        let Ok(bytes) = to_bytes(body, BODY_LIMIT).await else {
            return Err(OauthError::InvalidRequest("the body is too large"));
        };
        let mut parameters = HashMap::new();
        for (name, value) in url::form_urlencoded::parse(&bytes) {
            // RFC 6749 section 3.1: never more than once, whatever the values are.
            if parameters.insert(name.into_owned(), value.into_owned()).is_some() {
                return Err(OauthError::InvalidRequest("a parameter is there more than once"));
            }
        }
        parameters.retain(|_, value| !value.is_empty());
        Ok(Self(parameters))
    }

    /// A parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A parameter that must be there.
    pub(super) fn required(&self, name: &str, missing: &'static str) -> Result<&str, OauthError> {
        self.get(name).ok_or(OauthError::InvalidRequest(missing))
    }
}
