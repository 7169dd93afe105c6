//! What credentials did: the counts and the writer that record it, the page that counts it, the log that shows single requests.

pub mod log;
pub mod recorder;
pub mod report;
mod route_name;
pub mod tally;
mod writer;

pub use log::LogService;
pub use recorder::{Passed, Recorder, RowBudget, Served};
pub use report::UsageService;
pub use route_name::RouteName;
pub use writer::Recording;
