//! Changes to keys: each a conditional UPDATE that names who may change the key.

use super::{row::not_ended_at, watch::is_idle};
use crate::{
    SeaUnitOfWork,
    convert::{micros, word},
    entity::{account, api_key, application, environment},
    error::store_error,
    work::{consumed, inserted},
};
use ::time::OffsetDateTime;
use async_trait::async_trait;
use latchkey_core::{
    limit::RateLimits,
    port::{
        ApiKeyWriter, Consumed, Inserted, StoreError,
        api_key::{
            AddressMode, ApiKey, Disabled, Holder, KeyPolicy, KeySettings, Leaked, NewApiKey, NewKeyOwner, Replaced,
            Revoked, RevokedBecause, SharedLimits,
        },
    },
};
use latchkey_model::{AccountId, ApiKeyId, ApplicationId, Environment, TeamId};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, UpdateMany,
    prelude::Uuid,
    sea_query::{Expr, ExprTrait, LockType, OnConflict, Query},
};
use std::net::IpAddr;

/// Keys that this holder may change.
fn held_by(holder: Holder) -> Condition {
    match holder {
        Holder::Account(account) => Condition::all().add(api_key::Column::AccountId.eq(account.as_uuid())),
        Holder::Team(team) => {
            let environments = Query::select()
                .column((environment::Entity, environment::Column::Id))
                .from(environment::Entity)
                .inner_join(
                    application::Entity,
                    Expr::col((environment::Entity, environment::Column::ApplicationId))
                        .equals((application::Entity, application::Column::Id)),
                )
                .and_where(application::Column::TeamId.eq(team.as_uuid()))
                .to_owned();
            Condition::all().add(api_key::Column::EnvironmentId.in_subquery(environments))
        }
    }
}

/// The change of one key that is not revoked.
fn change(id: ApiKeyId, set: api_key::ActiveModel) -> UpdateMany<api_key::Entity> {
    api_key::Entity::update_many()
        .set(set)
        .filter(api_key::Column::Id.eq(id.as_uuid()))
        .filter(api_key::Column::RevokedAt.is_null())
}

impl SeaUnitOfWork {
    async fn won(&self, update: UpdateMany<api_key::Entity>) -> Result<Consumed, StoreError> {
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }
}

#[async_trait]
impl ApiKeyWriter for SeaUnitOfWork {
    async fn api_key_add(&mut self, key: &NewApiKey) -> Result<Inserted, StoreError> {
        let (environment_id, account_id) = match key.owner {
            NewKeyOwner::Environment(id) => (Some(id.as_uuid()), None),
            NewKeyOwner::Account(id) => (None, Some(id.as_uuid())),
        };
        let row = api_key::ActiveModel {
            id: Set(key.id.as_uuid()),
            public_id: Set(key.public_id.to_string()),
            last_four: Set(key.last_four.clone()),
            digest: Set(key.digest.to_vec()),
            environment_id: Set(environment_id),
            account_id: Set(account_id),
            created_by: Set(key.created_by.as_uuid()),
            created_at: Set(micros(key.created_at)),
            disabled_by_policy: Set(false),
            lineage: Set(key.lineage.as_uuid()),
            takes_over_from: Set(key.takeover.map(|takeover| takeover.from.as_uuid())),
            overlap_seconds: Set(key.takeover.map(|takeover| takeover.overlap.whole_seconds())),
            takeover_started_at: Set(key.takeover.and_then(|takeover| takeover.started_at).map(micros)),
            form_id: Set(key.form_id),
            ..settings_of(&key.settings)
        };
        let insert = api_key::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        inserted(insert.exec_without_returning(&self.transaction).await)
    }

