//! Requests told as they come, to whoever watches a log (server-sent events, WHATWG HTML section 9.2).
//!
//! Whoever watches is asked for anew every minute: a line lives no longer, and the browser opens the next where this one ended, by the id
//! of the last request that it was told of. So a session that ended or a member who left sees nothing more, and a line that dropped for
//! some minutes loses nothing. Where so many came, or so long ago, that they are not told one by one, that is said.

use super::asked_log::AskedLog;
use crate::{problem::Problem, state::AppState};
use app::{feature::request_log::many_in_words, ssr::zone::Zone};
use axum::{
    extract::State,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::stream;
use http::{HeaderValue, header};
use latchkey_core::{
    Actor,
    port::request_log::{RequestFilter, RequestRow},
    problem::ProblemCode,
    usage::log::{LogError, LogOf, WATCHED},
};
use latchkey_model::{AccountId, RequestId, live::LiveRequest};
use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use time::{OffsetDateTime, macros::format_description};
use tokio::{sync::watch, time::Instant};

/// How long a line lives.
const LIFE: Duration = Duration::from_secs(50);
/// How often the store is asked where nothing was written here: another node may have.
const OTHERS: Duration = Duration::from_secs(2);
/// How long after something was written it is asked: what comes at once is read at once.
const TOGETHER: Duration = Duration::from_millis(100);
/// After how long without an event something is sent, so that nobody in between takes the line for dead.
const STILL_THERE: Duration = Duration::from_secs(15);
/// How far back whoever opens a line again is told of what they missed.
const BACK: time::Duration = time::Duration::minutes(5);
/// How many are told before it is looked again: what waits to be told takes little room.
const TOLD_AT_ONCE: usize = 500;
/// The event that says that some are left out.
const LEFT_OUT: &str = "left-out";

/// Whoever watches, and what they were told.
struct Watcher {
    state: AppState,
    actor: Actor,
    of: LogOf,
    filter: RequestFilter,
    zone: Zone,
    /// The newest request that was looked at.
    newest: RequestId,
    /// For how many requests each row stood when it was told.
    told: HashMap<RequestId, u64>,
    waiting: VecDeque<Event>,
    /// Whether it was said that some are left out.
    said_so: bool,
    written: watch::Receiver<u64>,
    stopping: watch::Receiver<bool>,
    ends: Instant,
    asked: bool,
    _line: Line,
}

impl Watcher {
    /// The next event, once there is one; none when the line is to end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            if self.asked {
                tokio::select! {
                    changed = self.written.changed() => changed.ok()?,
                    () = tokio::time::sleep(OTHERS) => {}
                    () = tokio::time::sleep_until(self.ends) => return None,
                    _ = self.stopping.wait_for(|stopping| *stopping) => return None,
                }
                tokio::time::sleep(TOGETHER).await;
                self.written.mark_unchanged();
            } else if Instant::now() >= self.ends || *self.stopping.borrow() {
                return None;
            }
            self.asked = true;
            match self.look().await {
                Ok(()) => {}
                Err(LogError::Store(error)) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "a log that is watched could not be read");
                }
                Err(_) => return None,
            }
        }
    }

    async fn look(&mut self) -> Result<(), LogError> {
        // What passes the filter may be rare: what was looked at once is not looked at again, but for the minute before.
        let (services, now) = (&self.state.services, RequestId::from_uuid(self.state.services.ports.uuid()));
        let came = services.log.after(&self.actor, self.of, &self.filter, self.newest).await?;
        let is_all = (came.len() as u64) < WATCHED;
        let first = came.first().map(|(id, _)| *id);
        let mut untold: Vec<_> = came.into_iter().filter(|(id, many)| self.told.get(id) != Some(many)).collect();
        // The oldest of them first: of what is not told now, all is newer than what is.
        let is_last = untold.len() <= TOLD_AT_ONCE;
        untold.truncate(TOLD_AT_ONCE);
        let ids: Vec<_> = untold.iter().map(|(id, _)| *id).collect();
        let rows = services.log.with_ids(&self.actor, self.of, &ids).await?;
        if let (false, false, Some(first)) = (is_all, self.said_so, first) {
            self.waiting.push_back(left_out(first, &self.zone));
            self.said_so = true;
        }
        self.waiting.extend(rows.iter().filter_map(|row| event(row, &self.zone)));
        self.told.extend(untold);
        if is_last {
            self.newest = self.newest.max(now);
        } else {
            self.asked = false;
        }
        Ok(())
    }
}

/// Says that some from before a request are not told.
fn left_out(before: RequestId, zone: &Zone) -> Event {
    let at = before.as_uuid().get_timestamp().map(|at| at.to_unix().0).and_then(|seconds| i64::try_from(seconds).ok());
    let at = at.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    let at = at.map(|at| zone.write(at, format_description!("[hour]:[minute]:[second]"))).unwrap_or_default();
    Event::default().event(LEFT_OUT).data(format!("Not all that came before {at} are shown here."))
}

