//! What admins find, whoever owns it.

use crate::{
    SeaStore,
    account::from_row,
    api_key::find_keys,
    convert::{time, word},
    entity::{account, api_key, application, client_secret, oauth_client, opaque_token, session, team},
    error::store_error,
    like::{begins_with, contains},
    oauth_client::find_clients,
    suspension::suspended,
};
use async_trait::async_trait;
use latchkey_core::port::{
    DirectoryReader, StoreError,
    api_key::ApiKey,
    directory::{AccountSearch, FoundAccount, FoundApplication},
    oauth_client::OauthClient,
    suspension::Suspendable,
};
use latchkey_model::{AccountId, ApiKeyId, ApplicationId, OauthClientId, TeamId};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, FromQueryResult, JoinType, QueryFilter, QueryOrder, QuerySelect,
    RelationTrait, Select, prelude::Uuid, sea_query::Query,
};
use std::collections::HashMap;

/// An application with its team, as one query gives them.
#[derive(FromQueryResult)]
struct ApplicationRow {
    id: Uuid,
    team_id: Uuid,
    name: String,
    suspended_at: Option<i64>,
    suspended_because: Option<String>,
    team_name: String,
}

#[derive(FromQueryResult)]
struct SignInRow {
    account_id: Uuid,
    at: i64,
}

impl SeaStore {
    async fn with_sign_ins(&self, rows: Vec<account::Model>) -> Result<Vec<FoundAccount>, StoreError> {
        let signed_in = session::Entity::find()
            .select_only()
            .column(session::Column::AccountId)
            .column_as(session::Column::CreatedAt.max(), "at")
            .filter(session::Column::AccountId.is_in(rows.iter().map(|row| row.id)))
            .group_by(session::Column::AccountId)
            .into_model::<SignInRow>()
            .all(&self.reader)
            .await
            .map_err(store_error)?;
        let signed_in: HashMap<Uuid, i64> = signed_in.into_iter().map(|row| (row.account_id, row.at)).collect();
        rows.into_iter()
            .map(|row| {
                let last_sign_in_at = signed_in.get(&row.id).copied().map(time).transpose()?;
                Ok(FoundAccount { account: from_row(row)?.0, last_sign_in_at })
            })
            .collect()
    }

    async fn applications_of(&self, query: Select<application::Entity>) -> Result<Vec<FoundApplication>, StoreError> {
        let rows = query
            .join(JoinType::InnerJoin, application::Relation::Team.def())
            .column_as(team::Column::Name, "team_name")
            .into_model::<ApplicationRow>()
            .all(&self.reader)
            .await
            .map_err(store_error)?;
        rows.into_iter()
            .map(|row| {
                Ok(FoundApplication {
                    id: ApplicationId::from_uuid(row.id),
                    name: word(&row.name, "name")?,
                    team_id: TeamId::from_uuid(row.team_id),
                    team_name: word(&row.team_name, "name")?,
                    suspended: suspended(Suspendable::Application, row.suspended_at, row.suspended_because.as_deref())?,
                })
            })
            .collect()
    }
}

#[async_trait]
impl DirectoryReader for SeaStore {
    async fn accounts_found(&self, search: &AccountSearch, at_most: u64) -> Result<Vec<FoundAccount>, StoreError> {
        use account::Column;
        let named = (!search.text.is_empty()).then(|| {
            Condition::any().add(contains(Column::Email, &search.text)).add(contains(Column::Name, &search.text))
        });
        let suspended = search
            .suspended
            .map(|suspended| if suspended { Column::SuspendedAt.is_not_null() } else { Column::SuspendedAt.is_null() });
        let wanted = Condition::all()
            .add(Column::DeletedAt.is_null())
            .add_option(named)
            .add_option(search.role.map(|role| Column::Role.eq(role.as_str())))
            .add_option(suspended)
            .add_option(search.before.map(|before| Column::Id.lt(before.as_uuid())));
        let query = account::Entity::find().filter(wanted).order_by_desc(Column::Id).limit(at_most);
        self.with_sign_ins(query.all(&self.reader).await.map_err(store_error)?).await
    }

    async fn account_found(&self, id: AccountId) -> Result<Option<FoundAccount>, StoreError> {
        let live = account::Entity::find_by_id(id.as_uuid()).filter(account::Column::DeletedAt.is_null());
        let row = live.one(&self.reader).await.map_err(store_error)?;
        Ok(self.with_sign_ins(row.into_iter().collect()).await?.pop())
    }

    async fn application_found(&self, id: ApplicationId) -> Result<Option<FoundApplication>, StoreError> {
        Ok(self.applications_of(application::Entity::find_by_id(id.as_uuid())).await?.pop())
    }

    async fn applications_found(&self, text: &str, at_most: u64) -> Result<Vec<FoundApplication>, StoreError> {
        let query = application::Entity::find()
            .filter(contains(application::Column::Name, text))
            .order_by_desc(application::Column::Id)
            .limit(at_most);
        self.applications_of(query).await
    }

    async fn keys_found(&self, text: &str, at_most: u64) -> Result<Vec<ApiKey>, StoreError> {
        use api_key::Column;
        let wanted = Condition::any().add(contains(Column::Name, text)).add(begins_with(Column::PublicId, text));
        let query = find_keys().filter(wanted).order_by_desc(Column::CreatedAt).limit(at_most);
        self.keys(query).await
    }

    async fn key_found(&self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        Ok(self.keys(find_keys().filter(api_key::Column::Id.eq(id.as_uuid()))).await?.pop())
    }

    async fn clients_found(&self, text: &str, at_most: u64) -> Result<Vec<OauthClient>, StoreError> {
        use oauth_client::Column;
        let of_secrets = Query::select()
            .column(client_secret::Column::OauthClientId)
            .from(client_secret::Entity)
            .and_where(begins_with(client_secret::Column::PublicId, text))
            .to_owned();
        let of_tokens = Query::select()
            .column(opaque_token::Column::OauthClientId)
            .from(opaque_token::Entity)
            .and_where(opaque_token::Column::PublicId.eq(text))
            .to_owned();
        let wanted = Condition::any()
            .add(contains(Column::Name, text))
            .add(Column::ClientId.eq(text))
            .add(Column::Id.in_subquery(of_secrets))
            .add(Column::Id.in_subquery(of_tokens));
        self.clients(find_clients().filter(wanted).order_by_desc(Column::CreatedAt).limit(at_most)).await
    }

    async fn client_found(&self, id: OauthClientId) -> Result<Option<OauthClient>, StoreError> {
        Ok(self.clients(find_clients().filter(oauth_client::Column::Id.eq(id.as_uuid()))).await?.pop())
    }
}
