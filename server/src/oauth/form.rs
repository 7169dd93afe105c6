//! The parameters of a request (RFC 6749 section 3.2 and appendix B).

use super::answer::Refused;
use crate::routes::BODY_LIMIT;
use axum::{
    body::{Body, to_bytes},
    extract::Request,
};
use http::{HeaderMap, header};
use latchkey_core::authorization::{OauthError, Parameters};
use std::collections::HashSet;

/// The parameters of a body: each is there once, but for the one that may be there more often, and an empty one is as good as none.
pub(super) struct Form(Vec<(String, String)>);

/// RFC 8707 section 2: a client may name more than one API.
const MANY: &str = "resource";

/// Whether a body says that it is of this type, whatever its parameters are.
pub(super) fn is_of_type(headers: &HeaderMap, expected: &str) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
    essence.eq_ignore_ascii_case(expected)
}

impl Form {
    /// Reads a body.
    pub(super) async fn read(request: Request) -> Result<(HeaderMap, Self), Refused> {
        let (parts, body) = request.into_parts();
        if !is_of_type(&parts.headers, "application/x-www-form-urlencoded") {
            return Err(OauthError::InvalidRequest("send the parameters as application/x-www-form-urlencoded").into());
        }
        let form = Self::of_body(body).await?;
        Ok((parts.headers, form))
    }

    async fn of_body(body: Body) -> Result<Self, OauthError> {
        let Ok(bytes) = to_bytes(body, BODY_LIMIT).await else {
            return Err(OauthError::TooLarge);
        };
        let mut names = HashSet::new();
        let mut parameters = Vec::new();
        for (name, value) in url::form_urlencoded::parse(&bytes) {
            // RFC 6749 section 3.1: never more than once, whatever the values are.
            if name != MANY && !names.insert(name.clone().into_owned()) {
                return Err(OauthError::InvalidRequest("a parameter is there more than once"));
            }
            if !value.is_empty() {
                parameters.push((name.into_owned(), value.into_owned()));
            }
        }
        Ok(Self(parameters))
    }

    /// A parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every value of a parameter.
    pub(super) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// What is in it of an authorization request.
    pub(super) fn parameters(&self) -> Parameters {
        Parameters::of(self.0.iter().map(|(name, value)| (name, value.clone())))
    }

    /// A parameter that must be there.
    pub(super) fn required(&self, name: &str, missing: &'static str) -> Result<&str, OauthError> {
        self.get(name).ok_or(OauthError::InvalidRequest(missing))
    }
}
