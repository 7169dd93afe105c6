//! Mails.

use crate::{
    SeaStore, SeaUnitOfWork,
    convert::{micros, time},
    entity::mail,
    error::store_error,
    work::inserted,
};
use async_trait::async_trait;
use latchkey_core::port::{Inserted, MailReader, MailWriter, StoreError, mail::Mail};
use latchkey_model::MailId;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::OnConflict,
};

#[async_trait]
impl MailReader for SeaStore {
    async fn mails(&self, before: Option<MailId>, limit: u64) -> Result<Vec<Mail>, StoreError> {
        let mut query = mail::Entity::find();
        if let Some(before) = before {
            query = query.filter(mail::Column::Id.lt(before.as_uuid()));
        }
        let rows = query.order_by_desc(mail::Column::Id).limit(limit).all(&self.reader).await.map_err(store_error)?;
        rows.into_iter()
            .map(|row| {
                Ok(Mail {
                    id: MailId::from_uuid(row.id),
                    recipient: row.recipient,
                    subject: row.subject,
                    text: row.body,
                    occasion: row.occasion,
                    created_at: time(row.created_at)?,
                })
            })
            .collect()
    }
}

#[async_trait]
impl MailWriter for SeaUnitOfWork {
    async fn mail_add(&mut self, mail: &Mail) -> Result<Inserted, StoreError> {
        let row = mail::ActiveModel {
            id: Set(mail.id.as_uuid()),
            recipient: Set(mail.recipient.clone()),
            subject: Set(mail.subject.clone()),
            body: Set(mail.text.clone()),
            occasion: Set(mail.occasion.clone()),
            created_at: Set(micros(mail.created_at)),
        };
        let insert = mail::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        inserted(insert.exec_without_returning(&self.transaction).await)
    }
}
