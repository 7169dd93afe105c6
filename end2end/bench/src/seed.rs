//! Filling a data folder.

use crate::keys::{Purpose, key};
use latchkey_core::{
    Actor, Ports, Services,
    account::{PlainPassword, SignInMethod, SignUp, SignUpError},
    clock::{Clock, SystemClock},
    port::{StoreError, account::Account, rollup::Period},
    random::SystemRandom,
    secret::{DigestKey, MasterKey},
};
use latchkey_model::{AccountRole, ApplicationId, EnvironmentId};
use latchkey_storage::SeaStore;
use sea_orm::{ConnectionTrait, DatabaseConnection, TransactionTrait};
use server::{
    config::{Config, Given},
    data_folder,
    serve::{open_database, outside_ports, settings_of},
};
use std::{
    fmt::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

/// Keys that come to their limit at once.
pub(crate) const LIMITED: u32 = 100;
/// What the server takes for its own address.
pub(crate) const PUBLIC_URL: &str = "http://127.0.0.1:4000";
/// Who owns what is seeded.
pub(crate) const EMAIL: &str = "bench@example.org";
pub(crate) const PASSWORD: &str = "violet tractor hums at dawn";
const KEYS_AT_ONCE: u32 = 2_000;

/// What is filled and asked.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Place {
    /// The data folder
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// The database [default: SQLite in that folder]
    #[arg(long)]
    pub(crate) database: Option<String>,
}

impl Place {
    /// A folder with a database of its own.
    pub(crate) fn folder(data: &Path) -> Self {
        Self { data: data.to_owned(), database: None }
    }
}

/// The settings of a benchmark: the defaults, but limits that are out of reach for the load of one machine, and room for every row.
pub(crate) fn config(place: &Place) -> Result<Config, server::config::ConfigError> {
    Config::new(Given {
        data: Some(place.data.clone()),
        database_url: place.database.clone(),
        log_megabytes: "1000000".parse().ok(),
        public_url: PUBLIC_URL.parse().ok(),
        requests_per_minute: "1000000000".parse().ok(),
        team_requests_per_minute: "1000000000".parse().ok(),
        ..Given::default()
    })
}

/// What a seeded folder holds.
pub(crate) struct Seeded {
    pub(crate) services: Arc<Services>,
    pub(crate) account: Account,
    pub(crate) application: ApplicationId,
    /// Its environment for production.
    pub(crate) environment: EnvironmentId,
    pub(crate) store: SeaStore,
    pepper: DigestKey,
}

impl Seeded {
    /// The owner, as the rules know them.
    pub(crate) fn actor(&self) -> Actor {
        signed_in(self.account.clone())
    }

    /// The same person with the rights of an admin.
    pub(crate) fn admin(&self) -> Actor {
        signed_in(Account { role: AccountRole::Admin, ..self.account.clone() })
    }
}

fn signed_in(account: Account) -> Actor {
    Actor::Account {
        account,
        session: [0; 32],
        signed_in_at: SystemClock.now(),
        signed_in_by: SignInMethod::PASSWORD,
        from: std::net::Ipv4Addr::LOCALHOST.into(),
    }
}

