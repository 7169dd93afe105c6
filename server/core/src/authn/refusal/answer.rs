//! What the caller is told of a refusal.

use super::{Refusal, listed, whole_seconds_up};
use crate::{dpop::ProofProblem, problem::ProblemCode};
use std::borrow::Cow;
use time::Duration;

/// What the caller is told: the class of the refusal, never its exact reason where that would help an attacker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The stable word for programs, with its status and its class for people.
    pub code: ProblemCode,
    /// What to do, safe for anybody to read.
    pub detail: Cow<'static, str>,
    /// The `WWW-Authenticate` value, where the status asks for one (RFC 6750 section 3).
    pub challenge: Option<Cow<'static, str>>,
    /// The challenge of another scheme that would do as well, where none was tried (RFC 9110 section 11.6.1).
    pub other_challenge: Option<&'static str>,
    /// The `Retry-After` value, in seconds.
    pub retry_after: Option<u64>,
    /// The `Allow` value, where another method would do.
    pub allow: Option<String>,
}

/// Tokens that are bound to a key are taken wherever others are (RFC 9449 section 7.2). HTTP Basic is named nowhere: at a 401 that names
/// it, a browser asks whoever looks at a page for a password.
const OR_DPOP: &str = "DPoP realm=\"latchkey\", algs=\"ES256 EdDSA RS256 PS256\"";

/// One text for everything that is wrong with a credential, so that nobody learns which part was right.
const INVALID_TOKEN: &str = "The credential is not valid. Its owner can look up this request id to learn why.";

impl Refusal {
    /// What the caller is told.
    pub fn answer(&self) -> Answer {
        match self {
            Self::AmbiguousCredentials { .. } => answer(
                ProblemCode::AmbiguousCredentials,
                "Send one credential: either the Authorization header or X-API-Key.",
            ),
            Self::CredentialInQuery { .. } => answer(
                ProblemCode::CredentialInQuery,
                "Send the credential in the Authorization header. URLs are kept in logs and histories, so replace a key that was in one.",
            ),
            Self::TlsRequired => answer(
                ProblemCode::TlsRequired,
                "Send credentials over HTTPS only. A key that was sent over plain HTTP should be replaced.",
            ),
            Self::AddressBlocked { .. } => answer(
                ProblemCode::AddressBlocked,
                "Requests from this address are not taken for now. Whoever runs this portal can look up this request id.",
            ),
            // RFC 6750 section 3.1: no error code where no credential was sent.
            Self::MissingCredential => Answer {
                challenge: Some(Cow::Borrowed("Bearer realm=\"latchkey\"")),
                other_challenge: Some(OR_DPOP),
                ..answer(
                    ProblemCode::MissingCredential,
                    "Send an API key or an access token: Authorization: Bearer <credential>. A key may also come as X-API-Key: <key>.",
                )
            },
            Self::UnknownScheme
            | Self::Malformed { .. }
            | Self::UnknownKey
            | Self::WrongSecret
            | Self::NotAToken { .. }
            | Self::WrongCertificate
            | Self::TokenEnded { .. }
            | Self::TokenExpired { .. }
            | Self::Revoked { .. }
            | Self::RotatedOut { .. }
            | Self::Disabled { .. }
            | Self::Suspended(_)
            | Self::Expired { .. } => Answer {
                challenge: Some(Cow::Borrowed("Bearer realm=\"latchkey\", error=\"invalid_token\"")),
                ..answer(ProblemCode::InvalidToken, INVALID_TOKEN)
            },
            Self::ForgedRequest => answer(
                ProblemCode::ForgedRequest,
                "The portal's cookie counts in requests of the portal's own pages alone, and changes need X-CSRF-Token. Programs send a key.",
            ),
            // One text whether or not there is such an account.
            Self::NotAPerson { .. } => Answer {
                challenge: Some(Cow::Borrowed("Bearer realm=\"latchkey\", error=\"invalid_token\"")),
                ..answer(
                    ProblemCode::InvalidCredentials,
                    "The address or the password is not right, or its person does not let programs send it. Programs had better send a key.",
                )
            },
            Self::NotHeld { why } => not_held(*why),
            Self::WrongHolder => Answer {
                challenge: Some(dpop_challenge("invalid_token")),
                ..answer(ProblemCode::InvalidToken, INVALID_TOKEN)
            },
            // The list is the owner's business: a thief would learn from it where to steal next.
            Self::AddressNotAllowed { .. } => answer(
                ProblemCode::Forbidden,
                "The credential may not be used from this address. Its owner can look up this request id.",
            ),
            Self::WrongEnvironment { taken, .. } => {
                answer(ProblemCode::WrongEnvironment, format!("This takes credentials for {} alone.", listed(taken)))
            }
            Self::NotCovered | Self::WrongOwner { .. } => {
                answer(ProblemCode::NotFound, "There is nothing here for this credential.")
            }
            Self::MethodNotCovered { allow } => Answer {
                allow: Some(allow.clone()),
                ..answer(ProblemCode::MethodNotAllowed, format!("This path answers to {allow}."))
            },
            Self::AmbiguousRequest => answer(
                ProblemCode::AmbiguousRequest,
                "Servers differ in how they read this path or method. Send the path in its simplest form.",
            ),
            Self::InsufficientScope { needed, .. } => Answer {
                challenge: Some(
                    format!("Bearer realm=\"latchkey\", error=\"insufficient_scope\", scope=\"{needed}\"").into(),
                ),
                ..answer(
                    ProblemCode::InsufficientScope,
                    format!("This needs {}, which the credential does not hold.", scopes(needed)),
                )
            },
            Self::TooManyFailures { retry_after } => wait(*retry_after, ProblemCode::TooManyFailures, |seconds| {
                format!("Too many credentials from this network were not valid. Wait {seconds} s, then try again.")
            }),
            Self::RateLimited { retry_after, .. } => wait(*retry_after, ProblemCode::RateLimited, |seconds| {
                format!("Wait {seconds} s before the next request.")
            }),
            Self::StoreUnavailable => Answer {
                retry_after: Some(5),
                ..answer(
                    ProblemCode::Unavailable,
                    "The request could not be checked, so it was not let in. Try again shortly.",
                )
            },
        }
    }
}

