//! A log that can be read.

use super::planted::text_of;
use server::telemetry::Traces;
use std::{
    io,
    sync::{Arc, Mutex},
};
use tracing::{level_filters::LevelFilter, subscriber::DefaultGuard};
use tracing_subscriber::{
    Layer,
    fmt::{self, MakeWriter},
    layer::SubscriberExt,
};

/// What was logged, at every level.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Writes down whatever is logged on this thread from now on, and traces the requests.
    pub(super) fn listen(&self, traces: &Traces) -> DefaultGuard {
        let log = fmt::layer().with_writer(self.clone()).with_ansi(false).with_filter(LevelFilter::TRACE);
        tracing::subscriber::set_default(tracing_subscriber::registry().with(log).with(traces.layer()))
    }

    /// Writes down what is logged at a level on this thread from now on, and whatever matters more.
    pub(crate) fn listen_at(&self, level: LevelFilter) -> DefaultGuard {
        let log = fmt::layer().with_writer(self.clone()).with_ansi(false).with_filter(level);
        tracing::subscriber::set_default(tracing_subscriber::registry().with(log))
    }

    /// All of it.
    pub(crate) fn text(&self) -> String {
        text_of(&self.0.lock().unwrap())
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
