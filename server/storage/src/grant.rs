//! What people allowed OAuth clients to do, and what was given for it.

use crate::{
    SeaStore, SeaUnitOfWork,
    convert::{digest, micros, time, word},
    entity::{
        account, application, authorization_code, environment, oauth_client, oauth_grant, pushed_request,
        refresh_token, token_family,
    },
    error::store_error,
    suspension::suspension,
    work::{consumed, inserted},
};
use ::time::OffsetDateTime;
use async_trait::async_trait;
use latchkey_core::{
    api_key::format::PublicId,
    port::{
        Consumed, GrantReader, GrantWriter, Inserted, StoreError,
        grant::{
            AuthorizationCode, Grant, GrantInView, NewTokenFamily, PushedRequest, RefreshToken, SignIn, TokenFamily,
        },
        suspension::Suspendable,
    },
};
use latchkey_model::{AccountId, GrantId, OauthClientId, ScopeSet};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, FromQueryResult, JoinType, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    RelationTrait, UpdateMany,
    prelude::Uuid,
    sea_query::{Expr, ExprTrait, OnConflict, Query},
};

/// More apps than this are not listed on one page.
const LISTED_AT_MOST: u64 = 200;

pub(crate) fn grant_from_row(row: &oauth_grant::Model) -> Result<Grant, StoreError> {
    Ok(Grant {
        id: GrantId::from_uuid(row.id),
        account: AccountId::from_uuid(row.account_id),
        client: OauthClientId::from_uuid(row.oauth_client_id),
        scopes: word(&row.scopes, "scopes")?,
        created_at: time(row.created_at)?,
        revoked_at: row.revoked_at.map(time).transpose()?,
    })
}

/// How a person had signed in. What was given before this was kept came of no session that is known.
fn sign_in(at: i64, by: &str, session: Option<&[u8]>, claims: &str) -> Result<SignIn, StoreError> {
    Ok(SignIn {
        at: time(at)?,
        by: word(by, "way to sign in")?,
        session: session.map(digest).transpose()?.unwrap_or_default(),
        nonce: None,
        id_token_claims: word(claims, "claims")?,
    })
}

/// A grant with the client that has it.
#[derive(FromQueryResult)]
struct ViewRow {
    id: Uuid,
    account_id: Uuid,
    oauth_client_id: Uuid,
    scopes: String,
    created_at: i64,
    revoked_at: Option<i64>,
    client_name: String,
    client_id: String,
    application_name: String,
    last_used_at: Option<i64>,
    last_used_from: Option<String>,
}

impl SeaStore {
    async fn grant_by_id(&self, id: Uuid) -> Result<Option<oauth_grant::Model>, StoreError> {
        oauth_grant::Entity::find_by_id(id).one(&self.reader).await.map_err(store_error)
    }
}

#[async_trait]
impl GrantReader for SeaStore {
    async fn grants(&self, account: AccountId) -> Result<Vec<GrantInView>, StoreError> {
        let rows = oauth_grant::Entity::find()
            .join(JoinType::InnerJoin, oauth_grant::Relation::Client.def())
            .join(JoinType::InnerJoin, oauth_client::Relation::Environment.def())
            .join(JoinType::InnerJoin, environment::Relation::Application.def())
            .column_as(oauth_client::Column::Name, "client_name")
            .column_as(oauth_client::Column::ClientId, "client_id")
            .column_as(application::Column::Name, "application_name")
            .filter(oauth_grant::Column::AccountId.eq(account.as_uuid()))
            .filter(oauth_grant::Column::RevokedAt.is_null())
            // One whose client has ended opens nothing any more.
            .filter(oauth_client::Column::RevokedAt.is_null())
            .order_by_desc(oauth_grant::Column::CreatedAt)
            .limit(LISTED_AT_MOST)
            .into_model::<ViewRow>()
            .all(&self.reader)
            .await
            .map_err(store_error)?;
        rows.into_iter()
            .map(|row| {
                Ok(GrantInView {
                    grant: Grant {
                        id: GrantId::from_uuid(row.id),
                        account: AccountId::from_uuid(row.account_id),
                        client: OauthClientId::from_uuid(row.oauth_client_id),
                        scopes: word(&row.scopes, "scopes")?,
                        created_at: time(row.created_at)?,
                        revoked_at: row.revoked_at.map(time).transpose()?,
                    },
                    client_name: word(&row.client_name, "name")?,
                    application_name: word(&row.application_name, "name")?,
                    client_id: word(&row.client_id, "client id")?,
                    last_used_at: row.last_used_at.map(time).transpose()?,
                    last_used_from: row.last_used_from.map(|text| word(&text, "address")).transpose()?,
                })
            })
            .collect()
    }