/// What is told to whoever sends a proof that is not good (RFC 9449 section 7.1).
fn not_held(why: ProofProblem) -> Answer {
    match why {
        ProofProblem::TooMany => Refusal::StoreUnavailable.answer(),
        ProofProblem::Nonce => Answer {
            challenge: Some(dpop_challenge("use_dpop_nonce")),
            ..answer(
                ProblemCode::UseDpopNonce,
                "Make the proof again with the nonce of this answer's DPoP-Nonce field.",
            )
        },
        _ => Answer {
            challenge: Some(dpop_challenge("invalid_dpop_proof")),
            ..answer(
                ProblemCode::InvalidDpopProof,
                "Send one DPoP proof for this method, this address and this token, made a moment ago and used once.",
            )
        },
    }
}

fn scopes(needed: &str) -> String {
    let word = if needed.contains(' ') { "the scopes" } else { "the scope" };
    format!("{word} {needed}")
}

/// What is told to whoever came too often.
fn wait(retry_after: Duration, code: ProblemCode, detail: fn(u64) -> String) -> Answer {
    let seconds = whole_seconds_up(retry_after);
    Answer { retry_after: Some(seconds), ..answer(code, detail(seconds)) }
}

/// The challenge of RFC 9449 section 7.1.
fn dpop_challenge(error: &str) -> Cow<'static, str> {
    format!("DPoP realm=\"latchkey\", error=\"{error}\", algs=\"ES256 EdDSA RS256 PS256\"").into()
}

fn answer(code: ProblemCode, detail: impl Into<Cow<'static, str>>) -> Answer {
    let detail = detail.into();
    Answer { code, detail, challenge: None, other_challenge: None, retry_after: None, allow: None }
}
