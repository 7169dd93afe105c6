//! Throughput: every connection sends its next request as soon as it has an answer.

use crate::{
    LoadError, Target,
    mix::Mix,
    report::{Report, Tally},
    swarm::Swarm,
};
use std::{
    num::NonZeroUsize,
    time::{Duration, Instant},
};

/// How to run.
#[derive(Debug, Clone, Copy)]
pub struct Closed {
    /// Connections.
    pub connections: NonZeroUsize,
    /// Requests in flight on each. More than one is pipelining: it makes sending cheap, and latencies meaningless.
    pub depth: NonZeroUsize,
    /// How long to run before anything counts.
    pub warm_up: Duration,
    /// How long to measure.
    pub duration: Duration,
}

impl Closed {
    /// A run without pipelining.
    pub fn new(connections: NonZeroUsize, warm_up: Duration, duration: Duration) -> Self {
        Self { connections, depth: NonZeroUsize::MIN, warm_up, duration }
    }
}

/// Runs, and says what the server did.
///
/// # Errors
/// When the server cannot be reached, hangs up, or answers what cannot be read.
pub fn run(target: Target, mix: &Mix, plan: &Closed) -> Result<Report, LoadError> {
    let mut tally = Tally::new()?;
    let mut picks = mix.picks();
    let mut swarm = Swarm::connect(target, plan.connections)?;
    let depth = plan.depth.get();

    let begin = Instant::now();
    for connection in swarm.connections() {
        for _ in 0..depth {
            connection.queue(picks.pick(), begin);
        }
        connection.flush()?;
    }
    // The first pass warms up; what it counts goes nowhere.
    let mut pass = |until: Instant, mut tally: Option<&mut Tally>| -> Result<Instant, LoadError> {
        swarm.start_the_clock();
        let mut now = Instant::now();
        while now < until {
            swarm.turn(|_, connection| {
                connection.receive(|answered| {
                    now = answered.at;
                    if let Some(tally) = tally.as_deref_mut() {
                        tally.answered(answered);
                    }
                })?;
                for _ in connection.in_flight().len()..depth {
                    connection.queue(picks.pick(), now);
                }
                connection.flush()
            })?;
            now = Instant::now();
        }
        Ok(now)
    };
    let start = pass(begin + plan.warm_up, None)?;
    let end = pass(start + plan.duration, Some(&mut tally))?;
    tally.report(end - start, swarm.idle())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_server::TestServer;

    fn plan(connections: usize, depth: usize) -> Closed {
        let (warm_up, duration) = (Duration::from_millis(20), Duration::from_millis(100));
        let [connections, depth] = [connections, depth].map(|number| NonZeroUsize::new(number).unwrap());
        Closed { depth, ..Closed::new(connections, warm_up, duration) }
    }

    #[test]
    fn answers_are_counted_by_status() {
        let server = TestServer::start();
        let wanted = [server.get("/200")].into_iter().collect();
        let junk = [server.get("/401")].into_iter().collect();
        let mix = Mix::new(wanted, 1.0, 1).unwrap().with_junk(junk, 0.5).unwrap();
        for depth in [1, 16] {
            let report = run(server.target(), &mix, &plan(4, depth)).unwrap();
            let seen: Vec<u16> = report.statuses.seen().map(|(status, _)| status).collect();
            assert_eq!(seen, [200, 401], "depth {depth}");
            assert!(report.elapsed >= Duration::from_millis(100) && report.idle <= report.elapsed);
            assert!(report.per_second() > 0.0 && report.latency(0.5) > Duration::ZERO);
            assert_eq!(report.unanswered, 0);
        }
    }

    #[test]
    fn a_server_that_hangs_up_ends_the_run() {
        let server = TestServer::start();
        let mix = Mix::of_one(&server.get("/close")).unwrap();
        assert!(matches!(run(server.target(), &mix, &plan(1, 1)), Err(LoadError::Closed | LoadError::Connection(_))));
    }

    #[test]
    fn a_server_that_says_nothing_ends_the_run() {
        let server = TestServer::start();
        let mix = Mix::of_one(&server.get("/silent")).unwrap();
        assert!(matches!(run(server.target(), &mix, &plan(1, 1)), Err(LoadError::Silent)));
    }

    #[test]
    fn a_server_that_is_not_there_is_named() {
        let target = TestServer::nobody();
        let error = run(target, &Mix::of_one(b"GET").unwrap(), &plan(1, 1)).unwrap_err();
        assert!(error.to_string().starts_with(&format!("cannot connect to {target}: ")), "{error}");
    }
}
