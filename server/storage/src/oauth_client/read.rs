//! Questions about clients.

use super::row::{Row, clients_with_surroundings, opaque, secret_from_row};
use crate::{
    SeaStore,
    convert::{micros, time},
    entity::{application, client_logo, client_secret, environment, oauth_client, opaque_token, revoked_token},
    error::store_error,
    team::teams_of,
};
use ::time::OffsetDateTime;
use async_trait::async_trait;
use latchkey_core::{
    api_key::format::PublicId,
    oauth_client::{ClientAuthMethod, ClientId, ClientKind, LogoDigest},
    port::{
        OauthClientReader, StoreError,
        oauth_client::{ClientSecret, OauthClient, OpaqueToken, StoredClient},
    },
};
use latchkey_model::{AccountId, ApplicationId, Environment, OauthClientId};
use sea_orm::{
    ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    prelude::Uuid,
    sea_query::{NullOrdering, Order, Query},
};

/// More clients than this in one environment are not listed on one page.
const LISTED_AT_MOST: u64 = 500;

/// A client by its row's id, for whoever has that from another row.
pub(crate) async fn client_by_id(connection: &DatabaseConnection, id: Uuid) -> Result<Option<OauthClient>, StoreError> {
    let query = clients_with_surroundings().filter(oauth_client::Column::Id.eq(id)).into_model::<Row>();
    query.one(connection).await.map_err(store_error)?.map(OauthClient::try_from).transpose()
}

impl SeaStore {
    pub(crate) async fn clients(&self, query: Select<oauth_client::Entity>) -> Result<Vec<OauthClient>, StoreError> {
        let rows = query.into_model::<Row>().all(&self.reader).await.map_err(store_error)?;
        rows.into_iter().map(OauthClient::try_from).collect()
    }

    async fn secrets_of(&self, client: Uuid) -> Result<Vec<(ClientSecret, [u8; 32])>, StoreError> {
        client_secret::Entity::find()
            .filter(client_secret::Column::OauthClientId.eq(client))
            .order_by_desc(client_secret::Column::CreatedAt)
            .order_by_desc(client_secret::Column::Id)
            .all(&self.reader)
            .await
            .map_err(store_error)?
            .into_iter()
            .map(secret_from_row)
            .collect()
    }
}

#[async_trait]
impl OauthClientReader for SeaStore {
    async fn oauth_clients(
        &self,
        account: AccountId,
        application: ApplicationId,
        environment: Environment,
        kind: ClientKind,
    ) -> Result<Vec<OauthClient>, StoreError> {
        clients_with_surroundings()
            .filter(application::Column::TeamId.in_subquery(teams_of(account)))
            .filter(environment::Column::ApplicationId.eq(application.as_uuid()))
            .filter(environment::Column::Kind.eq(environment.as_str()))
            .filter(oauth_client::Column::Kind.eq(kind.as_str()))
            .order_by_with_nulls(oauth_client::Column::RevokedAt, Order::Desc, NullOrdering::First)
            .order_by_desc(oauth_client::Column::CreatedAt)
            .limit(LISTED_AT_MOST)
            .into_model::<Row>()
            .all(&self.reader)
            .await
            .map_err(store_error)?
            .into_iter()
            .map(OauthClient::try_from)
            .collect()
    }

    async fn oauth_client(&self, account: AccountId, id: OauthClientId) -> Result<Option<OauthClient>, StoreError> {
        clients_with_surroundings()
            .filter(application::Column::TeamId.in_subquery(teams_of(account)))
            .filter(oauth_client::Column::Id.eq(id.as_uuid()))
            .into_model::<Row>()
            .one(&self.reader)
            .await
            .map_err(store_error)?
            .map(OauthClient::try_from)
            .transpose()
    }

    async fn client_secrets(&self, client: OauthClientId) -> Result<Vec<ClientSecret>, StoreError> {
        Ok(self.secrets_of(client.as_uuid()).await?.into_iter().map(|(secret, _)| secret).collect())
    }

    async fn client_secret(
        &self,
        public_id: PublicId,
    ) -> Result<Option<(OauthClientId, ClientSecret, [u8; 32])>, StoreError> {
        let query = client_secret::Entity::find().filter(client_secret::Column::PublicId.eq(public_id.as_str()));
        let Some(row) = query.one(&self.reader).await.map_err(store_error)? else { return Ok(None) };
        let client = OauthClientId::from_uuid(row.oauth_client_id);
        let (secret, digest) = secret_from_row(row)?;
        Ok(Some((client, secret, digest)))
    }

