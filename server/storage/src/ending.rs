//! Ends of everything that an account or a team has.

use crate::{
    SeaUnitOfWork,
    convert::{micros, word},
    entity::{
        account, alert_rule, api_key, application, environment, invitation, linked_identity, mailed_link, notice,
        oauth_client, oauth_grant, webhook,
    },
    error::store_error,
    work::consumed,
};
use ::time::OffsetDateTime;
use async_trait::async_trait;
use latchkey_core::{
    alert::AlertsOf,
    port::{Change, Consumed, EndingWriter, StoreError, api_key::RevokedBecause},
};
use latchkey_model::{AccountId, AccountRole, TeamId};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, EntityTrait, ExprTrait, QueryFilter, QuerySelect,
    prelude::Uuid,
    sea_query::{Expr, Query},
};

/// Where nobody's address is (RFC 6761 section 6.4).
const NOWHERE: &str = "deleted.invalid";

impl SeaUnitOfWork {
    /// Ends the keys that this is true of.
    async fn end_keys(&self, which: Condition, by: AccountId, at: OffsetDateTime) -> Result<Vec<Change>, StoreError> {
        let which = which.add(api_key::Column::RevokedAt.is_null());
        let ids: Vec<String> = api_key::Entity::find()
            .select_only()
            .column(api_key::Column::PublicId)
            .filter(which.clone())
            .into_tuple()
            .all(&self.transaction)
            .await
            .map_err(store_error)?;
        let set = api_key::ActiveModel {
            revoked_at: Set(Some(micros(at))),
            revoked_by: Set(Some(by.as_uuid())),
            revoked_because: Set(Some(RevokedBecause::Asked.as_str().to_owned())),
            ..Default::default()
        };
        let update = api_key::Entity::update_many().set(set).filter(which);
        update.exec(&self.transaction).await.map_err(store_error)?;
        ids.iter().map(|id| Ok(Change::Key(word(id, "public id")?))).collect()
    }

    async fn end_clients(
        &self,
        which: Condition,
        by: AccountId,
        at: OffsetDateTime,
    ) -> Result<Vec<Change>, StoreError> {
        let which = which.add(oauth_client::Column::RevokedAt.is_null());
        let ids: Vec<String> = oauth_client::Entity::find()
            .select_only()
            .column(oauth_client::Column::ClientId)
            .filter(which.clone())
            .into_tuple()
            .all(&self.transaction)
            .await
            .map_err(store_error)?;
        let set = oauth_client::ActiveModel {
            revoked_at: Set(Some(micros(at))),
            revoked_by: Set(Some(by.as_uuid())),
            ..Default::default()
        };
        let update = oauth_client::Entity::update_many().set(set).filter(which);
        update.exec(&self.transaction).await.map_err(store_error)?;
        ids.iter().map(|id| Ok(Change::Client(word(id, "client id")?))).collect()
    }

    async fn end_grants(&self, account: AccountId, at: OffsetDateTime) -> Result<Vec<Change>, StoreError> {
        let which = Condition::all()
            .add(oauth_grant::Column::AccountId.eq(account.as_uuid()))
            .add(oauth_grant::Column::RevokedAt.is_null());
        let ids: Vec<Uuid> = oauth_grant::Entity::find()
            .select_only()
            .column(oauth_grant::Column::Id)
            .filter(which.clone())
            .into_tuple()
            .all(&self.transaction)
            .await
            .map_err(store_error)?;
        let set = oauth_grant::ActiveModel { revoked_at: Set(Some(micros(at))), ..Default::default() };
        let update = oauth_grant::Entity::update_many().set(set).filter(which);
        update.exec(&self.transaction).await.map_err(store_error)?;
        Ok(ids.into_iter().map(Change::Token).collect())
    }
}

#[async_trait]
impl EndingWriter for SeaUnitOfWork {
    async fn account_access_end(&mut self, account: AccountId, at: OffsetDateTime) -> Result<Vec<Change>, StoreError> {
        let own = Condition::all().add(api_key::Column::AccountId.eq(account.as_uuid()));
        let mut changes = self.end_keys(own, account, at).await?;
        changes.extend(self.end_grants(account, at).await?);
        linked_identity::Entity::delete_many()
            .filter(linked_identity::Column::AccountId.eq(account.as_uuid()))
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        Ok(changes)
    }

    async fn team_access_end(
        &mut self,
        team: TeamId,
        by: AccountId,
        at: OffsetDateTime,
    ) -> Result<Vec<Change>, StoreError> {
        let environments = Query::select()
            .column((environment::Entity, environment::Column::Id))
            .from(environment::Entity)
            .inner_join(
                application::Entity,
                Expr::col((application::Entity, application::Column::Id))
                    .equals((environment::Entity, environment::Column::ApplicationId)),
            )
            .and_where(application::Column::TeamId.eq(team.as_uuid()))
            .to_owned();
        let keys = Condition::all().add(api_key::Column::EnvironmentId.in_subquery(environments.clone()));
        let mut changes = self.end_keys(keys, by, at).await?;
        let clients = Condition::all().add(oauth_client::Column::EnvironmentId.in_subquery(environments));
        changes.extend(self.end_clients(clients, by, at).await?);
        invitation::Entity::update_many()
            .set(invitation::ActiveModel { ended_at: Set(Some(micros(at))), ..Default::default() })
            .filter(invitation::Column::TeamId.eq(team.as_uuid()))
            .filter(invitation::Column::EndedAt.is_null())
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        // With what is due to them: nobody is left who could switch them off.
        let tenant = AlertsOf::Team(team).to_string();
        let webhooks = webhook::Entity::update_many()
            .set(webhook::ActiveModel { removed_at: Set(Some(micros(at))), ..Default::default() })
            .filter(webhook::Column::Tenant.eq(&tenant))
            .filter(webhook::Column::RemovedAt.is_null());
        webhooks.exec(&self.transaction).await.map_err(store_error)?;
        let rules = alert_rule::Entity::delete_many().filter(alert_rule::Column::Tenant.eq(&tenant));
        rules.exec(&self.transaction).await.map_err(store_error)?;
        Ok(changes)
    }

    async fn account_delete(&mut self, account: AccountId, at: OffsetDateTime) -> Result<Consumed, StoreError> {
        mailed_link::Entity::delete_many()
            .filter(mailed_link::Column::AccountId.eq(account.as_uuid()))
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        notice::Entity::delete_many()
            .filter(notice::Column::AccountId.eq(account.as_uuid()))
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        let email = format!("{account}@{NOWHERE}");
        let set = account::ActiveModel {
            email: Set(email.clone()),
            email_canonical: Set(email),
            name: Set("Deleted account".to_owned()),
            role: Set(AccountRole::Developer.as_str().to_owned()),
            // No password has this as its digest.
            password_hash: Set(String::new()),
            email_verified_at: Set(None),
            programs_may_use_password: Set(false),
            deleted_at: Set(Some(micros(at))),
            ..Default::default()
        };
        let update = account::Entity::update_many()
            .set(set)
            .filter(account::Column::Id.eq(account.as_uuid()))
            .filter(account::Column::DeletedAt.is_null());
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }
}
