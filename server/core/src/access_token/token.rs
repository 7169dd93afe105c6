//! An access token, once it is proven to be one of ours.

use super::{Audiences, Binding, Derived};
use crate::{
    authn::Asked,
    oauth_client::ClientId,
    port::{api_key::KeyOwner, suspension::Suspension},
};
use latchkey_model::{Name, OauthClientId, ScopeSet};
use time::OffsetDateTime;
use uuid::Uuid;

/// An access token with what is known of whom it was made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// Its own id, the `jti`.
    pub id: Uuid,
    /// The client that holds it.
    pub client: OauthClientId,
    /// That client's public name.
    pub client_id: ClientId,
    /// What that client is called.
    pub client_name: Name,
    /// What whoever it stands for is called in it, the `sub`.
    pub subject: String,
    /// The key that it is bound to: in other hands it is worth nothing.
    pub binding: Option<Binding>,
    /// Whom it stands for: the client's own environment, or the person who allowed it.
    pub owner: KeyOwner,
    /// Whose client it is: who sees what it did.
    pub client_owner: KeyOwner,
    /// What a person allowed, where one did.
    pub consent: Option<Consent>,
    /// The token that it was exchanged for, where it was.
    pub derived: Option<Derived>,
    /// For which APIs it is.
    pub audiences: Audiences,
    /// Whether it is for what this server itself serves.
    pub at_home: AtHome,
    /// Whether there is no token: the certificate of the connection speaks for the client itself.
    pub certificate_alone: bool,
    /// What it may do.
    pub scopes: ScopeSet,
    /// When it was made.
    pub issued_at: OffsetDateTime,
    /// When it ends by itself.
    pub expires_at: OffsetDateTime,
    /// Whether it was ended before, or is suspended.
    pub ended: Option<TokenEnd>,
}

/// For which of this server's own APIs a token is: asked for each request, and so found out once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AtHome {
    /// For the demo API.
    pub demo: bool,
    /// For the gateway.
    pub gateway: bool,
}

impl AccessToken {
    /// Whether it is for the API that is asked (RFC 9068 section 4).
    pub fn is_for(&self, asked: &Asked) -> bool {
        match asked {
            Asked::Demo { .. } => self.at_home.demo,
            Asked::Gateway => self.at_home.gateway,
            Asked::Guarded(guard) => self.audiences.contain(&guard.api.url),
        }
    }

    /// Whether its client speaks for itself with it, and for nobody else.
    pub fn is_of_the_client_itself(&self) -> bool {
        self.consent.is_none() && self.derived.is_none()
    }

    /// Whether it is good at this time.
    pub fn is_good(&self, now: OffsetDateTime) -> bool {
        self.ended.is_none() && self.expires_at > now
    }
}

/// What a token of a person's rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consent {
    /// What was allowed.
    pub grant: Uuid,
    /// All tokens of that one consent in one browser.
    pub family: Uuid,
}

/// Why a token is not good, though its time has not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenEnd {
    /// Somebody revoked it (RFC 7009).
    Revoked(OffsetDateTime),
    /// Its client was ended, and every token with it.
    ClientEnded(OffsetDateTime),
    /// The person took back what they had allowed, or a token of the family was used twice.
    ConsentEnded(OffsetDateTime),
    /// Its client, that client's application, or the person's account is suspended.
    Suspended(Suspension),
}

/// Why a text is no access token of ours: for the record; the caller is never told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenProblem {
    /// It is not three parts of base64url with a header and claims that can be read.
    #[error("is not written as a token is")]
    Malformed,
    /// It is a token of another kind, such as one that proves who signed in (RFC 9068 section 4).
    #[error("is not an access token: its type is not at+jwt")]
    Type,
    /// It names a key that is none of ours.
    #[error("is signed with a key that is none of ours")]
    Signer,
    /// The signature is not that key's.
    #[error("has a signature that is not valid")]
    Signature,
    /// Another server made it.
    #[error("was issued by another server")]
    Issuer,
    /// It is for another API.
    #[error("is for another API")]
    Audience,
    /// The client that it names is not there.
    #[error("belongs to a client that is not there")]
    Client,
}
