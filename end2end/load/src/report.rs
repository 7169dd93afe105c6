//! What a run measured.

use crate::{LoadError, client::Answered};
use hdrhistogram::Histogram;
use std::{
    fmt,
    time::{Duration, Instant},
};

/// How often each status was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statuses(Vec<u64>);

impl Statuses {
    /// Every number of three digits.
    const COUNT: usize = 1000;

    /// None seen.
    pub fn new() -> Self {
        Self(vec![0; Self::COUNT])
    }

    /// Counts one.
    pub fn count(&mut self, status: u16) {
        if let Some(count) = self.0.get_mut(usize::from(status)) {
            *count += 1;
        }
    }

    /// Adds what another run saw.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(&other.0) {
            *count += more;
        }
    }

    /// The statuses that were seen, and how often.
    pub fn seen(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        (0..).zip(&self.0).filter(|(_, count)| **count > 0).map(|(status, count)| (status, *count))
    }

    /// All answers.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

impl Default for Statuses {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = float(self.total());
        for (place, (status, count)) in self.seen().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{status}: {:.1} %", 100.0 * float(count) / total)?;
        }
        Ok(())
    }
}

/// What one run measured.
#[derive(Debug, Clone)]
pub struct Report {
    /// For how long.
    pub elapsed: Duration,
    /// The statuses of all answers.
    pub statuses: Statuses,
    /// Requests of an open run that nobody answered in time. Their latency so far is in the histogram.
    pub unanswered: u64,
    /// For how long the generator waited for the server.
    pub idle: Duration,
    latency: Histogram<u64>,
}

impl Report {
    /// Answers a second.
    pub fn per_second(&self) -> f64 {
        float(self.statuses.total()) / self.elapsed.as_secs_f64()
    }

    /// The latency that such a share of all requests did not exceed: 0.99 for p99.
    pub fn latency(&self, share: f64) -> Duration {
        Duration::from_nanos(self.latency.value_at_quantile(share))
    }

    /// The longest latency.
    pub fn longest(&self) -> Duration {
        Duration::from_nanos(self.latency.max())
    }

    /// Which share of the time the generator waited for the server. Near zero, it was the generator that was measured.
    pub fn idle_share(&self) -> f64 {
        self.idle.as_secs_f64() / self.elapsed.as_secs_f64()
    }
}

/// A report in the making.
pub(crate) struct Tally {
    statuses: Statuses,
    latency: Histogram<u64>,
    unanswered: u64,
}

impl Tally {
    /// Beyond this, latencies are all alike.
    const LONGEST: Duration = Duration::from_mins(1);

    pub(crate) fn new() -> Result<Self, LoadError> {
        let longest = u64::try_from(Self::LONGEST.as_nanos()).unwrap_or(u64::MAX);
        let latency = Histogram::new_with_bounds(1, longest, 3)?;
        Ok(Self { statuses: Statuses::new(), latency, unanswered: 0 })
    }

    pub(crate) fn answered(&mut self, answered: Answered) {
        self.statuses.count(answered.status);
        self.took(answered.at.saturating_duration_since(answered.since));
    }

    /// A request that had no answer until now: leaving it out would make a server look fast that hangs.
    pub(crate) fn unanswered(&mut self, since: Instant, now: Instant) {
        self.unanswered += 1;
        self.took(now.saturating_duration_since(since));
    }

    fn took(&mut self, latency: Duration) {
        self.latency.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(crate) fn report(self, elapsed: Duration, idle: Duration) -> Result<Report, LoadError> {
        if self.statuses.total() == 0 {
            return Err(LoadError::Silent);
        }
        let Self { statuses, latency, unanswered } = self;
        Ok(Report { elapsed, statuses, unanswered, idle, latency })
    }
}

/// A count, to calculate with.
#[expect(clippy::cast_precision_loss, reason = "no run has so many requests that a double could not count them")]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_counted_added_and_drawn() {
        let (mut one, mut other) = (Statuses::new(), Statuses::new());
        for status in [200, 200, 401] {
            one.count(status);
        }
        other.count(200);
        one.add(&other);
        assert_eq!(one.seen().collect::<Vec<_>>(), [(200, 3), (401, 1)]);
        assert_eq!(one.to_string(), "200: 75.0 %, 401: 25.0 %");
    }

    #[test]
    fn latencies_are_sorted_into_quantiles() {
        let mut tally = Tally::new().unwrap();
        let since = Instant::now();
        for milliseconds in 1..=1000 {
            tally.answered(Answered { status: 200, since, at: since + Duration::from_millis(milliseconds) });
        }
        let report = tally.report(Duration::from_secs(2), Duration::from_secs(1)).unwrap();
        let near =
            |latency: Duration, milliseconds: f64| (latency.as_secs_f64() * 1000.0 / milliseconds - 1.0).abs() < 0.002;
        assert!(
            near(report.latency(0.5), 500.0) && near(report.latency(0.99), 990.0) && near(report.longest(), 1000.0)
        );
        assert!((report.per_second() - 500.0).abs() < f64::EPSILON);
        assert!((report.idle_share() - 0.5).abs() < f64::EPSILON);
    }

    #[test]
    fn silence_is_no_measurement() {
        let tally = Tally::new().unwrap();
        assert!(matches!(tally.report(Duration::from_secs(1), Duration::ZERO), Err(LoadError::Silent)));
    }
}
