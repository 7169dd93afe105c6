//! Running everything: seed, start the server on another core, load it, print the table.

use crate::{
    Outcome,
    keys::{Purpose, key},
    machine::{API, Machine, check_path},
    seed::{LIMITED, Place},
    stalls::{self, Stolen},
};
use latchkey_load::{
    Target, closed,
    mix::Mix,
    open,
    report::Report,
    request::{Requests, get_with_key, render},
    rounds::{self, Row, Scenario},
    table::Table,
};
use std::{
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpListener},
    num::{NonZeroU32, NonZeroUsize},
    ops::Range,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// The bare handler's that answer what `whoami` and a check do.
const WHOAMI_LIKE: usize = 1;
const CHECK_LIKE: usize = 2;

/// The scenario of the table that counts; those before it are the bare handler's.
const WHOAMI: usize = 3;

/// Before a scenario at a constant rate: what the one before left to be written is not charged to it, and its counts take a few seconds.
const SETTLED: Duration = Duration::from_secs(10);

/// The scenario that is asked at the proxies' address.
const FORWARD_AUTH: usize = 11;

/// The scenario before those of one caller each, which come by every credential that needs no secret to be hashed for it.
const LIMIT_HIT: usize = 6;
const CREDENTIALS: Range<usize> = LIMIT_HIT + 1..FORWARD_AUTH;

/// What to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Plan {
    /// A seeded data folder [default: a new one with 1,000 keys]
    #[arg(long)]
    data: Option<PathBuf>,
    /// How many keys call, by Zipf's law: the first is the busiest
    #[arg(long, default_value_t = 1_000)]
    keys: u32,
    /// The core of the server
    #[arg(long, default_value_t = 0)]
    server_core: usize,
    /// Rounds
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Seconds of each scenario in a round
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// Connections
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Leave out the scenarios whose name has none of these texts in it; the bare handlers and whoami stay
    #[arg(long)]
    only: Vec<String>,
}

/// A server that is killed at the end.
pub(crate) struct Running {
    child: Child,
    pub(crate) ours: SocketAddr,
    proxies: SocketAddr,
    bare: SocketAddr,
    started_in: Duration,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> Result<SocketAddr, std::io::Error> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// This program once more, on a core.
fn on_core(core: usize) -> Result<Command, std::io::Error> {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &core.to_string()]).arg(std::env::current_exe()?);
    Ok(command)
}

/// Starts the server on a core, and waits until it listens.
pub(crate) fn start(place: &Place, core: usize) -> Result<Running, Box<dyn std::error::Error>> {
    let data = &place.data;
    let (ours, proxies, bare) = (free_address()?, free_address()?, free_address()?);
    let began = Instant::now();
    let mut child = on_core(core)?
        .args(["serve", "--listen", &ours.to_string(), "--bare", &bare.to_string()])
        .args(["--proxies", &proxies.to_string(), "--data"])
        .arg(data)
        .args(place.database.iter().flat_map(|url| ["--database", url]))
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(data.join("bench.log"))?)
        .spawn()?;
    let mut line = String::new();
    if let Some(out) = child.stdout.take() {
        BufReader::new(out).read_line(&mut line)?;
    }
    if line.trim() != "ready" {
        return Err(format!("the server did not start: see {}", data.join("bench.log").display()).into());
    }
    Ok(Running { child, ours, proxies, bare, started_in: began.elapsed() })
}

/// The memory of a process that is in RAM, in MB.
fn resident_mb(child: &Child) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1_024.0)
}

fn whoami(target: Target, key: &str) -> Vec<u8> {
    get_with_key(target, "/api/v1/whoami", key)
}

/// What a page of the portal asks.
fn whoami_in_browser(target: Target, session: &str) -> Vec<u8> {
    let cookie = format!("latchkey={session}");
    render(target, "GET", "/api/v1/whoami", &[("cookie", &cookie), ("sec-fetch-site", "same-origin")], b"")
}

/// The same request to the bare handler, which asks nobody and answers the same fields and bytes.
fn whoami_like(target: Target, key: &str) -> Vec<u8> {
    get_with_key(target, "/same", key)
}

/// What a proxy asks about a request with this key.
fn check(target: Target, key: &str) -> Vec<u8> {
    check_at(target, &check_path(), key)
}

/// The same request to the bare handler, which asks nobody and answers the same fields.
fn check_like(target: Target, key: &str) -> Vec<u8> {
    check_at(target, "/checked", key)
}

fn check_at(target: Target, path: &str, key: &str) -> Vec<u8> {
    let authorization = format!("Bearer {key}");
    let headers = [
        ("x-forwarded-method", "GET"),
        ("x-forwarded-uri", "/v1/things/7?expand=parts"),
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-proto", "https"),
        ("authorization", authorization.as_str()),
    ];
    render(target, "GET", path, &headers, b"")
}

