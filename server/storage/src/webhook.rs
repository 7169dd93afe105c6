//! Webhooks and their messages.

use crate::{
    SeaStore, SeaUnitOfWork,
    convert::{count, micros, number, time, word},
    entity::{webhook, webhook_attempt, webhook_delivery},
    error::{Corrupt, store_error},
    work::consumed,
};
use ::time::OffsetDateTime;
use async_trait::async_trait;
use latchkey_core::{
    alert::AlertsOf,
    port::{
        Consumed, StoreError, WebhookReader, WebhookWriter,
        webhook::{Delivery, DeliveryAttempt, DeliveryState, OffBecause, SealedWebhookSecret, Webhook},
    },
};
use latchkey_model::{AccountId, WebhookDeliveryId, WebhookId};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Query, SelectStatement},
};
use std::time::Duration;

fn from_row(row: webhook::Model) -> Result<Webhook, StoreError> {
    let off = match (row.off_at, row.off_because) {
        (Some(at), Some(because)) => {
            let because = OffBecause::ALL.into_iter().find(|one| one.as_str() == because);
            Some((time(at)?, because.ok_or(Corrupt { what: "reason" })?))
        }
        _ => None,
    };
    let former_secret = match (row.former_sealed_secret, row.former_until) {
        (Some(sealed), Some(until)) => Some((SealedWebhookSecret(sealed), time(until)?)),
        _ => None,
    };
    Ok(Webhook {
        id: WebhookId::from_uuid(row.id),
        of: word(&row.tenant, "tenant")?,
        name: word(&row.name, "name")?,
        url: word(&row.url, "address")?,
        secret: SealedWebhookSecret(row.sealed_secret),
        former_secret,
        created_by: AccountId::from_uuid(row.created_by),
        created_at: time(row.created_at)?,
        failing_since: row.failing_since.map(time).transpose()?,
        off,
    })
}

/// The columns that may be changed.
fn changeable(webhook: &Webhook) -> webhook::ActiveModel {
    let former = webhook.former_secret.as_ref();
    webhook::ActiveModel {
        name: Set(webhook.name.to_string()),
        url: Set(webhook.url.to_string()),
        sealed_secret: Set(webhook.secret.0.clone()),
        former_sealed_secret: Set(former.map(|(sealed, _)| sealed.0.clone())),
        former_until: Set(former.map(|(_, until)| micros(*until))),
        failing_since: Set(webhook.failing_since.map(micros)),
        off_at: Set(webhook.off.map(|(at, _)| micros(at))),
        off_because: Set(webhook.off.map(|(_, because)| because.as_str().to_owned())),
        ..Default::default()
    }
}

/// The webhooks that are removed, whose messages are there until housekeeping comes by.
fn removed() -> SelectStatement {
    Query::select()
        .column(webhook::Column::Id)
        .from(webhook::Entity)
        .and_where(webhook::Column::RemovedAt.is_not_null())
        .to_owned()
}

fn delivery_from_row(row: webhook_delivery::Model) -> Result<Delivery, StoreError> {
    let state = match (row.taken_at, row.given_up_at) {
        (Some(at), _) => DeliveryState::Taken(time(at)?),
        (None, Some(at)) => DeliveryState::GivenUp(time(at)?),
        (None, None) => DeliveryState::Waiting {
            attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
            next_attempt_at: time(row.next_attempt_at)?,
        },
    };
    Ok(Delivery {
        id: WebhookDeliveryId::from_uuid(row.id),
        webhook: WebhookId::from_uuid(row.webhook_id),
        event: row.event,
        body: row.body,
        created_at: time(row.created_at)?,
        state,
    })
}

/// The columns of what became of a message.
fn state_columns(state: DeliveryState) -> webhook_delivery::ActiveModel {
    let (attempts, next_attempt_at, taken_at, given_up_at) = match state {
        DeliveryState::Waiting { attempts, next_attempt_at } => {
            (Set(attempts.into()), Set(micros(next_attempt_at)), None, None)
        }
        DeliveryState::Taken(at) => (NotSet, NotSet, Some(micros(at)), None),
        DeliveryState::GivenUp(at) => (NotSet, NotSet, None, Some(micros(at))),
    };
    webhook_delivery::ActiveModel {
        attempts,
        next_attempt_at,
        taken_at: Set(taken_at),
        given_up_at: Set(given_up_at),
        ..Default::default()
    }
}

#[async_trait]
impl WebhookReader for SeaStore {
    async fn webhooks(&self, of: AlertsOf) -> Result<Vec<Webhook>, StoreError> {
        let webhooks = webhook::Entity::find()
            .filter(webhook::Column::Tenant.eq(of.to_string()))
            .filter(webhook::Column::RemovedAt.is_null())
            .order_by_asc(webhook::Column::Id);
        webhooks.all(&self.reader).await.map_err(store_error)?.into_iter().map(from_row).collect()
    }

