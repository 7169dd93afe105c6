//! A network that a credential is used from.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "seen_network")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub credential_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub network: String,
    pub owner_id: Uuid,
    pub address: String,
    pub first_at: i64,
    pub last_at: i64,
    pub told: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
