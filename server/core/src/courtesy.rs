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

/// Lets whoever has something to do go before this thread at once (`SCHED_IDLE`, sched(7)): a niceness lets it end its turn of some
/// milliseconds first. For a thread whose work is for nobody who waits: where all of every core is taken, it hardly goes on.
pub fn go_last() {
    #[cfg(target_os = "linux")]
    {
        use thread_priority::{NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy};
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        let this = thread_priority::thread_native_id();
        if let Err(error) = thread_priority::set_thread_priority_and_policy(this, ThreadPriority::Min, idle) {
            tracing::debug!(?error, "a thread that keeps house does not go last");
        }
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn whoever_goes_last_is_scheduled_so() {
        let policy = std::thread::spawn(|| {
            go_last();
            // The 41st field (proc_pid_stat(5)), counted from behind the name, which may have spaces.
            let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
            let behind_name = stat.rsplit_once(')').unwrap().1.to_owned();
            behind_name.split_whitespace().nth(38).unwrap().to_owned()
        });
        assert_eq!(policy.join().unwrap(), "5", "SCHED_IDLE");
    }
}
