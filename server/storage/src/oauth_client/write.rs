//! Changes to clients.

use super::row::{Row, clients_with_surroundings, settings_of};
use crate::{
    SeaUnitOfWork,
    convert::micros,
    entity::{
        application, client_logo, client_secret, environment, oauth_client, opaque_token, revoked_token, used_name,
    },
    error::store_error,
    work::{consumed, inserted},
};
use ::time::OffsetDateTime;
use async_trait::async_trait;
use latchkey_core::{
    oauth_client::Logo,
    port::{
        Consumed, Inserted, OauthClientWriter, StoreError,
        oauth_client::{ClientSettings, NewClientSecret, NewOauthClient, OauthClient, OpaqueToken, RevokedToken},
    },
};
use latchkey_model::{AccountId, ClientSecretId, OauthClientId, TeamId};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, UpdateMany,
    sea_query::{Condition, Expr, ExprTrait, LockType, OnConflict, Query},
};

/// The change of a client of this team that is not ended.
fn change(team: TeamId, id: OauthClientId, set: oauth_client::ActiveModel) -> UpdateMany<oauth_client::Entity> {
    let environments = Query::select()
        .column((environment::Entity, environment::Column::Id))
        .from(environment::Entity)
        .inner_join(
            application::Entity,
            Expr::col((environment::Entity, environment::Column::ApplicationId))
                .equals((application::Entity, application::Column::Id)),
        )
        .and_where(application::Column::TeamId.eq(team.as_uuid()))
        .to_owned();
    oauth_client::Entity::update_many()
        .set(set)
        .filter(oauth_client::Column::Id.eq(id.as_uuid()))
        .filter(oauth_client::Column::RevokedAt.is_null())
        .filter(oauth_client::Column::EnvironmentId.in_subquery(environments))
}

#[async_trait]
impl OauthClientWriter for SeaUnitOfWork {
    async fn oauth_client_add(&mut self, client: &NewOauthClient) -> Result<Inserted, StoreError> {
        let row = oauth_client::ActiveModel {
            id: Set(client.id.as_uuid()),
            client_id: Set(client.client_id.as_str().to_owned()),
            kind: Set(client.kind.as_str().to_owned()),
            environment_id: Set(client.environment_id.as_uuid()),
            created_by: Set(client.created_by.as_uuid()),
            created_at: Set(micros(client.created_at)),
            form_id: Set(client.form_id),
            ..settings_of(&client.settings)
        };
        let insert = oauth_client::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        inserted(insert.exec_without_returning(&self.transaction).await)
    }

