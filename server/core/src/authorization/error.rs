//! What the endpoints of OAuth answer when they do not (RFC 6749 section 5.2).

use crate::{oauth_client::RegistrationError, port::StoreError, signing_key::KeyRingError};
use time::Duration;

/// Why a request to an endpoint of OAuth is refused.
#[derive(Debug, thiserror::Error)]
pub enum OauthError {
    /// A parameter is missing, is there twice, or contradicts another.
    #[error("{0}")]
    InvalidRequest(&'static str),
    /// The body is longer than any that is good.
    #[error("the body is too large")]
    TooLarge,
    /// The client is not known, or did not prove that it is itself: one text for all of it.
    #[error("the client could not be authenticated")]
    InvalidClient {
        /// Whether it tried with `Authorization`: then the answer must say by which scheme (RFC 6749 section 5.2).
        by_header: bool,
    },
    /// The code or refresh token is not good, or not this client's: one text for all of it.
    #[error("the code or refresh token is not valid, has ended, or was given to another client")]
    InvalidGrant,
    /// The client may not use this grant.
    #[error("this client may not use this grant")]
    UnauthorizedClient,
    /// No such grant is known here.
    #[error("this grant is not supported")]
    UnsupportedGrantType,
    /// A scope is malformed, unknown, or more than the client may have.
    #[error("the client may not have this scope")]
    InvalidScope,
    /// A pushed request is wrong in a way that the browser's own request would be (RFC 9126 section 2.3).
    #[error("{description}")]
    Authorization {
        /// The word for programs.
        code: &'static str,
        /// What is wrong.
        description: &'static str,
    },
    /// No token is made for that API (RFC 8707 section 2).
    #[error("tokens are made for the demo API alone")]
    InvalidTarget,
    /// The proof that the client holds a key is missing or not good (RFC 9449 section 5).
    #[error("{0}")]
    InvalidDpopProof(&'static str),
    /// The proof must say the number that the answer names (RFC 9449 section 8).
    #[error("use the nonce of this answer in the proof")]
    UseDpopNonce,
    /// What an app says of itself cannot be registered (RFC 7591 section 3.2.2).
    #[error("{what}")]
    InvalidMetadata {
        /// Whether it is about the addresses that people are led back to.
        addresses: bool,
        /// What is wrong, member by member.
        what: String,
    },
    /// Registering needs a token, or this is none (RFC 7592 section 2.1).
    #[error("registering needs a registration token that is valid")]
    InvalidRegistrationToken,
    /// The token manages another client.
    #[error("this token is another client's")]
    ForeignRegistrationToken,
    /// The device's person has not answered yet (RFC 8628 section 3.5).
    #[error("nobody has answered yet")]
    AuthorizationPending,
    /// The same, and the device asks too often.
    #[error("wait five seconds longer between two questions, from now on")]
    SlowDown,
    /// The device's person said no.
    #[error("the person did not allow it")]
    AccessDenied,
    /// The device waited too long.
    #[error("the device code has expired: begin again")]
    ExpiredToken,
    /// Too many tries of this network were refused.
    #[error("too many tries were refused: wait")]
    TooMany {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The store, or a key, is out of reach: nothing was given and nothing was ended.
    #[error("temporarily unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl OauthError {
    /// The word for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidRequest(_) | Self::TooLarge => "invalid_request",
            Self::InvalidClient { .. } => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::Authorization { code, .. } => code,
            Self::InvalidTarget => "invalid_target",
            Self::InvalidDpopProof(_) => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::InvalidMetadata { addresses: true, .. } => "invalid_redirect_uri",
            Self::InvalidMetadata { addresses: false, .. } => "invalid_client_metadata",
            Self::InvalidRegistrationToken => "invalid_token",
            Self::ForeignRegistrationToken | Self::AccessDenied => "access_denied",
            Self::AuthorizationPending => "authorization_pending",
            Self::ExpiredToken => "expired_token",
            Self::SlowDown | Self::TooMany { .. } => "slow_down",
            Self::Unavailable(_) => "temporarily_unavailable",
        }
    }

    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        match self {
            Self::InvalidClient { .. } | Self::InvalidRegistrationToken => 401,
            Self::ForeignRegistrationToken => 403,
            Self::TooLarge => 413,
            Self::TooMany { .. } => 429,
            Self::Unavailable(_) => 503,
            _ => 400,
        }
    }
}

impl From<StoreError> for OauthError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

impl From<RegistrationError> for OauthError {
    fn from(error: RegistrationError) -> Self {
        match error {
            RegistrationError::InvalidToken => Self::InvalidRegistrationToken,
            RegistrationError::Forbidden => Self::ForeignRegistrationToken,
            RegistrationError::TooMany { retry_after } => Self::TooMany { retry_after },
            RegistrationError::Store(error) => error.into(),
            RegistrationError::Invalid(errors) => {
                let sentences: Vec<_> =
                    errors.iter().map(|(field, sentence)| format!("{}: {sentence}", member_of(field))).collect();
                let addresses = errors.get("redirect_uris").is_some();
                Self::InvalidMetadata { addresses, what: sentences.join("; ") }
            }
        }
    }
}

/// A member of the metadata by the field of the form that it becomes.
fn member_of(field: &str) -> &str {
    match field {
        "name" => "client_name",
        "auth_method" => "token_endpoint_auth_method",
        "keys" => "jwks",
        "scopes" => "scope",
        "signing_algorithm" => "id_token_signed_response_alg",
        same => same,
    }
}

impl From<KeyRingError> for OauthError {
    fn from(error: KeyRingError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}
