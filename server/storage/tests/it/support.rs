//! A new database for each test, and rows to begin with.

use latchkey_core::port::{
    ApiKeyReader, Inserted, Perishable, Store, UnitOfWork,
    account::{Account, PasswordHash},
    api_key::{AddressMode, KeySettings, NewApiKey, NewKeyOwner, StoredApiKey},
    application::Application,
};
use latchkey_model::{
    AccountId, AccountRole, ApiKeyId, ApplicationId, Environment, EnvironmentId, Name, ScopeSet, TeamId,
};
use latchkey_storage::SeaStore;
use migrations::Migrator;
use sea_orm_migration::MigratorTrait;
use sqlx::Connection;
use std::sync::atomic::{AtomicU64, Ordering};
use time::{Duration, OffsetDateTime, PrimitiveDateTime, macros::datetime};
use uuid::Uuid;

/// When every test happens.
pub(crate) const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

/// Runs each test on both databases.
macro_rules! on_both_databases {
    ($($test:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(&crate::support::Database::sqlite().await).await;
            })+
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(&crate::support::Database::postgres().await).await;
            })+
        }
    };
}
pub(crate) use on_both_databases;

/// An empty database with the schema in place.
pub(crate) struct Database {
    pub(crate) store: SeaStore,
    _folder: Option<tempfile::TempDir>,
}

impl Database {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("latchkey.db").display());
        Self::opened(url, Some(folder)).await
    }

    pub(crate) async fn postgres() -> Self {
        let server = server().expect("PostgreSQL is needed: run `make test`, or `scripts/postgres.sh cargo test`");
        let name = format!("storage_{}_{}", std::process::id(), next());
        let mut connection = sqlx::PgConnection::connect(&server).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        let (address, _) = server.rsplit_once('/').unwrap();
        Self::opened(format!("{address}/{name}"), None).await
    }

    async fn opened(url: String, folder: Option<tempfile::TempDir>) -> Self {
        let store = SeaStore::connect(&url).await.unwrap();
        Migrator::up(store.writer(), None).await.unwrap();
        Self { store, _folder: folder }
    }

    /// Removes everything of a kind whose time is before this one; returns how many rows.
    pub(crate) async fn prune(&self, what: Perishable, before: OffsetDateTime) -> u64 {
        let mut work = self.begin().await;
        let removed = work.perishables_prune(what, PrimitiveDateTime::MIN.assume_utc()..before, 100).await.unwrap();
        work.commit().await.unwrap();
        removed.rows
    }

    pub(crate) async fn begin(&self) -> Box<dyn UnitOfWork> {
        self.store.begin().await.unwrap()
    }
}

#[expect(clippy::disallowed_methods, reason = "tests are told where PostgreSQL is by the environment")]
fn server() -> Option<String> {
    std::env::var("LATCHKEY_TEST_POSTGRES").ok()
}

fn next() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

/// An id that no other call gives; later calls sort later.
pub(crate) fn uuid() -> Uuid {
    Uuid::from_u128((0x0190_0000_0000_7000_8000_0000_0000_0000_u128) + u128::from(next()))
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// An account with its team.
pub(crate) struct Person {
    pub(crate) account: Account,
    pub(crate) team: TeamId,
}

pub(crate) async fn person(database: &Database, email: &str) -> Person {
    let account = Account {
        id: AccountId::from_uuid(uuid()),
        email: email.parse().unwrap(),
        name: name("Ada"),
        role: AccountRole::Developer,
        created_at: NOW,
        email_verified_at: None,
        password_version: 0,
        has_second_factor: false,
        programs_may_use_password: false,
        suspended: None,
    };
    let team = TeamId::from_uuid(uuid());
    let mut work = database.begin().await;
    assert_eq!(work.account_add(&account, &PasswordHash("$argon2id$".to_owned())).await.unwrap(), Inserted::Done);
    work.team_add(team, &name("Ada's team"), account.id, NOW).await.unwrap();
    work.commit().await.unwrap();
    Person { account, team }
}

/// An application with the ids of its environments.
pub(crate) struct Made {
    pub(crate) id: ApplicationId,
    pub(crate) name: Name,
    pub(crate) environments: [EnvironmentId; 3],
}

pub(crate) async fn application(database: &Database, owner: &Person, called: &str) -> Made {
    let application = Application {
        id: ApplicationId::from_uuid(uuid()),
        team_id: owner.team,
        name: name(called),
        created_at: NOW,
        suspended: None,
    };
    let environments = Environment::ALL.map(|environment| (EnvironmentId::from_uuid(uuid()), environment));
    let mut work = database.begin().await;
    assert_eq!(work.application_add(&application, environments).await.unwrap(), Inserted::Done);
    work.commit().await.unwrap();
    Made { id: application.id, name: application.name, environments: environments.map(|(id, _)| id) }
}

/// A development key.
pub(crate) fn new_key(owner: &Person, application: &Made, public_id: &str) -> NewApiKey {
    let id = ApiKeyId::from_uuid(uuid());
    NewApiKey {
        id,
        public_id: public_id.parse().unwrap(),
        last_four: "x4Tb".to_owned(),
        digest: [7; 32],
        owner: NewKeyOwner::Environment(application.environments[0]),
        settings: KeySettings {
            name: name("Web backend"),
            scopes: "read:posts write:posts".parse::<ScopeSet>().unwrap(),
            allowed_from: "203.0.113.0/24 2001:db8::/32".parse().unwrap(),
            address_mode: AddressMode::ReportOnly,
            limits: "20/1s 600/1m".parse().unwrap(),
            notes: "Asked for by Ada".parse().unwrap(),
            expires_at: Some(NOW + Duration::days(7)),
        },
        created_by: owner.account.id,
        created_at: NOW,
        lineage: id,
        takeover: None,
        form_id: uuid(),
    }
}

pub(crate) async fn add_key(database: &Database, key: &NewApiKey) {
    let mut work = database.begin().await;
    assert_eq!(work.api_key_add(key).await.unwrap(), Inserted::Done);
    work.commit().await.unwrap();
}

/// The key with this public id.
pub(crate) async fn stored(database: &Database, public_id: &str) -> StoredApiKey {
    database.store.api_key_for_door(public_id.parse().unwrap()).await.unwrap().unwrap()
}
