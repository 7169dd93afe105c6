//! What apps are told when somebody signs out.

use crate::{
    SeaStore, SeaUnitOfWork,
    convert::{micros, time, word},
    entity::{logout_notice, oauth_grant, token_family},
    error::store_error,
    grant::grant_from_row,
    oauth_client::client_by_id,
    work::consumed,
};
use ::time::OffsetDateTime;
use async_trait::async_trait;
use latchkey_core::{
    oauth_client::ClientId,
    port::{
        Consumed, LogoutReader, LogoutWriter, StoreError, grant::Grant, logout::LogoutNotice,
        oauth_client::OauthClient, session::SessionDigest,
    },
};
use latchkey_model::OauthClientId;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, prelude::Uuid, sea_query::Query,
};

fn from_row(row: &logout_notice::Model) -> Result<LogoutNotice, StoreError> {
    Ok(LogoutNotice {
        id: row.id,
        client: OauthClientId::from_uuid(row.oauth_client_id),
        uri: word(&row.uri, "address")?,
        subject: row.subject.clone(),
        session_name: row.session_name.clone(),
        attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
        due_at: time(row.due_at)?,
    })
}

#[async_trait]
impl LogoutReader for SeaStore {
    async fn apps_of_session(&self, session: &SessionDigest) -> Result<Vec<(Grant, OauthClient)>, StoreError> {
        let families = Query::select()
            .column(token_family::Column::GrantId)
            .from(token_family::Entity)
            .and_where(token_family::Column::SessionDigest.eq(session.to_vec()))
            .to_owned();
        let grants = oauth_grant::Entity::find()
            .filter(oauth_grant::Column::Id.in_subquery(families))
            .all(&self.reader)
            .await
            .map_err(store_error)?;
        let mut apps = Vec::new();
        for row in grants {
            if let Some(client) = client_by_id(&self.reader, row.oauth_client_id).await?
                && client.revoked_at.is_none()
            {
                apps.push((grant_from_row(&row)?, client));
            }
        }
        Ok(apps)
    }

    async fn logout_notices_due(
        &self,
        now: OffsetDateTime,
        at_most: u64,
    ) -> Result<Vec<(LogoutNotice, ClientId)>, StoreError> {
        let rows = logout_notice::Entity::find()
            .filter(logout_notice::Column::DueAt.lte(micros(now)))
            .order_by_asc(logout_notice::Column::DueAt)
            .limit(at_most)
            .all(&self.reader)
            .await
            .map_err(store_error)?;
        let mut due = Vec::new();
        for row in rows {
            if let Some(client) = client_by_id(&self.reader, row.oauth_client_id).await? {
                due.push((from_row(&row)?, client.client_id));
            }
        }
        Ok(due)
    }
}

#[async_trait]
impl LogoutWriter for SeaUnitOfWork {
    async fn logout_notice_add(&mut self, notice: &LogoutNotice) -> Result<(), StoreError> {
        let row = logout_notice::ActiveModel {
            id: Set(notice.id),
            oauth_client_id: Set(notice.client.as_uuid()),
            uri: Set(notice.uri.to_string()),
            subject: Set(notice.subject.clone()),
            session_name: Set(notice.session_name.clone()),
            attempts: Set(notice.attempts.into()),
            due_at: Set(micros(notice.due_at)),
        };
        logout_notice::Entity::insert(row).exec_without_returning(&self.transaction).await.map_err(store_error)?;
        Ok(())
    }

    async fn logout_notice_take(
        &mut self,
        id: Uuid,
        attempts: u32,
        due_again_at: OffsetDateTime,
    ) -> Result<Consumed, StoreError> {
        let set = logout_notice::ActiveModel {
            attempts: Set(i64::from(attempts) + 1),
            due_at: Set(micros(due_again_at)),
            ..Default::default()
        };
        let update = logout_notice::Entity::update_many()
            .set(set)
            .filter(logout_notice::Column::Id.eq(id))
            .filter(logout_notice::Column::Attempts.eq(i64::from(attempts)));
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn logout_notice_remove(&mut self, id: Uuid) -> Result<(), StoreError> {
        logout_notice::Entity::delete_by_id(id).exec(&self.transaction).await.map_err(store_error)?;
        Ok(())
    }
}
