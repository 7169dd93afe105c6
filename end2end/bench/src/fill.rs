//! Filling the request log and the counts with what months of calls leave behind: drawn by the database itself, from numbers and tables
//! of slots, with the indexes made anew at the end.

use crate::{
    seed::{self, Place, Seeded},
    world::{
        self, CLIENTS, ENDS, End, KNOWN, Ours, RARE, RARE_TEXT, ROUTES, SLOTS, UNKNOWN, World, address, addresses,
        route_weight, shares,
    },
};
use latchkey_core::{
    api_key::{CreateApiKey, KeyForm},
    oauth_client::{ClientForm, ClientKind},
    port::rollup::Period,
};
use latchkey_model::Environment;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseBackend, DatabaseConnection, Statement, TransactionTrait,
};
use std::{collections::BTreeMap, fmt::Write, time::Instant};
use time::OffsetDateTime;
use uuid::Uuid;

type Failed = Box<dyn std::error::Error>;

/// How much is filled in.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Size {
    /// Rows of single requests, over 30 days
    #[arg(long, default_value_t = 200_000)]
    pub(crate) rows: u64,
    /// Requests that the counts stand for, over 90 days
    #[arg(long, default_value_t = 100_000_000)]
    pub(crate) requests: u32,
}

const ROW_DAYS: i64 = 30;
const DAYS: i64 = 90;
/// Two days more than are kept, so that there is something to remove: hours go by the day.
const HOUR_DAYS: i64 = 94;
const MINUTE_DAYS: i64 = 2;
/// Addresses of an hour or a day that is over.
const TOLD_APART: u32 = 65;
/// Rows that one statement draws.
const AT_ONCE: u64 = 250_000;
/// Rows of tables that are written out.
const WRITTEN_AT_ONCE: usize = 500;
const TABLES: [&str; 4] = ["request_log", "rollup", "bucket_rollup", "address_rollup"];
const DRAWN_FROM: [&str; 8] = [
    "bench_number",
    "bench_caller",
    "bench_end",
    "bench_route",
    "bench_client",
    "bench_address",
    "bench_series",
    "bench_place",
];

/// Fills a place, unless it is filled: then nothing happens.
pub(crate) async fn fill(place: &Place, size: Size) -> Result<(), Failed> {
    let began = Instant::now();
    let seeded = Box::pin(seed::open(place)).await?;
    if count(seeded.store.writer(), "SELECT count(*) AS count FROM (SELECT id FROM request_log LIMIT 1) AS found")
        .await?
        > 0
    {
        let left_over = format!("SELECT count(*) AS count FROM (SELECT 1 FROM {} LIMIT 1) AS found", DRAWN_FROM[0]);
        let is_broken_off = count(seeded.store.writer(), &left_over).await.is_ok();
        seeded.store.close().await?;
        if is_broken_off {
            return Err("filling it was broken off, and its indexes are missing: begin with an empty one".into());
        }
        println!("it is filled already");
        return Ok(());
    }
    let ours = ours(&seeded).await?;
    let now = seeded.services.ports.now();
    seeded.store.close().await?;
    let database = Filling::connect(&seed::config(place)?.database_url.0).await?;
    let world = World::new(&ours);
    let indexes = database.take_indexes().await?;
    database.write_world(&world, size).await?;
    println!(
        "{} credentials of {} environments after {} s",
        world.credentials.len(),
        world.owners.len(),
        began.elapsed().as_secs()
    );
    database.draw_rows(now, size.rows).await?;
    println!("{} rows of single requests after {} s", size.rows, began.elapsed().as_secs());
    database.draw_counts(now).await?;
    let (rows, sum) = (
        count(&database.connection, "SELECT count(*) AS count FROM rollup").await?,
        count(&database.connection, &database.portal_sum()).await?,
    );
    println!("{rows} counts, which stand for {sum} requests, after {} s", began.elapsed().as_secs());
    database.draw_addresses(now).await?;
    let rows = count(&database.connection, "SELECT count(*) AS count FROM address_rollup").await?;
    println!("{rows} counts by address after {} s", began.elapsed().as_secs());
    database.finish(&indexes).await?;
    if place.database.is_none() {
        // Nothing waited for the disk so far: whoever commits first would.
        std::fs::File::open(place.data.join("latchkey.db"))?.sync_all()?;
    }
    println!("{} indexes after {} s\n", indexes.len(), began.elapsed().as_secs());
    Ok(())
}

