//! Webhooks: where programs are told of alerts, and what came of it.

mod list;
mod new_page;
mod webhook_fn;
mod webhook_page;

pub(in crate::feature) use list::WebhookList;
pub use new_page::{AdminNewWebhookPage, TeamNewWebhookPage};
pub use webhook_page::{AdminWebhookPage, TeamWebhookPage};
