//! The logs of an environment and of the portal, and the page of one request.

mod filter;
mod groups;
mod log;
mod pages;
mod request_page;
mod saved_views;
mod table;

pub use filter::{LogFilter, View};
pub use log::Log;
pub use pages::{ApplicationLogsPage, FailuresPage, LogsPage, PortalLogsPage};
pub use request_page::RequestPage;
pub use saved_views::{RemoveView, SaveView};
pub use table::{RequestTable, many_in_words};