    async fn oauth_client_for_token(&self, client_id: &ClientId) -> Result<Option<StoredClient>, StoreError> {
        let found = clients_with_surroundings()
            .filter(oauth_client::Column::ClientId.eq(client_id.as_str()))
            .into_model::<Row>()
            .one(&self.reader)
            .await
            .map_err(store_error)?;
        let Some(row) = found else { return Ok(None) };
        let secrets = self.secrets_of(row.id).await?;
        Ok(Some(StoredClient { client: row.try_into()?, secrets }))
    }

    async fn machines_with_certificates(&self) -> Result<Vec<OauthClient>, StoreError> {
        let methods = [ClientAuthMethod::Tls, ClientAuthMethod::SelfSignedTls].map(ClientAuthMethod::as_str);
        let found = clients_with_surroundings()
            .filter(oauth_client::Column::Kind.eq(ClientKind::ServiceAccount.as_str()))
            .filter(oauth_client::Column::RevokedAt.is_null())
            .filter(oauth_client::Column::AuthMethod.is_in(methods))
            .into_model::<Row>()
            .all(&self.reader)
            .await
            .map_err(store_error)?;
        found.into_iter().map(TryInto::try_into).collect()
    }

    async fn opaque_token(&self, public_id: PublicId) -> Result<Option<OpaqueToken>, StoreError> {
        let query = opaque_token::Entity::find().filter(opaque_token::Column::PublicId.eq(public_id.as_str()));
        query.one(&self.reader).await.map_err(store_error)?.as_ref().map(opaque).transpose()
    }

    async fn opaque_tokens(
        &self,
        client: OauthClientId,
        now: OffsetDateTime,
        at_most: u64,
    ) -> Result<Vec<OpaqueToken>, StoreError> {
        let revoked = Query::select().column(revoked_token::Column::Id).from(revoked_token::Entity).to_owned();
        let query = opaque_token::Entity::find()
            .filter(opaque_token::Column::OauthClientId.eq(client.as_uuid()))
            .filter(opaque_token::Column::ExpiresAt.gt(micros(now)))
            .filter(opaque_token::Column::Id.not_in_subquery(revoked))
            .order_by_desc(opaque_token::Column::Id)
            .limit(at_most);
        query.all(&self.reader).await.map_err(store_error)?.iter().map(opaque).collect()
    }

    async fn clients_for_people(&self) -> Result<Vec<OauthClient>, StoreError> {
        let verified_at = oauth_client::Column::VerifiedAt;
        let mut clients = Vec::new();
        // Each list to its own end: however many are new, those that were verified can be looked at again.
        for of_these in [verified_at.is_null(), verified_at.is_not_null()] {
            let query = clients_with_surroundings()
                .filter(oauth_client::Column::Kind.eq(ClientKind::ThirdParty.as_str()))
                .filter(oauth_client::Column::RevokedAt.is_null())
                .filter(of_these)
                .order_by_desc(verified_at)
                .order_by_desc(oauth_client::Column::CreatedAt)
                .limit(LISTED_AT_MOST)
                .into_model::<Row>();
            clients.extend(query.all(&self.reader).await.map_err(store_error)?);
        }
        clients.into_iter().map(OauthClient::try_from).collect()
    }

    async fn client_for_people(&self, id: OauthClientId) -> Result<Option<OauthClient>, StoreError> {
        let found = client_by_id(&self.reader, id.as_uuid()).await?;
        Ok(found.filter(|client| client.kind == ClientKind::ThirdParty && client.revoked_at.is_none()))
    }

    async fn client_logo(&self, client_id: &ClientId, digest: &LogoDigest) -> Result<Option<Vec<u8>>, StoreError> {
        let client = Query::select()
            .column(oauth_client::Column::Id)
            .from(oauth_client::Entity)
            .and_where(oauth_client::Column::ClientId.eq(client_id.as_str()))
            .to_owned();
        let query = client_logo::Entity::find()
            .filter(client_logo::Column::OauthClientId.in_subquery(client))
            .filter(client_logo::Column::Digest.eq(digest.to_string()));
        Ok(query.one(&self.reader).await.map_err(store_error)?.map(|row| row.png))
    }

    async fn token_revoked_at(&self, id: Uuid) -> Result<Option<OffsetDateTime>, StoreError> {
        let found = revoked_token::Entity::find_by_id(id).one(&self.reader).await.map_err(store_error)?;
        Ok(found.map(|row| time(row.revoked_at)).transpose()?)
    }
}
