//! The batch writer's end of the request log.

use crate::{
    SeaUnitOfWork,
    bulk::Bulk,
    convert::{micros, number},
    entity::api_key,
    error::{Corrupt, store_error},
    rollup,
};
use async_trait::async_trait;
use latchkey_core::port::{
    RequestLogWriter, StoreError,
    request_log::{AttributedTo, Folded, LastUse, NetworkUse, RequestBatch, RequestRow, Used, network_word},
};
use latchkey_model::trace::DecisionTrace;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseBackend, EntityTrait, QueryFilter, Value, prelude::Uuid,
};
use std::collections::BTreeSet;

/// A batch that is tried again after an answer was lost writes nothing twice.
const ROWS: Bulk = Bulk {
    head: "INSERT INTO request_log (id, at, method, route, path, status, reason, address, user_agent, duration_us, team_id, \
           application_id, environment_id, environment, api_key_id, key_hint, key_name, trace, remedy, account_id, reported, \
           stands_for, network, bytes_in, bytes_out) VALUES ",
    tail: " ON CONFLICT (id) DO NOTHING",
    columns: 25,
};

/// A trace as a row holds it: of each step the values alone, whose names would be a third of it. It is read like one with names, as rows
/// were written before.
fn written(trace: &DecisionTrace) -> Result<String, Corrupt> {
    let steps: Vec<_> = trace.steps().iter().map(|step| (step.name, step.outcome, step.detail.as_str())).collect();
    serde_json::to_string(&steps).map_err(|_| Corrupt { what: "trace" })
}

fn row(request: &RequestRow) -> Result<Vec<Value>, StoreError> {
    let owner = request.attribution.as_ref();
    let (team, application, environment_id, environment, account) = match owner.map(|owner| owner.owner) {
        Some(AttributedTo::Environment { team_id, application_id, environment_id, environment }) => {
            let ids = (team_id.as_uuid(), application_id.as_uuid(), environment_id.as_uuid());
            (Some(ids.0), Some(ids.1), Some(ids.2), Some(environment.as_str()), None)
        }
        Some(AttributedTo::Account(id)) => (None, None, None, None, Some(id.as_uuid())),
        None => (None, None, None, None, None),
    };
    let trace = written(&request.trace)?;
    Ok(vec![
        request.id.as_uuid().into(),
        micros(request.at).into(),
        request.method.as_str().into(),
        request.route.as_str().into(),
        request.path.as_str().into(),
        i64::from(request.status).into(),
        request.reason.as_deref().into(),
        request.address.to_string().into(),
        request.user_agent.as_str().into(),
        number(request.duration_us).into(),
        team.into(),
        application.into(),
        environment_id.into(),
        environment.into(),
        owner.map(|owner| owner.credential.as_uuid()).into(),
        owner.map(|owner| owner.hint.as_str()).into(),
        owner.map(|owner| owner.name.as_str()).into(),
        trace.into(),
        request.remedy.as_deref().into(),
        account.into(),
        request.reported.as_deref().into(),
        number(request.stands_for).into(),
        (!request.from_many).then(|| network_word(request.address)).into(),
        number(request.volume.received).into(),
        number(request.volume.sent).into(),
    ])
}

/// The first use stays; the last one is as new as a day.
const NETWORKS: Bulk = Bulk {
    head: "INSERT INTO seen_network (credential_id, network, owner_id, address, first_at, last_at, told) VALUES ",
    tail: " ON CONFLICT (credential_id, network) DO UPDATE SET last_at = excluded.last_at",
    columns: 7,
};

fn from_network(seen: &NetworkUse) -> Vec<Value> {
    let at = seen.hour.saturating_mul(1_000_000);
    vec![
        seen.credential.into(),
        network_word(seen.address).into(),
        seen.owner.as_uuid().into(),
        seen.address.to_string().into(),
        at.into(),
        at.into(),
        false.into(),
    ]
}

/// More that are alike belong to a row that is there.
const FOLDED: Bulk = Bulk {
    head: "WITH folded (id, more, at) AS (VALUES ",
    tail: ") UPDATE request_log SET stands_for = request_log.stands_for + folded.more, last_at = folded.at FROM folded \
           WHERE request_log.id = folded.id",
    columns: 3,
};

fn folded(folded: &Folded) -> Vec<Value> {
    vec![folded.row.as_uuid().into(), number(folded.more).into(), micros(folded.last_at).into()]
}

/// How the last uses of one table's rows are written.
struct LastUses {
    /// Takes the rows of PostgreSQL, the newest first, as whoever changes several of a row of keys takes them: of two who would take the
    /// same rows in another order, each could wait for the other. SQLite has one writer.
    take: Bulk,
    write: Bulk,
}

/// A last use goes forward only, except from a time that is more than an hour ahead of a use: that was a clock's mistake.
macro_rules! last_uses_of {
    ($table:literal) => {
        LastUses {
            take: Bulk {
                head: "WITH used (id) AS (VALUES ",
                tail: concat!(
                    ") SELECT ",
                    $table,
                    ".id FROM ",
                    $table,
                    " JOIN used ON used.id = ",
                    $table,
                    ".id ORDER BY ",
                    $table,
                    ".id DESC FOR NO KEY UPDATE OF ",
                    $table
                ),
                columns: 1,
            },
            write: Bulk {
                head: "WITH used (id, at, address) AS (VALUES ",
                tail: concat!(
                    ") UPDATE ",
                    $table,
                    " SET last_used_at = used.at, last_used_from = used.address FROM used WHERE ",
                    $table,
                    ".id = used.id AND (",
                    $table,
                    ".last_used_at IS NULL OR ",
                    $table,
                    ".last_used_at < used.at OR ",
                    $table,
                    ".last_used_at > used.at + 3600000000)"
                ),
                columns: 3,
            },
        }
    };
}

