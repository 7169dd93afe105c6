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
    taken: Cell<Duration>,
    watched: Cell<Duration>,
}

impl Stolen {
    pub(crate) fn from(core: usize) -> Self {
        Self { core, taken: Cell::default(), watched: Cell::default() }
    }

    /// Watches while this runs.
    pub(crate) fn during<T>(&self, run: impl FnOnce() -> T) -> T {
        let (before, began) = (stolen_from(self.core), Instant::now());
        let outcome = run();
        if let (Some(before), Some(after)) = (before, stolen_from(self.core)) {
            self.taken.set(self.taken.get() + after.saturating_sub(before));
            self.watched.set(self.watched.get() + began.elapsed());
        }
        outcome
    }
}

impl fmt::Display for Stolen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.watched.get().is_zero() {
            return f.write_str("nobody knows how much");
        }
        write!(f, "{:.1} %", 100.0 * self.taken.get().div_duration_f64(self.watched.get()))
    }
}

/// What was taken from a core since the system started: the eighth number of its line in `/proc/stat`.
fn stolen_from(core: usize) -> Option<Duration> {
    /// What the kernel counts in (`USER_HZ`, proc(5)).
    const TICK: Duration = Duration::from_millis(10);
    let (stat, name) = (std::fs::read_to_string("/proc/stat").ok()?, format!("cpu{core} "));
    let numbers = stat.lines().find_map(|line| line.strip_prefix(&name))?;
    TICK.checked_mul(numbers.split_ascii_whitespace().nth(7)?.parse().ok()?)
}
