//! A person who signs in.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub email: String,
    pub email_canonical: String,
    pub name: String,
    pub role: String,
    pub password_hash: String,
    pub created_at: i64,
    pub programs_may_use_password: bool,
    pub email_verified_at: Option<i64>,
    pub password_version: i64,
    pub has_second_factor: bool,
    /// Kinds of notices that its person does not want, with spaces between.
    pub muted_notices: String,
    pub deleted_at: Option<i64>,
    pub suspended_at: Option<i64>,
    pub suspended_because: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