fn event(row: &RequestRow, zone: &Zone) -> Option<Event> {
    let live = LiveRequest {
        id: row.id.to_string(),
        at: zone.write(row.at, format_description!("[hour]:[minute]:[second]")),
        status: row.status,
        reason: row.reason.clone(),
        request: format!("{} {}", row.method, row.path),
        key: row.attribution.as_ref().map(|owner| (owner.name.clone(), owner.hint.clone())),
        from: row.address.to_string(),
        many: many_in_words(row).map(|(text, _)| text),
    };
    Event::default().id(live.id.clone()).retry(Duration::from_secs(1)).json_data(live).ok()
}

/// The requests that pass the filter, from now on.
pub async fn watch_log(State(state): State<AppState>, asked: AskedLog) -> Response {
    let (of, filter) = (asked.log.of, asked.filter());
    let wanted = RequestFilter { before: None, until: None, ..asked.log.wanted(&filter) };
    let last = asked.headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let after = last.or_else(|| asked.value("after"));
    let ports = &state.services.ports;
    let earliest = RequestId::from_uuid(ports.uuid_at(ports.now() - BACK));
    let newest = after.and_then(|id| id.parse().ok()).unwrap_or_else(|| RequestId::from_uuid(ports.uuid()));
    let log = &state.services.log;
    let missed = if newest < earliest {
        log.any_between(&asked.actor, of, &wanted, (newest, earliest)).await
    } else {
        Ok(false)
    };
    let misses_some = match missed {
        Ok(any) => any,
        Err(error) => return asked.refused(&error),
    };
    let newest = newest.max(earliest);
    // Those of the minute before are on the page already. On a line that is opened again they are told once more, since some may have
    // come while it was down: whoever listens knows them by their ids.
    let known = match log.after(&asked.actor, of, &wanted, newest).await {
        Ok(known) => known,
        Err(error) => return asked.refused(&error),
    };
    let told = match last {
        Some(_) => HashMap::new(),
        None => known.into_iter().filter(|(id, _)| *id <= newest).collect(),
    };
    let account = asked.actor.account().map(|account| account.id);
    let Some(line) = account.ok().and_then(|account| state.live_lines.open(account)) else {
        let detail = "So many logs are watched right now that there is no room. Close a page that watches one, or try again in a minute.";
        let problem = Problem::new(ProblemCode::TooManyLines, detail);
        return ([(header::RETRY_AFTER, "60")], problem).into_response();
    };
    let watcher = Watcher {
        written: state.recorder.written(),
        stopping: state.stopping.subscribe(),
        actor: asked.actor,
        of,
        filter: wanted,
        zone: filter.zone().clone(),
        newest,
        told,
        waiting: misses_some.then(|| left_out(earliest, filter.zone())).into_iter().collect(),
        said_so: misses_some,
        ends: Instant::now() + LIFE,
        asked: false,
        _line: line,
        state,
    };
    let events = stream::unfold(watcher, |mut watcher| async move {
        let event = watcher.next().await?;
        Some((Ok::<_, Infallible>(event), watcher))
    });
    let mut response = Sse::new(events).keep_alive(KeepAlive::new().interval(STILL_THERE)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    // nginx keeps answers back until they are long enough, unless it is told not to.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// The lines that are open: so many in all, and a few of each person.
#[derive(Debug, Default)]
pub struct Lines(Mutex<HashMap<AccountId, usize>>);

/// Room for one line, until it is dropped.
#[derive(Debug)]
pub struct Line {
    lines: Arc<Lines>,
    account: AccountId,
}

impl Lines {
    /// How many there may be.
    const ALL: usize = 200;
    /// How many somebody may have.
    const EACH: usize = 5;

    /// How many are open.
    pub fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    /// Room for another line, if there is any.
    pub fn open(self: &Arc<Self>, account: AccountId) -> Option<Line> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, own) = (open.values().sum::<usize>(), open.get(&account).copied().unwrap_or(0));
        if all >= Self::ALL || own >= Self::EACH {
            return None;
        }
        open.insert(account, own + 1);
        Some(Line { lines: Arc::clone(self), account })
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let mut open = self.lines.0.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get_mut(&self.account) {
            Some(own) if *own > 1 => *own -= 1,
            _ => {
                open.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn nobody_takes_the_lines_of_all() {
        let (lines, ada) = (Arc::new(Lines::default()), AccountId::from_uuid(Uuid::from_u128(1)));
        let mut open: Vec<_> = std::iter::from_fn(|| lines.open(ada)).collect();
        assert_eq!(open.len(), Lines::EACH);
        assert!(lines.open(AccountId::from_uuid(Uuid::from_u128(2))).is_some());
        open.pop();
        assert!(lines.open(ada).is_some() && lines.count() == Lines::EACH - 1);
    }
}