/// Opens a folder, and makes the account and application that own everything, if they are not there.
pub(crate) async fn open(place: &Place) -> Result<Seeded, Box<dyn std::error::Error>> {
    let config = config(place)?;
    data_folder::prepare(&config.data)?;
    let store = open_database(&config).await?;
    let ports = Ports::new(Arc::new(store.clone()), Arc::new(SystemClock), Arc::new(SystemRandom));
    let master: MasterKey = data_folder::master_key(&config.data, None, &SystemRandom)?;
    let services = Arc::new(Services::new(ports, &master, &settings_of(&config), &outside_ports(&config)?)?);
    let form = || SignUp { email: EMAIL, name: "Bench", password: PlainPassword::new(PASSWORD) };
    match services.accounts.sign_up(form(), [127, 0, 0, 1].into()).await {
        Ok(_) | Err(SignUpError::Invalid(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let (account, _) = services.ports.store.account_by_email(EMAIL).await?.ok_or("the account was not made")?;
    let actor = signed_in(account.clone());
    let applications = services.applications.list(&actor).await?;
    let application = match applications.first() {
        Some(found) => found.application.id,
        None => services.applications.create(&actor, "Bench", None).await?.id,
    };
    let found = services.applications.get(&actor, application).await?;
    let environment = found.environment_id(latchkey_model::Environment::Production);
    Ok(Seeded { services, account, application, environment, store, pepper: master.derive("api-key") })
}

/// Fills a folder with keys and rows of usage.
pub(crate) async fn fill(data: &Path, keys: u32, usage_rows: u64) -> Result<(), Box<dyn std::error::Error>> {
    let began = Instant::now();
    let seeded = Box::pin(open(&Place::folder(data))).await?;
    let writer = seeded.store.writer();
    seed_keys(&seeded, writer, Purpose::Valid, keys, "").await?;
    seed_keys(&seeded, writer, Purpose::Limited, LIMITED, "1/30d").await?;
    println!("{keys} keys after {} s", began.elapsed().as_secs());
    if usage_rows > 0 {
        seed_usage(&seeded, writer, keys, usage_rows).await?;
        println!("{usage_rows} rows of usage after {} s", began.elapsed().as_secs());
    }
    seeded.store.clone().close().await?;
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    latchkey_core::secret::hex(bytes)
}

async fn seed_keys(
    seeded: &Seeded,
    writer: &DatabaseConnection,
    purpose: Purpose,
    count: u32,
    limits: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    let owner = hex(seeded.environment.as_uuid().as_bytes());
    let maker = hex(seeded.account.id.as_uuid().as_bytes());
    let now = seeded.services.ports.now().unix_timestamp() * 1_000_000;
    for first in (0..count).step_by(KEYS_AT_ONCE as usize) {
        let transaction = writer.begin().await?;
        let mut sql = String::from(
            "INSERT INTO api_key (id, public_id, last_four, digest, environment_id, name, scopes, allowed_from, report_only, \
             limits, notes, created_by, created_at, disabled_by_policy, lineage, form_id) VALUES ",
        );
        for number in first..(first + KEYS_AT_ONCE).min(count) {
            let plain = key(purpose, number);
            let (id, form) = (seeded.services.ports.uuid(), seeded.services.ports.uuid());
            let comma = if number == first { "" } else { ", " };
            write!(
                sql,
                "{comma}(x'{id}', '{}', '{}', x'{}', x'{owner}', '{purpose:?} {number}', 'read:posts write:posts bench:use', '', FALSE, \
                 '{limits}', '', x'{maker}', {now}, FALSE, x'{id}', x'{}')",
                plain.public_id(),
                plain.last_four(),
                hex(&plain.digest(&seeded.pepper)),
                hex(form.as_bytes()),
                id = hex(id.as_bytes()),
            )?;
        }
        sql.push_str(" ON CONFLICT DO NOTHING");
        transaction.execute_unprepared(&sql).await?;
        transaction.commit().await?;
    }
    Ok(())
}

/// Rows of usage over the last 90 days, by the day and by the hour, spread over the keys: what a busy portal has.
async fn seed_usage(
    seeded: &Seeded,
    writer: &DatabaseConnection,
    keys: u32,
    rows: u64,
) -> Result<(), Box<dyn std::error::Error>> {
    const AT_ONCE: u64 = 200_000;
    const DAYS: u64 = 90;
    let owner = hex(seeded.environment.as_uuid().as_bytes());
    let today = Period::Day.start_of(seeded.services.ports.now());
    let busy = u64::from(keys.clamp(1, 2_000));
    let latencies: Vec<_> = (0..12).map(|bucket| format!("latency_{bucket}")).collect();
    writer
        .execute_unprepared(
            "CREATE TEMP TABLE bench_key AS SELECT row_number() OVER (ORDER BY id) - 1 AS number, id FROM api_key LIMIT 2000",
        )
        .await?;
    for first in (0..rows).step_by(usize::try_from(AT_ONCE)?) {
        let last = (first + AT_ONCE).min(rows) - 1;
        let transaction = writer.begin().await?;
        // Each number is a key, a route and a day, or an hour of one.
        let sql = format!(
            "WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last}) \
             INSERT INTO rollup (owner_id, period, start, api_key_id, route, status, refused, requests, {}) \
             SELECT x'{owner}', CASE WHEN i % 10 = 0 THEN 'day' ELSE 'hour' END, \
             CASE WHEN i % 10 = 0 THEN {today} - ((i / {busy}) % {DAYS}) * 86400 \
                  ELSE {today} - ((i / {busy}) % ({DAYS} * 24)) * 3600 END, \
             (SELECT id FROM bench_key WHERE number = i % {busy}), \
             'GET /api/v1/posts/' || (i / ({busy} * {DAYS} * 24)), 200, FALSE, 7, 7{} FROM n WHERE true ON CONFLICT DO NOTHING",
            latencies.join(", "),
            ", 0".repeat(11),
        );
        transaction.execute_unprepared(&sql).await?;
        transaction.commit().await?;
    }
    // All keys together, as the writer counts them.
    let sums: Vec<_> = latencies.iter().map(|latency| format!("sum({latency})")).collect();
    let sql = format!(
        "INSERT INTO rollup (owner_id, period, start, api_key_id, route, status, refused, requests, {}) \
         SELECT owner_id, period, start, zeroblob(16), route, status, refused, sum(requests), {} FROM rollup \
         WHERE api_key_id <> zeroblob(16) GROUP BY owner_id, period, start, route, status, refused ON CONFLICT DO NOTHING",
        latencies.join(", "),
        sums.join(", "),
    );
    writer.execute_unprepared(&sql).await?;
    writer.execute_unprepared(SUM_BUCKETS).await?;
    Ok(())
}

/// Draws the counts by bucket from all others, as the writer counts them.
pub(crate) const SUM_BUCKETS: &str = "INSERT INTO bucket_rollup (owner_id, credential_id, period, start, requests, refused) \
    SELECT owner_id, api_key_id, period, start, sum(requests), sum(CASE WHEN refused THEN requests ELSE 0 END) FROM rollup \
    WHERE true GROUP BY owner_id, api_key_id, period, start ON CONFLICT DO NOTHING";

/// How many rows of usage there are.
pub(crate) async fn usage_rows(seeded: &Seeded) -> Result<i64, StoreError> {
    let count = "SELECT count(*) AS count FROM rollup";
    let statement = sea_orm::Statement::from_string(sea_orm::DatabaseBackend::Sqlite, count);
    let failed = |error: sea_orm::DbErr| StoreError::Internal(Box::new(error));
    let row = seeded.store.writer().query_one_raw(statement).await.map_err(failed)?;
    row.map_or(Ok(0), |row| row.try_get("", "count").map_err(failed))
}
