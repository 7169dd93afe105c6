//! Where what perishes is kept, and by which of its columns its time is known.

use crate::{
    convert::{micros, time},
    error::Corrupt,
};
use latchkey_core::port::{
    Perishable,
    rollup::{Counted, Period},
};
use sea_orm::DatabaseBackend;
use std::ops::Range;
use time::OffsetDateTime;

/// In what its time is counted, from 1970 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Microseconds,
    Seconds,
}

/// A table of what perishes.
#[derive(Debug, Clone)]
pub(super) struct Place {
    table: &'static str,
    /// The column of its time, which has an index.
    pub(super) time: &'static str,
    unit: Unit,
    /// What tells a row of SQLite from the others.
    key: &'static str,
    /// A column that stands in the row alone: whoever reads it has read the row.
    apart: &'static str,
    /// Which rows perish at all.
    also: String,
    /// What goes with a row of its own.
    pub(super) with: Option<With>,
}

/// A table whose rows go with another's. They may be many: they go first, in parts of their own.
#[derive(Debug, Clone, Copy)]
pub(super) struct With {
    table: &'static str,
    /// The column that names the other's.
    column: &'static str,
    /// What tells a row from the others.
    key: &'static str,
    /// As in [`Place`].
    apart: &'static str,
}

impl Place {
    pub(super) fn of(what: Perishable) -> Self {
        match what {
            Perishable::Requests => Self::new("request_log", "at", "status"),
            Perishable::Counts(counted, period) => Self::of_counts(counted, period),
            Perishable::ExpiredSessions => Self::new("session", "expires_at", "seen_at"),
            Perishable::EndedSessions => Self::new("session", "ended_at", "seen_at"),
            Perishable::IdempotentAnswers => Self::new("idempotent_answer", "created_at", "key"),
            Perishable::RevokedTokens => Self::new("revoked_token", "expires_at", "id"),
            Perishable::OpaqueTokens => Self::new("opaque_token", "expires_at", "id"),
            Perishable::UsedNames => Self::new("used_name", "expires_at", "name"),
            Perishable::AuthorizationCodes => Self::new("authorization_code", "expires_at", "id"),
            Perishable::PushedRequests => Self::new("pushed_request", "expires_at", "id"),
            Perishable::DeviceCodes => Self::new("device_code", "expires_at", "id"),
            Perishable::TokenFamilies => {
                let tokens = With { table: "refresh_token", column: "family_id", key: "id", apart: "id" };
                Self { with: Some(tokens), ..Self::new("token_family", "expires_at", "id") }
            }
            Perishable::MailedLinks => Self::new("mailed_link", "asked_at", "id"),
            Perishable::PasskeyCeremonies => Self::new("passkey_ceremony", "expires_at", "id"),
            Perishable::Notices => Self::new("notice", "created_at", "id"),
            Perishable::Blocks => Self::new("block", "expires_at", "id"),
            Perishable::Alerts => Self::new("alert", "raised_at", "id").which("NOT going"),
            Perishable::WebhookDeliveries => Self::new("webhook_delivery", "created_at", "id"),
            Perishable::RemovedWebhooks => {
                let messages = With { table: "webhook_delivery", column: "webhook_id", key: "id", apart: "id" };
                Self { with: Some(messages), ..Self::new("webhook", "removed_at", "id") }
            }
            Perishable::RemovedProviders => {
                let (column, key) = ("identity_provider_id", "identity_provider_id, subject");
                let links = With { table: "linked_identity", column, key, apart: "label" };
                Self { with: Some(links), ..Self::new("identity_provider", "removed_at", "id") }
            }
            Perishable::Invitations => Self::new("invitation", "expires_at", "id"),
            Perishable::SeenNetworks => Self::new("seen_network", "last_at", "network"),
            Perishable::Mails => Self::new("mail", "created_at", "id"),
            Perishable::AttemptCounters => {
                Self::new("attempt_counter", "last_at", "id").which("(locked_until IS NULL OR locked_until < $2)")
            }
        }
    }

    fn new(table: &'static str, time: &'static str, apart: &'static str) -> Self {
        Self { table, time, unit: Unit::Microseconds, key: "rowid", apart, also: String::new(), with: None }
    }

    fn of_counts(counted: Counted, period: Period) -> Self {
        let (table, key) = crate::rollup::table(counted);
        let counts = Self { unit: Unit::Seconds, key, ..Self::new(table, "start", "requests") };
        counts.which(&format!("period = '{}'", period.as_str()))
    }

    fn which(mut self, condition: &str) -> Self {
        self.also = format!(" AND {condition}");
        self
    }

