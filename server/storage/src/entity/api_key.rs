//! An API key or a personal access token, live or ended.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_key")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub public_id: String,
    pub last_four: String,
    pub digest: Vec<u8>,
    pub environment_id: Option<Uuid>,
    pub account_id: Option<Uuid>,
    pub name: String,
    pub scopes: String,
    /// Since when it has these scopes; none for since it was made.
    pub scopes_set_at: Option<i64>,
    pub allowed_from: String,
    pub report_only: bool,
    pub limits: String,
    pub notes: String,
    pub created_by: Uuid,
    pub created_at: i64,
    pub expires_at: Option<i64>,
    pub disabled_at: Option<i64>,
    pub disabled_by_policy: bool,
    pub enabled_at: Option<i64>,
    pub revoked_at: Option<i64>,
    pub revoked_by: Option<Uuid>,
    pub revoked_because: Option<String>,
    pub lineage: Uuid,
    pub takes_over_from: Option<Uuid>,
    pub overlap_seconds: Option<i64>,
    pub takeover_started_at: Option<i64>,
    pub replaced_by: Option<Uuid>,
    pub retires_at: Option<i64>,
    pub last_used_at: Option<i64>,
    pub last_used_from: Option<String>,
    pub exposed_at: Option<i64>,
    /// Whether its people were told of that.
    pub exposure_told: bool,
    pub leaked_at: Option<i64>,
    pub leaked_place: Option<String>,
    pub told_days: Option<i64>,
    pub form_id: Uuid,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "super::environment::Entity",
        from = "Column::EnvironmentId",
        to = "super::environment::Column::Id"
    )]
    Environment,
}

impl Related<super::environment::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Environment.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
