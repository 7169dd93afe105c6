//! Rows of clients, their secrets and their tokens.

use crate::{
    convert::{digest, time, word},
    entity::{account, application, client_secret, environment, oauth_client, opaque_token},
    suspension::suspended,
};
use ::time::Duration;
use latchkey_core::port::{
    StoreError,
    api_key::KeyOwner,
    oauth_client::{ClientSecret, ClientSettings, OauthClient, OpaqueToken},
    suspension::Suspendable,
};
use latchkey_model::{AccountId, ApplicationId, ClientSecretId, EnvironmentId, OauthClientId, TeamId};
use sea_orm::{
    ActiveValue::Set, EntityTrait, FromQueryResult, JoinType, QuerySelect, RelationTrait, Select, prelude::Uuid,
};

/// A client with what surrounds it, as one query gives them.
#[derive(FromQueryResult)]
#[expect(clippy::struct_excessive_bools, reason = "each is a box that a person ticks")]
pub(super) struct Row {
    pub(super) id: Uuid,
    client_id: String,
    kind: String,
    environment_id: Uuid,
    environment: String,
    application_id: Uuid,
    application_name: String,
    team_id: Uuid,
    name: String,
    auth_method: String,
    grants: String,
    redirect_uris: String,
    scopes: String,
    signing_algorithm: String,
    access_token_seconds: i64,
    created_by: Uuid,
    created_by_name: Option<String>,
    created_at: i64,
    revoked_at: Option<i64>,
    suspended_at: Option<i64>,
    suspended_because: Option<String>,
    application_suspended_at: Option<i64>,
    application_suspended_because: Option<String>,
    verified_at: Option<i64>,
    logo: Option<String>,
    tokens_ended_at: Option<i64>,
    last_used_at: Option<i64>,
    last_used_from: Option<String>,
    token_form: String,
    subject_type: String,
    keys: Option<String>,
    certificate_subject: Option<String>,
    dpop_required: bool,
    certificate_bound: bool,
    pushed_only: bool,
    pkce_required: bool,
    high_security: bool,
    post_logout_redirect_uris: String,
    backchannel_logout_uri: Option<String>,
}

impl TryFrom<Row> for OauthClient {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let own = suspended(Suspendable::Client, row.suspended_at, row.suspended_because.as_deref())?;
        let of_application = suspended(
            Suspendable::Application,
            row.application_suspended_at,
            row.application_suspended_because.as_deref(),
        )?;
        Ok(Self {
            id: OauthClientId::from_uuid(row.id),
            client_id: word(&row.client_id, "client id")?,
            kind: word(&row.kind, "kind of client")?,
            owner: KeyOwner::Environment {
                environment_id: EnvironmentId::from_uuid(row.environment_id),
                environment: word(&row.environment, "environment")?,
                application_id: ApplicationId::from_uuid(row.application_id),
                application_name: word(&row.application_name, "name")?,
                team_id: TeamId::from_uuid(row.team_id),
            },
            settings: ClientSettings {
                name: word(&row.name, "name")?,
                auth_method: word(&row.auth_method, "method of authentication")?,
                grants: word(&row.grants, "grants")?,
                redirect_uris: word(&row.redirect_uris, "redirect addresses")?,
                scopes: word(&row.scopes, "scopes")?,
                signing_algorithm: word(&row.signing_algorithm, "signing algorithm")?,
                access_token_life: Duration::seconds(row.access_token_seconds),
                token_form: word(&row.token_form, "form of tokens")?,
                subject_type: word(&row.subject_type, "subject type")?,
                keys: row.keys.map(|text| word(&text, "keys of a client")).transpose()?,
                certificate_subject: row
                    .certificate_subject
                    .map(|text| word(&text, "subject of a certificate"))
                    .transpose()?,
                dpop_required: row.dpop_required,
                certificate_bound: row.certificate_bound,
                pushed_only: row.pushed_only,
                pkce_required: row.pkce_required,
                high_security: row.high_security,
                post_logout_redirect_uris: word(&row.post_logout_redirect_uris, "addresses after sign-out")?,
                backchannel_logout_uri: row.backchannel_logout_uri.map(|text| word(&text, "address")).transpose()?,
            },
            created_by: AccountId::from_uuid(row.created_by),
            created_by_name: word(row.created_by_name.as_deref().unwrap_or("someone who left"), "name")?,
            created_at: time(row.created_at)?,
            revoked_at: row.revoked_at.map(time).transpose()?,
            suspended: own.or(of_application),
            verified_at: row.verified_at.map(time).transpose()?,
            logo: row.logo.map(|text| word(&text, "picture")).transpose()?,
            tokens_ended_at: row.tokens_ended_at.map(time).transpose()?,
            last_used_at: row.last_used_at.map(time).transpose()?,
            last_used_from: row.last_used_from.map(|text| word(&text, "address")).transpose()?,
        })
    }
}

