//! Where somebody's programs are told of alerts.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant: String,
    pub name: String,
    pub url: String,
    pub sealed_secret: Vec<u8>,
    pub former_sealed_secret: Option<Vec<u8>>,
    pub former_until: Option<i64>,
    pub created_by: Uuid,
    pub created_at: i64,
    pub failing_since: Option<i64>,
    pub off_at: Option<i64>,
    pub off_because: Option<String>,
    pub removed_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
