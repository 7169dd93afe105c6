//! Changes to alerts.

use super::PORTAL;
use crate::{
    SeaUnitOfWork,
    convert::micros,
    entity::{alert, alert_rule, seen_network},
    error::store_error,
    work::{consumed, inserted},
};
use ::time::OffsetDateTime;
use async_trait::async_trait;
use latchkey_core::{
    alert::{AlertsOf, Measure, Rule},
    port::{
        AlertWriter, Consumed, Inserted, StoreError,
        alert::{Alert, Course},
    },
};
use latchkey_model::AlertId;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, prelude::Uuid, sea_query::OnConflict};

#[async_trait]
impl AlertWriter for SeaUnitOfWork {
    async fn alert_rule_set(&mut self, of: AlertsOf, rule: &Rule) -> Result<(), StoreError> {
        use alert_rule::{ActiveModel, Column};
        let (percent, at_least, minutes, hours) = match rule.measure {
            Measure::Share(share) => {
                (Some(share.percent.into()), Some(share.at_least.into()), Some(share.minutes), None)
            }
            Measure::Count { at_least } => (None, Some(at_least.into()), None, None),
            Measure::Learning { hours } => (None, None, None, Some(hours)),
            Measure::Each => (None, None, None, None),
        };
        let row = ActiveModel {
            tenant: Set(of.to_string()),
            kind: Set(rule.kind.as_str().to_owned()),
            is_on: Set(rule.on),
            people: Set(rule.people),
            webhooks: Set(rule.webhooks),
            percent: Set(percent),
            at_least: Set(at_least),
            minutes: Set(minutes.map(i64::from)),
            hours: Set(hours.map(i64::from)),
        };
        let conflict = OnConflict::columns([Column::Tenant, Column::Kind])
            .update_columns([
                Column::IsOn,
                Column::People,
                Column::Webhooks,
                Column::Percent,
                Column::AtLeast,
                Column::Minutes,
                Column::Hours,
            ])
            .to_owned();
        let insert = alert_rule::Entity::insert(row).on_conflict(conflict);
        insert.exec_without_returning(&self.transaction).await.map_err(store_error)?;
        Ok(())
    }

    async fn alert_add(&mut self, alert: &Alert) -> Result<Inserted, StoreError> {
        let row = alert::ActiveModel {
            id: Set(alert.id.as_uuid()),
            tenant: Set(alert.of.to_string()),
            kind: Set(alert.kind.as_str().to_owned()),
            subject_id: Set(alert.subject.unwrap_or(PORTAL)),
            title: Set(alert.title.clone()),
            body: Set(alert.text.clone()),
            occasion: Set(alert.occasion.clone()),
            facts: Set(alert.facts.clone()),
            url: Set(alert.url.clone()),
            raised_at: Set(micros(alert.raised_at)),
            going: Set(alert.course == Course::Going),
            ended_at: Set(match alert.course {
                Course::Over(at) => Some(micros(at)),
                Course::Once | Course::Going => None,
            }),
        };
        let insert = alert::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        inserted(insert.exec_without_returning(&self.transaction).await)
    }

    async fn alert_end(&mut self, id: AlertId, at: OffsetDateTime) -> Result<Consumed, StoreError> {
        let ended = alert::Entity::update_many()
            .set(alert::ActiveModel { going: Set(false), ended_at: Set(Some(micros(at))), ..Default::default() })
            .filter(alert::Column::Id.eq(id.as_uuid()))
            .filter(alert::Column::Going.eq(true));
        Ok(consumed(ended.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn alert_resume(&mut self, id: AlertId) -> Result<Consumed, StoreError> {
        let resumed = alert::Entity::update_many()
            .set(alert::ActiveModel { going: Set(true), ended_at: Set(None), ..Default::default() })
            .filter(alert::Column::Id.eq(id.as_uuid()))
            .filter(alert::Column::Going.eq(false));
        Ok(consumed(resumed.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn network_told(&mut self, credential: Uuid, network: &str) -> Result<Consumed, StoreError> {
        let told = seen_network::Entity::update_many()
            .set(seen_network::ActiveModel { told: Set(true), ..Default::default() })
            .filter(seen_network::Column::CredentialId.eq(credential))
            .filter(seen_network::Column::Network.eq(network))
            .filter(seen_network::Column::Told.eq(false));
        Ok(consumed(told.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }
}
