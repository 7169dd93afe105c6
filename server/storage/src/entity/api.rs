//! A resource server: the demo API, which belongs to no team, or a guarded one.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub team_id: Option<Uuid>,
    pub name: String,
    pub audience: String,
    pub slug: Option<String>,
    pub environments: Option<String>,
    pub policies: Option<String>,
    pub verifiers: Option<String>,
    pub editors: Option<String>,
    pub version: i64,
    pub created_at: i64,
    pub retired_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(has_many = "super::api_scope::Entity")]
    Scope,
}

impl Related<super::api_scope::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Scope.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
