//! The usage pages: what the credentials of an environment, of an application or of the whole portal did.

mod figures;
mod pages;

pub use figures::{KeyFigures, Subject, hours, latency_in_words};
pub use pages::{ApplicationUsagePage, PortalUsagePage, UsagePage};