const KEYS_USED: LastUses = last_uses_of!("api_key");
const CLIENTS_USED: LastUses = last_uses_of!("oauth_client");
const SECRETS_USED: LastUses = last_uses_of!("client_secret");
const GRANTS_USED: LastUses = last_uses_of!("oauth_grant");

/// Only the first use of an access token says something: that the answer which it was in has arrived.
const ACCESS_TOKENS_USED: Bulk = Bulk {
    head: "WITH used (id, at, address) AS (VALUES ",
    tail: ") UPDATE refresh_token SET access_token_used_at = used.at FROM used WHERE refresh_token.access_token_id = used.id \
           AND refresh_token.access_token_used_at IS NULL",
    columns: 3,
};

/// The last uses of one sort.
fn used(uses: &[LastUse], id: fn(Used) -> Option<Uuid>) -> Vec<(Uuid, &LastUse)> {
    uses.iter().filter_map(|one| Some((id(one.used)?, one))).collect()
}

/// Last uses by the table that they belong in.
fn by_table(uses: &[LastUse]) -> [(LastUses, Vec<(Uuid, &LastUse)>); 4] {
    let of = |id| used(uses, id);
    [
        (KEYS_USED, of(|used| if let Used::Key(id) = used { Some(id.as_uuid()) } else { None })),
        (CLIENTS_USED, of(|used| if let Used::Client(id) = used { Some(id.as_uuid()) } else { None })),
        (SECRETS_USED, of(|used| if let Used::Secret(id) = used { Some(id.as_uuid()) } else { None })),
        (GRANTS_USED, of(|used| if let Used::Grant(id) = used { Some(id.as_uuid()) } else { None })),
    ]
}

fn last_use((id, used): &(Uuid, &LastUse)) -> Vec<Value> {
    vec![(*id).into(), micros(used.at).into(), used.address.to_string().into()]
}

impl SeaUnitOfWork {
    /// Writes last uses of one table's rows, and takes with them those of these ids, which are written after them.
    async fn write_last_uses(
        &self,
        (table, uses): (LastUses, Vec<(Uuid, &LastUse)>),
        others: impl Iterator<Item = Uuid> + Send,
    ) -> Result<(), StoreError> {
        if self.transaction.get_database_backend() == DatabaseBackend::Postgres {
            let ids: BTreeSet<_> = uses.iter().map(|(id, _)| *id).chain(others).collect();
            let newest_first: Vec<_> = ids.into_iter().rev().collect();
            table.take.run(&self.transaction, &newest_first, |id| Ok(vec![(*id).into()])).await?;
        }
        table.write.run(&self.transaction, &uses, |used| Ok(last_use(used))).await
    }
}

#[async_trait]
impl RequestLogWriter for SeaUnitOfWork {
    async fn record(&mut self, batch: &RequestBatch) -> Result<(), StoreError> {
        ROWS.run(&self.transaction, &batch.rows, row).await?;
        FOLDED.run(&self.transaction, &batch.folded, |rows| Ok(folded(rows))).await?;
        rollup::add(&self.transaction, &batch.rollups, &batch.addresses).await?;
        let [keys, others @ ..] = by_table(&batch.last_uses);
        self.write_last_uses(keys, batch.exposures.iter().map(|(key, _)| key.as_uuid())).await?;
        for one in others {
            self.write_last_uses(one, std::iter::empty()).await?;
        }
        let tokens = used(&batch.last_uses, |used| if let Used::AccessToken(id) = used { Some(id) } else { None });
        ACCESS_TOKENS_USED.run(&self.transaction, &tokens, |used| Ok(last_use(used))).await?;
        NETWORKS.run(&self.transaction, &batch.networks, |seen| Ok(from_network(seen))).await?;
        for (key, at) in &batch.exposures {
            api_key::Entity::update_many()
                .set(api_key::ActiveModel { exposed_at: Set(Some(micros(*at))), ..Default::default() })
                .filter(api_key::Column::Id.eq(key.as_uuid()))
                .filter(api_key::Column::ExposedAt.is_null())
                .exec(&self.transaction)
                .await
                .map_err(store_error)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey_model::trace::{Step, StepName, StepOutcome};

    #[test]
    fn a_trace_is_read_with_and_without_names() {
        let step = |name, outcome, detail: &str| Step { name, outcome, detail: detail.to_owned() };
        let trace = DecisionTrace::complete(vec![
            step(StepName::Credential, StepOutcome::Passed, "found in X-API-Key"),
            step(StepName::Format, StepOutcome::Failed, "\"sk_…\" is no key"),
        ]);
        let (short, long) = (written(&trace).unwrap(), serde_json::to_string(&trace).unwrap());
        for stored in [&short, &long] {
            assert_eq!(serde_json::from_str::<DecisionTrace>(stored).unwrap(), trace, "{stored}");
        }
        assert!(short.starts_with(r#"[["credential","passed","found in X-API-Key"],["#), "{short}");
        assert!(short.len() * 4 < long.len() * 3);
    }
}
