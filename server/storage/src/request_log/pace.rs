//! How many requests are looked at in a question, while somebody waits for the answer.

use std::time::{Duration, Instant};

/// The fewest: what reads so many from a slow disk is answered still.
const FEWEST: u64 = 32;
/// The most: whether there is time for more is asked again and again, and the next may lie on the disk where those before were in memory.
pub(super) const MOST: u64 = 100;

/// Goes on for as long as there is patience, and asks for no more at once than was read in as much time before.
pub(super) struct Pace {
    began: Instant,
    patience: Duration,
    read: u64,
}

impl Pace {
    /// Begins now.
    pub(super) fn new(patience: Duration) -> Self {
        Self { began: Instant::now(), patience, read: 0 }
    }

    /// How many the next question looks at.
    pub(super) fn next(&self) -> u64 {
        part(self.read, self.began.elapsed(), self.patience)
    }

    /// So many were looked at; says how many there were since the beginning.
    pub(super) fn note(&mut self, read: u64) -> u64 {
        self.read += read;
        self.read
    }

    /// Whether there is no patience left.
    pub(super) fn is_over(&self) -> bool {
        self.began.elapsed() >= self.patience
    }
}

fn part(read: u64, spent: Duration, patience: Duration) -> u64 {
    let left = patience.saturating_sub(spent);
    let as_fast = u128::from(read) * left.as_nanos() / spent.as_nanos().max(1);
    u64::try_from(as_fast).unwrap_or(MOST).clamp(FEWEST, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_slowly_is_asked_for_in_small_parts() {
        let part = |read, spent| super::part(read, Duration::from_millis(spent), Duration::from_millis(100));
        assert_eq!(part(0, 0), FEWEST, "nobody knows yet");
        assert_eq!(part(32, 1), MOST);
        assert_eq!(part(32, 40), 48, "half as many again in half as much time again");
        assert_eq!(part(160, 80), 40);
        assert_eq!(part(32, 128), FEWEST, "if there is another at all");
    }
}
