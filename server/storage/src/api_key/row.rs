//! From a row, with what surrounds it, to the words of the domain.

use crate::{
    convert::{digest, micros, time, word},
    entity::{account, api_key, application, environment},
    error::Corrupt,
    suspension::suspension,
    team::teams_of,
};
use ::time::{Duration, OffsetDateTime};
use latchkey_core::port::{
    StoreError,
    api_key::{
        AddressMode, ApiKey, Disabled, KeyOwner, KeySettings, Leaked, Replaced, Revoked, StoredApiKey, Takeover,
    },
    suspension::Suspendable,
};
use latchkey_model::{AccountId, ApiKeyId, ApplicationId, EnvironmentId, TeamId};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, FromQueryResult, JoinType, QueryFilter, QuerySelect, RelationTrait, Select,
    prelude::Uuid,
};

/// A key with what surrounds it, as one query gives them.
#[derive(FromQueryResult)]
pub(super) struct Row {
    pub(super) id: Uuid,
    public_id: String,
    last_four: String,
    digest: Vec<u8>,
    environment_id: Option<Uuid>,
    kind: Option<String>,
    application_id: Option<Uuid>,
    application_name: Option<String>,
    team_id: Option<Uuid>,
    account_id: Option<Uuid>,
    name: String,
    scopes: String,
    scopes_set_at: Option<i64>,
    allowed_from: String,
    report_only: bool,
    limits: String,
    notes: String,
    created_by: Uuid,
    created_by_name: Option<String>,
    created_at: i64,
    expires_at: Option<i64>,
    disabled_at: Option<i64>,
    disabled_by_policy: bool,
    enabled_at: Option<i64>,
    application_suspended_at: Option<i64>,
    account_suspended_at: Option<i64>,
    revoked_at: Option<i64>,
    revoked_because: Option<String>,
    lineage: Uuid,
    takes_over_from: Option<Uuid>,
    overlap_seconds: Option<i64>,
    takeover_started_at: Option<i64>,
    replaced_by: Option<Uuid>,
    retires_at: Option<i64>,
    last_used_at: Option<i64>,
    last_used_from: Option<String>,
    exposed_at: Option<i64>,
    leaked_at: Option<i64>,
    leaked_place: Option<String>,
}

