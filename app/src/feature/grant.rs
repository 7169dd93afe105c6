//! Letting an app act for oneself, and taking it back.

mod authorized_apps_page;
mod consent_page;

pub use authorized_apps_page::{AuthorizedAppsPage, RevokeGrant};
pub use consent_page::{AnswerConsent, ConsentPage};