pub(super) fn secret_from_row(row: client_secret::Model) -> Result<(ClientSecret, [u8; 32]), StoreError> {
    let secret = ClientSecret {
        id: ClientSecretId::from_uuid(row.id),
        public_id: word(&row.public_id, "public id")?,
        last_four: row.last_four,
        created_at: time(row.created_at)?,
        revoked_at: row.revoked_at.map(time).transpose()?,
        last_used_at: row.last_used_at.map(time).transpose()?,
        last_used_from: row.last_used_from.map(|text| word(&text, "address")).transpose()?,
    };
    Ok((secret, digest(&row.digest)?))
}

/// Clients with their environment, application, team and maker.
pub(crate) fn clients_with_surroundings() -> Select<oauth_client::Entity> {
    oauth_client::Entity::find()
        .join(JoinType::InnerJoin, oauth_client::Relation::Environment.def())
        .join(JoinType::InnerJoin, environment::Relation::Application.def())
        .join(
            JoinType::LeftJoin,
            oauth_client::Entity::belongs_to(account::Entity)
                .from(oauth_client::Column::CreatedBy)
                .to(account::Column::Id)
                .into(),
        )
        .column_as(environment::Column::Kind, "environment")
        .column(environment::Column::ApplicationId)
        .column(application::Column::TeamId)
        .column_as(application::Column::Name, "application_name")
        .column_as(application::Column::SuspendedAt, "application_suspended_at")
        .column_as(application::Column::SuspendedBecause, "application_suspended_because")
        .column_as(account::Column::Name, "created_by_name")
}

pub(super) fn settings_of(settings: &ClientSettings) -> oauth_client::ActiveModel {
    oauth_client::ActiveModel {
        name: Set(settings.name.as_str().to_owned()),
        auth_method: Set(settings.auth_method.as_str().to_owned()),
        grants: Set(settings.grants.to_string()),
        redirect_uris: Set(settings.redirect_uris.to_string()),
        scopes: Set(settings.scopes.to_string()),
        signing_algorithm: Set(settings.signing_algorithm.as_str().to_owned()),
        access_token_seconds: Set(settings.access_token_life.whole_seconds()),
        token_form: Set(settings.token_form.as_str().to_owned()),
        subject_type: Set(settings.subject_type.as_str().to_owned()),
        keys: Set(settings.keys.as_ref().map(ToString::to_string)),
        certificate_subject: Set(settings.certificate_subject.as_ref().map(ToString::to_string)),
        dpop_required: Set(settings.dpop_required),
        certificate_bound: Set(settings.certificate_bound),
        pushed_only: Set(settings.pushed_only),
        pkce_required: Set(settings.pkce_required),
        high_security: Set(settings.high_security),
        post_logout_redirect_uris: Set(settings.post_logout_redirect_uris.to_string()),
        backchannel_logout_uri: Set(settings.backchannel_logout_uri.as_ref().map(ToString::to_string)),
        ..Default::default()
    }
}

pub(super) fn opaque(row: &opaque_token::Model) -> Result<OpaqueToken, StoreError> {
    Ok(OpaqueToken {
        public_id: word(&row.public_id, "public id")?,
        digest: digest(&row.digest)?,
        client: OauthClientId::from_uuid(row.oauth_client_id),
        claims: serde_json::from_str(&row.claims).map_err(|error| StoreError::Internal(Box::new(error)))?,
    })
}
