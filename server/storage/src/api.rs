//! APIs, their scopes and their policies.

use crate::{
    SeaStore, SeaUnitOfWork,
    convert::{micros, time, word},
    entity::{api, api_scope},
    error::{Corrupt, store_error},
    work::{consumed, inserted},
};
use ::time::OffsetDateTime;
use async_trait::async_trait;
use latchkey_core::{
    oauth_client::ClientId,
    port::{
        ApiReader, ApiWriter, Consumed, Inserted, StoreError,
        api::{Api, ApiScope, ApiSettings, Duplicate, GuardedApi},
    },
};
use latchkey_model::{ApiId, TeamId};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, SqlErr, sea_query::OnConflict};
use std::{collections::BTreeSet, fmt::Display, str::FromStr};

/// An API with its scopes in their order.
type Found = (api::Model, Vec<ApiScope>);

/// The position of a scope that its API has given up: nobody else gets it, since credentials may hold it still.
const GIVEN_UP: i64 = -1;

impl SeaStore {
    /// In one question, so that no API is seen with the scopes of another moment.
    async fn apis(&self, query: sea_orm::Select<api::Entity>) -> Result<Vec<Found>, StoreError> {
        let found = query
            .find_with_related(api_scope::Entity)
            .order_by_asc(api::Column::Name)
            .order_by_asc(api::Column::Id)
            .order_by_asc(api_scope::Column::Position)
            .all(&self.reader)
            .await
            .map_err(store_error)?;
        found
            .into_iter()
            .map(|(row, scopes)| {
                let guarded = row.team_id.map(|_| word(&row.name, "name")).transpose()?;
                let own = scopes.into_iter().filter(|scope| scope.position != GIVEN_UP).map(|scope| {
                    let (description, api) = (scope.description, guarded.clone());
                    Ok(ApiScope { scope: word(&scope.scope, "scope")?, description, api })
                });
                let own = own.collect::<Result<_, Corrupt>>()?;
                Ok((row, own))
            })
            .collect()
    }
}

fn guarded((row, scopes): Found) -> Result<GuardedApi, StoreError> {
    let text = |value: Option<String>| value.ok_or(Corrupt { what: "API" });
    Ok(GuardedApi {
        id: ApiId::from_uuid(row.id),
        team_id: TeamId::from_uuid(row.team_id.ok_or(Corrupt { what: "API" })?),
        slug: word(&text(row.slug)?, "short name")?,
        settings: ApiSettings {
            name: word(&row.name, "name")?,
            base_url: row.audience,
            scopes,
            environments: words(&text(row.environments)?, "environments")?,
            verifiers: words::<ClientId>(&text(row.verifiers)?, "verifiers")?,
            editors: words::<ClientId>(&text(row.editors)?, "editors")?,
        },
        policies: serde_json::from_str(&text(row.policies)?).map_err(|_| Corrupt { what: "policies" })?,
        version: row.version,
        created_at: time(row.created_at)?,
    })
}

/// Words with spaces between.
fn words<T: FromStr + Ord>(text: &str, what: &'static str) -> Result<BTreeSet<T>, Corrupt> {
    text.split_ascii_whitespace().map(|one| word(one, what)).collect()
}

fn joined<T: Display>(words: &BTreeSet<T>) -> String {
    words.iter().map(T::to_string).collect::<Vec<_>>().join(" ")
}

fn settings_of(api: &GuardedApi) -> Result<api::ActiveModel, StoreError> {
    let settings = &api.settings;
    let policies = serde_json::to_string(&api.policies).map_err(|_| Corrupt { what: "policies" })?;
    Ok(api::ActiveModel {
        name: Set(settings.name.as_str().to_owned()),
        audience: Set(settings.base_url.clone()),
        environments: Set(Some(joined(&settings.environments))),
        policies: Set(Some(policies)),
        verifiers: Set(Some(joined(&settings.verifiers))),
        editors: Set(Some(joined(&settings.editors))),
        ..Default::default()
    })
}