    async fn webhook_to_tell(&self, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        let webhook = webhook::Entity::find_by_id(id.as_uuid()).filter(webhook::Column::RemovedAt.is_null());
        let row = webhook.one(&self.reader).await.map_err(store_error)?;
        row.map(from_row).transpose()
    }

    async fn deliveries(
        &self,
        webhook: WebhookId,
        before: Option<WebhookDeliveryId>,
        limit: u64,
    ) -> Result<Vec<Delivery>, StoreError> {
        use webhook_delivery::{Column, Entity};
        let mut query = Entity::find().filter(Column::WebhookId.eq(webhook.as_uuid()));
        if let Some(before) = before {
            query = query.filter(Column::Id.lt(before.as_uuid()));
        }
        let rows = query.order_by_desc(Column::Id).limit(limit).all(&self.reader).await.map_err(store_error)?;
        rows.into_iter().map(delivery_from_row).collect()
    }

    async fn delivery_attempts(
        &self,
        deliveries: &[WebhookDeliveryId],
    ) -> Result<Vec<(WebhookDeliveryId, DeliveryAttempt)>, StoreError> {
        use webhook_attempt::{Column, Entity};
        let rows = Entity::find()
            .filter(Column::DeliveryId.is_in(deliveries.iter().map(|id| id.as_uuid())))
            .order_by_desc(Column::Id)
            .all(&self.reader)
            .await
            .map_err(store_error)?;
        rows.into_iter()
            .map(|row| {
                let attempt = DeliveryAttempt {
                    id: row.id,
                    at: time(row.at)?,
                    status: row.status.and_then(|status| u16::try_from(status).ok()),
                    problem: row.problem,
                    took: Duration::from_micros(count(row.took_us)),
                };
                Ok((WebhookDeliveryId::from_uuid(row.delivery_id), attempt))
            })
            .collect()
    }

    async fn deliveries_due(&self, now: OffsetDateTime, limit: u64) -> Result<Vec<Delivery>, StoreError> {
        use webhook_delivery::{Column, Entity};
        let rows = Entity::find()
            .filter(Column::NextAttemptAt.lte(micros(now)))
            .filter(Column::TakenAt.is_null())
            .filter(Column::GivenUpAt.is_null())
            .filter(Column::WebhookId.not_in_subquery(removed()))
            .order_by_asc(Column::NextAttemptAt)
            .order_by_asc(Column::Id)
            .limit(limit)
            .all(&self.reader)
            .await
            .map_err(store_error)?;
        rows.into_iter().map(delivery_from_row).collect()
    }
}

#[async_trait]
impl WebhookWriter for SeaUnitOfWork {
    async fn webhook_add(&mut self, webhook: &Webhook, at_most: u64) -> Result<Consumed, StoreError> {
        // Counted behind the end of the chain that this act goes to: two forms at once do not both find room.
        self.chain_hold(&webhook.of.to_string()).await?;
        let there = webhook::Entity::find()
            .filter(webhook::Column::Tenant.eq(webhook.of.to_string()))
            .filter(webhook::Column::RemovedAt.is_null())
            .count(&self.transaction)
            .await
            .map_err(store_error)?;
        if there >= at_most {
            return Ok(Consumed::Lost);
        }
        let row = webhook::ActiveModel {
            id: Set(webhook.id.as_uuid()),
            tenant: Set(webhook.of.to_string()),
            created_by: Set(webhook.created_by.as_uuid()),
            created_at: Set(micros(webhook.created_at)),
            ..changeable(webhook)
        };
        webhook::Entity::insert(row).exec_without_returning(&self.transaction).await.map_err(store_error)?;
        Ok(Consumed::Won)
    }

