//! Which scopes a route needs, for those who read the record of what was asked.

use crate::{
    gateway::{Catalog, KnownApis, NeededScopes},
    port::StoreError,
};
use latchkey_model::ScopeSet;
use std::sync::Arc;
use time::OffsetDateTime;

/// The scope that a route of this server's own needs, by its method and pattern; none for routes that any key may call.
pub type NeededScope = fn(method: &str, route: &str) -> Option<&'static str>;

/// Which scopes routes need: this server's own, and those of guarded APIs.
#[derive(Clone)]
pub struct RouteScopes {
    /// Our own.
    pub own: NeededScope,
    /// The guarded APIs.
    pub apis: KnownApis,
}

/// The same, as it is now.
pub(super) struct ScopesNow {
    own: NeededScope,
    catalog: Arc<Catalog>,
}

impl RouteScopes {
    pub(super) async fn now(&self, now: OffsetDateTime) -> Result<ScopesNow, StoreError> {
        Ok(ScopesNow { own: self.own, catalog: self.apis.catalog(now).await? })
    }
}

impl ScopesNow {
    /// What a route needs.
    pub(super) fn needed(&self, method: &str, route: &str) -> NeededScopes {
        self.catalog.needed(method, route).unwrap_or_else(|| {
            let all: Option<ScopeSet> = (self.own)(method, route).and_then(|scope| scope.parse().ok());
            NeededScopes { all: all.unwrap_or_default(), any: ScopeSet::default() }
        })
    }
}
