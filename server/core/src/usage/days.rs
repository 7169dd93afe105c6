//! Days of any time zone from few counts. A day there has most hours in common with one of UTC, which is counted as a whole: besides
//! these, only the hours between its midnight and theirs are read, five of twenty-four in New York.

use crate::port::rollup::{BucketSum, Buckets, Period, Steps};
use std::{collections::HashMap, ops::AddAssign};

/// How many requests there were, and how many of them the door refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) requests: u64,
    pub(super) refused: u64,
}

impl AddAssign for Count {
    fn add_assign(&mut self, more: Self) {
        self.requests += more.requests;
        self.refused += more.refused;
    }
}

impl AddAssign<&BucketSum> for Count {
    fn add_assign(&mut self, more: &BucketSum) {
        *self += Self { requests: more.requests, refused: more.refused };
    }
}

/// Where one day ends and the next begins.
#[derive(Debug, Clone, Copy)]
struct Edge {
    /// There, in Unix seconds.
    at: i64,
    /// In UTC: the midnight next to it.
    midnight: i64,
}

impl Edge {
    /// Where the days with these bounds end and begin. What was before the first may be removed: its midnight comes later.
    fn all(bounds: &[i64]) -> impl Iterator<Item = Self> {
        let day = Period::Day.seconds();
        bounds.iter().enumerate().map(move |(place, &at)| {
            let since_midnight = at.rem_euclid(day);
            let is_past = since_midnight > 0 && (place == 0 || since_midnight > day / 2);
            Self { at, midnight: at - since_midnight + if is_past { day } else { 0 } }
        })
    }

    /// When the first hour begins that lies between both.
    fn since(self) -> i64 {
        self.at.min(self.midnight)
    }

    /// How long that lasts, in seconds.
    fn part(self) -> i64 {
        (self.at - self.midnight).abs()
    }
}

/// What is read to know the days with these bounds: all days of UTC, and the hours at their edges, in as few steps as there are runs of
/// edges alike.
pub(super) fn steps(bounds: &[i64]) -> Vec<Steps> {
    let day = Period::Day.seconds();
    let edges: Vec<_> = Edge::all(bounds).collect();
    let [first, .., last] = &*edges else { return Vec::new() };
    let days = Buckets { period: Period::Day, since: first.midnight, until: last.midnight };
    let mut steps = vec![Steps { buckets: days, seconds: day, part: day }];
    for edge in edges.iter().filter(|edge| edge.part() > 0) {
        let (since, part) = (edge.since(), edge.part());
        let until = since + part;
        let is_like = |run: &Steps| run.buckets.period == Period::Hour && run.part == part;
        match steps.last_mut() {
            // A day that a zone left out begins where it ends.
            Some(run) if is_like(run) && run.buckets.until == until => {}
            Some(run) if is_like(run) && run.buckets.until + day == until => run.buckets.until = until,
            _ => steps.push(Steps { buckets: Buckets { period: Period::Hour, since, until }, seconds: day, part }),
        }
    }
    steps
}

