//! The audit log.

use crate::{
    SeaStore, SeaUnitOfWork,
    convert::{count, digest, first_id, micros, time, word},
    entity::{account, audit_base, audit_event, audit_head, audit_seal},
    error::{Corrupt, store_error},
    like::contains,
    retention::removed,
    setting,
    work::inserted,
};
use ::time::OffsetDateTime;
use async_trait::async_trait;
use latchkey_core::{
    audit::{Action, GENESIS, Tenant, chained},
    port::{
        AuditReader, AuditWriter, Inserted, Removed, StoreError,
        audit::{AuditActor, AuditBase, AuditEvent, AuditFilter, AuditHead, AuditSeal, NewAuditEvent},
    },
};
use latchkey_model::{AccountId, AuditEventId};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, OnConflict},
};

/// The name of the setting that tells of the newest seals.
const TALLY: &str = "audit_seals";

fn from_row((row, account): (audit_event::Model, Option<account::Model>)) -> Result<AuditEvent, StoreError> {
    Ok(AuditEvent {
        event: NewAuditEvent {
            id: AuditEventId::from_uuid(row.id),
            tenant: word(&row.tenant, "tenant")?,
            at: time(row.at)?,
            account: row.account_id.map(AccountId::from_uuid),
            from: row.address.map(|address| word(&address, "address")).transpose()?,
            action: word(&row.action, "action")?,
            target: row.target,
            target_name: row.target_name,
            changes: row.changes,
            reason: row.reason,
        },
        sequence: row.sequence,
        previous: digest(&row.previous)?,
        digest: digest(&row.digest)?,
        account_name: account.map(|account| account.name),
    })
}

/// What a filter asks of events, whatever their place.
fn passing(filter: &AuditFilter) -> Condition {
    use audit_event::Column;
    let by = |actor: &AuditActor| match actor {
        AuditActor::Account(id) => Column::AccountId.eq(id.as_uuid()),
        AuditActor::Named(name) => contains(account::Column::Name, name),
        AuditActor::Nobody => Column::AccountId.is_null(),
    };
    let to = |target: &String| {
        Condition::any().add(Column::Target.eq(target.as_str())).add(contains(Column::TargetName, target))
    };
    Condition::all()
        .add_option(filter.action.map(|action| Column::Action.eq(action.as_str())))
        .add_option(filter.actor.as_ref().map(by))
        .add_option(filter.target.as_ref().map(to))
        .add_option(filter.since.map(|since| Column::At.gte(micros(since))))
        .add_option(filter.until.map(|until| Column::At.lt(micros(until))))
}

fn head_from_row(row: &audit_head::Model) -> Result<AuditHead, StoreError> {
    Ok(AuditHead { tenant: word(&row.tenant, "tenant")?, sequence: row.sequence, digest: digest(&row.digest)? })
}

#[async_trait]
impl AuditReader for SeaStore {
    async fn audit_events(
        &self,
        tenant: Option<Tenant>,
        filter: &AuditFilter,
        limit: u64,
    ) -> Result<Vec<AuditEvent>, StoreError> {
        let mut query = audit_event::Entity::find().find_also_related(account::Entity).filter(passing(filter));
        if let Some(tenant) = tenant {
            // In the order of the chain: ids of one millisecond are in none.
            query = query
                .filter(audit_event::Column::Tenant.eq(tenant.to_string()))
                .order_by_desc(audit_event::Column::Sequence);
            if let Some(before) = filter.before {
                let cursor = audit_event::Entity::find_by_id(before.as_uuid());
                let cursor = cursor.one(&self.reader).await.map_err(store_error)?;
                let Some(cursor) = cursor else { return Ok(Vec::new()) };
                query = query.filter(audit_event::Column::Sequence.lt(cursor.sequence));
            }
        } else {
            query = query.order_by_desc(audit_event::Column::Id);
            if let Some(before) = filter.before {
                query = query.filter(audit_event::Column::Id.lt(before.as_uuid()));
            }
        }
        let query = query.limit(limit);
        query.all(&self.reader).await.map_err(store_error)?.into_iter().map(from_row).collect()
    }

