//! The log, to standard error, one line an event; and, where the operator wants them, traces.

mod collector;
mod request;
mod traces;

pub(crate) use request::{Followed, follow, is_followed, note};
pub use traces::{Traces, TracesError};

use crate::config::{Config, LogFormat};
use std::io::IsTerminal;
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, filter_fn},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// Starts logging.
pub fn start(config: &Config) {
    let filter = EnvFilter::new(&config.log_filter);
    let builder = fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    let started = match config.log_format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    if started.is_err() {
        tracing::debug!("the log was started before");
    }
}

/// Starts logging, and tracing requests if there is a collector: what is returned then must be finished at the end.
///
/// # Errors
/// [`TracesError`].
pub fn start_with_traces(config: &Config) -> Result<Option<Traces>, TracesError> {
    let Some(traces) = Traces::new(config)? else {
        start(config);
        return Ok(None);
    };
    // Requests are spans for the collector alone: no line of the log repeats what is in them.
    let filter = EnvFilter::new(&config.log_filter).and(filter_fn(|metadata| metadata.target() != request::TARGET));
    let log = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal()).with_target(false);
    let log = match config.log_format {
        LogFormat::Text => log.boxed(),
        LogFormat::Json => log.json().flatten_event(true).boxed(),
    };
    if tracing_subscriber::registry().with(log.with_filter(filter)).with(traces.layer()).try_init().is_err() {
        tracing::debug!("the log was started before");
    }
    Ok(Some(traces))
}
