//! Taking turns: A, B, C, A, B, C… so that whatever else the machine does hits all scenarios alike.

use crate::{
    LoadError,
    report::{Report, Statuses, float},
};
use std::{num::NonZeroUsize, time::Duration};

/// Something to measure again and again.
pub struct Scenario<'a> {
    name: String,
    run: Box<dyn FnMut() -> Result<Report, LoadError> + 'a>,
}

impl<'a> Scenario<'a> {
    /// A scenario by its name, and how to run it once.
    pub fn new(name: impl Into<String>, run: impl FnMut() -> Result<Report, LoadError> + 'a) -> Self {
        Self { name: name.into(), run: Box::new(run) }
    }
}

/// A scenario in the middle of its rounds.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its name.
    pub scenario: String,
    /// Answers a second: the median.
    pub per_second: f64,
    /// Compared with the first scenario.
    pub ratio: Ratio,
    /// The median of the medians.
    pub p50: Duration,
    /// The median.
    pub p99: Duration,
    /// The median.
    pub p999: Duration,
    /// The median of the longest latencies.
    pub longest: Duration,
    /// The statuses of all rounds.
    pub statuses: Statuses,
    /// Of all rounds.
    pub unanswered: u64,
    /// Which share of the time the generator waited for the server: the least of all rounds.
    pub idle_share: f64,
}

/// How a scenario compares with the first one. Each round is compared with the same round of the first, moments apart: what
/// slows down a whole round then cancels out, which it would not in a ratio of two medians.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// The median.
    pub median: f64,
    /// The lowest.
    pub low: f64,
    /// The highest.
    pub high: f64,
}

impl Ratio {
    fn new(rates: &[f64], first: &[f64]) -> Self {
        let ratios: Vec<f64> = rates.iter().zip(first).map(|(rate, first)| rate / first).collect();
        let low = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let high = ratios.iter().copied().fold(0.0, f64::max);
        Self { median: median(ratios), low, high }
    }
}

/// Runs every scenario in turn, so many times, and gives one row for each, in their order.
///
/// # Errors
/// The first one of any run.
pub fn run(rounds: NonZeroUsize, scenarios: &mut [Scenario<'_>]) -> Result<Vec<Row>, LoadError> {
    let mut reports: Vec<Vec<Report>> = vec![Vec::new(); scenarios.len()];
    for _ in 0..rounds.get() {
        for (scenario, reports) in scenarios.iter_mut().zip(&mut reports) {
            reports.push((scenario.run)()?);
        }
    }
    let rates = |reports: &[Report]| reports.iter().map(Report::per_second).collect::<Vec<_>>();
    let first = reports.first().map(|reports| rates(reports)).unwrap_or_default();
    Ok(scenarios
        .iter()
        .zip(&reports)
        .map(|(scenario, reports)| row(&scenario.name, reports, &rates(reports), &first))
        .collect())
}

fn row(scenario: &str, reports: &[Report], rates: &[f64], first: &[f64]) -> Row {
    let middle = |measure: &dyn Fn(&Report) -> Duration| {
        Duration::from_secs_f64(median(reports.iter().map(|report| measure(report).as_secs_f64()).collect()))
    };
    let mut statuses = Statuses::new();
    for report in reports {
        statuses.add(&report.statuses);
    }
    Row {
        scenario: scenario.to_owned(),
        per_second: median(rates.to_vec()),
        ratio: Ratio::new(rates, first),
        p50: middle(&|report| report.latency(0.5)),
        p99: middle(&|report| report.latency(0.99)),
        p999: middle(&|report| report.latency(0.999)),
        longest: middle(&Report::longest),
        statuses,
        unanswered: reports.iter().map(|report| report.unanswered).sum(),
        idle_share: reports.iter().map(Report::idle_share).fold(1.0, f64::min),
    }
}

/// The middle one, or the mean of the middle two; zero of nothing.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle: Vec<f64> =
        values.iter().copied().skip(values.len().saturating_sub(1) / 2).take(2 - values.len() % 2).collect();
    let count = u64::try_from(middle.len()).unwrap_or(u64::MAX);
    if count == 0 { 0.0 } else { middle.iter().sum::<f64>() / float(count) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{client::Answered, report::Tally};
    use std::{cell::RefCell, time::Instant};

    /// A second in which so many answers came, each after as many milliseconds.
    fn report(answers: u64) -> Report {
        let (mut tally, since) = (Tally::new().unwrap(), Instant::now());
        for _ in 0..answers {
            tally.answered(Answered { status: 200, since, at: since + Duration::from_millis(answers) });
        }
        tally.report(Duration::from_secs(1), Duration::from_millis(10 * answers)).unwrap()
    }

    fn is(number: f64, expected: f64) -> bool {
        (number - expected).abs() < 1e-9
    }

    #[test]
    fn scenarios_take_turns_and_the_middle_counts() {
        let order = RefCell::new(String::new());
        let rates = |name: char, mut rates: Vec<u64>| {
            let order = &order;
            Scenario::new(name, move || {
                order.borrow_mut().push(name);
                Ok(report(rates.pop().unwrap()))
            })
        };
        // The last round is slow for both: their ratio is what it was.
        let mut scenarios = [rates('A', vec![10, 80, 50]), rates('B', vec![5, 60, 25])];
        let rows = run(NonZeroUsize::new(3).unwrap(), &mut scenarios).unwrap();
        drop(scenarios);
        assert_eq!(order.into_inner(), "ABABAB");

        let [a, b] = rows.as_slice() else { panic!("two rows") };
        assert!(
            is(a.per_second, 50.0) && is(a.ratio.median, 1.0) && is(a.ratio.low, 1.0) && is(a.ratio.high, 1.0),
            "{a:?}"
        );
        assert!(
            is(b.per_second, 25.0) && is(b.ratio.median, 0.5) && is(b.ratio.low, 0.5) && is(b.ratio.high, 0.75),
            "{b:?}"
        );
        assert_eq!(b.p50.as_millis(), 25);
        assert_eq!(b.statuses.seen().collect::<Vec<_>>(), [(200, 90)]);
        assert!(is(b.idle_share, 0.05));
    }

    #[test]
    fn a_fault_ends_the_rounds() {
        let mut scenarios = [Scenario::new("silent", || Err(LoadError::Silent))];
        assert!(matches!(run(NonZeroUsize::MIN, &mut scenarios), Err(LoadError::Silent)));
        assert!(run(NonZeroUsize::MIN, &mut []).unwrap().is_empty());
    }

    #[test]
    fn the_median_is_in_the_middle() {
        for (values, expected) in [(vec![], 0.0), (vec![3.0], 3.0), (vec![4.0, 1.0], 2.5), (vec![9.0, 1.0, 2.0], 2.0)] {
            assert!(is(median(values.clone()), expected), "{values:?}");
        }
    }
}
