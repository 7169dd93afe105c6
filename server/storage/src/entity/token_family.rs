//! All tokens that came of one consent in one browser.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "token_family")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub grant_id: Uuid,
    pub expires_at: i64,
    pub ended_at: Option<i64>,
    pub signed_in_at: i64,
    pub signed_in_by: String,
    pub session_digest: Option<Vec<u8>>,
    pub id_token_claims: String,
    pub binding: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