    async fn webhook_set(&mut self, webhook: &Webhook) -> Result<Consumed, StoreError> {
        let update = webhook::Entity::update_many()
            .set(changeable(webhook))
            .filter(webhook::Column::Id.eq(webhook.id.as_uuid()))
            .filter(webhook::Column::RemovedAt.is_null());
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn webhook_remove(&mut self, id: WebhookId, at: OffsetDateTime) -> Result<Consumed, StoreError> {
        let update = webhook::Entity::update_many()
            .set(webhook::ActiveModel { removed_at: Set(Some(micros(at))), ..Default::default() })
            .filter(webhook::Column::Id.eq(id.as_uuid()))
            .filter(webhook::Column::RemovedAt.is_null());
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn webhook_failing(&mut self, id: WebhookId, since: Option<OffsetDateTime>) -> Result<(), StoreError> {
        let set = webhook::ActiveModel { failing_since: Set(since.map(micros)), ..Default::default() };
        let update = webhook::Entity::update_many().set(set).filter(webhook::Column::Id.eq(id.as_uuid()));
        let update = match since {
            Some(_) => update.filter(webhook::Column::FailingSince.is_null()),
            None => update.filter(webhook::Column::FailingSince.is_not_null()),
        };
        update.exec(&self.transaction).await.map_err(store_error)?;
        Ok(())
    }

    async fn webhook_off(
        &mut self,
        id: WebhookId,
        at: OffsetDateTime,
        because: OffBecause,
    ) -> Result<Consumed, StoreError> {
        let off = webhook::ActiveModel {
            off_at: Set(Some(micros(at))),
            off_because: Set(Some(because.as_str().to_owned())),
            ..Default::default()
        };
        let update = webhook::Entity::update_many()
            .set(off)
            .filter(webhook::Column::Id.eq(id.as_uuid()))
            .filter(webhook::Column::OffAt.is_null())
            .filter(webhook::Column::RemovedAt.is_null());
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn delivery_add(&mut self, delivery: &Delivery) -> Result<(), StoreError> {
        let row = webhook_delivery::ActiveModel {
            id: Set(delivery.id.as_uuid()),
            webhook_id: Set(delivery.webhook.as_uuid()),
            event: Set(delivery.event.clone()),
            body: Set(delivery.body.clone()),
            created_at: Set(micros(delivery.created_at)),
            ..state_columns(delivery.state)
        };
        webhook_delivery::Entity::insert(row).exec_without_returning(&self.transaction).await.map_err(store_error)?;
        Ok(())
    }

    async fn delivery_take(
        &mut self,
        id: WebhookDeliveryId,
        attempts: u32,
        due_again_at: OffsetDateTime,
    ) -> Result<Consumed, StoreError> {
        use webhook_delivery::{ActiveModel, Column, Entity};
        let taken = ActiveModel {
            attempts: Set(i64::from(attempts) + 1),
            next_attempt_at: Set(micros(due_again_at)),
            ..Default::default()
        };
        let update = Entity::update_many()
            .set(taken)
            .filter(Column::Id.eq(id.as_uuid()))
            .filter(Column::Attempts.eq(i64::from(attempts)))
            .filter(Column::TakenAt.is_null())
            .filter(Column::GivenUpAt.is_null());
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn delivery_settle(
        &mut self,
        id: WebhookDeliveryId,
        attempts: u32,
        attempt: &DeliveryAttempt,
        state: DeliveryState,
    ) -> Result<Consumed, StoreError> {
        use webhook_delivery::{Column, Entity};
        let settled = Entity::update_many()
            .set(state_columns(state))
            .filter(Column::Id.eq(id.as_uuid()))
            .filter(Column::Attempts.eq(i64::from(attempts)))
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        if consumed(settled.rows_affected) == Consumed::Lost {
            return Ok(Consumed::Lost);
        }
        let row = webhook_attempt::ActiveModel {
            id: Set(attempt.id),
            delivery_id: Set(id.as_uuid()),
            at: Set(micros(attempt.at)),
            status: Set(attempt.status.map(i64::from)),
            problem: Set(attempt.problem.clone()),
            took_us: Set(number(u64::try_from(attempt.took.as_micros()).unwrap_or(u64::MAX))),
        };
        webhook_attempt::Entity::insert(row).exec_without_returning(&self.transaction).await.map_err(store_error)?;
        Ok(Consumed::Won)
    }

    async fn deliveries_postpone(&mut self, webhook: WebhookId, until: OffsetDateTime) -> Result<(), StoreError> {
        use webhook_delivery::{ActiveModel, Column, Entity};
        Entity::update_many()
            .set(ActiveModel { next_attempt_at: Set(micros(until)), ..Default::default() })
            .filter(Column::WebhookId.eq(webhook.as_uuid()))
            .filter(Column::NextAttemptAt.lt(micros(until)))
            .filter(Column::TakenAt.is_null())
            .filter(Column::GivenUpAt.is_null())
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        Ok(())
    }

    async fn delivery_again(
        &mut self,
        webhook: WebhookId,
        id: WebhookDeliveryId,
        now: OffsetDateTime,
    ) -> Result<Consumed, StoreError> {
        use webhook_delivery::{Column, Entity};
        let again = DeliveryState::Waiting { attempts: 0, next_attempt_at: now };
        let update = Entity::update_many()
            .set(state_columns(again))
            // Whoever tries it this moment has taken it under another number, and settles nothing.
            .filter(Column::Id.eq(id.as_uuid()))
            .filter(Column::WebhookId.eq(webhook.as_uuid()));
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }
}
