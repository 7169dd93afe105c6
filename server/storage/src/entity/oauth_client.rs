//! An OAuth client or a service account, live or ended.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "oauth_client")]
#[expect(clippy::struct_excessive_bools, reason = "each is a box that a person ticks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub client_id: String,
    pub kind: String,
    pub environment_id: Uuid,
    pub name: String,
    pub auth_method: String,
    pub grants: String,
    pub redirect_uris: String,
    pub scopes: String,
    pub signing_algorithm: String,
    pub access_token_seconds: i64,
    pub created_by: Uuid,
    pub created_at: i64,
    pub revoked_at: Option<i64>,
    pub suspended_at: Option<i64>,
    pub suspended_because: Option<String>,
    pub verified_at: Option<i64>,
    pub logo: Option<String>,
    pub tokens_ended_at: Option<i64>,
    pub revoked_by: Option<Uuid>,
    pub last_used_at: Option<i64>,
    pub last_used_from: Option<String>,
    pub form_id: Uuid,
    pub token_form: String,
    pub subject_type: String,
    pub keys: Option<String>,
    pub certificate_subject: Option<String>,
    pub dpop_required: bool,
    pub certificate_bound: bool,
    pub pushed_only: bool,
    pub pkce_required: bool,
    pub high_security: bool,
    pub post_logout_redirect_uris: String,
    pub backchannel_logout_uri: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "super::environment::Entity",
        from = "Column::EnvironmentId",
        to = "super::environment::Column::Id"
    )]
    Environment,
}

impl Related<super::environment::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Environment.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