    async fn grant_of(&self, account: AccountId, client: OauthClientId) -> Result<Option<Grant>, StoreError> {
        oauth_grant::Entity::find()
            .filter(oauth_grant::Column::AccountId.eq(account.as_uuid()))
            .filter(oauth_grant::Column::OauthClientId.eq(client.as_uuid()))
            .filter(oauth_grant::Column::RevokedAt.is_null())
            .one(&self.reader)
            .await
            .map_err(store_error)?
            .map(|row| grant_from_row(&row))
            .transpose()
    }

    async fn grant(&self, id: GrantId) -> Result<Option<Grant>, StoreError> {
        self.grant_by_id(id.as_uuid()).await?.map(|row| grant_from_row(&row)).transpose()
    }

    async fn authorization_code(&self, sought: &[u8; 32]) -> Result<Option<(AuthorizationCode, Grant)>, StoreError> {
        let found = authorization_code::Entity::find()
            .filter(authorization_code::Column::Digest.eq(sought.to_vec()))
            .one(&self.reader)
            .await
            .map_err(store_error)?;
        let Some(row) = found else { return Ok(None) };
        let Some(grant) = self.grant_by_id(row.grant_id).await? else { return Ok(None) };
        let code = AuthorizationCode {
            id: row.id,
            digest: digest(&row.digest)?,
            grant: GrantId::from_uuid(row.grant_id),
            redirect_uri: row.redirect_uri,
            challenge: Some(row.challenge).filter(|challenge| !challenge.is_empty()),
            scopes: word(&row.scopes, "scopes")?,
            sign_in: SignIn {
                nonce: row.nonce,
                ..sign_in(row.signed_in_at, &row.signed_in_by, row.session_digest.as_deref(), &row.id_token_claims)?
            },
            binding: row.binding.map(|text| word(&text, "binding")).transpose()?,
            expires_at: time(row.expires_at)?,
            consumed_at: row.consumed_at.map(time).transpose()?,
        };
        Ok(Some((code, grant_from_row(&grant)?)))
    }

    async fn pushed_request(&self, sought: &[u8; 32]) -> Result<Option<PushedRequest>, StoreError> {
        let found = pushed_request::Entity::find()
            .filter(pushed_request::Column::Digest.eq(sought.to_vec()))
            .one(&self.reader)
            .await
            .map_err(store_error)?;
        let Some(row) = found else { return Ok(None) };
        Ok(Some(PushedRequest {
            id: row.id,
            digest: digest(&row.digest)?,
            client: OauthClientId::from_uuid(row.oauth_client_id),
            parameters: row.parameters,
            expires_at: time(row.expires_at)?,
            opened: row.opened,
            consumed_at: row.consumed_at.map(time).transpose()?,
        }))
    }

    async fn token_family(&self, id: Uuid) -> Result<Option<TokenFamily>, StoreError> {
        let found = token_family::Entity::find_by_id(id).one(&self.reader).await.map_err(store_error)?;
        let Some(row) = found else { return Ok(None) };
        let Some(grant) = self.grant_by_id(row.grant_id).await? else { return Ok(None) };
        let account = account::Entity::find_by_id(grant.account_id).one(&self.reader).await.map_err(store_error)?;
        let Some(account) = account else { return Ok(None) };
        Ok(Some(TokenFamily {
            id: row.id,
            grant: grant_from_row(&grant)?,
            account_name: word(&account.name, "name")?,
            suspended: suspension(Suspendable::Account, account.suspended_at)?,
            sign_in: sign_in(row.signed_in_at, &row.signed_in_by, row.session_digest.as_deref(), &row.id_token_claims)?,
            binding: row.binding.map(|text| word(&text, "binding")).transpose()?,
            expires_at: time(row.expires_at)?,
            ended_at: row.ended_at.map(time).transpose()?,
        }))
    }

    async fn refresh_token(&self, public_id: PublicId) -> Result<Option<(RefreshToken, bool)>, StoreError> {
        let found = refresh_token::Entity::find()
            .filter(refresh_token::Column::PublicId.eq(public_id.as_str()))
            .one(&self.reader)
            .await
            .map_err(store_error)?;
        let Some(row) = found else { return Ok(None) };
        let successors_used = refresh_token::Entity::find()
            .filter(refresh_token::Column::ParentId.eq(row.id))
            .filter(
                refresh_token::Column::ConsumedAt
                    .is_not_null()
                    .or(refresh_token::Column::AccessTokenUsedAt.is_not_null()),
            )
            .count(&self.reader)
            .await
            .map_err(store_error)?;
        let token = RefreshToken {
            id: row.id,
            public_id,
            digest: digest(&row.digest)?,
            family: row.family_id,
            parent: row.parent_id,
            // None was kept of tokens that were given before it was: nothing finds those by it.
            access_token: row.access_token_id.unwrap_or_default(),
            scopes: word(&row.scopes, "scopes")?,
            expires_at: time(row.expires_at)?,
            consumed_at: row.consumed_at.map(time).transpose()?,
            ended_at: row.ended_at.map(time).transpose()?,
        };
        Ok(Some((token, successors_used > 0)))
    }
}