/// The owner's busiest key, a client and a key that is hardly used: their pages are asked for.
async fn ours(seeded: &Seeded) -> Result<Ours, Failed> {
    let (services, actor) = (&seeded.services, seeded.actor());
    let scopes = ["read:posts".to_owned()];
    let mut keys = Vec::new();
    for name in [BUSY, RARE_KEY] {
        let form = KeyForm { name, scopes: &scopes, expiry: "never", ..KeyForm::default() };
        let create = CreateApiKey { form, form_id: services.ports.uuid() };
        let made = services.api_keys.create(&actor, seeded.application, Environment::Production, create).await?;
        keys.push((made.id.as_uuid(), format!("lk_live_{}…", name.to_lowercase())));
    }
    let [key, rare] = <[_; 2]>::try_from(keys).map_err(|_| "no keys")?;
    let form = ClientForm {
        name: CLIENT,
        scopes: &scopes,
        auth_method: "client_secret_basic",
        signing_algorithm: "ES256",
        token_minutes: "60",
        token_form: "jwt",
        ..ClientForm::default()
    };
    let (kind, id) = (ClientKind::ServiceAccount, services.ports.uuid());
    let made =
        services.oauth_clients.create(&actor, kind, seeded.application, Environment::Production, &form, id).await?;
    let client = services.oauth_clients.get(&actor, made.id).await?.client;
    let application = services.applications.get(&actor, seeded.application).await?;
    let environments = [Environment::Production, Environment::Staging, Environment::Development]
        .map(|kind| application.environment_id(kind).as_uuid());
    Ok(Ours {
        team: application.application.team_id.as_uuid(),
        application: seeded.application.as_uuid(),
        environments,
        key,
        client: (made.id.as_uuid(), client.client_id.to_string()),
        rare,
    })
}

/// What the credentials are called whose pages are asked for.
pub(crate) const BUSY: &str = "Busy";
pub(crate) const RARE_KEY: &str = "Seldom";
pub(crate) const CLIENT: &str = "Steady";

/// A number that a question answers.
pub(crate) async fn count(connection: &DatabaseConnection, sql: &str) -> Result<i64, Failed> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let row = connection.query_one_raw(statement).await?.ok_or("no answer")?;
    Ok(row.try_get("", "count")?)
}

/// A database that is filled over one connection, which waits for no disk.
struct Filling {
    connection: DatabaseConnection,
    backend: DatabaseBackend,
}

impl Filling {
    async fn connect(url: &str) -> Result<Self, Failed> {
        let mut options = ConnectOptions::new(url);
        let hours = std::time::Duration::from_hours(5);
        // What is set on the connection holds as long as it lives.
        options.max_connections(1).sqlx_logging(false).idle_timeout(hours).max_lifetime(hours);
        let connection = Database::connect(options).await?;
        let backend = connection.get_database_backend();
        let this = Self { connection, backend };
        let settings: &[&str] = match backend {
            DatabaseBackend::Postgres => {
                &["SET synchronous_commit = off", "SET maintenance_work_mem = '1GB'", "SET work_mem = '256MB'"]
            }
            _ => &[
                "PRAGMA journal_mode = OFF",
                "PRAGMA synchronous = OFF",
                "PRAGMA cache_size = -1000000",
                "PRAGMA threads = 2",
            ],
        };
        for setting in settings {
            this.run(setting).await?;
        }
        Ok(this)
    }

    async fn run(&self, sql: &str) -> Result<u64, Failed> {
        Ok(self.connection.execute_unprepared(sql).await?.rows_affected())
    }

    fn is_postgres(&self) -> bool {
        self.backend == DatabaseBackend::Postgres
    }

    /// An id as it stands in a statement.
    fn id(&self, id: Uuid) -> String {
        if self.is_postgres() { format!("'{id}'") } else { format!("x'{}'", id.simple()) }
    }

