//! Changes to keys: each a conditional UPDATE that names who may change the key.

use crate::{
    SeaUnitOfWork,
    convert::micros,
    entity::{api_key, application, environment},
    error::store_error,
    work::{consumed, inserted},
};
use ::time::OffsetDateTime;
use async_trait::async_trait;
use latchkey_core::port::{
    ApiKeyWriter, Consumed, Inserted, StoreError,
    api_key::{
        AddressMode, Disabled, Holder, KeyPolicy, KeySettings, Leaked, NewApiKey, NewKeyOwner, Replaced, Revoked,
        RevokedBecause,
    },
};
use latchkey_model::{AccountId, ApiKeyId, ApplicationId, Environment, TeamId};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, EntityTrait, QueryFilter, UpdateMany,
    sea_query::{Expr, ExprTrait, OnConflict, Query},
};

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
        settings: &KeySettings,
    ) -> Result<Consumed, StoreError> {
        // Its people are told of its new end anew.
        let set = api_key::ActiveModel { told_days: Set(None), ..settings_of(settings) };
        self.won(change(id, set).filter(held_by(holder))).await
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
        self.won(change(id, set).filter(held_by(holder)).filter(api_key::Column::DisabledAt.is_null())).await
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

    async fn api_key_replace(
        &mut self,
        holder: Holder,
        id: ApiKeyId,
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
            .filter(not_pending);
        self.won(update).await
    }

    async fn takeover_start(&mut self, id: ApiKeyId, at: OffsetDateTime) -> Result<Consumed, StoreError> {
        let set = api_key::ActiveModel { takeover_started_at: Set(Some(micros(at))), ..Default::default() };
        self.won(change(id, set).filter(waits_for_first_use())).await
    }

    async fn takeover_cancel(
        &mut self,
        holder: Holder,
        id: ApiKeyId,
        by: AccountId,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError> {
        let set = revocation(Some(by), Revoked { at, because: RevokedBecause::RotationCancelled });
        self.won(change(id, set).filter(held_by(holder)).filter(waits_for_first_use())).await
    }

    async fn api_key_retire(&mut self, id: ApiKeyId, at: OffsetDateTime) -> Result<Consumed, StoreError> {
        let at = micros(at);
        let set = api_key::ActiveModel { retires_at: Set(Some(at)), ..Default::default() };
        let later = Condition::any().add(api_key::Column::RetiresAt.is_null()).add(api_key::Column::RetiresAt.gt(at));
        self.won(change(id, set).filter(api_key::Column::ReplacedBy.is_not_null()).filter(later)).await
    }

    async fn api_key_keep(&mut self, holder: Holder, id: ApiKeyId, by: ApiKeyId) -> Result<Consumed, StoreError> {
        let set = api_key::ActiveModel { replaced_by: Set(None), ..Default::default() };
        let update = change(id, set)
            .filter(held_by(holder))
            .filter(api_key::Column::ReplacedBy.eq(by.as_uuid()))
            .filter(api_key::Column::RetiresAt.is_null());
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
        policy: &KeyPolicy,
    ) -> Result<Consumed, StoreError> {
        self.set_policy(team, application, environment, policy).await
    }
}

fn waits_for_first_use() -> Condition {
    Condition::all().add(api_key::Column::TakesOverFrom.is_not_null()).add(api_key::Column::TakeoverStartedAt.is_null())
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