    async fn api_keys_hold(&mut self, owner: NewKeyOwner, now: OffsetDateTime) -> Result<u64, StoreError> {
        // Counted behind the owner's own row, which this takes: of two who make a key at once, one counts the other's. Rows that name the
        // owner can be written meanwhile.
        let its = match owner {
            NewKeyOwner::Environment(id) => {
                let application = Query::select()
                    .column(environment::Column::ApplicationId)
                    .from(environment::Entity)
                    .and_where(environment::Column::Id.eq(id.as_uuid()))
                    .to_owned();
                let environments = Query::select()
                    .column(environment::Column::Id)
                    .from(environment::Entity)
                    .and_where(environment::Column::ApplicationId.in_subquery(application.clone()))
                    .to_owned();
                let held = application::Entity::find()
                    .filter(application::Column::Id.in_subquery(application))
                    .lock(LockType::NoKeyUpdate);
                held.one(&self.transaction).await.map_err(store_error)?;
                api_key::Column::EnvironmentId.in_subquery(environments)
            }
            NewKeyOwner::Account(id) => {
                let held = account::Entity::find_by_id(id.as_uuid()).lock(LockType::NoKeyUpdate);
                held.one(&self.transaction).await.map_err(store_error)?;
                api_key::Column::AccountId.eq(id.as_uuid())
            }
        };
        api_key::Entity::find()
            .select_only()
            .column(api_key::Column::EnvironmentId)
            .filter(its)
            .filter(not_ended_at(now))
            .count(&self.transaction)
            .await
            .map_err(store_error)
    }

    async fn api_key_revoke(
        &mut self,
        holder: Holder,
        id: ApiKeyId,
        by: Option<AccountId>,
        revoked: Revoked,
    ) -> Result<Consumed, StoreError> {
        self.won(change(id, revocation(by, revoked)).filter(held_by(holder))).await
    }

