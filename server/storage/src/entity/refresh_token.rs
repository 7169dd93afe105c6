//! A refresh token, as a digest.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refresh_token")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub public_id: String,
    pub digest: Vec<u8>,
    pub family_id: Uuid,
    pub parent_id: Option<Uuid>,
    pub scopes: String,
    pub expires_at: i64,
    pub consumed_at: Option<i64>,
    pub ended_at: Option<i64>,
    pub access_token_id: Option<Uuid>,
    pub access_token_used_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