    /// A range of times as they are stored: what `$1` and `$2` stand for.
    pub(super) fn times(&self, times: &Range<OffsetDateTime>) -> [i64; 2] {
        [times.start, times.end].map(|at| match self.unit {
            Unit::Microseconds => micros(at),
            Unit::Seconds => at.unix_timestamp(),
        })
    }

    /// A time that was stored.
    pub(super) fn read_time(&self, stored: i64) -> Result<OffsetDateTime, Corrupt> {
        match self.unit {
            Unit::Microseconds => time(stored),
            Unit::Seconds => OffsetDateTime::from_unix_timestamp(stored).map_err(|_| Corrupt { what: "time" }),
        }
    }

    fn condition(&self) -> String {
        let Self { time, also, .. } = self;
        format!("WHERE {time} >= $1 AND {time} < $2{also}")
    }

    /// The end of a question for so many of the oldest rows of a range. In the order of the index: PostgreSQL would else read the table from
    /// its start, again for each part.
    pub(super) fn oldest(&self, limit: u64) -> String {
        format!("{} ORDER BY {} LIMIT {limit}", self.condition(), self.time)
    }

    /// Counts so many of the oldest rows of a range, and reads them.
    pub(super) fn rows(&self, limit: u64) -> String {
        let Self { table, apart, .. } = self;
        let oldest = self.oldest(limit);
        let rows = format!("SELECT count({apart}) FROM (SELECT {apart} FROM {table} {oldest}) AS oldest");
        let Some(With { table: others, column, apart, .. }) = self.with else { return rows };
        format!(
            "SELECT ({rows}) + (SELECT count({apart}) FROM (SELECT {apart} FROM {others} WHERE {column} IN \
             (SELECT id FROM {table} {oldest}) LIMIT {limit}) AS its)"
        )
    }

    /// Removes so many of the rows that go with the oldest row of a range.
    pub(super) fn removal_with(&self, limit: u64) -> Option<String> {
        let With { table: others, column, key, .. } = self.with?;
        let Self { table, .. } = self;
        Some(format!(
            "DELETE FROM {others} WHERE ({key}) IN (SELECT {key} FROM {others} WHERE {column} = \
             (SELECT id FROM {table} {}) LIMIT {limit})",
            self.oldest(1)
        ))
    }

    /// Removes so many of the oldest rows of a range.
    pub(super) fn removal(&self, backend: DatabaseBackend, limit: u64) -> String {
        let Self { table, time, key, also, .. } = self;
        let oldest = self.oldest(limit);
        let which = match backend {
            // It knows where a row lies. One that somebody changed meanwhile is looked at again, by itself: no index is of use for that.
            DatabaseBackend::Postgres => {
                format!("ctid = ANY (ARRAY(SELECT ctid FROM {table} {oldest})) AND {time} + 0 < $2{also}")
            }
            _ => format!("({key}) IN (SELECT {key} FROM {table} {oldest})"),
        };
        format!("DELETE FROM {table} WHERE {which} RETURNING {time}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeaStore;
    use migrations::Migrator;
    use sea_orm::{ConnectionTrait, Statement};
    use sea_orm_migration::MigratorTrait;

    #[tokio::test]
    async fn what_is_over_is_found_without_reading_what_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let store = SeaStore::connect(&format!("sqlite://{}/x.db", folder.path().display())).await.unwrap();
        Migrator::up(store.writer(), None).await.unwrap();
        for what in Perishable::all() {
            let place = Place::of(what);
            let removal = place.removal(DatabaseBackend::Sqlite, 8);
            for sql in [Some(place.rows(8)), Some(removal), place.removal_with(8)].into_iter().flatten() {
                let values = [0_i64.into(), 9_i64.into()];
                let explain = format!("EXPLAIN QUERY PLAN {sql}");
                let explain = Statement::from_sql_and_values(DatabaseBackend::Sqlite, explain, values);
                let steps = store.reader.query_all_raw(explain).await.unwrap();
                let steps: Vec<String> = steps.iter().map(|step| step.try_get("", "detail").unwrap()).collect();
                let by_time = format!("{}>? AND {}<?", place.time, place.time);
                assert!(
                    steps.iter().any(|step| step.contains("INDEX") && step.contains(&by_time)),
                    "{what:?} {steps:?}"
                );
                assert!(
                    !steps.iter().any(|step| step.contains(&format!("SCAN {}", place.table))),
                    "{what:?} {steps:?}"
                );
                assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{what:?} {steps:?}");
            }
        }
    }
}