/// The change of a refresh token whose family is live.
fn of_live_family(set: refresh_token::ActiveModel) -> UpdateMany<refresh_token::Entity> {
    let live = Query::select()
        .column((token_family::Entity, token_family::Column::Id))
        .from(token_family::Entity)
        .inner_join(
            oauth_grant::Entity,
            Expr::col((token_family::Entity, token_family::Column::GrantId))
                .equals((oauth_grant::Entity, oauth_grant::Column::Id)),
        )
        .and_where(token_family::Column::EndedAt.is_null())
        .and_where(oauth_grant::Column::RevokedAt.is_null())
        .to_owned();
    refresh_token::Entity::update_many()
        .set(set)
        .filter(refresh_token::Column::EndedAt.is_null())
        .filter(refresh_token::Column::FamilyId.in_subquery(live))
}

#[async_trait]
impl GrantWriter for SeaUnitOfWork {
    async fn grant_add(&mut self, grant: &Grant) -> Result<Inserted, StoreError> {
        let row = oauth_grant::ActiveModel {
            id: Set(grant.id.as_uuid()),
            account_id: Set(grant.account.as_uuid()),
            oauth_client_id: Set(grant.client.as_uuid()),
            scopes: Set(grant.scopes.to_string()),
            created_at: Set(micros(grant.created_at)),
            ..Default::default()
        };
        let insert = oauth_grant::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        inserted(insert.exec_without_returning(&self.transaction).await)
    }

