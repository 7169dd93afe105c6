//! OAuth clients and service accounts, their secrets, and tokens that were revoked before their end.

use crate::{
    SeaStore, SeaUnitOfWork,
    api_key::teams_of,
    convert::{digest, micros, time, word},
    entity::{
        account, application, client_logo, client_secret, environment, oauth_client, opaque_token, revoked_token,
        used_name,
    },
    error::store_error,
    work::{consumed, inserted},
};
use ::time::{Duration, OffsetDateTime};
use async_trait::async_trait;
use latchkey_core::{
    api_key::format::PublicId,
    oauth_client::{ClientId, ClientKind, Logo, LogoDigest},
    port::{
        Consumed, Inserted, OauthClientReader, OauthClientWriter, StoreError,
        api_key::KeyOwner,
        oauth_client::{
            ClientSecret, ClientSettings, NewClientSecret, NewOauthClient, OauthClient, OpaqueToken, RevokedToken,
            StoredClient,
        },
    },
};
use latchkey_model::{AccountId, ApplicationId, ClientSecretId, Environment, EnvironmentId, OauthClientId, TeamId};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, DatabaseConnection, EntityTrait, FromQueryResult, JoinType, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, RelationTrait, Select, UpdateMany,
    prelude::Uuid,
    sea_query::{Condition, Expr, ExprTrait, NullOrdering, OnConflict, Order, Query},
};

/// More clients than this in one environment are not listed on one page.
const LISTED_AT_MOST: u64 = 500;

/// A client with what surrounds it, as one query gives them.
#[derive(FromQueryResult)]
#[expect(clippy::struct_excessive_bools, reason = "each is a box that a person ticks")]
struct Row {
    id: Uuid,
    client_id: String,
    kind: String,
    environment_id: Uuid,
    environment: String,
    application_id: Uuid,
    application_name: String,
    team_id: Uuid,
    name: String,
    auth_method: String,
    grants: String,
    redirect_uris: String,
    scopes: String,
    signing_algorithm: String,
    access_token_seconds: i64,
    created_by: Uuid,
    created_by_name: Option<String>,
    created_at: i64,
    revoked_at: Option<i64>,
    verified_at: Option<i64>,
    logo: Option<String>,
    tokens_ended_at: Option<i64>,
    last_used_at: Option<i64>,
    last_used_from: Option<String>,
    token_form: String,
    subject_type: String,
    keys: Option<String>,
    certificate_subject: Option<String>,
    dpop_required: bool,
    certificate_bound: bool,
    pushed_only: bool,
    pkce_required: bool,
    high_security: bool,
    post_logout_redirect_uris: String,
    backchannel_logout_uri: Option<String>,
}

impl TryFrom<Row> for OauthClient {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: OauthClientId::from_uuid(row.id),
            client_id: word(&row.client_id, "client id")?,
            kind: word(&row.kind, "kind of client")?,
            owner: KeyOwner::Environment {
                environment_id: EnvironmentId::from_uuid(row.environment_id),
                environment: word(&row.environment, "environment")?,
                application_id: ApplicationId::from_uuid(row.application_id),
                application_name: word(&row.application_name, "name")?,
                team_id: TeamId::from_uuid(row.team_id),
            },
            settings: ClientSettings {
                name: word(&row.name, "name")?,
                auth_method: word(&row.auth_method, "method of authentication")?,
                grants: word(&row.grants, "grants")?,
                redirect_uris: word(&row.redirect_uris, "redirect addresses")?,
                scopes: word(&row.scopes, "scopes")?,
                signing_algorithm: word(&row.signing_algorithm, "signing algorithm")?,
                access_token_life: Duration::seconds(row.access_token_seconds),
                token_form: word(&row.token_form, "form of tokens")?,
                subject_type: word(&row.subject_type, "subject type")?,
                keys: row.keys.map(|text| word(&text, "keys of a client")).transpose()?,
                certificate_subject: row
                    .certificate_subject
                    .map(|text| word(&text, "subject of a certificate"))
                    .transpose()?,
                dpop_required: row.dpop_required,
                certificate_bound: row.certificate_bound,
                pushed_only: row.pushed_only,
                pkce_required: row.pkce_required,
                high_security: row.high_security,
                post_logout_redirect_uris: word(&row.post_logout_redirect_uris, "addresses after sign-out")?,
                backchannel_logout_uri: row.backchannel_logout_uri.map(|text| word(&text, "address")).transpose()?,
            },
            created_by: AccountId::from_uuid(row.created_by),
            created_by_name: word(row.created_by_name.as_deref().unwrap_or("someone who left"), "name")?,
            created_at: time(row.created_at)?,
            revoked_at: row.revoked_at.map(time).transpose()?,
            verified_at: row.verified_at.map(time).transpose()?,
            logo: row.logo.map(|text| word(&text, "picture")).transpose()?,
            tokens_ended_at: row.tokens_ended_at.map(time).transpose()?,
            last_used_at: row.last_used_at.map(time).transpose()?,
            last_used_from: row.last_used_from.map(|text| word(&text, "address")).transpose()?,
        })
    }
}