/// How many requests each of these days has, by what was read for them.
pub(super) fn counts(bounds: &[i64], sums: &[BucketSum]) -> Vec<Count> {
    let mut read: HashMap<(Period, i64), Count> = HashMap::new();
    for sum in sums {
        // An application has one for each of its environments.
        *read.entry((sum.period, sum.start)).or_default() += sum;
    }
    let of = |period, start| read.get(&(period, start)).copied().unwrap_or_default();
    let day = |start: Edge, end: Edge| {
        let (mut there, mut elsewhere) = (Count::default(), Count::default());
        let mut midnight = start.midnight;
        while midnight < end.midnight {
            there += of(Period::Day, midnight);
            midnight += Period::Day.seconds();
        }
        // At its end, hours behind midnight are its own, and those before are the next day's; at its begin it is the other way round.
        for (edge, is_end) in [(start, false), (end, true)] {
            if edge.part() > 0 {
                let hours = of(Period::Hour, edge.since());
                *(if (edge.at > edge.midnight) == is_end { &mut there } else { &mut elsewhere }) += hours;
            }
        }
        Count {
            requests: there.requests.saturating_sub(elsewhere.requests),
            refused: there.refused.saturating_sub(elsewhere.refused),
        }
    };
    let edges: Vec<_> = Edge::all(bounds).collect();
    edges.iter().zip(edges.iter().skip(1)).map(|(start, end)| day(*start, *end)).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const HOUR: i64 = 3_600;
    const DAY: i64 = 24 * HOUR;

    /// What a store answers where this many requests came in each hour.
    pub(in crate::usage) fn read(steps: &[Steps], came: impl Fn(i64) -> u64) -> Vec<BucketSum> {
        let sum = |step: &Steps| {
            let Steps { buckets: Buckets { period, since, until }, seconds, part } = *step;
            let starts = (since..until).step_by(usize::try_from(seconds).unwrap());
            let hours = move |start| (start..start + part).step_by(3_600);
            starts.map(|start| (period, start, hours(start).map(&came).sum::<u64>())).collect::<Vec<_>>()
        };
        let all = steps.iter().flat_map(sum);
        all.map(|(period, start, requests)| BucketSum { period, start, requests, refused: 0 }).collect()
    }

    /// No two hours are alike, nor two sums of some that follow each other.
    fn came(hour: i64) -> u64 {
        let place = u64::try_from(hour / HOUR).unwrap();
        1_000 + place * place % 997
    }

    #[test]
    fn each_day_has_its_own_hours_and_no_others() {
        let first = 1_000 * DAY;
        for offset in -13..=14 {
            // Days of 24 hours, one of 23, one of 25, one that is left out.
            let lengths = [24, 24, 23, 24, 24, 24, 25, 24, 0, 24];
            let mut bounds = vec![first - offset * HOUR];
            bounds.extend(lengths.iter().scan(bounds[0], |at, hours| {
                *at += hours * HOUR;
                Some(*at)
            }));
            let steps = steps(&bounds);
            let expected: Vec<u64> =
                bounds.windows(2).map(|day| (day[0]..day[1]).step_by(3_600).map(came).sum()).collect();
            let counts = counts(&bounds, &read(&steps, came));
            assert_eq!(counts.iter().map(|count| count.requests).collect::<Vec<_>>(), expected, "{offset} hours");
            assert!(
                steps.iter().all(|step| step.buckets.since >= bounds[0]),
                "what was before may be removed: {steps:?}"
            );
            assert!(steps[1..].iter().all(|step| step.part <= DAY / 2 || step.buckets.since == bounds[0]), "{steps:?}");
        }
    }

    #[test]
    fn days_of_utc_need_no_hours_and_others_a_question_for_each_run() {
        let bounds = |offset: i64| (0..=180).map(|day| day * DAY + offset * HOUR).collect::<Vec<_>>();
        let days = Buckets { period: Period::Day, since: 0, until: 180 * DAY };
        assert_eq!(steps(&bounds(0)), [Steps { buckets: days, seconds: DAY, part: DAY }]);
        let parts = |offset| steps(&bounds(offset)).iter().map(|step| step.part / HOUR).collect::<Vec<_>>();
        assert_eq!(parts(22), [24, 2], "two hours before each midnight");
        assert_eq!(parts(5), [24, 19, 5], "behind the first bound, then behind each midnight");
        assert_eq!(steps(&[]), []);
    }

    #[test]
    fn counts_that_do_not_fit_together_are_no_more_than_nothing() {
        let bounds = [22 * HOUR, 46 * HOUR];
        let hours = |start, requests| BucketSum { period: Period::Hour, start, requests, refused: 0 };
        assert_eq!(counts(&bounds, &[hours(22 * HOUR, 3), hours(46 * HOUR, 7)]), [Count::default()]);
    }
}
