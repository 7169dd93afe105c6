//! Alerts: what was raised, when one is, and who hears it.

mod alert_fn;
mod alerts_page;
mod of;
mod rule_page;

pub use alerts_page::{AdminAlertsPage, TeamAlertsPage};
pub(in crate::feature) use of::{of_form, page_of, team_of};
pub use rule_page::{AdminAlertRulePage, TeamAlertRulePage};