#[async_trait]
impl ApiReader for SeaStore {
    async fn built_in_apis(&self) -> Result<Vec<Api>, StoreError> {
        let found = self.apis(api::Entity::find().filter(api::Column::TeamId.is_null())).await?;
        found
            .into_iter()
            .map(|(row, scopes)| {
                let (id, name) = (ApiId::from_uuid(row.id), word(&row.name, "name")?);
                Ok(Api { id, name, audience: row.audience, scopes })
            })
            .collect()
    }

    async fn guarded_apis(&self) -> Result<Vec<GuardedApi>, StoreError> {
        let live =
            api::Entity::find().filter(api::Column::TeamId.is_not_null()).filter(api::Column::RetiredAt.is_null());
        let found = self.apis(live).await?;
        found.into_iter().map(guarded).collect()
    }
}

impl SeaUnitOfWork {
    /// Puts an API's scopes; one may be another's, or have been.
    async fn put_scopes(&self, api: &GuardedApi) -> Result<Inserted, StoreError> {
        let given_up = api_scope::ActiveModel { position: Set(GIVEN_UP), ..Default::default() };
        let old = api_scope::Entity::update_many().set(given_up).filter(api_scope::Column::ApiId.eq(api.id.as_uuid()));
        old.exec(&self.transaction).await.map_err(store_error)?;
        for (position, scope) in (0_i64..).zip(&api.settings.scopes) {
            let row = api_scope::ActiveModel {
                api_id: Set(api.id.as_uuid()),
                scope: Set(scope.scope.as_str().to_owned()),
                description: Set(scope.description.clone()),
                position: Set(position),
            };
            let own = OnConflict::columns([api_scope::Column::ApiId, api_scope::Column::Scope])
                .update_columns([api_scope::Column::Description, api_scope::Column::Position])
                .to_owned();
            match api_scope::Entity::insert(row).on_conflict(own).exec_without_returning(&self.transaction).await {
                Err(error) if is_taken(&error) => return Ok(Inserted::Duplicate),
                result => drop(result.map_err(store_error)?),
            }
        }
        Ok(Inserted::Done)
    }
}

/// Whether something is another's that may be one's alone.
fn is_taken(error: &sea_orm::DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

#[async_trait]
impl ApiWriter for SeaUnitOfWork {
    async fn guarded_api_add(&mut self, api: &GuardedApi) -> Result<Inserted, StoreError> {
        let row = api::ActiveModel {
            id: Set(api.id.as_uuid()),
            team_id: Set(Some(api.team_id.as_uuid())),
            slug: Set(Some(api.slug.to_string())),
            version: Set(api.version),
            created_at: Set(micros(api.created_at)),
            ..settings_of(api)?
        };
        let insert = api::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        match inserted(insert.exec_without_returning(&self.transaction).await)? {
            Inserted::Done => self.put_scopes(api).await,
            Inserted::Duplicate => Ok(Inserted::Duplicate),
        }
    }

    async fn guarded_api_update(&mut self, api: &GuardedApi) -> Result<Result<Consumed, Duplicate>, StoreError> {
        let row = api::ActiveModel { version: Set(api.version + 1), ..settings_of(api)? };
        let update = api::Entity::update_many()
            .set(row)
            .filter(api::Column::Id.eq(api.id.as_uuid()))
            .filter(api::Column::Version.eq(api.version))
            .filter(api::Column::RetiredAt.is_null());
        match update.exec(&self.transaction).await {
            Ok(result) if consumed(result.rows_affected) == Consumed::Lost => Ok(Ok(Consumed::Lost)),
            Ok(_) => Ok(match self.put_scopes(api).await? {
                Inserted::Done => Ok(Consumed::Won),
                Inserted::Duplicate => Err(Duplicate),
            }),
            Err(error) if is_taken(&error) => Ok(Err(Duplicate)),
            Err(error) => Err(store_error(error)),
        }
    }

    async fn guarded_api_retire(
        &mut self,
        id: ApiId,
        version: i64,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError> {
        let row = api::ActiveModel { retired_at: Set(Some(micros(at))), ..Default::default() };
        let update = api::Entity::update_many()
            .set(row)
            .filter(api::Column::Id.eq(id.as_uuid()))
            .filter(api::Column::TeamId.is_not_null())
            .filter(api::Column::RetiredAt.is_null())
            .filter(api::Column::Version.eq(version));
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }
}
