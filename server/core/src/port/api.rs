//! APIs: resource servers and their scopes.

use super::StoreError;
use async_trait::async_trait;
use latchkey_model::{ApiId, Name, Scope};

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
}

/// Questions about APIs.
#[async_trait]
pub trait ApiReader: Sync {
    /// The APIs that are built in: the demo API.
    async fn built_in_apis(&self) -> Result<Vec<Api>, StoreError>;

    /// The scopes that a credential can hold, in the order in which they are shown.
    async fn known_scopes(&self) -> Result<Vec<ApiScope>, StoreError> {
        Ok(self.built_in_apis().await?.into_iter().flat_map(|api| api.scopes).collect())
    }
}
