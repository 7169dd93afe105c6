//! What the caller is told of a refusal.

use super::{Refusal, listed, whole_seconds_up};
use crate::dpop::ProofProblem;
use std::borrow::Cow;
use time::Duration;

/// What the caller is told: the class of the refusal, never its exact reason where that would help an attacker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The stable word for programs.
    pub code: &'static str,
    /// The class, for people.
    pub title: &'static str,
    /// What to do, safe for anybody to read.
    pub detail: Cow<'static, str>,
    /// The `WWW-Authenticate` value, where the status asks for one (RFC 6750 section 3).
    pub challenge: Option<Cow<'static, str>>,
    /// The `Retry-After` value, in seconds.
    pub retry_after: Option<u64>,
    /// The `Allow` value, where another method would do.
    pub allow: Option<String>,
}

/// One text for everything that is wrong with a credential, so that nobody learns which part was right.
const INVALID_TOKEN: &str = "The credential is not valid. Its owner can look up this request id to learn why.";

impl Refusal {
    /// What the caller is told.
    #[expect(clippy::too_many_lines, reason = "the whole table in one place")]
    pub fn answer(&self) -> Answer {
        match self {
            Self::AmbiguousCredentials { .. } => answer(
                400,
                "ambiguous_credentials",
                "Two credentials",
                "Send one credential: either the Authorization header or X-API-Key.",
            ),
            Self::CredentialInQuery { .. } => answer(
                400,
                "credential_in_query",
                "Credential in the URL",
                "Send the credential in the Authorization header. URLs are kept in logs and histories, so replace a key that was in one.",
            ),
            Self::TlsRequired => answer(
                403,
                "tls_required",
                "TLS required",
                "Send credentials over HTTPS only. A key that was sent over plain HTTP should be replaced.",
            ),
            Self::AddressBlocked { .. } => answer(
                403,
                "address_blocked",
                "Not from here",
                "Requests from this address are not taken for now. Whoever runs this portal can look up this request id.",
            ),
            // RFC 6750 section 3.1: no error code where no credential was sent.
            Self::MissingCredential => Answer {
                challenge: Some(Cow::Borrowed("Bearer realm=\"latchkey\"")),
                ..answer(
                    401,
                    "missing_credential",
                    "Credential missing",
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
                ..answer(401, "invalid_token", "Credential not valid", INVALID_TOKEN)
            },
            Self::ForgedRequest => answer(
                403,
                "forged_request",
                "Not from the portal",
                "The portal's cookie counts in requests of the portal's own pages alone, and changes need X-CSRF-Token. Programs send a key.",
            ),
            // One text whether or not there is such an account.
            Self::NotAPerson { .. } => Answer {
                challenge: Some(Cow::Borrowed("Bearer realm=\"latchkey\", error=\"invalid_token\"")),
                ..answer(
                    401,
                    "invalid_credentials",
                    "Address or password not valid",
                    "The address or the password is not right, or its person does not let programs send it. Programs had better send a key.",
                )
            },
            Self::NotHeld { why } => not_held(*why),
            Self::WrongHolder => Answer {
                challenge: Some(dpop_challenge("invalid_token")),
                ..answer(401, "invalid_token", "Credential not valid", INVALID_TOKEN)
            },
            // The list is the owner's business: a thief would learn from it where to steal next.
            Self::AddressNotAllowed { .. } => answer(
                403,
                "forbidden",
                "Not from here",
                "The credential may not be used from this address. Its owner can look up this request id.",
            ),
            Self::WrongEnvironment { taken, .. } => answer(
                403,
                "wrong_environment",
                "Other environment",
                format!("This takes credentials for {} alone.", listed(taken)),
            ),
            Self::NotCovered | Self::WrongOwner { .. } => {
                answer(404, "not_found", "Not found", "There is nothing here for this credential.")
            }
            Self::MethodNotCovered { allow } => Answer {
                allow: Some(allow.clone()),
                ..answer(405, "method_not_allowed", "Method not allowed", format!("This path answers to {allow}."))
            },
            Self::AmbiguousRequest => answer(
                400,
                "ambiguous_request",
                "Ambiguous request",
                "Servers differ in how they read this path or method. Send the path in its simplest form.",
            ),
            Self::InsufficientScope { needed, .. } => Answer {
                challenge: Some(
                    format!("Bearer realm=\"latchkey\", error=\"insufficient_scope\", scope=\"{needed}\"").into(),
                ),
                ..answer(
                    403,
                    "insufficient_scope",
                    "Scope missing",
                    format!("This needs {}, which the credential does not hold.", scopes(needed)),
                )
            },
            Self::TooManyFailures { retry_after } => {
                wait(*retry_after, "too_many_failures", "Too many failures", |seconds| {
                    format!("Too many credentials from this network were not valid. Wait {seconds} s, then try again.")
                })
            }
            Self::RateLimited { retry_after, .. } => {
                wait(*retry_after, "rate_limited", "Too many requests", |seconds| {
                    format!("Wait {seconds} s before the next request.")
                })
            }
            Self::StoreUnavailable => Answer {
                retry_after: Some(5),
                ..answer(
                    503,
                    "unavailable",
                    "Temporarily unavailable",
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
                401,
                "use_dpop_nonce",
                "Nonce needed",
                "Make the proof again with the nonce of this answer's DPoP-Nonce field.",
            )
        },
        _ => Answer {
            challenge: Some(dpop_challenge("invalid_dpop_proof")),
            ..answer(
                401,
                "invalid_dpop_proof",
                "Proof not valid",
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
fn wait(retry_after: Duration, code: &'static str, title: &'static str, detail: fn(u64) -> String) -> Answer {
    let seconds = whole_seconds_up(retry_after);
    Answer { retry_after: Some(seconds), ..answer(429, code, title, detail(seconds)) }
}

/// The challenge of RFC 9449 section 7.1.
fn dpop_challenge(error: &str) -> Cow<'static, str> {
    format!("DPoP realm=\"latchkey\", error=\"{error}\", algs=\"ES256 EdDSA RS256 PS256\"").into()
}

fn answer(status: u16, code: &'static str, title: &'static str, detail: impl Into<Cow<'static, str>>) -> Answer {
    Answer { status, code, title, detail: detail.into(), challenge: None, retry_after: None, allow: None }
}
