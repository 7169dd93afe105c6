//! APIs: resource servers, their scopes, and what a guarded one takes of each request.

use super::{Consumed, Inserted, StoreError};
use crate::{gateway::Policies, oauth_client::ClientId};
use async_trait::async_trait;
use latchkey_model::{ApiId, ApiSlug, Environment, Name, Scope, ScopeSet, TeamId};
use std::collections::BTreeSet;
use time::OffsetDateTime;

/// A resource server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api {
    /// Its id.
    pub id: ApiId,
    /// What it is called.
    pub name: Name,
    /// The name that tokens for it carry.
    pub audience: String,
    /// What may be allowed on it, in the order in which it is shown.
    pub scopes: Vec<ApiScope>,
}

/// One permission of an API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiScope {
    /// The scope.
    pub scope: Scope,
    /// What it allows, for people.
    pub description: String,
    /// What the guarded API is called that it is of.
    pub api: Option<Name>,
}

/// What an operator can set about an API of their own, but for its policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiSettings {
    /// What it is called.
    pub name: Name,
    /// Where its callers find it, without a slash at its end: its name in tokens, too (RFC 8707 section 2).
    pub base_url: String,
    /// What may be allowed on it, in the order in which it is shown.
    pub scopes: Vec<ApiScope>,
    /// Whose credentials it takes.
    pub environments: BTreeSet<Environment>,
    /// The service accounts that may ask what a credential is worth there.
    pub verifiers: BTreeSet<ClientId>,
    /// The service accounts that may change its policies.
    pub editors: BTreeSet<ClientId>,
}

impl ApiSettings {
    /// Its scopes as a set.
    pub fn scope_set(&self) -> ScopeSet {
        self.scopes.iter().map(|one| one.scope.clone()).collect()
    }
}

/// An API of an operator's own, whose requests are decided here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardedApi {
    /// Its id.
    pub id: ApiId,
    /// The team that owns it.
    pub team_id: TeamId,
    /// Its short name, which does not change.
    pub slug: ApiSlug,
    /// What can be set about it.
    pub settings: ApiSettings,
    /// What it takes of which request.
    pub policies: Policies,
    /// Counts its changes: whoever changes it names the one that they saw.
    pub version: i64,
    /// When it was registered.
    pub created_at: OffsetDateTime,
}

/// Questions about APIs.
#[async_trait]
pub trait ApiReader: Sync {
    /// The APIs that are built in: the demo API.
    async fn built_in_apis(&self) -> Result<Vec<Api>, StoreError>;

    /// Every guarded API, by name.
    async fn guarded_apis(&self) -> Result<Vec<GuardedApi>, StoreError>;

    /// The scopes that a credential can hold, in the order in which they are shown.
    async fn known_scopes(&self) -> Result<Vec<ApiScope>, StoreError> {
        let built_in = self.built_in_apis().await?.into_iter().flat_map(|api| api.scopes);
        let guarded = self.guarded_apis().await?.into_iter().flat_map(|api| api.settings.scopes);
        Ok(built_in.chain(guarded).collect())
    }
}

/// Changes to guarded APIs.
#[async_trait]
pub trait ApiWriter {
    /// Adds one; [`Inserted::Duplicate`] when its short name, its address or a scope is another API's.
    async fn guarded_api_add(&mut self, api: &GuardedApi) -> Result<Inserted, StoreError>;

    /// Changes the settings and policies of one, if it is of this version still; [`Inserted::Duplicate`] when its address or a scope
    /// is another API's.
    async fn guarded_api_update(&mut self, api: &GuardedApi) -> Result<Result<Consumed, Duplicate>, StoreError>;

    /// Ends one. Its names and scopes stay taken: credentials hold them still, and must never mean another API's.
    async fn guarded_api_retire(&mut self, id: ApiId, version: i64, at: OffsetDateTime)
    -> Result<Consumed, StoreError>;
}

/// An address or a scope is another API's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duplicate;
