//! Environments in which apps may register themselves, and the apps that did.

use crate::{
    SeaStore, SeaUnitOfWork,
    convert::{digest, micros, time, word},
    entity::{application, environment, registered_client, registration},
    error::store_error,
    team::teams_of,
    work::{consumed, inserted},
};
use async_trait::async_trait;
use latchkey_core::{
    api_key::format::PublicId,
    oauth_client::RegistrationPolicy,
    port::{
        Consumed, Inserted, RegistrationReader, RegistrationWriter, StoreError,
        alert::WatchedEnvironment,
        registration::{Registration, RegistrationToken},
    },
};
use latchkey_model::{AccountId, ApplicationId, Environment, EnvironmentId, OauthClientId, TeamId};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, JoinType, QueryFilter, QuerySelect, RelationTrait,
    sea_query::OnConflict,
};
use uuid::Uuid;

fn from_row(row: &registration::Model) -> Result<Registration, StoreError> {
    let token = match (&row.public_id, &row.digest) {
        (Some(public_id), Some(bytes)) => {
            Some(RegistrationToken { public_id: word(public_id, "public id")?, digest: digest(bytes)? })
        }
        _ => None,
    };
    Ok(Registration {
        environment_id: EnvironmentId::from_uuid(row.environment_id),
        policy: word(&row.policy, "policy of registration")?,
        decided_by: AccountId::from_uuid(row.decided_by),
        decided_at: time(row.decided_at)?,
        token,
    })
}

#[async_trait]
impl RegistrationReader for SeaStore {
    async fn registration(
        &self,
        account: AccountId,
        application: ApplicationId,
        kind: Environment,
    ) -> Result<Option<Registration>, StoreError> {
        let found = environment::Entity::find()
            .join(JoinType::InnerJoin, environment::Relation::Application.def())
            .filter(application::Column::TeamId.in_subquery(teams_of(account)))
            .filter(environment::Column::ApplicationId.eq(application.as_uuid()))
            .filter(environment::Column::Kind.eq(kind.as_str()))
            .one(&self.reader)
            .await
            .map_err(store_error)?;
        let Some(environment) = found else { return Ok(None) };
        let row = registration::Entity::find_by_id(environment.id).one(&self.reader).await.map_err(store_error)?;
        row.as_ref().map(from_row).transpose()
    }

    async fn registration_by_token(&self, public_id: PublicId) -> Result<Option<Registration>, StoreError> {
        let query = registration::Entity::find().filter(registration::Column::PublicId.eq(public_id.as_str()));
        query.one(&self.reader).await.map_err(store_error)?.as_ref().map(from_row).transpose()
    }

    async fn open_registration(&self) -> Result<Option<Registration>, StoreError> {
        let open = RegistrationPolicy::Open.as_str();
        let query = registration::Entity::find().filter(registration::Column::Policy.eq(open));
        query.one(&self.reader).await.map_err(store_error)?.as_ref().map(from_row).transpose()
    }

    async fn team_of_environment(&self, id: EnvironmentId) -> Result<Option<(TeamId, Environment)>, StoreError> {
        let found = environment::Entity::find_by_id(id.as_uuid())
            .join(JoinType::InnerJoin, environment::Relation::Application.def())
            .select_only()
            .column(application::Column::TeamId)
            .column(environment::Column::Kind)
            .into_tuple::<(Uuid, String)>()
            .one(&self.reader)
            .await
            .map_err(store_error)?;
        found.map(|(team, kind)| Ok((TeamId::from_uuid(team), word(&kind, "environment")?))).transpose()
    }

    async fn home_of_registration(&self, id: EnvironmentId) -> Result<Option<WatchedEnvironment>, StoreError> {
        self.watched_environment(id.as_uuid()).await
    }

    async fn registered_client_by_token(
        &self,
        public_id: PublicId,
    ) -> Result<Option<(OauthClientId, RegistrationToken)>, StoreError> {
        let query =
            registered_client::Entity::find().filter(registered_client::Column::PublicId.eq(public_id.as_str()));
        let Some(row) = query.one(&self.reader).await.map_err(store_error)? else { return Ok(None) };
        let client = OauthClientId::from_uuid(row.oauth_client_id);
        Ok(Some((client, RegistrationToken { public_id, digest: digest(&row.digest)? })))
    }

    async fn registered_client(&self, client: OauthClientId) -> Result<Option<RegistrationToken>, StoreError> {
        let query = registered_client::Entity::find_by_id(client.as_uuid());
        let Some(row) = query.one(&self.reader).await.map_err(store_error)? else { return Ok(None) };
        Ok(Some(RegistrationToken { public_id: word(&row.public_id, "public id")?, digest: digest(&row.digest)? }))
    }
}

#[async_trait]
impl RegistrationWriter for SeaUnitOfWork {
    async fn registration_set(&mut self, decided: &Registration) -> Result<(), StoreError> {
        if decided.policy == RegistrationPolicy::Open {
            let closed = RegistrationPolicy::Closed.as_str().to_owned();
            registration::Entity::update_many()
                .set(registration::ActiveModel { policy: Set(closed), ..Default::default() })
                .filter(registration::Column::Policy.eq(RegistrationPolicy::Open.as_str()))
                .exec(&self.transaction)
                .await
                .map_err(store_error)?;
        }
        let row = registration::ActiveModel {
            environment_id: Set(decided.environment_id.as_uuid()),
            policy: Set(decided.policy.as_str().to_owned()),
            decided_by: Set(decided.decided_by.as_uuid()),
            decided_at: Set(micros(decided.decided_at)),
            public_id: Set(decided.token.map(|token| token.public_id.as_str().to_owned())),
            digest: Set(decided.token.map(|token| token.digest.to_vec())),
        };
        let replace = OnConflict::column(registration::Column::EnvironmentId)
            .update_columns([
                registration::Column::Policy,
                registration::Column::DecidedBy,
                registration::Column::DecidedAt,
                registration::Column::PublicId,
                registration::Column::Digest,
            ])
            .to_owned();
        let insert = registration::Entity::insert(row).on_conflict(replace);
        insert.exec_without_returning(&self.transaction).await.map_err(store_error)?;
        Ok(())
    }

    async fn registration_token_end(
        &mut self,
        environment: EnvironmentId,
        token: PublicId,
    ) -> Result<Consumed, StoreError> {
        let update = registration::Entity::update_many()
            .set(registration::ActiveModel { public_id: Set(None), digest: Set(None), ..Default::default() })
            .filter(registration::Column::EnvironmentId.eq(environment.as_uuid()))
            .filter(registration::Column::PublicId.eq(token.as_str()));
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn registered_client_add(
        &mut self,
        client: OauthClientId,
        token: &RegistrationToken,
    ) -> Result<Inserted, StoreError> {
        let row = registered_client::ActiveModel {
            oauth_client_id: Set(client.as_uuid()),
            public_id: Set(token.public_id.as_str().to_owned()),
            digest: Set(token.digest.to_vec()),
        };
        let insert = registered_client::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        inserted(insert.exec_without_returning(&self.transaction).await)
    }

    async fn registered_client_remove(&mut self, client: OauthClientId) -> Result<Consumed, StoreError> {
        let delete = registered_client::Entity::delete_by_id(client.as_uuid());
        Ok(consumed(delete.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }
}