/// What a server's own code asks about a hundred requests.
fn verify(target: Target, token: &str) -> Vec<u8> {
    let request = |number| {
        format!(
            r#"{{"method":"GET","target":"/v1/things/7?expand=parts","address":"203.0.113.9","authorization":"Bearer {}"}}"#,
            key(Purpose::Valid, number).expose()
        )
    };
    let requests: Vec<_> = (0..100).map(request).collect();
    let body = format!(r#"{{"api":"{API}","requests":[{}]}}"#, requests.join(","));
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    render(target, "POST", "/gateway/verify", &headers, body.as_bytes())
}

/// The same key with its last character changed: it fails its checksum.
pub(crate) fn mistyped(key: &str) -> String {
    let last = if key.ends_with('0') { '1' } else { '0' };
    format!("{}{last}", &key[..key.len() - 1])
}

/// Fills a new folder.
fn seeded(keys: u32, data: PathBuf) -> Result<PathBuf, Box<dyn std::error::Error>> {
    let seeded = Command::new(std::env::current_exe()?)
        .args(["seed", "--keys", &keys.to_string(), "--data"])
        .arg(&data)
        .stdout(Stdio::null())
        .status()?;
    if seeded.success() { Ok(data) } else { Err("the data folder could not be seeded".into()) }
}

/// Runs everything.
pub(crate) fn run(plan: &Plan) -> Outcome {
    let folder = tempfile::tempdir()?;
    let data = match &plan.data {
        Some(data) => data.clone(),
        None => seeded(plan.keys, folder.path().join("data"))?,
    };
    let machine = Machine::of(&data)?;
    let server = start(&Place::folder(&data), plan.server_core)?;
    println!(
        "started in {:.0} ms, {:.0} MB resident before the first request\n",
        server.started_in.as_secs_f64() * 1_000.0,
        resident_mb(&server.child).unwrap_or_default(),
    );
    let (ours, bare) = (Target::new(server.ours)?, Target::new(server.bare)?);
    let proxies = Target::new(server.proxies)?;
    let valid: Requests = (0..plan.keys).map(|number| whoami(ours, key(Purpose::Valid, number).expose())).collect();
    let limited: Requests = (0..LIMITED).map(|number| whoami(ours, key(Purpose::Limited, number).expose())).collect();
    // Half of the junk fails its checksum, half is well formed and nobody's.
    let junk: Requests = (0..500)
        .flat_map(|number| {
            let wrong = mistyped(key(Purpose::Valid, number).expose());
            [whoami(ours, &wrong), whoami(ours, key(Purpose::Unknown, number).expose())]
        })
        .collect();
    let token = machine.token(server.ours, ours, false)?;
    let gateway_token = machine.token(server.ours, ours, true)?;
    let checks: Requests = (0..plan.keys).map(|number| check(proxies, key(Purpose::Valid, number).expose())).collect();
    let mixes = [
        Mix::of_one(&render(bare, "GET", "/", &[], b""))?,
        Mix::of_one(&whoami_like(bare, key(Purpose::Valid, 0).expose()))?,
        Mix::of_one(&check_like(bare, key(Purpose::Valid, 0).expose()))?,
        Mix::new(valid.clone(), 1.0, 1)?,
        Mix::new(valid, 1.0, 1)?.with_junk(junk.clone(), 0.1)?,
        Mix::new(junk, 0.0, 1)?,
        Mix::new(limited, 1.0, 1)?,
        Mix::of_one(&whoami(ours, key(Purpose::Valid, 0).expose()))?,
        Mix::of_one(&whoami(ours, &token))?,
        Mix::of_one(&whoami(ours, &machine.person.token))?,
        Mix::of_one(&whoami_in_browser(ours, &machine.person.session))?,
        Mix::new(checks, 1.0, 1)?,
        Mix::of_one(&verify(ours, &gateway_token))?,
        Mix::of_one(&machine.introspection(ours, &token))?,
        Mix::of_one(&machine.token_request(ours))?,
    ];
    let closed = closed::Closed::new(
        NonZeroUsize::new(plan.connections).ok_or("no connections")?,
        Duration::from_millis(500),
        Duration::from_secs(plan.seconds),
    );
    let names = [
        "bare handler",
        "bare, whoami's bytes",
        "bare, forward auth's",
        "whoami, 1 key of many",
        "the same, 10 % junk",
        "junk alone",
        "limit hit",
        "whoami, a key",
        "whoami, an access token",
        "whoami, a personal token",
        "whoami, a session",
        "forward auth, 1 key of many",
        "verify, 100 at once",
        "introspection",
        "a token, ES256",
    ];
    let mut scenarios: Vec<_> = names
        .iter()
        .zip(&mixes)
        .enumerate()
        .filter(|(index, (name, _))| {
            *index <= WHOAMI || plan.only.is_empty() || plan.only.iter().any(|text| name.contains(text))
        })
        .map(|(index, (name, mix))| {
            let target = match index {
                0..WHOAMI => bare,
                FORWARD_AUTH => proxies,
                _ => ours,
            };
            Scenario::new(*name, move || closed::run(target, mix, &closed))
        })
        .collect();
    let rows = rounds::run(NonZeroUsize::new(plan.rounds).ok_or("no rounds")?, &mut scenarios)?;
    println!("{}", Table::new(&rows));
    print_credentials(&rows, &names[CREDENTIALS]);
    print_door(&rows, [(names[WHOAMI], names[WHOAMI_LIKE]), (names[FORWARD_AUTH], names[CHECK_LIKE])]);
    // A folder without these keys would measure refusals, which is another figure.
    if let Some((status, _)) = rows.get(WHOAMI).and_then(|row| row.statuses.seen().find(|(status, _)| *status != 200)) {
        return Err(format!("a good key was answered {status}: was this folder seeded?").into());
    }

    let half = rows.get(WHOAMI).map_or(1.0, |row| row.per_second / 2.0);
    println!("\nat half of that, at a constant rate: latency from when each request was due");
    std::thread::sleep(SETTLED);
    let [of_server, of_load] = stalls::of_both(on_core(plan.server_core)?)?;
    println!("(with nothing to do, the server's core stood still for {of_server}; the load's for {of_load})");
    let asked = [(0, bare), (WHOAMI, ours), (WHOAMI + 1, ours)];
    let asked = asked.iter().filter_map(|(index, target)| Some((*names.get(*index)?, mixes.get(*index)?, *target)));
    let stolen = Stolen::from(plan.server_core);
    println!("{}", at_rates(asked, half, plan, &stolen)?);
    println!("(the host took {stolen} of the server's core meanwhile; where that is more than 1 %, p99 is the host's)");
    println!("{:.0} MB resident after it all", resident_mb(&server.child).unwrap_or_default());
    Ok(())
}

/// How far apart the credentials are, by the names of their scenarios.
fn print_credentials(rows: &[Row], names: &[&str]) {
    let of_credentials = rows.iter().filter(|row| names.contains(&row.scenario.as_str())).map(|row| row.per_second);
    let of_credentials: Vec<_> = of_credentials.collect();
    if let (true, Some(slowest), Some(fastest)) = (
        of_credentials.len() > 1,
        of_credentials.iter().copied().reduce(f64::min),
        of_credentials.iter().copied().reduce(f64::max),
    ) {
        println!("the slowest credential: {:.0} % below the fastest", 100.0 * (1.0 - slowest / fastest));
    }
}

/// What the door takes of each request, by the names of a scenario and of the bare one that answers the same.
fn print_door(rows: &[Row], pairs: [(&str, &str); 2]) {
    let seconds = |name: &str| rows.iter().find(|row| row.scenario == name).map(|row| row.per_second.recip());
    for (ours, bare) in pairs {
        if let (Some(with), Some(without)) = (seconds(ours), seconds(bare)) {
            let door = 1e6 * (with - without);
            println!("{ours}: {door:.1} µs of each for the door, beyond a bare handler of the same fields and bytes");
        }
    }
}

/// Asks each at this rate, in turn.
fn at_rates<'a>(
    asked: impl Iterator<Item = (&'static str, &'a Mix, Target)>,
    rate: f64,
    plan: &Plan,
    stolen: &Stolen,
) -> Result<Table, Box<dyn std::error::Error>> {
    let mut scenarios: Vec<_> = asked
        .map(|(name, mix, target)| {
            Scenario::new(name, move || {
                std::thread::sleep(SETTLED);
                stolen.during(|| at_rate(target, mix, rate, plan))
            })
        })
        .collect();
    let rows = rounds::run(NonZeroUsize::new(plan.rounds.div_ceil(2)).ok_or("no rounds")?, &mut scenarios)?;
    Ok(Table::new(&rows))
}

fn at_rate(target: Target, mix: &Mix, rate: f64, plan: &Plan) -> Result<Report, latchkey_load::LoadError> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some thousand requests a second")]
    let rate = NonZeroU32::new(rate as u32).unwrap_or(NonZeroU32::MIN);
    let connections = NonZeroUsize::new(plan.connections).unwrap_or(NonZeroUsize::MIN);
    open::run(
        target,
        mix,
        &open::Open::new(connections, rate, Duration::from_millis(500), Duration::from_secs(plan.seconds)),
    )
}