    async fn api_key_update(
        &mut self,
        holder: Holder,
        id: ApiKeyId,
        read: &KeySettings,
        settings: &KeySettings,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError> {
        let scopes_set_at = if read.scopes == settings.scopes { NotSet } else { Set(Some(micros(at))) };
        // Its people are told of its new end anew.
        let set = api_key::ActiveModel { told_days: Set(None), scopes_set_at, ..settings_of(settings) };
        self.won(change(id, set).filter(held_by(holder)).filter(still(read))).await
    }

    async fn api_key_limits_share(
        &mut self,
        key: &ApiKey,
        limits: &RateLimits,
        now: OffsetDateTime,
    ) -> Result<Vec<SharedLimits>, StoreError> {
        use api_key::Column;
        // Its own row, too, and the newest first, as rotations take them: of two who change keys of one row of keys at once, one waits
        // for the other.
        let held = api_key::Entity::find()
            .filter(held_by(key.owner.holder()))
            .filter(Column::Lineage.eq(key.lineage.as_uuid()))
            .filter(Condition::any().add(Column::Id.eq(key.id.as_uuid())).add(not_ended_at(now)))
            .order_by_desc(Column::Id)
            .lock(LockType::NoKeyUpdate)
            .all(&self.transaction)
            .await
            .map_err(store_error)?;
        let written = limits.to_string();
        let is_other = |one: &api_key::Model| one.id != key.id.as_uuid() && one.limits != written;
        let others: Vec<_> = held.into_iter().filter(is_other).collect();
        let set = api_key::ActiveModel { limits: Set(written), ..Default::default() };
        api_key::Entity::update_many()
            .set(set)
            .filter(Column::Id.is_in(others.iter().map(|other| other.id)))
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        others
            .into_iter()
            .map(|other| {
                Ok(SharedLimits {
                    id: ApiKeyId::from_uuid(other.id),
                    public_id: word(&other.public_id, "public id")?,
                    name: word(&other.name, "name")?,
                    before: word(&other.limits, "limits")?,
                })
            })
            .collect()
    }

    async fn api_key_disable(
        &mut self,
        holder: Holder,
        id: ApiKeyId,
        disabled: Disabled,
    ) -> Result<Consumed, StoreError> {
        let set = api_key::ActiveModel {
            disabled_at: Set(Some(micros(disabled.at))),
            disabled_by_policy: Set(disabled.by_policy),
            ..Default::default()
        };
        let mut update = change(id, set).filter(held_by(holder)).filter(api_key::Column::DisabledAt.is_null());
        if disabled.by_policy {
            // It may have been used since it was found, or its environment have another policy.
            update = update.filter(is_idle(disabled.at));
        }
        self.won(update).await
    }

    async fn api_key_enable(
        &mut self,
        holder: Holder,
        id: ApiKeyId,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError> {
        let set = api_key::ActiveModel {
            disabled_at: Set(None),
            disabled_by_policy: Set(false),
            enabled_at: Set(Some(micros(at))),
            ..Default::default()
        };
        self.won(change(id, set).filter(held_by(holder)).filter(api_key::Column::DisabledAt.is_not_null())).await
    }

    async fn api_keys_idle_from(&mut self, application: ApplicationId, at: OffsetDateTime) -> Result<(), StoreError> {
        let its = Query::select()
            .column(environment::Column::Id)
            .from(environment::Entity)
            .and_where(environment::Column::ApplicationId.eq(application.as_uuid()))
            .to_owned();
        let is_its = Condition::all()
            .add(api_key::Column::EnvironmentId.in_subquery(its))
            .add(api_key::Column::RevokedAt.is_null());
        // The newest first, as everybody takes several: of two who would take the same in another order, each could wait for the other.
        api_key::Entity::find()
            .select_only()
            .column(api_key::Column::Id)
            .filter(is_its.clone())
            .order_by_desc(api_key::Column::Id)
            .lock(LockType::NoKeyUpdate)
            .into_tuple::<Uuid>()
            .all(&self.transaction)
            .await
            .map_err(store_error)?;
        let set = api_key::ActiveModel { enabled_at: Set(Some(micros(at))), ..Default::default() };
        api_key::Entity::update_many().set(set).filter(is_its).exec(&self.transaction).await.map_err(store_error)?;
        Ok(())
    }

    async fn api_key_replace(
        &mut self,
        holder: Holder,
        id: ApiKeyId,
        read: &KeySettings,
        replaced: Replaced,
    ) -> Result<Consumed, StoreError> {
        let set = api_key::ActiveModel {
            replaced_by: Set(Some(replaced.by.as_uuid())),
            retires_at: Set(replaced.retires_at.map(micros)),
            ..Default::default()
        };
        let not_pending = Condition::any()
            .add(api_key::Column::TakesOverFrom.is_null())
            .add(api_key::Column::TakeoverStartedAt.is_not_null());
        let update = change(id, set)
            .filter(held_by(holder))
            .filter(api_key::Column::ReplacedBy.is_null())
            .filter(api_key::Column::DisabledAt.is_null())
            .filter(still(read))
            .filter(not_pending);
        self.won(update).await
    }

    async fn takeover_start(&mut self, id: ApiKeyId, at: OffsetDateTime) -> Result<Consumed, StoreError> {
        let set = api_key::ActiveModel { takeover_started_at: Set(Some(micros(at))), ..Default::default() };
        self.won(change(id, set).filter(waits_for_first_use())).await
    }

    async fn takeover_used(&mut self, id: ApiKeyId, at: OffsetDateTime, from: IpAddr) -> Result<Consumed, StoreError> {
        let set = api_key::ActiveModel {
            last_used_at: Set(Some(micros(at))),
            last_used_from: Set(Some(from.to_string())),
            ..Default::default()
        };
        let update = change(id, set)
            .filter(api_key::Column::TakesOverFrom.is_not_null())
            .filter(api_key::Column::LastUsedAt.is_null());
        self.won(update).await
    }

    async fn takeover_cancel(
        &mut self,
        holder: Holder,
        id: ApiKeyId,
        by: AccountId,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError> {
        let set = revocation(Some(by), Revoked { at, because: RevokedBecause::RotationCancelled });
        let update = change(id, set)
            .filter(held_by(holder))
            .filter(api_key::Column::TakesOverFrom.is_not_null())
            .filter(api_key::Column::ReplacedBy.is_null())
            .filter(api_key::Column::LastUsedAt.is_null());
        self.won(update).await
    }

    async fn api_key_retire(&mut self, id: ApiKeyId, at: OffsetDateTime) -> Result<Consumed, StoreError> {
        let at = micros(at);
        let set = api_key::ActiveModel { retires_at: Set(Some(at)), ..Default::default() };
        let later = Condition::any().add(api_key::Column::RetiresAt.is_null()).add(api_key::Column::RetiresAt.gt(at));
        self.won(change(id, set).filter(api_key::Column::ReplacedBy.is_not_null()).filter(later)).await
    }

    async fn api_key_keep(
        &mut self,
        holder: Holder,
        id: ApiKeyId,
        by: ApiKeyId,
        now: OffsetDateTime,
    ) -> Result<Consumed, StoreError> {
        use api_key::Column;
        let set = api_key::ActiveModel { replaced_by: Set(None), retires_at: Set(None), ..Default::default() };
        let still_works = Condition::any().add(Column::RetiresAt.is_null()).add(Column::RetiresAt.gt(micros(now)));
        // Asked here: a third key may have taken over from that one since it was read.
        let the_last = Query::select()
            .column(Column::Id)
            .from(api_key::Entity)
            .and_where(Column::Id.eq(by.as_uuid()))
            .and_where(Column::ReplacedBy.is_null())
            .to_owned();
        let update = change(id, set)
            .filter(held_by(holder))
            .filter(Column::ReplacedBy.in_subquery(the_last))
            .filter(still_works);
        self.won(update).await
    }

    async fn api_key_leaked(&mut self, id: ApiKeyId, leaked: &Leaked) -> Result<Consumed, StoreError> {
        let set = api_key::ActiveModel {
            leaked_at: Set(Some(micros(leaked.at))),
            leaked_place: Set(Some(leaked.place.clone())),
            ..Default::default()
        };
        // A key that was ended before is marked too: its people learn where it was.
        let update = api_key::Entity::update_many()
            .set(set)
            .filter(api_key::Column::Id.eq(id.as_uuid()))
            .filter(api_key::Column::LeakedAt.is_null());
        self.won(update).await
    }

    async fn api_key_told(&mut self, id: ApiKeyId, days: u16) -> Result<Consumed, StoreError> {
        let days = i64::from(days);
        let set = api_key::ActiveModel { told_days: Set(Some(days)), ..Default::default() };
        let not_yet = Condition::any().add(api_key::Column::ToldDays.is_null()).add(api_key::Column::ToldDays.gt(days));
        self.won(change(id, set).filter(not_yet)).await
    }

    async fn api_key_exposure_told(&mut self, id: ApiKeyId) -> Result<Consumed, StoreError> {
        let set = api_key::ActiveModel { exposure_told: Set(true), ..Default::default() };
        self.won(change(id, set).filter(api_key::Column::ExposureTold.eq(false))).await
    }

    async fn key_policy_set(
        &mut self,
        team: TeamId,
        application: ApplicationId,
        environment: Environment,
        read: &KeyPolicy,
        policy: &KeyPolicy,
    ) -> Result<Consumed, StoreError> {
        self.set_policy(team, application, environment, read, policy).await
    }
}

fn waits_for_first_use() -> Condition {
    Condition::all().add(api_key::Column::TakesOverFrom.is_not_null()).add(api_key::Column::TakeoverStartedAt.is_null())
}

/// Keys whose settings are what was read.
fn still(read: &KeySettings) -> Condition {
    use api_key::Column;
    let ends = match read.expires_at {
        Some(at) => Column::ExpiresAt.eq(micros(at)),
        None => Column::ExpiresAt.is_null(),
    };
    Condition::all()
        .add(Column::Name.eq(read.name.as_str()))
        .add(Column::Scopes.eq(read.scopes.to_string()))
        .add(Column::AllowedFrom.eq(read.allowed_from.to_string()))
        .add(Column::ReportOnly.eq(read.address_mode == AddressMode::ReportOnly))
        .add(Column::Limits.eq(read.limits.to_string()))
        .add(Column::Notes.eq(read.notes.as_str()))
        .add(ends)
}

fn revocation(by: Option<AccountId>, revoked: Revoked) -> api_key::ActiveModel {
    api_key::ActiveModel {
        revoked_at: Set(Some(micros(revoked.at))),
        revoked_by: Set(by.map(AccountId::as_uuid)),
        revoked_because: Set(Some(revoked.because.as_str().to_owned())),
        ..Default::default()
    }
}

fn settings_of(settings: &KeySettings) -> api_key::ActiveModel {
    api_key::ActiveModel {
        name: Set(settings.name.as_str().to_owned()),
        scopes: Set(settings.scopes.to_string()),
        allowed_from: Set(settings.allowed_from.to_string()),
        report_only: Set(settings.address_mode == AddressMode::ReportOnly),
        limits: Set(settings.limits.to_string()),
        notes: Set(settings.notes.as_str().to_owned()),
        expires_at: Set(settings.expires_at.map(micros)),
        ..Default::default()
    }
}
