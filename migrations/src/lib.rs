//! The schema, step by step, the same for SQLite and PostgreSQL.
//!
//! - Times are Unix microseconds in `BIGINT`: they compare and sort alike on both.
//! - Ids are `uuid`, version 7: they sort by time. Digests are bytes. Scopes are text with spaces between (RFC 6749 section 3.3).
//! - Things that end keep their row (`revoked_at`, `ended_at`, `spent_at`), so that a failure can be explained.
//!
//! To add a step: a file `mYYYYMMDD_NNNNNN_<verb>_<noun>.rs`, its line in [`Migrator`]. Expand first, contract a release later: the
//! binary that runs now must survive the new schema.
#![warn(missing_docs)]

mod m20261123_000001_create_accounts;
mod m20261123_000002_create_applications;
mod m20261123_000003_create_demo_posts;
mod m20261123_000004_create_request_log;
mod m20261124_000005_add_api_key_allow_list;
mod m20261124_000006_rebuild_keys_and_counts;
mod m20261124_000007_create_oauth;
mod m20261124_000008_create_grants;
mod m20261125_000009_add_openid_and_proofs;
mod m20261125_000010_create_devices_and_registration;
mod m20261125_000011_add_client_certificates;
mod m20261125_000012_create_identity_providers;
mod m20261125_000013_add_logos_and_verification;
mod m20261126_000014_add_delete_account_scope;
mod m20261126_000015_add_exposure_told;
mod m20261126_000016_add_guarded_apis;
mod m20261126_000017_add_password_for_programs;
mod m20261126_000018_add_mail_delivery;
mod m20261126_000019_add_second_factors;
mod m20261126_000020_create_attempt_counters;
mod m20261126_000021_create_invitations;
mod m20261126_000022_add_deletion;
mod m20261126_000023_create_notices;
mod m20261126_000024_create_audit_log;
mod m20261126_000025_drop_pending_accounts;
mod m20261126_000026_widen_request_log;
mod m20261126_000027_create_alerts;
mod m20261126_000028_add_suspension;
mod m20261126_000029_index_searches;
mod m20261127_000030_seal_sessions;
mod m20261127_000031_cluster_counts;
mod m20261127_000032_index_reported;
mod m20261127_000033_create_bucket_rollup;
mod m20261128_000034_index_what_perishes;
mod m20261128_000035_index_leaked_keys;
mod m20261128_000037_add_scopes_set_at;
mod m20261128_000038_add_webhook_removed_at;
mod m20261128_000039_add_post_environment;
mod m20261128_000040_index_keys_not_revoked;
mod m20261128_000041_add_provider_removed_at;
mod m20261128_000042_add_secret_leaked_at;
mod m20261128_000043_cover_counts;
mod m20261128_000044_drop_key_times;
mod table;

use sea_orm_migration::{prelude::*, sea_orm::EntityTrait, seaql_migrations};

/// Every step, in order.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261123_000001_create_accounts::Migration),
            Box::new(m20261123_000002_create_applications::Migration),
            Box::new(m20261123_000003_create_demo_posts::Migration),
            Box::new(m20261123_000004_create_request_log::Migration),
            Box::new(m20261124_000005_add_api_key_allow_list::Migration),
            Box::new(m20261124_000006_rebuild_keys_and_counts::Migration),
            Box::new(m20261124_000007_create_oauth::Migration),
            Box::new(m20261124_000008_create_grants::Migration),
            Box::new(m20261125_000009_add_openid_and_proofs::Migration),
            Box::new(m20261125_000010_create_devices_and_registration::Migration),
            Box::new(m20261125_000011_add_client_certificates::Migration),
            Box::new(m20261125_000012_create_identity_providers::Migration),
            Box::new(m20261125_000013_add_logos_and_verification::Migration),
            Box::new(m20261126_000014_add_delete_account_scope::Migration),
            Box::new(m20261126_000015_add_exposure_told::Migration),
            Box::new(m20261126_000016_add_guarded_apis::Migration),
            Box::new(m20261126_000017_add_password_for_programs::Migration),
            Box::new(m20261126_000018_add_mail_delivery::Migration),
            Box::new(m20261126_000019_add_second_factors::Migration),
            Box::new(m20261126_000020_create_attempt_counters::Migration),
            Box::new(m20261126_000021_create_invitations::Migration),
            Box::new(m20261126_000022_add_deletion::Migration),
            Box::new(m20261126_000023_create_notices::Migration),
            Box::new(m20261126_000024_create_audit_log::Migration),
            Box::new(m20261126_000025_drop_pending_accounts::Migration),
            Box::new(m20261126_000026_widen_request_log::Migration),
            Box::new(m20261126_000027_create_alerts::Migration),
            Box::new(m20261126_000028_add_suspension::Migration),
            Box::new(m20261126_000029_index_searches::Migration),
            Box::new(m20261127_000030_seal_sessions::Migration),
            Box::new(m20261127_000031_cluster_counts::Migration),
            Box::new(m20261127_000032_index_reported::Migration),
            Box::new(m20261127_000033_create_bucket_rollup::Migration),
            Box::new(m20261128_000034_index_what_perishes::Migration),
            Box::new(m20261128_000035_index_leaked_keys::Migration),
            Box::new(m20261128_000037_add_scopes_set_at::Migration),
            Box::new(m20261128_000038_add_webhook_removed_at::Migration),
            Box::new(m20261128_000039_add_post_environment::Migration),
            Box::new(m20261128_000040_index_keys_not_revoked::Migration),
            Box::new(m20261128_000041_add_provider_removed_at::Migration),
            Box::new(m20261128_000042_add_secret_leaked_at::Migration),
            Box::new(m20261128_000043_cover_counts::Migration),
            Box::new(m20261128_000044_drop_key_times::Migration),
        ]
    }
}

/// How a database compares with this binary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Every step is applied.
    Current,
    /// So many steps are missing.
    Behind(usize),
    /// The database has a step that this binary does not know: it belongs to a newer version.
    Newer(String),
}

/// Whether a database lacks steps of this binary. It is only read.
///
/// # Errors
/// When the database cannot be read.
pub async fn is_behind(connection: &sea_orm_migration::sea_orm::DatabaseConnection) -> Result<bool, DbErr> {
    let applied = seaql_migrations::Entity::find().all(connection).await?;
    Ok(Migrator::migrations().iter().any(|step| applied.iter().all(|row| row.version != step.name())))
}

/// Compares a database with this binary. Creates the table of applied steps if there is none.
///
/// # Errors
/// When the database cannot be read.
pub async fn state(connection: &sea_orm_migration::sea_orm::DatabaseConnection) -> Result<State, DbErr> {
    Migrator::install(connection).await?;
    let applied = Migrator::get_migration_models(connection).await?;
    let known: Vec<_> = Migrator::migrations().iter().map(|step| step.name().to_owned()).collect();
    let newer = applied.iter().map(|row| row.version.clone()).find(|version| !known.contains(version));
    Ok(match newer {
        Some(version) => State::Newer(version),
        None if applied.len() == known.len() => State::Current,
        None => State::Behind(known.len() - applied.len()),
    })
}
