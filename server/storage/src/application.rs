//! Applications and their environments.

use crate::{
    SeaStore, SeaUnitOfWork,
    api_key::works_at,
    convert::{count, micros, time, word},
    entity::{api_key, application, environment, membership, team},
    error::{Corrupt, store_error},
    suspension::suspended,
    work::inserted,
};
use ::time::OffsetDateTime;
use async_trait::async_trait;
use latchkey_core::port::{
    ApplicationReader, ApplicationWriter, Inserted, StoreError,
    application::{Application, MemberApplication},
    suspension::Suspendable,
};
use latchkey_model::{AccountId, ApplicationId, Environment, EnvironmentId, TeamId};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, FromQueryResult, JoinType, QueryFilter, QueryOrder, QuerySelect,
    RelationTrait, prelude::Uuid, sea_query::OnConflict,
};
use std::collections::HashMap;

/// An application with its team, as one query gives them.
#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    team_id: Uuid,
    name: String,
    created_at: i64,
    suspended_at: Option<i64>,
    suspended_because: Option<String>,
    team_name: String,
    role: String,
}

/// One environment of an application.
#[derive(FromQueryResult)]
struct EnvironmentRow {
    id: Uuid,
    application_id: Uuid,
    kind: String,
}

#[derive(FromQueryResult)]
struct LiveKeys {
    application_id: Uuid,
    kind: String,
    live: i64,
}

impl SeaStore {
    async fn member_applications(
        &self,
        account: AccountId,
        only: Option<ApplicationId>,
        now: OffsetDateTime,
    ) -> Result<Vec<MemberApplication>, StoreError> {
        let mut query = application::Entity::find()
            .join(JoinType::InnerJoin, application::Relation::Team.def())
            .join(JoinType::InnerJoin, membership::Relation::Team.def().rev())
            .filter(membership::Column::AccountId.eq(account.as_uuid()))
            .order_by_asc(application::Column::NameFolded)
            .column_as(team::Column::Name, "team_name")
            .column_as(membership::Column::Role, "role");
        if let Some(id) = only {
            query = query.filter(application::Column::Id.eq(id.as_uuid()));
        }
        let rows = query.into_model::<Row>().all(&self.reader).await.map_err(store_error)?;
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        let live = self.live_keys(&ids, now).await?;
        let environments = self.environments(&ids).await?;
        rows.into_iter()
            .map(|row| {
                let environment = |kind: Environment| {
                    let found = environments.get(&(row.id, kind.as_str().to_owned())).copied();
                    found.map(EnvironmentId::from_uuid).ok_or(Corrupt { what: "application's environment" })
                };
                Ok(MemberApplication {
                    environments: [
                        environment(Environment::Development)?,
                        environment(Environment::Staging)?,
                        environment(Environment::Production)?,
                    ],
                    live_keys: Environment::ALL
                        .map(|kind| live.get(&(row.id, kind.as_str().to_owned())).copied().unwrap_or(0)),
                    application: Application {
                        id: ApplicationId::from_uuid(row.id),
                        team_id: TeamId::from_uuid(row.team_id),
                        name: word(&row.name, "name")?,
                        created_at: time(row.created_at)?,
                        suspended: suspended(
                            Suspendable::Application,
                            row.suspended_at,
                            row.suspended_because.as_deref(),
                        )?
                        .map(Box::new),
                    },
                    team_name: word(&row.team_name, "name")?,
                    role: word(&row.role, "role")?,
                })
            })
            .collect()
    }

    /// The environments of these applications.
    async fn environments(&self, applications: &[Uuid]) -> Result<HashMap<(Uuid, String), Uuid>, StoreError> {
        let rows = environment::Entity::find()
            .filter(environment::Column::ApplicationId.is_in(applications.iter().copied()))
            .into_model::<EnvironmentRow>()
            .all(&self.reader)
            .await
            .map_err(store_error)?;
        Ok(rows.into_iter().map(|row| ((row.application_id, row.kind), row.id)).collect())
    }

    /// How many keys are live in each environment of these applications.
    async fn live_keys(
        &self,
        applications: &[Uuid],
        now: OffsetDateTime,
    ) -> Result<HashMap<(Uuid, String), u64>, StoreError> {
        let rows = api_key::Entity::find()
            .select_only()
            .join(JoinType::InnerJoin, api_key::Relation::Environment.def())
            .column(environment::Column::ApplicationId)
            .column(environment::Column::Kind)
            .column_as(api_key::Column::Id.count(), "live")
            .filter(environment::Column::ApplicationId.is_in(applications.iter().copied()))
            .filter(works_at(now))
            .group_by(environment::Column::ApplicationId)
            .group_by(environment::Column::Kind)
            .into_model::<LiveKeys>()
            .all(&self.reader)
            .await
            .map_err(store_error)?;
        Ok(rows.into_iter().map(|row| ((row.application_id, row.kind), count(row.live))).collect())
    }
}

#[async_trait]
impl ApplicationReader for SeaStore {
    async fn applications(
        &self,
        account: AccountId,
        now: OffsetDateTime,
    ) -> Result<Vec<MemberApplication>, StoreError> {
        self.member_applications(account, None, now).await
    }

    async fn application(
        &self,
        account: AccountId,
        id: ApplicationId,
        now: OffsetDateTime,
    ) -> Result<Option<MemberApplication>, StoreError> {
        Ok(self.member_applications(account, Some(id), now).await?.pop())
    }
}

#[async_trait]
impl ApplicationWriter for SeaUnitOfWork {
    async fn application_add(
        &mut self,
        application: &Application,
        environments: [(EnvironmentId, Environment); 3],
    ) -> Result<Inserted, StoreError> {
        let row = application::ActiveModel {
            id: Set(application.id.as_uuid()),
            team_id: Set(application.team_id.as_uuid()),
            name: Set(application.name.as_str().to_owned()),
            name_folded: Set(application.name.as_str().to_lowercase()),
            created_at: Set(micros(application.created_at)),
            ..Default::default()
        };
        let insert = application::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        let done = inserted(insert.exec_without_returning(&self.transaction).await)?;
        if done == Inserted::Done {
            let rows = environments.map(|(id, kind)| environment::ActiveModel {
                id: Set(id.as_uuid()),
                application_id: Set(application.id.as_uuid()),
                kind: Set(kind.as_str().to_owned()),
                // A key that is found elsewhere is most dangerous where real data is.
                revoke_leaked: Set(kind == Environment::Production),
                ..Default::default()
            });
            environment::Entity::insert_many(rows)
                .exec_without_returning(&self.transaction)
                .await
                .map_err(store_error)?;
        }
        Ok(done)
    }
}
