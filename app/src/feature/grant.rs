//! Letting an app act for oneself, and taking it back.

mod authorized_apps_page;
mod consent_page;
mod form_post;
mod who_asks;

pub use authorized_apps_page::{AuthorizedAppsPage, RevokeGrant};
pub use consent_page::{AnswerConsent, ConsentPage};
pub use form_post::FormPostPage;
pub use who_asks::{AnswerButtons, ClientLogo, WhoAsks};
