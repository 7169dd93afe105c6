//! The refusal table: one place that says, for everything that can be wrong, what the caller is told and what is recorded.

use super::credential::Via;
use crate::{
    access_token::{TokenEnd, TokenProblem},
    api_key::{AllowList, format::MalformedKey},
    dpop::ProofProblem,
    limit::Quota,
    port::api_key::RevokedBecause,
};
use latchkey_model::{ScopeSet, trace::StepName};
use std::{borrow::Cow, net::IpAddr};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

/// Why the door refuses a request: the exact reason, for the owner and the admin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Two credentials at once.
    AmbiguousCredentials {
        /// One.
        first: Via,
        /// The other.
        second: Via,
    },
    /// A credential in the query string.
    CredentialInQuery {
        /// The parameter's name.
        parameter: String,
    },
    /// A credential over plain HTTP where TLS is required.
    TlsRequired,
    /// No credential.
    MissingCredential,
    /// An `Authorization` scheme that is not accepted here.
    UnknownScheme,
    /// Not written as a key is.
    Malformed {
        /// What is wrong.
        why: MalformedKey,
    },
    /// No key has this public id.
    UnknownKey,
    /// A key has this public id, and another secret.
    WrongSecret,
    /// Written like a token, and none of ours.
    NotAToken {
        /// What is wrong.
        why: TokenProblem,
    },
    /// The token was ended before its time.
    TokenEnded {
        /// How.
        end: TokenEnd,
    },
    /// The token ended by itself.
    TokenExpired {
        /// When.
        at: OffsetDateTime,
    },
    /// The proof that the caller holds the token's key is missing or not good (RFC 9449 section 7.1).
    NotHeld {
        /// What is wrong.
        why: ProofProblem,
    },
    /// The token came without a proof of the key that it is bound to, with another key's, or with a proof where it is bound to none.
    WrongHolder,
    /// Too many keys from this network were nobody's: no more of them are looked up for a while.
    TooManyFailures {
        /// How long to wait.
        retry_after: Duration,
    },
    /// Somebody ended the key.
    Revoked {
        /// When.
        at: OffsetDateTime,
        /// Why.
        because: RevokedBecause,
    },
    /// Another key took over from it.
    RotatedOut {
        /// When it stopped working.
        at: OffsetDateTime,
    },
    /// The key is switched off.
    Disabled {
        /// Since when.
        at: OffsetDateTime,
        /// Whether its environment's policy for idle keys did it.
        by_policy: bool,
    },
    /// The key ended by itself.
    Expired {
        /// When.
        at: OffsetDateTime,
    },
    /// The key may not be used from this address.
    AddressNotAllowed {
        /// From where it came.
        address: IpAddr,
        /// From where it may come.
        allowed: AllowList,
    },
    /// The key does not hold the scope that the route needs.
    InsufficientScope {
        /// What the route needs.
        needed: &'static str,
        /// What the key holds.
        held: ScopeSet,
    },
    /// Too many requests.
    RateLimited {
        /// How long to wait.
        retry_after: Duration,
        /// What was used up.
        quota: Quota,
        /// Whether it is the limit of all keys of its owner together.
        owners: bool,
    },
    /// The store cannot be asked: nobody is let in.
    StoreUnavailable,
}

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
}

/// One text for everything that is wrong with a credential, so that nobody learns which part was right.
const INVALID_TOKEN: &str = "The credential is not valid. Its owner can look up this request id to learn why.";

