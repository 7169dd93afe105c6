//! What the door decided, and everything that is drawn from it.

use super::{
    credential::Via,
    decide::Facts,
    entry::{Drawn, Entry},
    person::Person,
    refusal::Refusal,
    trace,
};
use crate::{
    access_token::AccessToken,
    api_key::format::PublicId,
    limit::{Reading, Readings},
    port::{
        api_key::{ApiKey, KeyOwner},
        post::PostOwner,
        request_log::Attribution,
    },
};
use latchkey_model::{Environment, OwnerId, ScopeSet, trace::DecisionTrace};
use std::sync::Arc;

/// Who the request turned out to be: a key that passed every check.
#[derive(Debug, Clone)]
pub struct Principal(Arc<Entry>);

impl Principal {
    pub(super) fn new(entry: Arc<Entry>) -> Self {
        Self(entry)
    }

    pub(super) fn entry(&self) -> &Arc<Entry> {
        &self.0
    }

    /// What answers say of the key.
    pub fn drawn(&self) -> &Drawn {
        self.0.drawn()
    }

    /// The key, where one was sent.
    pub fn key(&self) -> Option<&ApiKey> {
        self.0.key()
    }

    /// The access token, where one was sent.
    pub fn token(&self) -> Option<&AccessToken> {
        self.0.token()
    }

    /// The person, where one comes as themselves.
    pub fn person(&self) -> Option<&Person> {
        self.0.person()
    }

    /// How a person recognises the credential.
    pub fn hint(&self) -> &str {
        self.0.hint()
    }

    /// Whom the credential stands for.
    pub fn owner(&self) -> &KeyOwner {
        self.0.owner()
    }

    /// The same, in short.
    pub fn owner_id(&self) -> OwnerId {
        self.owner().id()
    }

    /// In which environment it acts: the credential's own, or that of the app which acts for a person. Whoever comes as themselves is
    /// in none.
    pub fn environment(&self) -> Option<Environment> {
        self.owner().environment().or_else(|| self.0.counted_for().environment())
    }

    /// Whose demo data it works with. What a person does without an app counts as production.
    pub fn post_owner(&self) -> PostOwner {
        PostOwner { id: self.owner_id(), environment: self.environment().unwrap_or(Environment::Production) }
    }

    /// What it may do.
    pub fn scopes(&self) -> &ScopeSet {
        self.0.scopes()
    }
}

/// The decision about one request.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The principal, or why there is none.
    pub outcome: Result<Principal, Refusal>,
    /// The key that the request named, as far as the look-up could tell.
    pub known: Option<Arc<Entry>>,
    /// The public id that a mistyped key names: the writer finds its owner, off the path of the request.
    pub claimed_public_id: Option<PublicId>,
    /// Where the credential was.
    pub via: Option<Via>,
    /// A credential of ours was seen where it must not be.
    pub exposed: bool,
    /// A check that only reports would have refused it.
    pub reported: bool,
    /// The state of the rate limits, for the answer's headers.
    pub readings: Option<Readings>,
    /// How many keys that nobody has the caller's network may still try, where it came with none that is known.
    pub network: Option<Reading>,
    /// How the limit of the route itself stands, where it has one.
    pub route: Option<Reading>,
    /// What it was decided on.
    pub facts: Facts,
}

impl Verdict {
    /// Whom the request belongs to, where the look-up found that out.
    pub fn attribution(&self) -> Option<Attribution> {
        self.known.as_deref().map(Entry::attribution)
    }

    /// Every check, in order; at most one of them failed. Written down when the record is, not on the request's path.
    pub fn trace(&self) -> DecisionTrace {
        trace::of(self)
    }
}
