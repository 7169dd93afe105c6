//! Alerts, and what they are drawn from.

mod read;
mod write;

use crate::{
    convert::{time, word},
    entity::{alert, alert_rule},
    error::Corrupt,
};
use latchkey_core::{
    alert::{Measure, Rule, Share},
    port::{
        StoreError,
        alert::{Alert, Course},
    },
};
use latchkey_model::AlertId;
use sea_orm::prelude::Uuid;

/// What an alert is about that is about the portal: no row of anything has this id.
const PORTAL: Uuid = Uuid::nil();

fn from_row(row: alert::Model) -> Result<Alert, StoreError> {
    Ok(Alert {
        id: AlertId::from_uuid(row.id),
        of: word(&row.tenant, "tenant")?,
        kind: word(&row.kind, "kind")?,
        subject: (row.subject_id != PORTAL).then_some(row.subject_id),
        title: row.title,
        text: row.body,
        occasion: row.occasion,
        facts: row.facts,
        url: row.url,
        raised_at: time(row.raised_at)?,
        course: match (row.going, row.ended_at) {
            (true, _) => Course::Going,
            (false, Some(at)) => Course::Over(time(at)?),
            (false, None) => Course::Once,
        },
    })
}

fn rule_from_row(row: &alert_rule::Model) -> Result<Rule, StoreError> {
    let measure = match (row.percent, row.at_least, row.minutes, row.hours) {
        (Some(percent), Some(at_least), Some(minutes), _) => {
            Measure::Share(Share { percent: small(percent)?, at_least: small(at_least)?, minutes: small(minutes)? })
        }
        (_, _, _, Some(hours)) => Measure::Learning { hours: small(hours)? },
        (_, Some(at_least), _, _) => Measure::Count { at_least: small(at_least)? },
        _ => Measure::Each,
    };
    let kind = word(&row.kind, "kind")?;
    Ok(Rule { kind, on: row.is_on, people: row.people, webhooks: row.webhooks, measure })
}

fn small<T: TryFrom<i64>>(number: i64) -> Result<T, Corrupt> {
    number.try_into().map_err(|_| Corrupt { what: "measure" })
}
