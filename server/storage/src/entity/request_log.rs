//! One request through the door.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "request_log")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub at: i64,
    pub method: String,
    pub route: String,
    pub path: String,
    pub status: i64,
    pub reason: Option<String>,
    pub address: String,
    pub user_agent: String,
    pub duration_us: i64,
    pub team_id: Option<Uuid>,
    pub application_id: Option<Uuid>,
    pub environment_id: Option<Uuid>,
    pub environment: Option<String>,
    pub api_key_id: Option<Uuid>,
    pub key_hint: Option<String>,
    pub key_name: Option<String>,
    pub trace: String,
    pub remedy: Option<String>,
    pub account_id: Option<Uuid>,
    pub reported: Option<String>,
    pub stands_for: i64,
    pub last_at: Option<i64>,
    pub network: Option<String>,
    pub bytes_in: i64,
    pub bytes_out: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
