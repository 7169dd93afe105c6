//! Pictures of clients.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "client_logo")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub oauth_client_id: Uuid,
    pub digest: String,
    pub png: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
