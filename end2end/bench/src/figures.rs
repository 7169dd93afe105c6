//! The figures of the pages: how long each page of usage and each search of the log takes over a filled database, how soon a failure is
//! told to whoever watches, and for how long removing what is old holds the writer.

use crate::{
    Outcome,
    browser::{Browser, call},
    fill::{self, BUSY, CLIENT, RARE_KEY, Size, asked_addresses, count},
    keys::{Purpose, key},
    person::sign_in,
    prune,
    run::{mistyped, start},
    seed::{self, PASSWORD, Place, Seeded},
    world::{RARE_TEXT, REASONS},
};
use latchkey_core::{
    account::{PlainPassword, SignUp, SignUpError},
    api_key::{CreateApiKey, KeyForm},
    clock::{Clock, SystemClock},
};
use latchkey_model::Environment;
use sea_orm::{ConnectionTrait, Statement};
use std::{
    fmt,
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, Instant},
};
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

type Failed = Box<dyn std::error::Error>;

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Plan {
    /// A data folder [default: a new one, which is removed]
    #[arg(long)]
    data: Option<PathBuf>,
    /// The database [default: SQLite in the data folder]
    #[arg(long)]
    database: Option<String>,
    #[command(flatten)]
    size: Size,
    /// How often each page is asked for
    #[arg(long, default_value_t = 9)]
    times: usize,
    /// How many failures are watched for, in each of two logs
    #[arg(long, default_value_t = 25)]
    failures: u8,
    /// The core of the server
    #[arg(long, default_value_t = 0)]
    server_core: usize,
}

const USAGE_LIMIT: Duration = Duration::from_millis(100);
const LOG_LIMIT: Duration = Duration::from_millis(200);
const LIVE_LIMIT: Duration = Duration::from_secs(1);
pub(crate) const HELD_LIMIT: Duration = Duration::from_millis(50);

/// A line of the table.
pub(crate) struct Figure {
    what: String,
    took: Vec<Duration>,
    limit: Duration,
    note: String,
}

impl Figure {
    /// What was measured, in any order.
    pub(crate) fn new(
        what: impl Into<String>,
        mut took: Vec<Duration>,
        limit: Duration,
        note: impl Into<String>,
    ) -> Self {
        took.sort_unstable();
        Self { what: what.into(), took, limit, note: note.into() }
    }

    fn worst(&self) -> Duration {
        self.took.last().copied().unwrap_or_default()
    }

    fn is_met(&self) -> bool {
        !self.took.is_empty() && self.worst() <= self.limit
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = |time: Duration| time.as_secs_f64() * 1_000.0;
        let half = self.took.get(self.took.len() / 2).copied().unwrap_or_default();
        write!(
            f,
            "{:<46} {:>8.1} {:>8.1} {:>6.0}  {:<4} {}",
            self.what,
            milliseconds(half),
            milliseconds(self.worst()),
            milliseconds(self.limit),
            if self.is_met() { "yes" } else { "NO" },
            self.note
        )
    }
}

/// Fills what is not filled, measures, and prints the table.
pub(crate) async fn measure(plan: &Plan) -> Outcome {
    let folder = tempfile::tempdir()?;
    let data = plan.data.clone().unwrap_or_else(|| folder.path().join("data"));
    let place = Place { data, database: plan.database.clone() };
    Box::pin(fill::fill(&place, plan.size)).await?;
    // First, so that no server does so beside the pages: what is filled in has not been looked after for a day.
    let removing = Box::pin(prune::measure(&place)).await?;
    let cast = Box::pin(Cast::of(&place)).await?;
    println!("{} of {} rows of single requests, {} counts\n", cast.backend, cast.rows, cast.counts);
    println!("{:<46} {:>8} {:>8} {:>6}  {:<4} ", "milliseconds", "p50", "worst", "limit", "met");
    let mut figures = Vec::new();
    let mut tell = |figure: Figure| {
        println!("{figure}");
        figures.push(figure.is_met());
    };
    removing.into_iter().for_each(&mut tell);
    let server = start(&place, plan.server_core)?;
    let (owner, admin) = (Browser::new(server.ours, cast.owner.clone()), Browser::new(server.ours, cast.admin.clone()));
    for (what, path) in cast.usage_pages() {
        let browser = if path.starts_with("/admin") { &admin } else { &owner };
        tell(page(browser, what, &path, plan.times, USAGE_LIMIT).await?);
    }
    for (what, query) in cast.searches(true) {
        tell(page(&owner, format!("log, {what}"), &format!("{}{query}", cast.logs()), plan.times, LOG_LIMIT).await?);
    }
    tell(
        page(&owner, "log, by request id".to_owned(), &format!("/logs/{}", cast.request), plan.times, LOG_LIMIT)
            .await?,
    );
    for (what, query) in cast.searches(false) {
        let path = format!("/admin/failures{query}");
        tell(page(&admin, format!("failures, {what}"), &path, plan.times, LOG_LIMIT).await?);
    }
    let unknown = |number| key(Purpose::Unknown, number).expose().to_owned();
    tell(live(&admin, server.ours, "/admin/failures/live", "failures", unknown, plan.failures).await?);
    let wrong = mistyped(&cast.key);
    tell(live(&owner, server.ours, &format!("{}/live", cast.logs()), "log", |_| wrong.clone(), plan.failures).await?);
    let met = figures.iter().filter(|met| **met).count();
    println!("\n{met} of {} are met", figures.len());
    Ok(())
}

