//! Counted requests.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rollup")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub period: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub start: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub api_key_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub route: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub status: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub refused: bool,
    pub requests: i64,
    pub latency_0: i64,
    pub latency_1: i64,
    pub latency_2: i64,
    pub latency_3: i64,
    pub latency_4: i64,
    pub latency_5: i64,
    pub latency_6: i64,
    pub latency_7: i64,
    pub latency_8: i64,
    pub latency_9: i64,
    pub latency_10: i64,
    pub latency_11: i64,
    pub bytes_in: i64,
    pub bytes_out: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
