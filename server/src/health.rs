//! Whether requests can be served here, and if not, why. Everybody is told the one; those who watch over the server, at the listener for
//! metrics, the other.

use crate::state::AppState;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// What keeps this server from serving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It was told to stop.
    Stopping,
    /// The database does not answer.
    Database,
    /// The database lacks steps that this binary needs.
    Behind,
    /// Nobody writes down what is asked.
    NoWriter,
    /// More is asked than is written down, and has been for a while.
    WriterBehind,
    /// What is asked could not be written down for a while.
    Unwritten,
    /// No space is left where the database lies.
    NoSpace,
    /// Little is.
    LittleSpace,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stopping => "the server is stopping",
            Self::Database => "the database does not answer",
            Self::Behind => "the database is behind this version: run latchkey migrate",
            Self::NoWriter => "the writer of the request log has ended: restart the server",
            Self::WriterBehind => "the request log has been full for a while",
            Self::Unwritten => "the request log cannot be written",
            Self::NoSpace => "the disk of the database is full",
            Self::LittleSpace => "the disk of the database is nearly full",
        })
    }
}

/// What was seen of a server.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each answers a question of its own")]
struct Seen {
    stopping: bool,
    answers: bool,
    behind: bool,
    has_writer: bool,
    /// For how long there has been no room for what is asked.
    full_for: Option<Duration>,
    /// For how long nothing could be written down.
    unwritten_for: Option<Duration>,
    no_space: bool,
    /// Bytes that are free where the database lies, if that is a disk of this machine.
    free: Option<u64>,
}

impl Seen {
    /// What lasts less long may be over the next moment.
    const A_WHILE: Duration = Duration::from_secs(10);
    /// SQLite needs room beside the database before it gets smaller again.
    const ROOM: u64 = 64 * 1024 * 1024;

    fn faults(&self) -> Vec<Fault> {
        let lasts = |time: Option<Duration>| time.is_some_and(|time| time >= Self::A_WHILE);
        [
            (self.stopping, Fault::Stopping),
            (!self.answers, Fault::Database),
            (self.behind, Fault::Behind),
            (!self.has_writer, Fault::NoWriter),
            (lasts(self.full_for), Fault::WriterBehind),
            (!self.no_space && lasts(self.unwritten_for), Fault::Unwritten),
            (self.no_space, Fault::NoSpace),
            (!self.no_space && self.free.is_some_and(|free| free < Self::ROOM), Fault::LittleSpace),
        ]
        .into_iter()
        .filter_map(|(is_so, fault)| is_so.then_some(fault))
        .collect()
    }
}

/// What is remembered from one look at a server to the next.
#[derive(Default)]
pub struct Health {
    full_since: Mutex<Option<Instant>>,
    told: Mutex<Vec<Fault>>,
}

impl Health {
    /// What keeps the server from serving now.
    pub(crate) async fn faults(state: &AppState) -> Vec<Fault> {
        let (recorder, database) = (&state.recorder, &state.database);
        let answers = state.services.ports.store.ping().await.is_ok();
        let (unwritten, stopping) = (recorder.unwritten(), *state.stopping.borrow());
        let seen = Seen {
            stopping,
            answers,
            // One that does not answer is behind nothing. One that is ahead serves on while the others are updated.
            behind: answers && migrations::is_behind(database.reader()).await.unwrap_or(false),
            has_writer: recorder.has_writer(),
            full_for: state.health.full_for(recorder.is_full()),
            unwritten_for: unwritten.map(|unwritten| unwritten.since.elapsed()),
            no_space: unwritten.is_some_and(|unwritten| unwritten.no_space),
            free: match folder_of(&state.config.database_url.0) {
                Some(folder) => tokio::task::spawn_blocking(move || free(&folder)).await.ok().flatten(),
                None => None,
            },
        };
        let faults = seen.faults();
        state.health.tell(&faults);
        faults
    }

    /// For how long every look found it full.
    fn full_for(&self, full: bool) -> Option<Duration> {
        let mut since = self.full_since.lock().unwrap_or_else(PoisonError::into_inner);
        if full {
            return Some(since.get_or_insert_with(Instant::now).elapsed());
        }
        *since = None;
        None
    }

