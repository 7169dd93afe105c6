//! What waits to be written, and is written in several batches where it is much.

use std::collections::VecDeque;

/// Things that wait, those that came first in front.
pub(super) struct Waiting<T>(VecDeque<T>);

impl<T> Waiting<T> {
    /// A batch takes one of so many parts of what waits, however much that is: nothing waits for many more batches than this.
    const PARTS: usize = 64;

    /// Adds what came.
    pub(super) fn add(&mut self, came: impl IntoIterator<Item = T>) {
        self.0.extend(came);
    }

    /// What is for the next batch: its part, and at least so much where there is as much.
    pub(super) fn next(&mut self, least: usize) -> Vec<T> {
        let part = self.0.len().div_ceil(Self::PARTS).max(least);
        self.0.drain(..part.min(self.0.len())).collect()
    }

    /// All of it.
    pub(super) fn all(&mut self) -> Vec<T> {
        self.0.drain(..).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T> Default for Waiting<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_written_at_once() {
        let mut waiting = Waiting::default();
        waiting.add(0..8);
        assert_eq!(waiting.next(8), (0..8).collect::<Vec<_>>());
        assert!(waiting.is_empty());
    }

    #[test]
    fn of_many_a_part_is_written_and_the_first_come_first() {
        let mut waiting = Waiting::default();
        waiting.add(0..1_000);
        let batches: Vec<_> = std::iter::from_fn(|| Some(waiting.next(8)).filter(|batch| !batch.is_empty())).collect();
        assert_eq!(batches[0].len(), 16);
        assert!(batches.len() < 128, "{}", batches.len());
        assert_eq!(batches.concat(), (0..1_000).collect::<Vec<_>>());
    }

    #[test]
    fn whoever_comes_all_the_time_waits_for_a_few_batches() {
        let mut waiting = Waiting::default();
        for batch in 0..100 {
            waiting.add([batch; 1_000]);
            let oldest = waiting.next(8)[0];
            assert!(batch - oldest <= 64, "{batch}: {oldest}");
        }
    }

    #[test]
    fn at_the_end_nothing_is_left() {
        let mut waiting = Waiting::default();
        waiting.add(0..1_000);
        assert_eq!(waiting.all().len(), 1_000);
        assert!(waiting.is_empty());
    }
}