    async fn audit_chain(&self, tenant: Tenant, after: i64, limit: u64) -> Result<Vec<AuditEvent>, StoreError> {
        let rows = audit_event::Entity::find()
            .filter(audit_event::Column::Tenant.eq(tenant.to_string()))
            .filter(audit_event::Column::Sequence.gt(after))
            .order_by_asc(audit_event::Column::Sequence)
            .limit(limit)
            .all(&self.reader)
            .await
            .map_err(store_error)?;
        rows.into_iter().map(|row| from_row((row, None))).collect()
    }

    async fn audit_counts(&self, since: OffsetDateTime) -> Result<Vec<(Action, u64)>, StoreError> {
        let rows = audit_event::Entity::find()
            .select_only()
            .column(audit_event::Column::Action)
            .column_as(audit_event::Column::Id.count(), "events")
            .filter(audit_event::Column::Id.gte(first_id(since)))
            .group_by(audit_event::Column::Action)
            .into_tuple::<(String, i64)>()
            .all(&self.reader)
            .await
            .map_err(store_error)?;
        rows.into_iter().map(|(action, events)| Ok((word(&action, "action")?, count(events)))).collect()
    }

    async fn audit_heads(&self) -> Result<Vec<AuditHead>, StoreError> {
        let rows = audit_head::Entity::find().order_by_asc(audit_head::Column::Tenant);
        rows.all(&self.reader).await.map_err(store_error)?.iter().map(head_from_row).collect()
    }

    async fn audit_bases(&self) -> Result<Vec<AuditBase>, StoreError> {
        let rows = audit_base::Entity::find().all(&self.reader).await.map_err(store_error)?;
        rows.into_iter()
            .map(|row| {
                let tenant = word(&row.tenant, "tenant")?;
                let head = AuditHead { tenant, sequence: row.sequence, digest: digest(&row.digest)? };
                Ok(AuditBase { head, seal: digest(&row.seal)? })
            })
            .collect()
    }

    async fn audit_seals(&self) -> Result<Vec<AuditSeal>, StoreError> {
        let rows = audit_seal::Entity::find()
            .order_by_asc(audit_seal::Column::Sequence)
            .order_by_asc(audit_seal::Column::Day)
            .all(&self.reader)
            .await
            .map_err(store_error)?;
        rows.into_iter()
            .map(|row| {
                let tenant = word(&row.tenant, "tenant")?;
                let head = AuditHead { tenant, sequence: row.sequence, digest: digest(&row.digest)? };
                Ok(AuditSeal { head, day: row.day, seal: digest(&row.seal)? })
            })
            .collect()
    }

    async fn audit_tally(&self) -> Result<Option<String>, StoreError> {
        setting::read(&self.reader, TALLY).await
    }

    async fn audit_read_ahead(&self, base: &AuditHead, since: i64, limit: u64) -> Result<u64, StoreError> {
        let old = audit_event::Entity::find()
            .select_only()
            .column(audit_event::Column::Action)
            .filter(audit_event::Column::Tenant.eq(base.tenant.to_string()))
            .filter(audit_event::Column::Sequence.gte(since))
            .filter(audit_event::Column::Sequence.lt(base.sequence))
            .order_by_asc(audit_event::Column::Sequence)
            .limit(limit);
        let old: Vec<String> = old.into_tuple().all(&self.reader).await.map_err(store_error)?;
        Ok(old.len() as u64)
    }
}

impl SeaUnitOfWork {
    /// The end of a chain. Whoever else acts for this tenant waits for the end of this transaction.
    pub(crate) async fn chain_hold(&self, tenant: &str) -> Result<audit_head::Model, StoreError> {
        let first =
            audit_head::ActiveModel { tenant: Set(tenant.to_owned()), sequence: Set(0), digest: Set(GENESIS.to_vec()) };
        let insert = audit_head::Entity::insert(first).on_conflict(OnConflict::new().do_nothing().to_owned());
        let (Inserted::Done | Inserted::Duplicate) = inserted(insert.exec_without_returning(&self.transaction).await)?;
        let held = audit_head::Entity::find_by_id(tenant).lock_exclusive();
        Ok(held.one(&self.transaction).await.map_err(store_error)?.ok_or(Corrupt { what: "chain" })?)
    }
}