/// Asks for a page so many times.
async fn page(browser: &Browser, what: String, path: &str, times: usize, limit: Duration) -> Result<Figure, Failed> {
    let (mut took, mut note) = (Vec::new(), String::new());
    for _ in 0..times {
        let answer = browser.page(path).await?;
        if answer.status != 200 {
            return Err(format!("{path} was answered {}", answer.status).into());
        }
        took.push(answer.took);
        note = found(&answer.text);
    }
    Ok(Figure::new(what, took, limit, note))
}

/// What a page of the log shows: how many lines, and whether it looked at everything.
fn found(page: &str) -> String {
    let lines = page.matches("data-label=\"When\"").count().max(page.matches("data-label=\"First\"").count());
    let part = ["was not looked at yet", "are counted here"].iter().any(|text| page.contains(text));
    match (lines, part) {
        (0, false) if !page.contains("class=\"empty") => String::new(),
        (lines, false) => format!("{lines} lines"),
        (lines, true) => format!("{lines} lines, a part was looked at"),
    }
}

/// How soon failures are told: from when each was answered to when its line has come.
async fn live(
    browser: &Browser,
    api: SocketAddr,
    path: &str,
    log: &str,
    wrong_key: impl Fn(u32) -> String,
    failures: u8,
) -> Result<Figure, Failed> {
    let mut took = Vec::new();
    let mut line = browser.watch(path).await?;
    for number in 0..failures {
        // Each from a network of its own: what is alike would share a row.
        let answer = call(api, number + 1, &wrong_key(number.into())).await?;
        let began = Instant::now();
        let id = answer.field("x-request-id").ok_or("a refused call has no id")?.to_owned();
        if answer.status != 401 {
            return Err(format!("a wrong key was answered {}", answer.status).into());
        }
        match line.until(&id).await {
            Ok(()) => took.push(began.elapsed()),
            // A line lives for some seconds.
            Err(_) => line = browser.watch(path).await?,
        }
        tokio::time::sleep(Duration::from_millis(41 * u64::from(number % 7))).await;
    }
    let note = format!("{} of {failures}", took.len());
    Ok(Figure::new(format!("{log}, live: a failure is told"), took, LIVE_LIMIT, note))
}

/// Who asks for which pages.
struct Cast {
    backend: &'static str,
    rows: i64,
    counts: i64,
    application: String,
    busy: Uuid,
    rare: Uuid,
    client: Uuid,
    /// A request in the middle of the log.
    request: Uuid,
    /// A key that is good until somebody mistypes it.
    key: String,
    owner: String,
    admin: String,
}

