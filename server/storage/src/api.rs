//! APIs and their scopes.

use crate::{
    SeaStore,
    convert::word,
    entity::{api, api_scope},
    error::store_error,
};
use async_trait::async_trait;
use latchkey_core::port::{
    ApiReader, StoreError,
    api::{Api, ApiScope},
};
use latchkey_model::ApiId;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

#[async_trait]
impl ApiReader for SeaStore {
    async fn built_in_apis(&self) -> Result<Vec<Api>, StoreError> {
        let rows = api_scope::Entity::find()
            .find_also_related(api::Entity)
            .filter(api::Column::TeamId.is_null())
            .order_by_asc(api_scope::Column::ApiId)
            .order_by_asc(api_scope::Column::Position)
            .all(&self.reader)
            .await
            .map_err(store_error)?;
        let mut apis: Vec<Api> = Vec::new();
        for (scope, api) in rows {
            let Some(api) = api else { continue };
            let id = ApiId::from_uuid(api.id);
            if apis.last().is_none_or(|last| last.id != id) {
                apis.push(Api { id, name: word(&api.name, "name")?, audience: api.audience, scopes: Vec::new() });
            }
            if let Some(last) = apis.last_mut() {
                last.scopes.push(ApiScope { scope: word(&scope.scope, "scope")?, description: scope.description });
            }
        }
        Ok(apis)
    }
}