#[async_trait]
impl AuditWriter for SeaUnitOfWork {
    async fn audit_append(&mut self, event: &NewAuditEvent) -> Result<(), StoreError> {
        let tenant = event.tenant.to_string();
        let held = self.chain_hold(&tenant).await?;
        let (previous, sequence) = (digest(&held.digest)?, held.sequence + 1);
        let chained = chained(&previous, sequence, event);
        let row = audit_event::ActiveModel {
            id: Set(event.id.as_uuid()),
            tenant: Set(tenant.clone()),
            sequence: Set(sequence),
            at: Set(micros(event.at)),
            account_id: Set(event.account.map(AccountId::as_uuid)),
            address: Set(event.from.map(|from| from.to_string())),
            action: Set(event.action.as_str().to_owned()),
            target: Set(event.target.clone()),
            target_name: Set(event.target_name.clone()),
            changes: Set(event.changes.clone()),
            reason: Set(event.reason.clone()),
            previous: Set(previous.to_vec()),
            digest: Set(chained.to_vec()),
        };
        audit_event::Entity::insert(row).exec_without_returning(&self.transaction).await.map_err(store_error)?;
        let next =
            audit_head::ActiveModel { sequence: Set(sequence), digest: Set(chained.to_vec()), ..Default::default() };
        let update = audit_head::Entity::update_many().set(next).filter(audit_head::Column::Tenant.eq(tenant));
        update.exec(&self.transaction).await.map_err(store_error)?;
        Ok(())
    }

    async fn audit_base_set(&mut self, base: &AuditBase) -> Result<(), StoreError> {
        use audit_base::Column;
        let row = audit_base::ActiveModel {
            tenant: Set(base.head.tenant.to_string()),
            sequence: Set(base.head.sequence),
            digest: Set(base.head.digest.to_vec()),
            seal: Set(base.seal.to_vec()),
        };
        // Another node may have removed more meanwhile: what is gone is in no chain any more.
        let is_before = Expr::col((audit_base::Entity, Column::Sequence)).lt(base.head.sequence);
        let replace = OnConflict::column(Column::Tenant)
            .update_columns([Column::Sequence, Column::Digest, Column::Seal])
            .action_and_where(is_before)
            .to_owned();
        let insert = audit_base::Entity::insert(row).on_conflict(replace);
        insert.exec_without_returning(&self.transaction).await.map_err(store_error)?;
        Ok(())
    }

    async fn audit_prune(&mut self, base: &AuditHead, since: i64, limit: u64) -> Result<Removed<i64>, StoreError> {
        let tenant = base.tenant.to_string();
        let sql = format!(
            "DELETE FROM audit_event WHERE id IN (SELECT id FROM audit_event WHERE tenant = $1 AND sequence >= $2 AND sequence < $3 \
             ORDER BY sequence LIMIT {limit}) RETURNING sequence"
        );
        let values = [tenant.as_str().into(), since.into(), base.sequence.into()];
        let gone = removed(&self.transaction, &sql, values, "sequence", since).await?;
        audit_seal::Entity::delete_many()
            .filter(audit_seal::Column::Tenant.eq(tenant))
            .filter(audit_seal::Column::Sequence.lt(base.sequence))
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        Ok(gone)
    }

    async fn audit_seal_add(&mut self, seal: &AuditSeal) -> Result<(), StoreError> {
        let row = audit_seal::ActiveModel {
            tenant: Set(seal.head.tenant.to_string()),
            day: Set(seal.day),
            sequence: Set(seal.head.sequence),
            digest: Set(seal.head.digest.to_vec()),
            seal: Set(seal.seal.to_vec()),
        };
        let insert = audit_seal::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        let (Inserted::Done | Inserted::Duplicate) = inserted(insert.exec_without_returning(&self.transaction).await)?;
        Ok(())
    }

    async fn audit_tally_hold(&mut self) -> Result<Option<String>, StoreError> {
        setting::hold(&self.transaction, TALLY).await
    }

    async fn audit_tally_set(&mut self, tally: &str) -> Result<(), StoreError> {
        setting::write(&self.transaction, TALLY, tally.to_owned()).await
    }
}
