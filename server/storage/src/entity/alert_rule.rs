//! A rule for alerts that somebody changed.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "alert_rule")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    pub is_on: bool,
    pub people: bool,
    pub webhooks: bool,
    pub percent: Option<i64>,
    pub at_least: Option<i64>,
    pub minutes: Option<i64>,
    pub hours: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
