//! For how much of the time the machine itself stands still: a core that several machines share is taken away now and then, and no server
//! on it answers meanwhile. What the table says of rare latencies is to be read beside it.

use std::{
    cell::Cell,
    fmt,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// How long it is watched for.
const WATCHED: Duration = Duration::from_secs(5);
/// What looks at the clock all the time, and does not for so long, was kept from it.
const NOTICED: Duration = Duration::from_micros(200);

/// Prints how this core stood still, as one line's end.
pub(crate) fn print() {
    let begin = Instant::now();
    let (mut last, mut together, mut longest) = (begin, Duration::ZERO, Duration::ZERO);
    while last - begin < WATCHED {
        let now = Instant::now();
        let gap = now - last;
        if gap > NOTICED {
            together += gap;
            longest = longest.max(gap);
        }
        last = now;
    }
    println!(
        "{:.2} % of the time, {:.1} ms at a stretch",
        100.0 * together.as_secs_f64() / WATCHED.as_secs_f64(),
        longest.as_secs_f64() * 1_000.0
    );
}

/// Says it of the core that this command runs on and of this one, while neither does anything else.
pub(crate) fn of_both(mut elsewhere: Command) -> Result<[String; 2], Box<dyn std::error::Error>> {
    let watch = |on: &mut Command| on.arg("stalls").stdout(Stdio::piped()).spawn();
    let of_other = watch(&mut elsewhere)?;
    let of_this = watch(&mut Command::new(std::env::current_exe()?))?;
    Ok([read(of_other)?, read(of_this)?])
}

fn read(watching: std::process::Child) -> Result<String, Box<dyn std::error::Error>> {
    let output = watching.wait_with_output()?;
    if !output.status.success() {
        return Err("a core could not be watched".into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// How much of a core the host gave to others while something was measured, as the kernel counts it: a core that works for everybody is
/// taken more often than one that only looks at the clock.
pub(crate) struct Stolen {
    core: usize,
    ticks: Cell<u64>,
    watched: Cell<Duration>,
}

impl Stolen {
    /// What the kernel counts in (`USER_HZ`, proc(5)).
    const TICK: Duration = Duration::from_millis(10);

    pub(crate) fn from(core: usize) -> Self {
        Self { core, ticks: Cell::default(), watched: Cell::default() }
    }

    /// Watches while this runs.
    pub(crate) fn during<T>(&self, run: impl FnOnce() -> T) -> T {
        let (before, began) = (steal_of(self.core), Instant::now());
        let outcome = run();
        if let (Some(before), Some(after)) = (before, steal_of(self.core)) {
            self.ticks.set(self.ticks.get() + after.saturating_sub(before));
            self.watched.set(self.watched.get() + began.elapsed());
        }
        outcome
    }
}

impl fmt::Display for Stolen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ticks, watched) = (self.ticks.get(), self.watched.get().as_secs_f64());
        if watched == 0.0 {
            return f.write_str("nobody knows how much");
        }
        let stolen = Self::TICK.as_secs_f64() * f64::from(u32::try_from(ticks).unwrap_or(u32::MAX));
        write!(f, "{:.1} %", 100.0 * stolen / watched)
    }
}

/// The eighth number of a core's line in `/proc/stat`.
fn steal_of(core: usize) -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    let line = stat.lines().find_map(|line| line.strip_prefix(&format!("cpu{core} ")))?;
    line.split_ascii_whitespace().nth(7)?.parse().ok()
}