impl Refusal {
    /// What the caller is told.
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
            | Self::TokenEnded { .. }
            | Self::TokenExpired { .. }
            | Self::Revoked { .. }
            | Self::RotatedOut { .. }
            | Self::Disabled { .. }
            | Self::Expired { .. } => Answer {
                challenge: Some(Cow::Borrowed("Bearer realm=\"latchkey\", error=\"invalid_token\"")),
                ..answer(401, "invalid_token", "Credential not valid", INVALID_TOKEN)
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
            Self::InsufficientScope { needed, .. } => Answer {
                challenge: Some(
                    format!("Bearer realm=\"latchkey\", error=\"insufficient_scope\", scope=\"{needed}\"").into(),
                ),
                ..answer(
                    403,
                    "insufficient_scope",
                    "Scope missing",
                    format!("This needs the scope {needed}, which the credential does not hold."),
                )
            },
            Self::TooManyFailures { retry_after } => {
                let seconds = whole_seconds_up(*retry_after);
                Answer {
                    retry_after: Some(seconds),
                    ..answer(
                        429,
                        "too_many_failures",
                        "Too many failures",
                        format!(
                            "Too many credentials from this network were not valid. Wait {seconds} s, then try again."
                        ),
                    )
                }
            }
            Self::RateLimited { retry_after, .. } => {
                let seconds = whole_seconds_up(*retry_after);
                Answer {
                    retry_after: Some(seconds),
                    ..answer(
                        429,
                        "rate_limited",
                        "Too many requests",
                        format!("Wait {seconds} s before the next request."),
                    )
                }
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

    /// The check that failed.
    pub const fn step(&self) -> StepName {
        match self {
            Self::AmbiguousCredentials { .. }
            | Self::CredentialInQuery { .. }
            | Self::TlsRequired
            | Self::MissingCredential
            | Self::UnknownScheme => StepName::Credential,
            Self::Malformed { .. } | Self::NotAToken { why: TokenProblem::Malformed | TokenProblem::Type } => {
                StepName::Format
            }
            Self::NotAToken { .. } | Self::NotHeld { .. } | Self::WrongHolder => StepName::Lookup,
            Self::UnknownKey | Self::TooManyFailures { .. } | Self::WrongSecret | Self::StoreUnavailable => {
                StepName::Lookup
            }
            Self::Revoked { .. }
            | Self::RotatedOut { .. }
            | Self::Disabled { .. }
            | Self::Expired { .. }
            | Self::TokenEnded { .. }
            | Self::TokenExpired { .. } => StepName::Lifetime,
            Self::AddressNotAllowed { .. } => StepName::Address,
            Self::InsufficientScope { .. } => StepName::Scope,
            Self::RateLimited { .. } => StepName::Limit,
        }
    }

    /// The stable word for the record and the filters of the logs page.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::AmbiguousCredentials { .. } => "ambiguous_credentials",
            Self::CredentialInQuery { .. } => "credential_in_query",
            Self::TlsRequired => "tls_required",
            Self::MissingCredential => "missing_credential",
            Self::UnknownScheme => "unknown_scheme",
            Self::Malformed { why: MalformedKey::NotOurs | MalformedKey::Shape }
            | Self::NotAToken { why: TokenProblem::Malformed } => "malformed",
            Self::Malformed { why: MalformedKey::Checksum { .. } } => "bad_checksum",
            Self::UnknownKey => "unknown_key",
            Self::TooManyFailures { .. } => "too_many_failures",
            Self::WrongSecret => "wrong_secret",
            Self::NotAToken { why: TokenProblem::Type } => "wrong_type",
            Self::NotAToken { why: TokenProblem::Signer | TokenProblem::Signature } => "wrong_signature",
            Self::NotAToken { why: TokenProblem::Issuer } => "wrong_issuer",
            Self::NotAToken { why: TokenProblem::Audience } => "wrong_audience",
            Self::NotAToken { why: TokenProblem::Client } => "unknown_client",
            Self::NotHeld { why: ProofProblem::Nonce } => "missing_nonce",
            Self::NotHeld { .. } => "bad_proof",
            Self::WrongHolder => "wrong_holder",
            Self::Revoked { .. } | Self::TokenEnded { .. } => "revoked",
            Self::RotatedOut { .. } => "rotated_out",
            Self::Disabled { .. } => "disabled",
            Self::Expired { .. } | Self::TokenExpired { .. } => "expired",
            Self::AddressNotAllowed { .. } => "address_not_allowed",
            Self::InsufficientScope { .. } => "insufficient_scope",
            Self::RateLimited { .. } => "rate_limited",
            Self::StoreUnavailable => "store_unavailable",
        }
    }

    /// The reason word of the one check that can be set to report only.
    pub const REPORTABLE: &'static str = "address_not_allowed";

    /// Every reason word, for the filters of the logs page.
    pub const REASONS: [&'static str; 26] = [
        "address_not_allowed",
        "ambiguous_credentials",
        "bad_checksum",
        "bad_proof",
        "credential_in_query",
        "disabled",
        "expired",
        "insufficient_scope",
        "malformed",
        "missing_credential",
        "missing_nonce",
        "rate_limited",
        "revoked",
        "rotated_out",
        "store_unavailable",
        "tls_required",
        "too_many_failures",
        "unknown_client",
        "unknown_key",
        "unknown_scheme",
        "wrong_audience",
        "wrong_holder",
        "wrong_issuer",
        "wrong_secret",
        "wrong_signature",
        "wrong_type",
    ];

