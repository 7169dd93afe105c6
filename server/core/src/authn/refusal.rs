//! The refusal table: one place that says, for everything that can be wrong, what the caller is told and what is recorded.

mod answer;
mod explanation;

pub use answer::Answer;

use super::{credential::Via, person::PersonProblem};
use crate::{
    access_token::{TokenEnd, TokenProblem},
    api_key::{AllowList, format::MalformedKey},
    block::BlockedNetwork,
    dpop::ProofProblem,
    limit::Quota,
    port::{api_key::RevokedBecause, suspension::Suspension},
};
use latchkey_model::{Environment, PostId, ScopeSet, trace::StepName};
use std::{borrow::Cow, collections::BTreeSet, net::IpAddr};
use time::{Duration, OffsetDateTime};

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
    /// An admin keeps the caller's network out.
    AddressBlocked {
        /// Which.
        network: BlockedNetwork,
        /// Until when.
        until: OffsetDateTime,
    },
    /// No credential.
    MissingCredential,
    /// The portal's cookie came with a request that no page of the portal sent.
    ForgedRequest,
    /// An `Authorization` scheme that is not accepted here.
    UnknownScheme,
    /// An address and a password by which nobody comes.
    NotAPerson {
        /// What is wrong.
        why: PersonProblem,
    },
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
    /// The token is bound to a certificate, and the connection showed none or another (RFC 8705 section 3).
    WrongCertificate,
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
    /// An admin has suspended what the credential stands for.
    Suspended(Suspension),
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
    /// The API does not take credentials of this environment.
    WrongEnvironment {
        /// Which it is.
        held: Environment,
        /// Which it takes.
        taken: BTreeSet<Environment>,
    },
    /// The credential is good, and what it asks for is another owner's: its caller is told that there is nothing.
    WrongOwner {
        /// Which post.
        post: PostId,
        /// The environment that it is of, where it is the caller's team's or the same person's.
        of: Option<Environment>,
    },
    /// No policy of the API covers the path.
    NotCovered,
    /// Policies of the API cover the path, and not the method.
    MethodNotCovered {
        /// The methods that they cover.
        allow: String,
    },
    /// Which policy of the API it meets depends on who reads it.
    AmbiguousRequest,
    /// The key does not hold the scope that the route needs.
    InsufficientScope {
        /// What the route needs: one scope, or all of several.
        needed: Cow<'static, str>,
        /// What the key holds.
        held: ScopeSet,
    },
    /// Too many requests.
    RateLimited {
        /// How long to wait.
        retry_after: Duration,
        /// What was used up.
        quota: Quota,
        /// Whose limit it is.
        whose: LimitOf,
    },
    /// The store cannot be asked: nobody is let in.
    StoreUnavailable,
}

/// Whose limit was used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitOf {
    /// The credential's own.
    Credential,
    /// That of all keys of its owner together.
    Owner,
    /// That of each caller of the route.
    Route,
}

impl Refusal {
    /// The check that failed.
    pub const fn step(&self) -> StepName {
        match self {
            Self::AmbiguousCredentials { .. }
            | Self::CredentialInQuery { .. }
            | Self::TlsRequired
            | Self::AddressBlocked { .. }
            | Self::MissingCredential
            | Self::ForgedRequest
            | Self::UnknownScheme => StepName::Credential,
            Self::Malformed { .. } | Self::NotAToken { why: TokenProblem::Malformed | TokenProblem::Type } => {
                StepName::Format
            }
            Self::NotAToken { .. }
            | Self::NotAPerson { .. }
            | Self::NotHeld { .. }
            | Self::WrongHolder
            | Self::WrongCertificate
            | Self::UnknownKey
            | Self::TooManyFailures { .. }
            | Self::WrongSecret
            | Self::StoreUnavailable => StepName::Lookup,
            Self::Revoked { .. }
            | Self::RotatedOut { .. }
            | Self::Disabled { .. }
            | Self::Suspended(_)
            | Self::Expired { .. }
            | Self::TokenEnded { .. }
            | Self::TokenExpired { .. } => StepName::Lifetime,
            Self::AddressNotAllowed { .. } => StepName::Address,
            Self::WrongEnvironment { .. } | Self::WrongOwner { .. } => StepName::Environment,
            Self::NotCovered
            | Self::MethodNotCovered { .. }
            | Self::AmbiguousRequest
            | Self::InsufficientScope { .. } => StepName::Scope,
            Self::RateLimited { .. } => StepName::Limit,
        }
    }