impl Cast {
    async fn of(place: &Place) -> Result<Self, Failed> {
        let seeded = Box::pin(seed::open(place)).await?;
        let database = seeded.store.writer();
        let ports = &seeded.services.ports;
        let admin = || SignUp { email: "admin@example.org", name: "Admin", password: PlainPassword::new(PASSWORD) };
        match seeded.services.accounts.create_admin(admin()).await {
            Ok(_) | Err(SignUpError::Invalid(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let (admin, _) = ports.store.account_by_email("admin@example.org").await?.ok_or("the admin was not made")?;
        let form = KeyForm { name: "Mistyped", scopes: &["read:posts".to_owned()], expiry: "1", ..KeyForm::default() };
        let create = CreateApiKey { form, form_id: ports.uuid() };
        let keys = &seeded.services.api_keys;
        let made = keys.create(&seeded.actor(), seeded.application, Environment::Production, create).await?;
        let cast = Self {
            backend: if place.database.is_some() { "PostgreSQL" } else { "SQLite" },
            rows: count(database, "SELECT count(*) AS count FROM request_log").await?,
            counts: count(database, "SELECT count(*) AS count FROM rollup").await?,
            application: seeded.application.to_string(),
            busy: id(&seeded, &format!("SELECT id FROM api_key WHERE name = '{BUSY}'")).await?,
            rare: id(&seeded, &format!("SELECT id FROM api_key WHERE name = '{RARE_KEY}'")).await?,
            client: id(&seeded, &format!("SELECT id FROM oauth_client WHERE name = '{CLIENT}'")).await?,
            request: id(
                &seeded,
                &format!(
                    "SELECT id FROM request_log WHERE api_key_id = (SELECT id FROM api_key WHERE name = '{BUSY}') \
                     ORDER BY id LIMIT 1 OFFSET 1000"
                ),
            )
            .await?,
            key: made.plain.expose().to_owned(),
            owner: sign_in(&seeded, seeded.account.id).await?,
            admin: sign_in(&seeded, admin.id).await?,
        };
        seeded.store.close().await?;
        Ok(cast)
    }

    fn logs(&self) -> String {
        format!("/apps/{}/production/logs", self.application)
    }

    fn usage_pages(&self) -> Vec<(String, String)> {
        let (app, environment) = (&self.application, format!("/apps/{}/production/usage", self.application));
        let pages = [
            ("an environment", environment.clone()),
            ("an application", format!("/apps/{app}/usage")),
            ("a key", format!("{environment}?key={}", self.busy)),
            ("a client", format!("{environment}?client={}", self.client)),
            ("the portal", "/admin/usage".to_owned()),
        ];
        let ranges = ["1h", "24h", "7d", "30d", "90d"];
        pages
            .iter()
            .flat_map(|(of, path)| {
                ranges.map(|range| {
                    let and = if path.contains('?') { '&' } else { '?' };
                    (format!("usage of {of}, {range}"), format!("{path}{and}range={range}"))
                })
            })
            .collect()
    }

    /// Every filter alone, and every way of putting together.
    fn searches(&self, owner: bool) -> Vec<(String, String)> {
        let (busy, rare) = (self.busy.to_string(), self.rare.to_string());
        let now = SystemClock.now();
        let at = |days: i64, hours: i64| {
            let at = now - time::Duration::days(days) + time::Duration::hours(hours);
            at.format(&Rfc3339).unwrap_or_default().replace(':', "%3A")
        };
        let mut searches = vec![("no filter".to_owned(), String::new())];
        let mut add = |what: &str, name: &str, value: &str| {
            searches.push((what.to_owned(), format!("?{name}={}", value.replace(':', "%3A").replace('/', "%2F"))));
        };
        if owner {
            for outcome in ["served", "refused", "reported"] {
                add(&format!("outcome {outcome}"), "outcome", outcome);
            }
        }
        for (of, reason) in ["common", "rare"].into_iter().zip(REASONS) {
            add(&format!("reason, {of}"), "reason", reason);
        }
        add("reason, absent", "reason", "tls_required");
        for method in ["GET", "DELETE"] {
            add(&format!("method {method}"), "method", method);
        }
        for (of, route) in [("common", "/api/v1/posts/{id}"), ("rare", "/api/v1/reports/{id}"), ("absent", "/nowhere")]
        {
            add(&format!("route, {of}"), "route", &route.replace('{', "%7B").replace('}', "%7D"));
        }
        for status in ["200", "404", "429", "503"] {
            add(&format!("status {status}"), "status", status);
        }
        for (of, id) in [("busy", &busy), ("seldom used", &rare)] {
            add(&format!("credential, {of}"), "key", id);
        }
        for (of, (address, network)) in asked_addresses() {
            add(&format!("address, {of}"), "address", &address);
            add(&format!("network, {of}"), "network", &network);
        }
        for (of, text) in [("common", "curl"), ("rare", RARE_TEXT), ("absent", "no-such-text")] {
            add(&format!("text, {of}"), "text", text);
        }
        searches.push(("an hour of 20 days ago".to_owned(), format!("?since={}&until={}", at(20, 0), at(20, 1))));
        searches.push(("up to 20 days ago".to_owned(), format!("?until={}", at(20, 0))));
        let views: &[&str] = if owner {
            &["failures", "addresses", "reasons", "live"]
        } else {
            &["failures", "addresses", "networks", "routes", "reasons", "live"]
        };
        searches.extend(views.iter().map(|view| (format!("view {view}"), format!("?view={view}"))));
        searches.push(("view failures, all days".to_owned(), format!("?view=failures&since={}", at(30, 0))));
        searches
    }
}

/// The id that a question answers.
async fn id(seeded: &Seeded, sql: &str) -> Result<Uuid, Failed> {
    let database = seeded.store.writer();
    let statement = Statement::from_string(database.get_database_backend(), sql);
    let row = database.query_one_raw(statement).await?.ok_or("nothing is there: was this place filled?")?;
    Ok(row.try_get("", "id")?)
}
