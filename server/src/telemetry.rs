//! The log: to standard error, one line an event.

use crate::config::{Config, LogFormat};
use tracing_subscriber::{EnvFilter, fmt};

/// Starts logging. What the filter cannot be read as is said, and `info` used instead.
pub fn start(config: &Config) {
    let (filter, wrong) = match EnvFilter::try_new(&config.log_filter) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new("info"), Some(error)),
    };
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let started = match config.log_format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    if started.is_err() {
        tracing::debug!("the log was started before");
    }
    if let Some(error) = wrong {
        tracing::warn!(%error, "log_filter cannot be read; using info");
    }
}
