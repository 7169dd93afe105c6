//! Alerts: what a team, or the admins, want to hear of their credentials and of the portal while it happens.
//!
//! Each kind of alert has one rule for each team and one for the portal, good as it is until somebody changes it. What happens once is
//! told in the transaction that notes it; what lasts, such as refusals that go on, is looked for once a minute, told when it begins, and
//! ends by itself. Whoever is told hears it in the portal and by mail (see [`crate::notice`]), and programs by webhooks
//! (see [`crate::webhook`]).

mod desk;
mod form;
mod kind;
mod letter;
mod rule;
mod service;
mod watch;

pub use desk::{AlertSubject, Alerts, Measured, NewAlert};
pub use form::RuleForm;
pub use kind::{AlertKind, AlertsOf, ParseAlertKindError, ParseAlertsOfError};
pub use rule::{Measure, Rule, Share};
pub(crate) use service::access;
pub use service::{AlertAccess, AlertError, AlertService, AlertsPage};
pub use watch::AlertWatch;
