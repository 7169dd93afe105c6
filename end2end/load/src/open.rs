//! Latency: requests are sent at a constant rate, whether or not the server keeps up.
//!
//! A latency counts from the moment at which its request should have been sent. A server that stalls is therefore charged
//! for every request that had to wait meanwhile, not only for those that it had already taken.

use crate::{
    LoadError, Target,
    mix::Mix,
    report::{Report, Tally},
    swarm::Swarm,
};
use std::{
    collections::VecDeque,
    num::{NonZeroU32, NonZeroUsize},
    time::{Duration, Instant},
};

/// How to run.
#[derive(Debug, Clone, Copy)]
pub struct Open {
    /// Connections; each has one request in flight. When all are busy, requests wait, and that counts.
    pub connections: NonZeroUsize,
    /// Requests a second.
    pub rate: NonZeroU32,
    /// How long to run before anything counts.
    pub warm_up: Duration,
    /// How long to measure.
    pub duration: Duration,
    /// How long to wait afterwards for what has no answer yet.
    pub grace: Duration,
}

impl Open {
    /// A run that waits one second for the last answers.
    pub fn new(connections: NonZeroUsize, rate: NonZeroU32, warm_up: Duration, duration: Duration) -> Self {
        Self { connections, rate, warm_up, duration, grace: Duration::from_secs(1) }
    }
}

/// When each request is due.
#[derive(Debug, Clone, Copy)]
struct Schedule {
    begin: Instant,
    rate: NonZeroU32,
}

impl Schedule {
    /// Calculated anew from the beginning for each request, so that no error adds up.
    fn due(self, request: u64) -> Instant {
        let rate = u64::from(self.rate.get());
        let rest = (request % rate) * 1_000_000_000 / rate;
        self.begin + Duration::from_secs(request / rate) + Duration::from_nanos(rest)
    }
}

/// Runs, and says what the server did.
///
/// # Errors
/// When the server cannot be reached, hangs up, or answers what cannot be read.
pub fn run(target: Target, mix: &Mix, plan: &Open) -> Result<Report, LoadError> {
    let mut tally = Tally::new()?;
    let mut picks = mix.picks();
    let mut swarm = Swarm::connect(target, plan.connections)?;
    // Those that waited longest go first, so that all connections are used alike.
    let mut free: VecDeque<usize> = (0..plan.connections.get()).collect();

    let schedule = Schedule { begin: Instant::now(), rate: plan.rate };
    let start = schedule.begin + plan.warm_up;
    let end = start + plan.duration;
    let last_moment = end + plan.grace;
    let mut request = 0;
    let mut due = schedule.due(request);
    let mut now = schedule.begin;
    let mut last_answer = start;
    let (mut measuring, mut idle) = (false, Duration::ZERO);
    while now < last_moment {
        while due <= now && due < end {
            let Some(place) = free.pop_front() else { break };
            if let Some(connection) = swarm.connections().get_mut(place) {
                connection.queue(picks.pick(), due);
                connection.flush()?;
            }
            request += 1;
            due = schedule.due(request);
        }
        swarm.turn(|place, connection| {
            let before = connection.in_flight().len();
            connection.receive(|answered| {
                if answered.since >= start {
                    tally.answered(answered);
                    last_answer = answered.at;
                }
            })?;
            if connection.in_flight().len() < before {
                free.push_back(place);
            }
            Ok(())
        })?;
        now = Instant::now();
        if !measuring && now >= start {
            measuring = true;
            swarm.start_the_clock();
        }
        if now <= end {
            idle = swarm.idle();
        }
        if due >= end && free.len() == plan.connections.get() {
            break;
        }
    }

    let sent = swarm.connections().iter().flat_map(|connection| connection.in_flight().iter().copied());
    for since in sent.filter(|since| *since >= start) {
        tally.unanswered(since, now);
    }
    while due < end {
        if due >= start {
            tally.unanswered(due, now);
        }
        request += 1;
        due = schedule.due(request);
    }
    tally.report(last_answer.max(end) - start, idle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_server::TestServer;

    fn plan(connections: usize, rate: u32) -> Open {
        let connections = NonZeroUsize::new(connections).unwrap();
        let rate = NonZeroU32::new(rate).unwrap();
        let plan = Open::new(connections, rate, Duration::from_millis(50), Duration::from_millis(500));
        Open { grace: Duration::from_millis(50), ..plan }
    }

    #[test]
    fn no_rounding_adds_up() {
        let begin = Instant::now();
        for rate in [1, 3, 7, 1000, 33_333, 4_000_000_000] {
            let schedule = Schedule { begin, rate: NonZeroU32::new(rate).unwrap() };
            assert_eq!(schedule.due(0), begin);
            assert_eq!(schedule.due(u64::from(rate) * 86_400), begin + Duration::from_hours(24), "{rate}");
        }
    }

    #[test]
    fn every_request_is_sent_once_at_its_rate() {
        let server = TestServer::start();
        // It ends with the last answer; a slow machine may take its time.
        let patient = Open { grace: Duration::from_secs(10), ..plan(4, 1000) };
        let report = run(server.target(), &Mix::of_one(&server.get("/200")).unwrap(), &patient).unwrap();
        assert_eq!(report.statuses.seen().collect::<Vec<_>>(), [(200, 500)]);
        assert_eq!(report.unanswered, 0);
    }

    #[test]
    fn whoever_waits_for_a_connection_is_counted_from_when_it_was_due() {
        let server = TestServer::start();
        // One answer takes at least 10 ms, and a request is due every 5 ms: the queue grows and grows.
        let report = run(server.target(), &Mix::of_one(&server.get("/slow")).unwrap(), &plan(1, 200)).unwrap();
        assert_eq!(report.statuses.total() + report.unanswered, 100);
        assert!(report.unanswered > 0, "{report:?}");
        assert!(report.longest() > Duration::from_millis(100), "{report:?}");
        assert!(report.latency(0.5) > Duration::from_millis(50), "{report:?}");
    }

    #[test]
    fn what_has_no_answer_is_counted_too() {
        let server = TestServer::start();
        let wanted = [server.get("/200")].into_iter().collect();
        let silent = [server.get("/silent")].into_iter().collect();
        let mix = Mix::new(wanted, 1.0, 1).unwrap().with_junk(silent, 0.01).unwrap();
        let report = run(server.target(), &mix, &plan(64, 1000)).unwrap();
        assert_eq!(report.statuses.total() + report.unanswered, 500);
        assert!(report.unanswered > 0 && report.longest() >= Duration::from_millis(50), "{report:?}");
    }
}