fn secret_from_row(row: client_secret::Model) -> Result<(ClientSecret, [u8; 32]), StoreError> {
    let secret = ClientSecret {
        id: ClientSecretId::from_uuid(row.id),
        public_id: word(&row.public_id, "public id")?,
        last_four: row.last_four,
        created_at: time(row.created_at)?,
        revoked_at: row.revoked_at.map(time).transpose()?,
        last_used_at: row.last_used_at.map(time).transpose()?,
        last_used_from: row.last_used_from.map(|text| word(&text, "address")).transpose()?,
    };
    Ok((secret, digest(&row.digest)?))
}

/// Clients with their environment, application, team and maker.
fn clients_with_surroundings() -> Select<oauth_client::Entity> {
    oauth_client::Entity::find()
        .join(JoinType::InnerJoin, oauth_client::Relation::Environment.def())
        .join(JoinType::InnerJoin, environment::Relation::Application.def())
        .join(
            JoinType::LeftJoin,
            oauth_client::Entity::belongs_to(account::Entity)
                .from(oauth_client::Column::CreatedBy)
                .to(account::Column::Id)
                .into(),
        )
        .column_as(environment::Column::Kind, "environment")
        .column(environment::Column::ApplicationId)
        .column(application::Column::TeamId)
        .column_as(application::Column::Name, "application_name")
        .column_as(account::Column::Name, "created_by_name")
}

/// A client by its row's id, for whoever has that from another row.
pub(crate) async fn client_by_id(connection: &DatabaseConnection, id: Uuid) -> Result<Option<OauthClient>, StoreError> {
    let query = clients_with_surroundings().filter(oauth_client::Column::Id.eq(id)).into_model::<Row>();
    query.one(connection).await.map_err(store_error)?.map(OauthClient::try_from).transpose()
}

fn settings_of(settings: &ClientSettings) -> oauth_client::ActiveModel {
    oauth_client::ActiveModel {
        name: Set(settings.name.as_str().to_owned()),
        auth_method: Set(settings.auth_method.as_str().to_owned()),
        grants: Set(settings.grants.to_string()),
        redirect_uris: Set(settings.redirect_uris.to_string()),
        scopes: Set(settings.scopes.to_string()),
        signing_algorithm: Set(settings.signing_algorithm.as_str().to_owned()),
        access_token_seconds: Set(settings.access_token_life.whole_seconds()),
        token_form: Set(settings.token_form.as_str().to_owned()),
        subject_type: Set(settings.subject_type.as_str().to_owned()),
        keys: Set(settings.keys.as_ref().map(ToString::to_string)),
        certificate_subject: Set(settings.certificate_subject.as_ref().map(ToString::to_string)),
        dpop_required: Set(settings.dpop_required),
        certificate_bound: Set(settings.certificate_bound),
        pushed_only: Set(settings.pushed_only),
        pkce_required: Set(settings.pkce_required),
        high_security: Set(settings.high_security),
        post_logout_redirect_uris: Set(settings.post_logout_redirect_uris.to_string()),
        backchannel_logout_uri: Set(settings.backchannel_logout_uri.as_ref().map(ToString::to_string)),
        ..Default::default()
    }
}

impl SeaStore {
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
        let query = clients_with_surroundings()
            .filter(oauth_client::Column::Kind.eq(ClientKind::ThirdParty.as_str()))
            .filter(oauth_client::Column::RevokedAt.is_null())
            .order_by_with_nulls(oauth_client::Column::VerifiedAt, Order::Desc, NullOrdering::First)
            .order_by_desc(oauth_client::Column::CreatedAt)
            .limit(LISTED_AT_MOST)
            .into_model::<Row>();
        query.all(&self.reader).await.map_err(store_error)?.into_iter().map(OauthClient::try_from).collect()
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

fn opaque(row: &opaque_token::Model) -> Result<OpaqueToken, StoreError> {
    Ok(OpaqueToken {
        public_id: word(&row.public_id, "public id")?,
        digest: digest(&row.digest)?,
        client: OauthClientId::from_uuid(row.oauth_client_id),
        claims: serde_json::from_str(&row.claims).map_err(|error| StoreError::Internal(Box::new(error)))?,
    })
}

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
        settings: &ClientSettings,
    ) -> Result<Consumed, StoreError> {
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

    async fn revoked_token_prune(&mut self, before: OffsetDateTime) -> Result<u64, StoreError> {
        let before_micros = micros(before);
        let tokens = opaque_token::Entity::delete_many().filter(opaque_token::Column::ExpiresAt.lt(before_micros));
        tokens.exec(&self.transaction).await.map_err(store_error)?;
        let names = used_name::Entity::delete_many().filter(used_name::Column::ExpiresAt.lt(before_micros));
        names.exec(&self.transaction).await.map_err(store_error)?;
        let delete = revoked_token::Entity::delete_many().filter(revoked_token::Column::ExpiresAt.lt(micros(before)));
        Ok(delete.exec(&self.transaction).await.map_err(store_error)?.rows_affected)
    }
}
