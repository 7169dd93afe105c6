//! What credentials did: the counts and the writer that record it, the page that counts it, the log that shows single requests.

mod claimed;
mod days;
mod folds;
pub mod log;
mod networks;
mod pending;
mod range;
pub mod recorder;
pub mod report;
mod route_name;
pub mod tally;
mod totals;
pub mod views;
mod waiting;
mod writer;

pub use log::LogService;
pub use recorder::{Owed, Passed, Recorder, RowBudget, Served, Unwritten};
pub use report::UsageService;
pub use route_name::RouteName;
pub use totals::RouteTotals;
pub use views::SavedViews;
pub use writer::Recording;