    /// The stable word for the record and the filters of the logs page.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::AmbiguousCredentials { .. } => "ambiguous_credentials",
            Self::AddressBlocked { .. } => "address_blocked",
            Self::CredentialInQuery { .. } => "credential_in_query",
            Self::TlsRequired => "tls_required",
            Self::MissingCredential => "missing_credential",
            Self::UnknownScheme => "unknown_scheme",
            Self::ForgedRequest => "forged_request",
            Self::NotAPerson { why } => why.reason(),
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
            Self::WrongCertificate => "wrong_certificate",
            Self::Revoked { .. } | Self::TokenEnded { .. } => "revoked",
            Self::RotatedOut { .. } => "rotated_out",
            Self::Disabled { .. } => "disabled",
            Self::Suspended(_) => "suspended",
            Self::Expired { .. } | Self::TokenExpired { .. } => "expired",
            Self::AddressNotAllowed { .. } => "address_not_allowed",
            Self::WrongEnvironment { .. } => "wrong_environment",
            Self::WrongOwner { .. } => "wrong_owner",
            Self::NotCovered => "not_covered",
            Self::MethodNotCovered { .. } => "method_not_covered",
            Self::AmbiguousRequest => "ambiguous_request",
            Self::InsufficientScope { .. } => "insufficient_scope",
            Self::RateLimited { .. } => "rate_limited",
            Self::StoreUnavailable => "store_unavailable",
        }
    }

    /// Whether its caller showed a good credential, and is refused for what it asks or from where.
    pub(super) const fn is_of_a_good_credential(&self) -> bool {
        matches!(
            self,
            Self::AddressNotAllowed { .. }
                | Self::WrongEnvironment { .. }
                | Self::WrongOwner { .. }
                | Self::NotCovered
                | Self::MethodNotCovered { .. }
                | Self::AmbiguousRequest
                | Self::InsufficientScope { .. }
        )
    }

    /// The reason word of the one check that can be set to report only.
    pub const REPORTABLE: &'static str = "address_not_allowed";

    /// Every reason word, for the filters of the logs page.
    pub const REASONS: [&'static str; 38] = [
        "address_blocked",
        "address_not_allowed",
        "ambiguous_credentials",
        "ambiguous_request",
        "bad_checksum",
        "bad_proof",
        "credential_in_query",
        "disabled",
        "expired",
        "forged_request",
        "insufficient_scope",
        "malformed",
        "method_not_covered",
        "missing_credential",
        "missing_nonce",
        "not_covered",
        "password_not_allowed",
        "rate_limited",
        "revoked",
        "rotated_out",
        "store_unavailable",
        "suspended",
        "tls_required",
        "too_many_failures",
        "unknown_account",
        "unknown_client",
        "unknown_key",
        "unknown_scheme",
        "wrong_audience",
        "wrong_certificate",
        "wrong_environment",
        "wrong_holder",
        "wrong_issuer",
        "wrong_owner",
        "wrong_password",
        "wrong_secret",
        "wrong_signature",
        "wrong_type",
    ];
}

/// Environments, in words.
fn listed(environments: &BTreeSet<Environment>) -> String {
    match environments.iter().map(|one| one.as_str()).collect::<Vec<_>>().as_slice() {
        [] => "no environment".to_owned(),
        [others @ .., last] if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        [only, ..] => (*only).to_owned(),
    }
}

/// Whole seconds, rounded up, so that who waits as told is let in.
fn whole_seconds_up(duration: Duration) -> u64 {
    let seconds = duration.whole_seconds() + i64::from(duration.subsec_nanoseconds() > 0);
    u64::try_from(seconds).unwrap_or(0).max(1)
}
