//! What a guarded API is told of whoever is let in: fields that it can read, and one token that proves them.

use crate::{
    authn::{Audience, Identity, Principal, Slot},
    jose::SigningAlgorithm,
    port::api_key::KeyOwner,
    signing_key::{KeyRing, KeyRingError},
};
use bytes::Bytes;
use latchkey_model::{ApplicationId, Environment, ScopeSet};
use serde::Serialize;
use std::sync::Arc;
use time::{Duration, OffsetDateTime};

/// The `typ` of the token (RFC 8725 section 3.11): it is no access token, and no endpoint of ours takes it for one.
pub const TYPE: &str = "gateway+jwt";
/// How long the token is good.
const LIFE: Duration = Duration::minutes(2);
/// For how long one token is given: what is left of its life is for the way to the API, and for its queue.
const GIVEN_FOR: Duration = Duration::minutes(1);

/// What sort of caller it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An application, by a key of its own.
    Application,
    /// A person, by a token of theirs or through an app that they let act for them.
    Account,
    /// A machine, by a token that it asked for.
    ServiceAccount,
}

impl Kind {
    /// The word in fields and tokens.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Account => "account",
            Self::ServiceAccount => "service_account",
        }
    }
}

/// A caller, as a guarded API knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Caller {
    /// Who: an id that stays the same.
    #[serde(rename = "sub")]
    pub subject: String,
    /// What sort of caller.
    pub kind: Kind,
    /// The application, where one is behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<ApplicationId>,
    /// The environment of the credential, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    /// The client that a token was given to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// How people recognise the credential; never the credential.
    pub credential: String,
    /// What it may do at this API.
    #[serde(rename = "scope", serialize_with = "written")]
    pub scopes: ScopeSet,
}

fn written<S: serde::Serializer>(scopes: &ScopeSet, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(scopes)
}

impl Caller {
    /// What an API may know of a principal.
    pub fn new(principal: &Principal, api: &Audience) -> Self {
        let token = principal.token();
        let behind = token.map_or_else(|| principal.owner(), |token| &token.client_owner);
        let (application, environment) = match behind {
            KeyOwner::Environment { application_id, environment, .. } => (Some(*application_id), Some(*environment)),
            KeyOwner::Account { .. } => (None, None),
        };
        let (kind, subject) = match (token, principal.owner()) {
            // Apps know people by a name that may be for them alone, and so do the APIs that they call.
            (Some(token), KeyOwner::Account { .. }) => (Kind::Account, token.subject.clone()),
            (Some(token), KeyOwner::Environment { .. }) => (Kind::ServiceAccount, token.subject.clone()),
            (None, KeyOwner::Account { account_id, .. }) => (Kind::Account, account_id.to_string()),
            (None, KeyOwner::Environment { application_id, .. }) => (Kind::Application, application_id.to_string()),
        };
        Self {
            subject,
            kind,
            application,
            environment,
            client_id: token.map(|token| token.client_id.to_string()),
            // Fields are ASCII (RFC 9110 section 5.5).
            credential: principal.hint().replace('\u{2026}', "..."),
            scopes: principal.scopes().intersection(&api.scopes),
        }
    }

    /// What many callers have in common.
    fn of_many(&self) -> [Option<(&'static str, &'static str)>; Identity::OF_MANY] {
        let environment = self.environment.map(|environment| ("x-auth-environment", environment.as_str()));
        [Some(("x-auth-kind", self.kind.as_str())), environment]
    }

    /// What is the caller's own, all values in one piece of memory: every answer touches each of them, and those of many callers take turns.
    fn own(self, token: String) -> [Option<(&'static str, Bytes)>; Identity::OWN] {
        let fields = [
            ("x-auth-subject", Some(self.subject)),
            ("x-auth-credential", Some(self.credential)),
            ("x-auth-scopes", Some(self.scopes.to_string())),
            ("x-auth-token", Some(token)),
            ("x-auth-application", self.application.map(|id| id.to_string())),
            ("x-auth-client", self.client_id),
        ];
        let values = fields.iter().filter_map(|(_, value)| value.as_deref());
        let mut rest = Bytes::from(values.collect::<String>());
        fields.map(|(name, value)| Some((name, rest.split_to(value?.len()))))
    }
}

/// What the token says.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    #[serde(flatten)]
    caller: &'a Caller,
}

/// Draws what an API is told of a principal.
pub(super) async fn draw(
    ring: &KeyRing,
    issuer: &str,
    principal: &Principal,
    api: &Audience,
    version: i64,
    now: OffsetDateTime,
) -> Result<Arc<Identity>, KeyRingError> {
    let caller = Caller::new(principal, api);
    let iat = now.unix_timestamp();
    let exp = iat + LIFE.whole_seconds();
    let claims = Claims { iss: issuer, aud: &api.url, iat, exp, caller: &caller };
    let token = ring.sign(SigningAlgorithm::Es256, TYPE, &claims).await?;
    Ok(Arc::new(Identity {
        api: api.id,
        version,
        fresh_until: now + GIVEN_FOR,
        of_many: caller.of_many(),
        own: caller.own(token),
        answer: Slot::default(),
    }))
}