    /// Says in the log what has changed; whoever asks often is no reason to repeat it.
    fn tell(&self, faults: &[Fault]) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.as_slice() == faults {
            return;
        }
        match faults {
            [] => tracing::info!("ready again"),
            [Fault::Stopping] => tracing::info!("not ready: the server is stopping"),
            faults => tracing::error!(why = in_words(faults), "not ready"),
        }
        faults.clone_into(&mut told);
    }
}

fn in_words(faults: &[Fault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The folder of a database of SQLite.
fn folder_of(url: &str) -> Option<PathBuf> {
    let path = Path::new(url.strip_prefix("sqlite://")?.split('?').next()?);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    Some(folder.unwrap_or_else(|| Path::new(".")).to_owned())
}

fn free(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    found.f_bavail.checked_mul(found.f_frsize)
}

fn answer(status: StatusCode, text: impl Into<String>) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], text.into()).into_response()
}

/// Whether requests can be served, for everybody.
pub(crate) async fn ready(State(state): State<AppState>) -> Response {
    if Health::faults(&state).await.is_empty() {
        answer(StatusCode::OK, "ok\n")
    } else {
        answer(StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}

/// The same with the reasons, a line each, for those who watch over the server.
pub(crate) async fn ready_in_detail(State(state): State<AppState>) -> Response {
    let faults = Health::faults(&state).await;
    if faults.is_empty() {
        return answer(StatusCode::OK, "ok\n");
    }
    let lines: Vec<_> = faults.iter().map(|fault| format!("{fault}\n")).collect();
    answer(StatusCode::SERVICE_UNAVAILABLE, format!("not ready\n{}", lines.concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WELL: Seen = Seen {
        stopping: false,
        answers: true,
        behind: false,
        has_writer: true,
        full_for: None,
        unwritten_for: None,
        no_space: false,
        free: Some(10_000_000_000),
    };

    #[test]
    fn a_server_that_can_serve_has_no_fault() {
        let moment = Some(Duration::from_secs(9));
        for seen in [WELL, Seen { free: None, ..WELL }, Seen { full_for: moment, unwritten_for: moment, ..WELL }] {
            assert_eq!(seen.faults(), [], "{seen:?}");
        }
    }

    #[test]
    fn every_fault_is_one() {
        let while_ = Some(Duration::from_secs(10));
        for (seen, fault) in [
            (Seen { stopping: true, ..WELL }, Fault::Stopping),
            (Seen { answers: false, ..WELL }, Fault::Database),
            (Seen { behind: true, ..WELL }, Fault::Behind),
            (Seen { has_writer: false, ..WELL }, Fault::NoWriter),
            (Seen { full_for: while_, ..WELL }, Fault::WriterBehind),
            (Seen { unwritten_for: while_, ..WELL }, Fault::Unwritten),
            (Seen { no_space: true, unwritten_for: while_, free: Some(0), ..WELL }, Fault::NoSpace),
            (Seen { free: Some(67_108_863), ..WELL }, Fault::LittleSpace),
        ] {
            assert_eq!(seen.faults(), [fault]);
        }
    }

    #[test]
    fn full_at_every_look_is_full_for_as_long() {
        let health = Health::default();
        assert_eq!(health.full_for(false), None);
        let first = health.full_for(true).unwrap();
        assert!(health.full_for(true).unwrap() >= first);
        assert_eq!(health.full_for(false), None);
        assert!(health.full_since.lock().unwrap().is_none());
    }

    #[test]
    fn the_disk_is_that_of_the_database() {
        assert_eq!(folder_of("sqlite:///var/lib/latchkey/x.db?mode=rwc"), Some(PathBuf::from("/var/lib/latchkey")));
        assert_eq!(folder_of("sqlite://x.db"), Some(PathBuf::from(".")));
        assert_eq!(folder_of("postgres://latchkey@db/latchkey"), None);
        assert!(free(Path::new(".")).is_some() && free(Path::new("/nowhere/at/all")).is_none());
    }
}