    /// The id of a row of its time: of the number `i` and the microsecond `at`.
    const fn row_id(&self) -> &'static str {
        match self.backend {
            DatabaseBackend::Postgres => {
                "(lpad(to_hex(at / 1000), 12, '0') || '7' || lpad(to_hex(i * 2654435761 >> 9 & 4095), 3, '0') || '8' \
                 || lpad(to_hex(i * 40503 & 4095), 3, '0') || lpad(to_hex(i), 12, '0'))::uuid"
            }
            _ => "unhex(printf('%012x7%03x8%03x%012x', at / 1000, i * 2654435761 >> 9 & 4095, i * 40503 & 4095, i))",
        }
    }

    /// Drops the indexes that are not keys, and says how to make them again.
    async fn take_indexes(&self) -> Result<Vec<String>, Failed> {
        let mut taken = Vec::new();
        for table in TABLES {
            let sql = if self.is_postgres() {
                format!(
                    "SELECT relname::text AS name, pg_get_indexdef(indexrelid) AS sql FROM pg_index JOIN pg_class \
                     ON pg_class.oid = indexrelid WHERE indrelid = '{table}'::regclass AND NOT indisprimary"
                )
            } else {
                format!(
                    "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = '{table}' AND sql IS NOT NULL"
                )
            };
            for row in self.connection.query_all_raw(Statement::from_string(self.backend, sql)).await? {
                let (name, sql): (String, String) = (row.try_get("", "name")?, row.try_get("", "sql")?);
                self.run(&format!("DROP INDEX \"{name}\"")).await?;
                taken.push(sql);
            }
        }
        Ok(taken)
    }

    /// Makes the indexes again, and leaves the database as it is in service.
    async fn finish(&self, indexes: &[String]) -> Result<(), Failed> {
        for index in indexes {
            self.run(index).await?;
        }
        // These go last: where one is left, filling was broken off.
        for table in DRAWN_FROM.iter().rev() {
            self.run(&format!("DROP TABLE {table}")).await?;
        }
        if self.is_postgres() {
            // As its own housekeeping would have it by now.
            for table in TABLES {
                self.run(&format!("VACUUM (ANALYZE) {table}")).await?;
            }
        } else {
            self.run("PRAGMA journal_mode = WAL").await?;
        }
        self.connection.clone().close().await?;
        Ok(())
    }

    /// Writes rows out, some hundred with each statement.
    async fn write(&self, table: &str, columns: &str, rows: &[String]) -> Result<(), Failed> {
        let id = if self.is_postgres() { "UUID" } else { "BLOB" };
        self.run(&format!("CREATE TABLE {table} ({})", columns.replace("ID", id))).await?;
        let transaction = self.connection.begin().await?;
        for rows in rows.chunks(WRITTEN_AT_ONCE) {
            transaction.execute_unprepared(&format!("INSERT INTO {table} VALUES {}", rows.join(", "))).await?;
        }
        transaction.commit().await?;
        if self.is_postgres() {
            self.run(&format!("ANALYZE {table}")).await?;
        }
        Ok(())
    }

    /// Writes the tables that rows are drawn from.
    async fn write_world(&self, world: &World, size: Size) -> Result<(), Failed> {
        let numbers: Vec<_> = (0..10_000).map(|n| format!("({n})")).collect();
        self.write("bench_number", "n INTEGER PRIMARY KEY", &numbers).await?;
        self.write_callers(world).await?;
        let mut ends = Vec::new();
        for (first, listed) in [(0, &KNOWN[..]), (ENDS, &UNKNOWN[..])] {
            let weights: Vec<_> = listed.iter().map(|end| end.weight).collect();
            let slots = (first..).zip(shares(&weights, ENDS));
            ends.extend(slots.map(|(slot, place)| end_row(slot, &listed[place])));
        }
        let columns = "slot INTEGER PRIMARY KEY, status BIGINT, reason TEXT, reported TEXT, remedy TEXT, trace TEXT";
        self.write("bench_end", columns, &ends).await?;
        let weights: Vec<_> = (0..world.routes.len()).map(route_weight).collect();
        let routes: Vec<_> = (0..)
            .zip(shares(&weights, ROUTES))
            .map(|(slot, place): (u32, usize)| {
                let route = &world.routes[place];
                format!(
                    "({slot}, '{}', '{}', '{}', {}, {})",
                    route.method,
                    route.pattern,
                    route.path,
                    u8::from(route.has_number),
                    route.status
                )
            })
            .collect();
        let columns =
            "slot INTEGER PRIMARY KEY, method TEXT, pattern TEXT, path TEXT, has_number INTEGER, status BIGINT";
        self.write("bench_route", columns, &routes).await?;
        let weights = CLIENTS.map(|(_, weight)| weight);
        let clients: Vec<_> = (0..)
            .zip(shares(&weights, ROUTES))
            .map(|(slot, place): (u32, usize)| format!("({slot}, '{}')", CLIENTS[place].0))
            .collect();
        self.write("bench_client", "slot INTEGER PRIMARY KEY, name TEXT", &clients).await?;
        let addresses: Vec<_> = addresses()
            .into_iter()
            .enumerate()
            .map(|(slot, (address, network))| format!("({slot}, '{address}', '{network}')"))
            .collect();
        self.write("bench_address", "slot INTEGER PRIMARY KEY, address TEXT, network TEXT", &addresses).await?;
        self.write_counted(world, size).await
    }

    /// Who has which slot of callers.
    async fn write_callers(&self, world: &World) -> Result<(), Failed> {
        let last = Some(world.credentials.len() - 1);
        let callers: Vec<_> = (0..)
            .zip(world.callers().into_iter().chain([last]))
            .map(|(slot, place): (u32, Option<usize>)| {
                let Some(place) = place else {
                    return format!("({slot}, {ENDS}, NULL, NULL, NULL, NULL, NULL, NULL, NULL)");
                };
                let credential = &world.credentials[place];
                let owner = &world.owners[credential.owner];
                format!(
                    "({slot}, 0, {}, {}, {}, '{}', {}, '{}', '{}')",
                    self.id(owner.team),
                    self.id(owner.application),
                    self.id(owner.environment),
                    owner.kind,
                    self.id(credential.id),
                    credential.hint,
                    credential.name
                )
            })
            .collect();
        let columns = "slot INTEGER PRIMARY KEY, ends INTEGER, team ID, application ID, environment ID, kind TEXT, \
                       credential ID, hint TEXT, name TEXT";
        self.write("bench_caller", columns, &callers).await
    }

    /// What is counted apart, with its requests a day in millionths; and whose addresses are, with how many come in an hour and a day.
    async fn write_counted(&self, world: &World, size: Size) -> Result<(), Failed> {
        let daily = f64::from(size.requests) / 90.0;
        let (strangers, portions) = world.portions();
        let nobody = Uuid::nil();
        let mut series: BTreeMap<(Uuid, Uuid, String, u16, bool), f64> = BTreeMap::new();
        let mut places: BTreeMap<(Uuid, Uuid), f64> = BTreeMap::new();
        for (credential, portion) in world.credentials.iter().zip(portions) {
            let (owner, requests) = (world.owners[credential.owner].environment, portion * daily);
            for of in [(owner, credential.id), (owner, nobody), (nobody, nobody)] {
                *places.entry(of).or_default() += requests;
            }
            let called = match requests {
                many if many >= 10_000.0 => world.routes.len(),
                some if some >= 500.0 => 8,
                _ => 3,
            };
            let all: f64 = (0..called).map(route_weight).sum();
            for (rank, route) in world.routes.iter().enumerate().take(called) {
                for (status, refused, percent) in ways(route.status) {
                    let share = requests * route_weight(rank) / all * percent / 100.0;
                    for (owner, credential) in [(owner, credential.id), (owner, nobody), (nobody, nobody)] {
                        let route = format!("{} {}", route.method, route.pattern);
                        *series.entry((owner, credential, route, status, refused)).or_default() += share;
                    }
                }
            }
        }
        let unknown = format!("{} {}", world.routes[0].method, world.routes[0].pattern);
        *series.entry((nobody, nobody, unknown, 401, true)).or_default() += strangers * daily;
        let series: Vec<_> = series
            .into_iter()
            .enumerate()
            .map(|(n, ((owner, credential, route, status, refused), daily))| {
                let (owner, credential) = (self.id(owner), self.id(credential));
                format!("({n}, {owner}, {credential}, '{route}', {status}, {refused}, {:.0})", daily * 1e6)
            })
            .collect();
        let columns =
            "n INTEGER PRIMARY KEY, owner ID, credential ID, route TEXT, status BIGINT, refused BOOLEAN, daily BIGINT";
        self.write("bench_series", columns, &series).await?;
        let places: Vec<_> = places
            .into_iter()
            .enumerate()
            .map(|(n, ((owner, credential), daily))| {
                let (hourly, daily) = ((daily / 480.0).min(1_000.0), (daily / 20.0).min(6_000.0));
                format!("({n}, {}, {}, {hourly:.0}, {daily:.0})", self.id(owner), self.id(credential))
            })
            .collect();
        let columns = "n INTEGER PRIMARY KEY, owner ID, credential ID, hourly INTEGER, daily INTEGER";
        self.write("bench_place", columns, &places).await
    }

    /// Rows of single requests, evenly over the last 30 days. Multipliers scatter each choice over its slots.
    async fn draw_rows(&self, now: OffsetDateTime, rows: u64) -> Result<(), Failed> {
        let length = ROW_DAYS * 86_400_000_000;
        let step = length / i64::try_from(rows.max(1))?;
        let start = i64::try_from(now.unix_timestamp_nanos() / 1_000)? - length;
        for first in (0..rows).step_by(usize::try_from(AT_ONCE)?) {
            let last = (first + AT_ONCE).min(rows) - 1;
            let numbers = if self.is_postgres() {
                format!("SELECT generate_series({first}::bigint, {last}::bigint)")
            } else {
                format!("SELECT {first} UNION ALL SELECT i + 1 FROM numbered WHERE i < {last}")
            };
            let sql = format!(
                "WITH RECURSIVE numbered(i) AS ({numbers}) \
                 INSERT INTO request_log (id, at, method, route, path, status, reason, address, user_agent, duration_us, team_id, \
                 application_id, environment_id, environment, api_key_id, key_hint, key_name, trace, remedy, reported, stands_for, \
                 last_at, network, bytes_in, bytes_out) \
                 SELECT {id}, at, route.method, route.pattern, \
                 CASE WHEN i % {RARE} = 7 THEN '/api/v1/reports/{RARE_TEXT}' \
                      WHEN route.has_number = 1 THEN route.path || (i * 7919 % 1000003) ELSE route.path END, \
                 coalesce(ending.status, route.status), ending.reason, place.address, client.name, \
                 150 + i * 7919 % 4000, caller.team, caller.application, caller.environment, caller.kind, caller.credential, \
                 caller.hint, caller.name, ending.trace, ending.remedy, ending.reported, \
                 CASE WHEN ending.reason IS NOT NULL AND i % 8 = 0 THEN 1 + i % 40 ELSE 1 END, \
                 CASE WHEN ending.reason IS NOT NULL AND i % 8 = 0 THEN at + 1000000 END, place.network, i % 400, i * 31 % 9000 \
                 FROM (SELECT i, {start} + i * {step} AS at FROM numbered) AS n \
                 CROSS JOIN bench_caller AS caller CROSS JOIN bench_end AS ending CROSS JOIN bench_route AS route \
                 CROSS JOIN bench_client AS client CROSS JOIN bench_address AS place \
                 WHERE caller.slot = CASE WHEN i % {RARE} = 11 THEN {SLOTS} ELSE (i * 40503000017 >> 13) & {slots} END \
                 AND ending.slot = caller.ends + ((i * 26544357611 >> 15) & {ends}) \
                 AND route.slot = (i * 36969000031 >> 17) & {routes} \
                 AND client.slot = (i * 18000697043 >> 14) & {routes} \
                 AND place.slot = (i * 65539031831 >> 16) & {slots}",
                id = self.row_id(),
                slots = SLOTS - 1,
                ends = ENDS - 1,
                routes = ROUTES - 1,
            );
            let transaction = self.connection.begin().await?;
            transaction.execute_unprepared(&sql).await?;
            transaction.commit().await?;
        }
        Ok(())
    }

    /// Counts by the day, the hour and the minute, as far back as they are kept.
    async fn draw_counts(&self, now: OffsetDateTime) -> Result<(), Failed> {
        for (period, days) in [(Period::Day, DAYS), (Period::Hour, HOUR_DAYS), (Period::Minute, MINUTE_DAYS)] {
            let (length, newest) = (period.seconds(), period.start_of(now));
            let (buckets, parts) = (days * 86_400 / length, 86_400 / length);
            // What comes less often than this has a handful of rows in all: its minutes would be looked at in vain.
            let fewest = parts * 10_000;
            let mut latencies = String::new();
            for bucket in 0..12 {
                let count = match bucket {
                    1 => "r / 2",
                    3 => "r / 3",
                    8 => "r - r / 2 - r / 3",
                    _ => "0",
                };
                write!(latencies, ", {count}")?;
            }
            let columns: Vec<_> = (0..12).map(|bucket| format!("latency_{bucket}")).collect();
            let sql = format!(
                "INSERT INTO rollup (owner_id, period, start, api_key_id, route, status, refused, requests, {}, bytes_in, bytes_out) \
                 SELECT owner, '{word}', start, credential, route, status, refused, r{latencies}, r * 120, r * 4000 \
                 FROM (SELECT s.owner, {newest} - b.n * {length} AS start, s.credential, s.route, s.status, s.refused, \
                 (s.daily / {parts} + ((s.n * 7919 + b.n) * 2654435761 >> 12) % 1000000) / 1000000 AS r \
                 FROM bench_series AS s CROSS JOIN bench_number AS b WHERE b.n < {buckets} AND s.daily >= {fewest}) AS drawn \
                 WHERE r > 0 ORDER BY owner, credential, start",
                columns.join(", "),
                word = period.as_str(),
            );
            self.run(&sql).await?;
        }
        self.run(seed::SUM_BUCKETS).await?;
        // Those by the hour are kept for twice as long.
        let sql = format!(
            "INSERT INTO bucket_rollup (owner_id, credential_id, period, start, requests, refused) \
             SELECT owner_id, credential_id, period, start - {}, requests, refused FROM bucket_rollup WHERE period = 'hour' \
             ON CONFLICT DO NOTHING",
            HOUR_DAYS * 86_400
        );
        self.run(&sql).await.map(drop)
    }

    /// Counts by address, by the hour and the day: once those are over, the busiest alone are told apart.
    async fn draw_addresses(&self, now: OffsetDateTime) -> Result<(), Failed> {
        for (period, days, many) in [(Period::Hour, HOUR_DAYS, "hourly"), (Period::Day, DAYS, "daily")] {
            let (length, newest) = (period.seconds(), period.start_of(now));
            let sql = format!(
                "INSERT INTO address_rollup (owner_id, credential_id, period, start, address, requests, refused) \
                 SELECT p.owner, p.credential, '{word}', {newest} - b.n * {length}, a.address, 5 + 65536 / (a.slot + 50), d.n % 3 \
                 FROM bench_place AS p CROSS JOIN bench_number AS b CROSS JOIN bench_number AS d CROSS JOIN bench_address AS a \
                 WHERE b.n < {buckets} AND d.n < p.{many} AND (b.n < 2 OR d.n < {TOLD_APART}) \
                 AND a.slot = ((p.n * 1009 + b.n * 31 + d.n) * 40503000017 >> 13) & {slots} ON CONFLICT DO NOTHING",
                word = period.as_str(),
                buckets = days * 86_400 / length,
                slots = SLOTS - 1,
            );
            self.run(&sql).await?;
        }
        Ok(())
    }

    /// How many requests the portal's days stand for.
    fn portal_sum(&self) -> String {
        let nobody = self.id(Uuid::nil());
        format!(
            "SELECT CAST(sum(requests) AS BIGINT) AS count FROM rollup WHERE owner_id = {nobody} AND api_key_id = {nobody} \
             AND period = 'day'"
        )
    }
}

/// How requests to a route are answered, whether the door refused them, and how many in a hundred.
fn ways(well: u16) -> [(u16, bool, f64); 6] {
    [(well, false, 92.9), (404, false, 1.6), (500, false, 0.3), (401, true, 1.8), (403, true, 1.2), (429, true, 2.2)]
}

fn end_row(slot: u32, end: &End) -> String {
    let text = |value: Option<&str>| value.map_or("NULL".to_owned(), |value| format!("'{value}'"));
    let status = end.status.map_or("NULL".to_owned(), |status| status.to_string());
    let remedy = end.reason.map(|_| "Use a key that is valid, and ask whoever made it if it should be.");
    let trace = world::trace(end.reason);
    format!("({slot}, {status}, {}, {}, {}, '{trace}')", text(end.reason), text(end.reported), text(remedy))
}

/// Addresses and networks that are asked for: one that is common, one that is rare, one that is not there.
pub(crate) fn asked_addresses() -> [(&'static str, (String, String)); 3] {
    let absent = ("198.51.100.250".to_owned(), "198.51.100.0/24".to_owned());
    [("common", address(0)), ("rare", address(19_000)), ("absent", absent)]
}