    /// What was seen and what was needed: the line of the failing step, for the owner.
    pub fn detail(&self) -> String {
        match self {
            Self::AmbiguousCredentials { first, second } => format!("two were sent: {first} and {second}"),
            Self::CredentialInQuery { parameter } => format!("sent in the URL, as {parameter}"),
            Self::TlsRequired => "sent over plain HTTP; TLS is required".to_owned(),
            Self::MissingCredential => "none was sent".to_owned(),
            Self::UnknownScheme => "the Authorization header has a scheme other than Bearer".to_owned(),
            Self::Malformed { why: MalformedKey::NotOurs } => "does not begin with lk_".to_owned(),
            Self::Malformed { why: MalformedKey::Shape } => {
                "begins like a key, but is too short, too long or has a character that keys never have".to_owned()
            }
            Self::Malformed { why: MalformedKey::Checksum { .. } } => {
                "the checksum does not match: at least one character was changed".to_owned()
            }
            Self::UnknownKey => "no key has this id".to_owned(),
            Self::WrongSecret => "the id is known, the rest of the key is not the one that was issued".to_owned(),
            Self::NotAToken { why } => format!("the token {why}"),
            Self::NotHeld { why } => why.to_string(),
            Self::WrongHolder => {
                "the token came without a proof of the key that it is bound to, or with another key's".to_owned()
            }
            Self::TokenEnded { end: TokenEnd::ConsentEnded(at) } => {
                format!("what the person had allowed was ended at {}, and every token with it", written(*at))
            }
            Self::TokenEnded { end: TokenEnd::ClientEnded(at) } => {
                format!("its client was revoked at {}, and every token with it", written(*at))
            }
            Self::TooManyFailures { .. } => "not looked up: too many keys from this network were nobody's".to_owned(),
            Self::Revoked { at, because: RevokedBecause::Asked } | Self::TokenEnded { end: TokenEnd::Revoked(at) } => {
                format!("revoked at {}", written(*at))
            }
            Self::Revoked { at, because: RevokedBecause::Leaked } => {
                format!("revoked at {}, since it was found where secrets must not be", written(*at))
            }
            Self::Revoked { at, because: RevokedBecause::RotationCancelled } => {
                format!("its rotation was called off at {}", written(*at))
            }
            Self::RotatedOut { at } => format!("another key took over from it; it stopped working at {}", written(*at)),
            Self::Disabled { at, by_policy: false } => format!("switched off at {}", written(*at)),
            Self::Disabled { at, by_policy: true } => {
                format!("switched off at {}, since nobody had used it", written(*at))
            }
            Self::Expired { at } | Self::TokenExpired { at } => format!("expired at {}", written(*at)),
            Self::AddressNotAllowed { address, allowed } => format!("came from {address}, allowed: {allowed}"),
            Self::InsufficientScope { needed, held } => {
                if held.is_empty() {
                    format!("needs {needed}, holds no scope")
                } else {
                    format!("needs {needed}, holds {held}")
                }
            }
            Self::RateLimited { retry_after, quota, owners } => {
                let whose = if *owners { " of all keys together" } else { "" };
                format!("{quota}{whose} is used up; {} s to wait", whole_seconds_up(*retry_after))
            }
            Self::StoreUnavailable => "the store could not be asked".to_owned(),
        }
    }