impl TryFrom<Row> for StoredApiKey {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let created_by_name = word(row.created_by_name.as_deref().unwrap_or("someone who left"), "name")?;
        let owner = match (row.environment_id, row.kind, row.application_id, row.application_name, row.team_id) {
            (Some(environment), Some(kind), Some(application), Some(name), Some(team)) => KeyOwner::Environment {
                environment_id: EnvironmentId::from_uuid(environment),
                environment: word(&kind, "environment")?,
                application_id: ApplicationId::from_uuid(application),
                application_name: word(&name, "name")?,
                team_id: TeamId::from_uuid(team),
            },
            _ => KeyOwner::Account {
                account_id: AccountId::from_uuid(row.account_id.ok_or(Corrupt { what: "key's owner" })?),
                // A token is made by the person whom it stands for.
                account_name: latchkey_model::Name::clone(&created_by_name),
            },
        };
        // Whoever made an application's key is not whom it stands for.
        let suspended = match &owner {
            KeyOwner::Environment { .. } => suspension(Suspendable::Application, row.application_suspended_at)?,
            KeyOwner::Account { .. } => suspension(Suspendable::Account, row.account_suspended_at)?,
        };
        let settings = KeySettings {
            name: word(&row.name, "name")?,
            scopes: word(&row.scopes, "scopes")?,
            allowed_from: word(&row.allowed_from, "allow list")?,
            address_mode: if row.report_only { AddressMode::ReportOnly } else { AddressMode::Enforce },
            limits: word(&row.limits, "limits")?,
            notes: word(&row.notes, "notes")?,
            expires_at: row.expires_at.map(time).transpose()?,
        };
        let because = row.revoked_because.unwrap_or_default();
        let key = ApiKey {
            id: ApiKeyId::from_uuid(row.id),
            public_id: word(&row.public_id, "public id")?,
            last_four: row.last_four,
            owner,
            settings,
            created_by: AccountId::from_uuid(row.created_by),
            created_by_name,
            created_at: time(row.created_at)?,
            scopes_set_at: time(row.scopes_set_at.unwrap_or(row.created_at))?,
            disabled: match row.disabled_at {
                Some(at) => Some(Disabled { at: time(at)?, by_policy: row.disabled_by_policy }),
                None => None,
            },
            enabled_at: row.enabled_at.map(time).transpose()?,
            suspended,
            revoked: match row.revoked_at {
                Some(at) => Some(Revoked { at: time(at)?, because: word(&because, "reason")? }),
                None => None,
            },
            lineage: ApiKeyId::from_uuid(row.lineage),
            takeover: match (row.takes_over_from, row.overlap_seconds) {
                (Some(from), Some(overlap)) => Some(Takeover {
                    from: ApiKeyId::from_uuid(from),
                    overlap: Duration::seconds(overlap),
                    started_at: row.takeover_started_at.map(time).transpose()?,
                }),
                _ => None,
            },
            replaced: match row.replaced_by {
                Some(by) => {
                    let retires_at = row.retires_at.map(time).transpose()?;
                    Some(Replaced { by: ApiKeyId::from_uuid(by), retires_at })
                }
                None => None,
            },
            last_used_at: row.last_used_at.map(time).transpose()?,
            last_used_from: row.last_used_from.map(|text| word(&text, "address")).transpose()?,
            exposed_at: row.exposed_at.map(time).transpose()?,
            leaked: match row.leaked_at {
                Some(at) => Some(Leaked { at: time(at)?, place: row.leaked_place.unwrap_or_default() }),
                None => None,
            },
        };
        Ok(Self { key, digest: digest(&row.digest)? })
    }
}

/// Keys with their environment, application, team and maker.
pub(crate) fn keys_with_surroundings() -> Select<api_key::Entity> {
    api_key::Entity::find()
        .join(JoinType::LeftJoin, api_key::Relation::Environment.def())
        .join(JoinType::LeftJoin, environment::Relation::Application.def())
        .join(
            JoinType::LeftJoin,
            api_key::Entity::belongs_to(account::Entity)
                .from(api_key::Column::CreatedBy)
                .to(account::Column::Id)
                .into(),
        )
        .column(environment::Column::Kind)
        .column(environment::Column::ApplicationId)
        .column(application::Column::TeamId)
        .column_as(application::Column::Name, "application_name")
        .column_as(application::Column::SuspendedAt, "application_suspended_at")
        .column_as(account::Column::SuspendedAt, "account_suspended_at")
        .column_as(account::Column::Name, "created_by_name")
}

/// Only what the account's teams own, and the account's own tokens.
pub(super) fn owned_by(query: Select<api_key::Entity>, account: AccountId) -> Select<api_key::Entity> {
    query.filter(
        Condition::any()
            .add(application::Column::TeamId.in_subquery(teams_of(account)))
            .add(api_key::Column::AccountId.eq(account.as_uuid())),
    )
}

/// Keys that work at a time: neither revoked nor switched off, neither expired nor rotated out.
pub(crate) fn works_at(now: OffsetDateTime) -> Condition {
    Condition::all().add(api_key::Column::DisabledAt.is_null()).add(not_ended_at(now))
}

/// Keys that work at a time, or would if they were switched on.
pub(super) fn not_ended_at(now: OffsetDateTime) -> Condition {
    let later = |column: api_key::Column| Condition::any().add(column.is_null()).add(column.gt(micros(now)));
    Condition::all()
        .add(api_key::Column::RevokedAt.is_null())
        .add(later(api_key::Column::ExpiresAt))
        .add(later(api_key::Column::RetiresAt))
}
