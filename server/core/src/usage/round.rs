//! Writing much of a kind in several batches.

use std::collections::VecDeque;

/// What is written in several batches, each of which keeps nobody waiting for long.
pub(super) struct Round<T> {
    left: VecDeque<T>,
    share: usize,
}

impl<T> Round<T> {
    /// In how many batches all of it is written at most, however much it is: a request is on the usage page within some seconds.
    const BATCHES: usize = 8;

    /// Adds what there is now, of which a batch has at least so much.
    pub(super) fn begin(&mut self, all: impl IntoIterator<Item = T>, least: usize) {
        self.left.extend(all);
        self.share = self.left.len().div_ceil(Self::BATCHES).max(least);
    }

    /// What is for the next batch; at the end it is all that is left.
    pub(super) fn next(&mut self, at_the_end: bool) -> Vec<T> {
        let share = if at_the_end { self.left.len() } else { self.share.min(self.left.len()) };
        self.left.drain(..share).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.left.is_empty()
    }
}

impl<T> Default for Round<T> {
    fn default() -> Self {
        Self { left: VecDeque::new(), share: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_written_at_once_and_many_in_a_few_batches() {
        let mut round = Round::default();
        round.begin(0..10, 64);
        assert_eq!(round.next(false).len(), 10);
        round.begin(0..1_000, 64);
        let batches: Vec<_> =
            std::iter::from_fn(|| Some(round.next(false)).filter(|batch| !batch.is_empty())).collect();
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [125; 8]);
        assert_eq!(batches.concat(), (0..1_000).collect::<Vec<_>>());
        assert!(round.is_empty());
    }

    #[test]
    fn what_comes_before_the_end_of_a_round_is_written_behind_it() {
        let mut round = Round::default();
        round.begin(0..3, 2);
        assert_eq!(round.next(false), [0, 1]);
        round.begin([3], 2);
        assert_eq!(round.next(false), [2, 3]);
    }

    #[test]
    fn at_the_end_nothing_is_left() {
        let mut round = Round::default();
        round.begin(0..1_000, 64);
        assert_eq!(round.next(true).len(), 1_000);
        assert!(round.is_empty());
    }
}