    /// What would help, in a sentence for the owner.
    pub fn remedy(&self) -> String {
        match self {
            Self::AmbiguousCredentials { .. } => {
                "Send the key once. Clients and proxies that add a header of their own are the usual cause.".to_owned()
            }
            Self::CredentialInQuery { .. } => {
                "Move the key into the Authorization header, then replace it: whoever kept the URL has the key.".to_owned()
            }
            Self::TlsRequired => {
                "Call the https:// address, then replace the key: it crossed the network in clear.".to_owned()
            }
            Self::MissingCredential => "Add the header Authorization: Bearer with your key.".to_owned(),
            Self::UnknownScheme => "Use Authorization: Bearer, or the X-API-Key header.".to_owned(),
            Self::Malformed { why: MalformedKey::NotOurs | MalformedKey::Shape } => {
                "Copy the whole key again: it begins with lk_dev_, lk_stg_, lk_live_ or lk_pat_.".to_owned()
            }
            Self::Malformed { why: MalformedKey::Checksum { .. } } => {
                "Compare the key that was sent with the one you stored: a character was changed on the way.".to_owned()
            }
            Self::UnknownKey => {
                "Check that the key comes from this portal and was copied whole; otherwise create a new one.".to_owned()
            }
            Self::WrongSecret => {
                "Copy the key again from where you stored it. If nobody mistyped it, somebody is guessing: replace the key.".to_owned()
            }
            Self::NotAToken { why: TokenProblem::Type } => {
                "Send the access token of the token endpoint's answer, not an ID token.".to_owned()
            }
            Self::NotAToken { why: TokenProblem::Audience } => "Ask the token endpoint for a token for this API.".to_owned(),
            Self::NotHeld { why: ProofProblem::Nonce } => {
                "Nothing is wrong: DPoP libraries take the nonce from the answer and try again by themselves.".to_owned()
            }
            Self::NotHeld { .. } => {
                "Make a new proof for each request, with its method, its address and the token's hash (ath).".to_owned()
            }
            Self::WrongHolder => {
                "Send the token as Authorization: DPoP with a proof by the key that it was asked for with. If the app did so, somebody else has its token.".to_owned()
            }
            Self::NotAToken { .. } => {
                "Check that the token comes from this server's token endpoint, and was sent whole.".to_owned()
            }
            Self::TokenEnded { .. } | Self::TokenExpired { .. } => "Ask the token endpoint for a new token.".to_owned(),
            Self::TooManyFailures { retry_after } => {
                format!("Wait {} s. Check that the caller sends a key of this portal; keys that are known are not held up.", whole_seconds_up(*retry_after))
            }
            Self::Revoked { because: RevokedBecause::RotationCancelled, .. } => {
                "Give the caller the key that was to be replaced, or rotate it again.".to_owned()
            }
            Self::Revoked { .. } => "Create a new key and give it to the caller.".to_owned(),
            Self::RotatedOut { .. } => "Give the caller the key that took over.".to_owned(),
            Self::Disabled { .. } => "Enable the key on its page, if the caller should go on.".to_owned(),
            Self::Expired { .. } => "Create a new key; choose a later expiry, or none.".to_owned(),
            Self::AddressNotAllowed { .. } => {
                "Call from an allowed network, or create a key that allows this one. If you do not know the address, revoke the key.".to_owned()
            }
            Self::InsufficientScope { needed, .. } => {
                format!("Call with a credential that holds {needed}: a key that has it, or a token that was asked for with it.")
            }
            Self::RateLimited { owners: true, retry_after, .. } => {
                format!("Wait {} s. All keys of one team share this limit: see under Usage which of them was busy.", whole_seconds_up(*retry_after))
            }
            Self::RateLimited { retry_after, .. } => {
                format!("Wait {} s, and spread the calls: the answer's RateLimit header says how many are left.", whole_seconds_up(*retry_after))
            }
            Self::StoreUnavailable => "Nothing is wrong with the key. Try again; if it stays, ask the operator.".to_owned(),
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

/// The challenge of RFC 9449 section 7.1.
fn dpop_challenge(error: &str) -> Cow<'static, str> {
    format!("DPoP realm=\"latchkey\", error=\"{error}\", algs=\"ES256 EdDSA RS256 PS256\"").into()
}

fn answer(status: u16, code: &'static str, title: &'static str, detail: impl Into<Cow<'static, str>>) -> Answer {
    Answer { status, code, title, detail: detail.into(), challenge: None, retry_after: None }
}

pub(super) fn written(at: OffsetDateTime) -> String {
    at.replace_nanosecond(0).unwrap_or(at).format(&Rfc3339).unwrap_or_default()
}

/// Whole seconds, rounded up, so that who waits as told is let in.
fn whole_seconds_up(duration: Duration) -> u64 {
    let seconds = duration.whole_seconds() + i64::from(duration.subsec_nanoseconds() > 0);
    u64::try_from(seconds).unwrap_or(0).max(1)
}
