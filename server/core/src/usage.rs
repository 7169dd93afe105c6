//! What credentials did: the writer that records it, the page that counts it, the log that shows single requests.

pub mod log;
pub mod recorder;
pub mod report;

pub use log::LogService;
pub use recorder::{Recorder, Recording};
pub use report::UsageService;
