//! A client that registered itself, and the token with which it manages that, as a digest.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "registered_client")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub oauth_client_id: Uuid,
    pub public_id: String,
    pub digest: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
