//! How environments treat their keys.

use crate::{
    SeaStore, SeaUnitOfWork,
    entity::{api_key, application, environment},
    error::store_error,
    team::teams_of,
    work::consumed,
};
use latchkey_core::port::{Consumed, StoreError, api_key::KeyPolicy};
use latchkey_model::{AccountId, ApiKeyId, ApplicationId, Environment, EnvironmentId, TeamId};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, JoinType, QueryFilter, QuerySelect, RelationTrait, sea_query::Query,
};

fn from_row(row: &environment::Model) -> KeyPolicy {
    let days = |stored: Option<i64>| stored.and_then(|days| u16::try_from(days).ok());
    KeyPolicy {
        revoke_leaked: row.revoke_leaked,
        disable_idle_days: days(row.disable_idle_days),
        rotate_after_days: days(row.rotate_after_days),
    }
}

impl SeaStore {
    pub(super) async fn policy_of_account(
        &self,
        account: AccountId,
        application: ApplicationId,
        environment: Environment,
    ) -> Result<Option<KeyPolicy>, StoreError> {
        let row = environment::Entity::find()
            .join(JoinType::InnerJoin, environment::Relation::Application.def())
            .filter(application::Column::Id.eq(application.as_uuid()))
            .filter(application::Column::TeamId.in_subquery(teams_of(account)))
            .filter(environment::Column::Kind.eq(environment.as_str()))
            .one(&self.reader)
            .await
            .map_err(store_error)?;
        Ok(row.as_ref().map(from_row))
    }

    pub(super) async fn policy_of_key(&self, id: ApiKeyId) -> Result<Option<KeyPolicy>, StoreError> {
        let its = Query::select()
            .column(api_key::Column::EnvironmentId)
            .from(api_key::Entity)
            .and_where(api_key::Column::Id.eq(id.as_uuid()))
            .to_owned();
        let row = environment::Entity::find()
            .filter(environment::Column::Id.in_subquery(its))
            .one(&self.reader)
            .await
            .map_err(store_error)?;
        Ok(row.as_ref().map(from_row))
    }

    pub(super) async fn policy_in(&self, id: EnvironmentId) -> Result<Option<KeyPolicy>, StoreError> {
        let query = environment::Entity::find_by_id(id.as_uuid());
        Ok(query.one(&self.reader).await.map_err(store_error)?.as_ref().map(from_row))
    }
}

impl SeaUnitOfWork {
    pub(super) async fn set_policy(
        &mut self,
        team: TeamId,
        application: ApplicationId,
        environment: Environment,
        read: &KeyPolicy,
        policy: &KeyPolicy,
    ) -> Result<Consumed, StoreError> {
        let of_team = Query::select()
            .column(application::Column::Id)
            .from(application::Entity)
            .and_where(application::Column::Id.eq(application.as_uuid()))
            .and_where(application::Column::TeamId.eq(team.as_uuid()))
            .to_owned();
        let change = environment::ActiveModel {
            revoke_leaked: Set(policy.revoke_leaked),
            disable_idle_days: Set(policy.disable_idle_days.map(i64::from)),
            rotate_after_days: Set(policy.rotate_after_days.map(i64::from)),
            ..Default::default()
        };
        let still = |column: environment::Column, days: Option<u16>| match days {
            Some(days) => column.eq(i64::from(days)),
            None => column.is_null(),
        };
        let result = environment::Entity::update_many()
            .set(change)
            .filter(environment::Column::RevokeLeaked.eq(read.revoke_leaked))
            .filter(still(environment::Column::DisableIdleDays, read.disable_idle_days))
            .filter(still(environment::Column::RotateAfterDays, read.rotate_after_days))
            .filter(environment::Column::ApplicationId.in_subquery(of_team))
            .filter(environment::Column::Kind.eq(environment.as_str()))
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        Ok(consumed(result.rows_affected))
    }
}
