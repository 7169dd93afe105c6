//! What a request asks for, as far as the decision needs it.

use crate::limit::Quota;
use latchkey_model::{ApiId, ApiSlug, Environment, ScopeSet};
use std::{borrow::Cow, collections::BTreeSet, fmt, sync::Arc};

/// What a request asks for.
#[derive(Clone)]
pub enum Asked {
    /// A route of the demo API.
    Demo {
        /// The scope that it needs; none for a route that any valid credential may call.
        needed_scope: Option<&'static str>,
    },
    /// What is said of other callers' requests, or set about them: by those who may, however often they need it.
    Gateway,
    /// An operator's own API.
    Guarded(Arc<Guard>),
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Demo { needed_scope } => f.debug_tuple("Demo").field(needed_scope).finish(),
            Self::Gateway => f.write_str("Gateway"),
            Self::Guarded(guard) => f.debug_tuple("Guarded").field(&guard.route).finish(),
        }
    }
}

/// An API, as far as a decision about its callers needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience {
    /// Which.
    pub id: ApiId,
    /// Its short name.
    pub slug: ApiSlug,
    /// Its name in tokens, and where its callers find it.
    pub url: String,
    /// The same without any path: requests name their whole path themselves.
    pub origin: String,
    /// What may be allowed on it.
    pub scopes: ScopeSet,
    /// Whose credentials it takes.
    pub environments: BTreeSet<Environment>,
}

/// What stands before some requests to an API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// To which API.
    pub api: Arc<Audience>,
    /// Under which name they are counted and logged.
    pub route: Arc<str>,
    /// What it says of them.
    pub rule: Rule,
    /// How often each caller may, beside its own limits.
    pub limit: Option<RouteLimit>,
}

/// How often each caller may ask for what one policy covers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RouteLimit {
    /// How often.
    pub quota: Quota,
    /// The policy, as it is written.
    pub policy: Arc<str>,
}

/// What is said of requests to an API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// Everybody is let in.
    Public,
    /// These are.
    Holders {
        /// Who has all of these scopes; where there is none, any scope of the API.
        scopes: ScopeSet,
        /// Credentials of these environments.
        environments: BTreeSet<Environment>,
    },
    /// Nobody is: no policy covers the path.
    Uncovered,
    /// Nobody is: policies cover the path, and not the method.
    WrongMethod {
        /// The methods that they cover.
        allow: String,
    },
    /// Nobody is: it depends on who reads the request which policy it meets.
    Ambiguous,
}

impl Guard {
    /// What a caller without the right scopes needs.
    pub(super) fn needed(&self) -> Cow<'static, str> {
        let scopes = match &self.rule {
            Rule::Holders { scopes, .. } if !scopes.is_empty() => scopes,
            _ => &self.api.scopes,
        };
        scopes.to_string().into()
    }
}