    async fn oauth_client_update(
        &mut self,
        team: TeamId,
        id: OauthClientId,
        read: Option<&ClientSettings>,
        settings: &ClientSettings,
    ) -> Result<Consumed, StoreError> {
        if let Some(read) = read {
            // Compared behind the client's own row, which this takes as an update does.
            let held = oauth_client::Entity::find_by_id(id.as_uuid()).lock(LockType::NoKeyUpdate);
            held.one(&self.transaction).await.map_err(store_error)?;
            let there = clients_with_surroundings().filter(oauth_client::Column::Id.eq(id.as_uuid()));
            let there = there.into_model::<Row>().one(&self.transaction).await.map_err(store_error)?;
            let there = there.map(OauthClient::try_from).transpose()?;
            if there.is_none_or(|client| client.settings != *read) {
                return Ok(Consumed::Lost);
            }
        }
        // What an admin said was said of this name and these addresses.
        let same = Condition::all()
            .add(oauth_client::Column::Name.eq(settings.name.as_str()))
            .add(oauth_client::Column::RedirectUris.eq(settings.redirect_uris.to_string()));
        let verified = Expr::case(same, Expr::col(oauth_client::Column::VerifiedAt)).finally(Option::<i64>::None);
        let update =
            change(team, id, settings_of(settings)).col_expr(oauth_client::Column::VerifiedAt, verified.into());
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn oauth_client_verify(
        &mut self,
        client: &OauthClient,
        at: Option<OffsetDateTime>,
    ) -> Result<Consumed, StoreError> {
        let logo = client.logo.as_ref().map(ToString::to_string);
        let same_logo = match logo {
            Some(logo) => oauth_client::Column::Logo.eq(logo),
            None => oauth_client::Column::Logo.is_null(),
        };
        let update = oauth_client::Entity::update_many()
            .set(oauth_client::ActiveModel { verified_at: Set(at.map(micros)), ..Default::default() })
            .filter(oauth_client::Column::Id.eq(client.id.as_uuid()))
            .filter(oauth_client::Column::RevokedAt.is_null())
            .filter(oauth_client::Column::Name.eq(client.settings.name.as_str()))
            .filter(oauth_client::Column::RedirectUris.eq(client.settings.redirect_uris.to_string()))
            .filter(same_logo);
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn client_logo_set(
        &mut self,
        team: TeamId,
        id: OauthClientId,
        logo: Option<&Logo>,
    ) -> Result<Consumed, StoreError> {
        let set = oauth_client::ActiveModel {
            logo: Set(logo.map(|logo| logo.digest().to_string())),
            verified_at: Set(None),
            ..Default::default()
        };
        let update = change(team, id, set).exec(&self.transaction).await.map_err(store_error)?;
        if consumed(update.rows_affected) == Consumed::Lost {
            return Ok(Consumed::Lost);
        }
        client_logo::Entity::delete_by_id(id.as_uuid()).exec(&self.transaction).await.map_err(store_error)?;
        if let Some(logo) = logo {
            let row = client_logo::ActiveModel {
                oauth_client_id: Set(id.as_uuid()),
                digest: Set(logo.digest().to_string()),
                png: Set(logo.png().to_vec()),
            };
            let insert = client_logo::Entity::insert(row);
            insert.exec_without_returning(&self.transaction).await.map_err(store_error)?;
        }
        Ok(Consumed::Won)
    }

    async fn client_tokens_end(
        &mut self,
        team: TeamId,
        id: OauthClientId,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError> {
        let set = oauth_client::ActiveModel { tokens_ended_at: Set(Some(micros(at))), ..Default::default() };
        let update = change(team, id, set);
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn oauth_client_revoke(
        &mut self,
        team: TeamId,
        id: OauthClientId,
        by: AccountId,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError> {
        let set = oauth_client::ActiveModel {
            revoked_at: Set(Some(micros(at))),
            revoked_by: Set(Some(by.as_uuid())),
            ..Default::default()
        };
        let update = change(team, id, set);
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn client_secret_add(&mut self, secret: &NewClientSecret, live_at_most: u64) -> Result<Inserted, StoreError> {
        // Counted behind the client's own row, which this takes: two forms at once do not both find room.
        let taken = oauth_client::Entity::update_many()
            .col_expr(oauth_client::Column::Kind, Expr::col(oauth_client::Column::Kind))
            .filter(oauth_client::Column::Id.eq(secret.client.as_uuid()))
            .filter(oauth_client::Column::RevokedAt.is_null())
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        let live = client_secret::Entity::find()
            .filter(client_secret::Column::OauthClientId.eq(secret.client.as_uuid()))
            .filter(client_secret::Column::RevokedAt.is_null())
            .count(&self.transaction)
            .await
            .map_err(store_error)?;
        if taken.rows_affected != 1 || live >= live_at_most {
            return Ok(Inserted::Duplicate);
        }
        let row = client_secret::ActiveModel {
            id: Set(secret.id.as_uuid()),
            oauth_client_id: Set(secret.client.as_uuid()),
            public_id: Set(secret.public_id.as_str().to_owned()),
            last_four: Set(secret.last_four.clone()),
            digest: Set(secret.digest.to_vec()),
            created_by: Set(secret.created_by.as_uuid()),
            created_at: Set(micros(secret.created_at)),
            form_id: Set(secret.form_id),
            ..Default::default()
        };
        let insert = client_secret::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        inserted(insert.exec_without_returning(&self.transaction).await)
    }

    async fn client_secret_revoke(
        &mut self,
        client: OauthClientId,
        id: ClientSecretId,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError> {
        let update = client_secret::Entity::update_many()
            .set(client_secret::ActiveModel { revoked_at: Set(Some(micros(at))), ..Default::default() })
            .filter(client_secret::Column::Id.eq(id.as_uuid()))
            .filter(client_secret::Column::OauthClientId.eq(client.as_uuid()))
            .filter(client_secret::Column::RevokedAt.is_null());
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn client_secret_leaked(&mut self, id: ClientSecretId, at: OffsetDateTime) -> Result<Consumed, StoreError> {
        let update = client_secret::Entity::update_many()
            .set(client_secret::ActiveModel { leaked_at: Set(Some(micros(at))), ..Default::default() })
            .filter(client_secret::Column::Id.eq(id.as_uuid()))
            .filter(client_secret::Column::RevokedAt.is_null())
            .filter(client_secret::Column::LeakedAt.is_null());
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn token_revoke(&mut self, token: &RevokedToken) -> Result<Inserted, StoreError> {
        let row = revoked_token::ActiveModel {
            id: Set(token.id),
            oauth_client_id: Set(token.client.as_uuid()),
            revoked_at: Set(micros(token.revoked_at)),
            expires_at: Set(micros(token.expires_at)),
        };
        let insert = revoked_token::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        inserted(insert.exec_without_returning(&self.transaction).await)
    }

    async fn opaque_token_add(&mut self, token: &OpaqueToken) -> Result<Inserted, StoreError> {
        let claims = serde_json::to_string(&token.claims).map_err(|error| StoreError::Internal(Box::new(error)))?;
        let row = opaque_token::ActiveModel {
            id: Set(token.claims.jti),
            public_id: Set(token.public_id.as_str().to_owned()),
            digest: Set(token.digest.to_vec()),
            oauth_client_id: Set(token.client.as_uuid()),
            claims: Set(claims),
            expires_at: Set(token.claims.exp.saturating_mul(1_000_000)),
        };
        let insert = opaque_token::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        inserted(insert.exec_without_returning(&self.transaction).await)
    }

    async fn used_name_add(&mut self, name: &[u8; 32], ends_at: OffsetDateTime) -> Result<Inserted, StoreError> {
        let row = used_name::ActiveModel { name: Set(name.to_vec()), expires_at: Set(micros(ends_at)) };
        let insert = used_name::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        inserted(insert.exec_without_returning(&self.transaction).await)
    }
}
