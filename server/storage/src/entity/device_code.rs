//! A device on which nobody can sign in, and what its person answered.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "device_code")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub digest: Vec<u8>,
    pub user_code: Vec<u8>,
    pub oauth_client_id: Uuid,
    pub scopes: String,
    pub interval_seconds: i64,
    pub expires_at: i64,
    pub polled_at: Option<i64>,
    pub state: String,
    pub answered_at: Option<i64>,
    pub grant_id: Option<Uuid>,
    pub allowed_scopes: Option<String>,
    pub signed_in_at: Option<i64>,
    pub signed_in_by: String,
    pub session_digest: Option<Vec<u8>>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
