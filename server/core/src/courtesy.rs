//! Letting others go first.

use rustix::process::{Pid, setpriority_process};
use std::time::{Duration, Instant};

/// Lets every other thread of the process go before this one, or before the one of this id. On Linux, where a thread's niceness is its own.
pub fn give_way(thread: Option<Pid>) {
    const NICENESS: i32 = 10;
    if let Err(error) = setpriority_process(thread, NICENESS) {
        tracing::debug!(%error, "a thread that writes does not give way");
    }
}

/// The manners of a thread that works beside requests: in the middle of long work it lets go of the core for whoever waits for it.
///
/// The system takes the core from a thread only after some milliseconds, for which every request would wait. But where requests take all
/// of the core, whoever lets go of it gets it back late, and what the thread holds meanwhile is held from others: then it lets go less often.
#[derive(Debug, Default)]
pub struct Courtesy {
    left_out: u32,
}

impl Courtesy {
    /// One that waited so long is on a core that is never idle.
    const LONG: Duration = Duration::from_millis(1);
    /// How often the core is kept then.
    const KEPT: u32 = 50;

    /// Lets others go first.
    pub fn show(&mut self) {
        if self.left_out > 0 {
            self.left_out -= 1;
            return;
        }
        let began = Instant::now();
        std::thread::yield_now();
        if began.elapsed() > Self::LONG {
            self.left_out = Self::KEPT;
        }
    }
}
