//! Mails.

use crate::{
    SeaStore, SeaUnitOfWork,
    convert::{micros, time},
    entity::mail,
    error::store_error,
    work::{consumed, inserted},
};
use ::time::OffsetDateTime;
use async_trait::async_trait;
use latchkey_core::port::{
    Consumed, Inserted, MailReader, MailWriter, StoreError,
    mail::{Delivery, Mail, SealedLink},
};
use latchkey_model::MailId;
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::OnConflict,
};

fn from_row(row: mail::Model) -> Result<Mail, StoreError> {
    let delivery = match (row.sent_at, row.given_up_at) {
        (Some(at), _) => Delivery::Sent(time(at)?),
        (None, Some(at)) => Delivery::GivenUp { at: time(at)?, problem: row.problem.unwrap_or_default() },
        (None, None) => Delivery::Waiting {
            attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
            next_attempt_at: time(row.next_attempt_at)?,
            problem: row.problem,
        },
    };
    Ok(Mail {
        id: MailId::from_uuid(row.id),
        recipient: row.recipient,
        subject: row.subject,
        text: row.body,
        link: row.sealed_link.map(SealedLink),
        occasion: row.occasion,
        created_at: time(row.created_at)?,
        useful_until: row.useful_until.map(time).transpose()?,
        delivery,
    })
}

/// The columns of what became of a mail.
fn delivery_columns(delivery: &Delivery) -> mail::ActiveModel {
    let (sent_at, given_up_at, problem) = match delivery {
        Delivery::Waiting { problem, .. } => (None, None, problem.clone()),
        Delivery::Sent(at) => (Some(micros(*at)), None, None),
        Delivery::GivenUp { at, problem } => (None, Some(micros(*at)), Some(problem.clone())),
    };
    let (attempts, next_attempt_at, sealed_link) = match delivery {
        Delivery::Waiting { attempts, next_attempt_at, .. } => {
            (Set(i64::from(*attempts)), Set(micros(*next_attempt_at)), NotSet)
        }
        Delivery::Sent(_) | Delivery::GivenUp { .. } => (NotSet, NotSet, Set(None)),
    };
    mail::ActiveModel {
        sealed_link,
        attempts,
        next_attempt_at,
        sent_at: Set(sent_at),
        given_up_at: Set(given_up_at),
        problem: Set(problem),
        ..Default::default()
    }
}

#[async_trait]
impl MailReader for SeaStore {
    async fn mails(&self, before: Option<MailId>, limit: u64) -> Result<Vec<Mail>, StoreError> {
        let mut query = mail::Entity::find();
        if let Some(before) = before {
            query = query.filter(mail::Column::Id.lt(before.as_uuid()));
        }
        let rows = query.order_by_desc(mail::Column::Id).limit(limit).all(&self.reader).await.map_err(store_error)?;
        rows.into_iter().map(from_row).collect()
    }

    async fn mails_due(&self, now: OffsetDateTime, limit: u64) -> Result<Vec<Mail>, StoreError> {
        let rows = mail::Entity::find()
            .filter(mail::Column::NextAttemptAt.lte(micros(now)))
            .filter(mail::Column::SentAt.is_null())
            .filter(mail::Column::GivenUpAt.is_null())
            .order_by_asc(mail::Column::NextAttemptAt)
            .limit(limit)
            .all(&self.reader)
            .await
            .map_err(store_error)?;
        rows.into_iter().map(from_row).collect()
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
            useful_until: Set(mail.useful_until.map(micros)),
            sealed_link: Set(mail.link.as_ref().map(|link| link.0.clone())),
            ..delivery_columns(&mail.delivery)
        };
        let insert = mail::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        inserted(insert.exec_without_returning(&self.transaction).await)
    }

    async fn mail_take(
        &mut self,
        id: MailId,
        attempts: u32,
        due_again_at: OffsetDateTime,
    ) -> Result<Consumed, StoreError> {
        let set = mail::ActiveModel {
            attempts: Set(i64::from(attempts) + 1),
            next_attempt_at: Set(micros(due_again_at)),
            ..Default::default()
        };
        let update = mail::Entity::update_many()
            .set(set)
            .filter(mail::Column::Id.eq(id.as_uuid()))
            .filter(mail::Column::Attempts.eq(i64::from(attempts)))
            .filter(mail::Column::SentAt.is_null())
            .filter(mail::Column::GivenUpAt.is_null());
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn mail_settle(&mut self, id: MailId, attempts: u32, delivery: &Delivery) -> Result<Consumed, StoreError> {
        let update = mail::Entity::update_many()
            .set(delivery_columns(delivery))
            .filter(mail::Column::Id.eq(id.as_uuid()))
            .filter(mail::Column::Attempts.eq(i64::from(attempts)));
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }
}
