//! A code on its way through a browser, as a digest.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "authorization_code")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub digest: Vec<u8>,
    pub grant_id: Uuid,
    pub redirect_uri: String,
    pub challenge: String,
    pub scopes: String,
    pub expires_at: i64,
    pub consumed_at: Option<i64>,
    pub signed_in_at: i64,
    pub signed_in_by: String,
    pub session_digest: Option<Vec<u8>>,
    pub id_token_claims: String,
    pub binding: Option<String>,
    pub nonce: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