    async fn grant_set_scopes(&mut self, id: GrantId, scopes: &ScopeSet) -> Result<Consumed, StoreError> {
        let update = oauth_grant::Entity::update_many()
            .set(oauth_grant::ActiveModel { scopes: Set(scopes.to_string()), ..Default::default() })
            .filter(oauth_grant::Column::Id.eq(id.as_uuid()))
            .filter(oauth_grant::Column::RevokedAt.is_null());
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn grant_revoke(
        &mut self,
        account: AccountId,
        id: GrantId,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError> {
        let update = oauth_grant::Entity::update_many()
            .set(oauth_grant::ActiveModel { revoked_at: Set(Some(micros(at))), ..Default::default() })
            .filter(oauth_grant::Column::Id.eq(id.as_uuid()))
            .filter(oauth_grant::Column::AccountId.eq(account.as_uuid()))
            .filter(oauth_grant::Column::RevokedAt.is_null());
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn authorization_code_add(&mut self, code: &AuthorizationCode) -> Result<Inserted, StoreError> {
        let row = authorization_code::ActiveModel {
            id: Set(code.id),
            digest: Set(code.digest.to_vec()),
            grant_id: Set(code.grant.as_uuid()),
            redirect_uri: Set(code.redirect_uri.clone()),
            challenge: Set(code.challenge.clone().unwrap_or_default()),
            scopes: Set(code.scopes.to_string()),
            signed_in_at: Set(micros(code.sign_in.at)),
            signed_in_by: Set(code.sign_in.by.to_string()),
            session_digest: Set(Some(code.sign_in.session.to_vec())),
            id_token_claims: Set(code.sign_in.id_token_claims.to_string()),
            binding: Set(code.binding.as_ref().map(ToString::to_string)),
            nonce: Set(code.sign_in.nonce.clone()),
            expires_at: Set(micros(code.expires_at)),
            consumed_at: Set(None),
        };
        let insert = authorization_code::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        inserted(insert.exec_without_returning(&self.transaction).await)
    }

    async fn authorization_code_consume(&mut self, id: Uuid, at: OffsetDateTime) -> Result<Consumed, StoreError> {
        let update = authorization_code::Entity::update_many()
            .set(authorization_code::ActiveModel { consumed_at: Set(Some(micros(at))), ..Default::default() })
            .filter(authorization_code::Column::Id.eq(id))
            .filter(authorization_code::Column::ConsumedAt.is_null());
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn pushed_request_add(&mut self, request: &PushedRequest) -> Result<Inserted, StoreError> {
        let row = pushed_request::ActiveModel {
            id: Set(request.id),
            digest: Set(request.digest.to_vec()),
            oauth_client_id: Set(request.client.as_uuid()),
            parameters: Set(request.parameters.clone()),
            expires_at: Set(micros(request.expires_at)),
            opened: Set(request.opened),
            consumed_at: Set(None),
        };
        let insert = pushed_request::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        inserted(insert.exec_without_returning(&self.transaction).await)
    }

    async fn pushed_request_open(&mut self, id: Uuid, until: OffsetDateTime) -> Result<Consumed, StoreError> {
        let set =
            pushed_request::ActiveModel { opened: Set(true), expires_at: Set(micros(until)), ..Default::default() };
        let update = pushed_request::Entity::update_many()
            .set(set)
            .filter(pushed_request::Column::Id.eq(id))
            .filter(pushed_request::Column::Opened.eq(false));
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn pushed_request_consume(&mut self, id: Uuid, at: OffsetDateTime) -> Result<Consumed, StoreError> {
        let update = pushed_request::Entity::update_many()
            .set(pushed_request::ActiveModel { consumed_at: Set(Some(micros(at))), ..Default::default() })
            .filter(pushed_request::Column::Id.eq(id))
            .filter(pushed_request::Column::ConsumedAt.is_null());
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn token_family_add(&mut self, family: &NewTokenFamily) -> Result<Inserted, StoreError> {
        // Behind the grant's own row, which this takes: whoever revokes it at the same time comes before or after.
        let live = oauth_grant::Entity::update_many()
            .col_expr(oauth_grant::Column::Scopes, Expr::col(oauth_grant::Column::Scopes))
            .filter(oauth_grant::Column::Id.eq(family.grant.as_uuid()))
            .filter(oauth_grant::Column::RevokedAt.is_null())
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        if live.rows_affected != 1 {
            return Ok(Inserted::Duplicate);
        }
        let row = token_family::ActiveModel {
            id: Set(family.id),
            grant_id: Set(family.grant.as_uuid()),
            expires_at: Set(micros(family.expires_at)),
            ended_at: Set(None),
            signed_in_at: Set(micros(family.sign_in.at)),
            signed_in_by: Set(family.sign_in.by.to_string()),
            session_digest: Set(Some(family.sign_in.session.to_vec())),
            id_token_claims: Set(family.sign_in.id_token_claims.to_string()),
            binding: Set(family.binding.as_ref().map(ToString::to_string)),
        };
        let insert = token_family::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        inserted(insert.exec_without_returning(&self.transaction).await)
    }

    async fn token_family_end(&mut self, id: Uuid, at: OffsetDateTime) -> Result<Consumed, StoreError> {
        let update = token_family::Entity::update_many()
            .set(token_family::ActiveModel { ended_at: Set(Some(micros(at))), ..Default::default() })
            .filter(token_family::Column::Id.eq(id))
            .filter(token_family::Column::EndedAt.is_null());
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn refresh_token_add(&mut self, token: &RefreshToken) -> Result<Inserted, StoreError> {
        let row = refresh_token::ActiveModel {
            id: Set(token.id),
            public_id: Set(token.public_id.as_str().to_owned()),
            digest: Set(token.digest.to_vec()),
            family_id: Set(token.family),
            parent_id: Set(token.parent),
            scopes: Set(token.scopes.to_string()),
            expires_at: Set(micros(token.expires_at)),
            consumed_at: Set(None),
            ended_at: Set(None),
            access_token_id: Set(Some(token.access_token)),
            access_token_used_at: Set(None),
        };
        let insert = refresh_token::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        inserted(insert.exec_without_returning(&self.transaction).await)
    }

    async fn refresh_token_consume(&mut self, id: Uuid, at: OffsetDateTime) -> Result<Consumed, StoreError> {
        let set = refresh_token::ActiveModel { consumed_at: Set(Some(micros(at))), ..Default::default() };
        let update = of_live_family(set)
            .filter(refresh_token::Column::Id.eq(id))
            .filter(refresh_token::Column::ConsumedAt.is_null());
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn refresh_token_consume_again(
        &mut self,
        id: Uuid,
        seen: OffsetDateTime,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError> {
        let set = refresh_token::ActiveModel { consumed_at: Set(Some(micros(at))), ..Default::default() };
        let update = of_live_family(set)
            .filter(refresh_token::Column::Id.eq(id))
            .filter(refresh_token::Column::ConsumedAt.eq(micros(seen)));
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn refresh_token_prolong(&mut self, id: Uuid, until: OffsetDateTime) -> Result<Consumed, StoreError> {
        let set = refresh_token::ActiveModel { expires_at: Set(micros(until)), ..Default::default() };
        let update = of_live_family(set).filter(refresh_token::Column::Id.eq(id));
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn refresh_token_end_unused(&mut self, parent: Uuid, at: OffsetDateTime) -> Result<u64, StoreError> {
        let update = refresh_token::Entity::update_many()
            .set(refresh_token::ActiveModel { ended_at: Set(Some(micros(at))), ..Default::default() })
            .filter(refresh_token::Column::ParentId.eq(parent))
            .filter(refresh_token::Column::ConsumedAt.is_null())
            .filter(refresh_token::Column::EndedAt.is_null());
        Ok(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected)
    }
}
