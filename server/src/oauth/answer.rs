//! Errors in the form of RFC 6749 section 5.2.

use crate::answer::answer;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use latchkey_core::authorization::OauthError;
use serde::Serialize;

/// An error, as an endpoint answers it.
pub(super) struct Refused(pub(super) OauthError);

impl<E: Into<OauthError>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

#[derive(Serialize)]
struct Body {
    error: &'static str,
    error_description: String,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let error = self.0;
        if let OauthError::Unavailable(cause) = &error {
            tracing::error!(error = &**cause as &dyn std::error::Error, "an endpoint of OAuth is out of order");
        }
        let body = Body { error: error.code(), error_description: described(&error.to_string()) };
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = json(status, &body);
        let headers = response.headers_mut();
        match error {
            OauthError::InvalidClient { by_header: true } => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"latchkey\""));
            }
            OauthError::InvalidRegistrationToken => {
                let challenge = "Bearer realm=\"latchkey\", error=\"invalid_token\"";
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
            OauthError::TooMany { retry_after } => {
                let seconds = u64::try_from(retry_after.whole_seconds() + 1).unwrap_or(1);
                headers.insert(header::RETRY_AFTER, seconds.into());
            }
            OauthError::Unavailable(_) => {
                headers.insert(header::RETRY_AFTER, 5.into());
            }
            _ => {}
        }
        response
    }
}

/// A description in the characters that it may have (RFC 6749 section 5.2): `%x20-21 / %x23-5B / %x5D-7E`.
fn described(text: &str) -> String {
    let legal = |character: char| match character {
        '"' => '\'',
        '\\' => '/',
        ' '..='~' => character,
        _ => '?',
    };
    text.chars().map(legal).collect()
}

/// An answer in JSON that nobody keeps (RFC 6749 section 5.1).
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(body) => answer(status, "application/json", body),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rfc6749_5_2_a_description_has_legal_characters_alone(text in any::<String>()) {
            let legal = |byte: u8| matches!(byte, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E);
            prop_assert!(described(&text).bytes().all(legal));
        }
    }
}
