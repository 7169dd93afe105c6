//! The audit log: every change that somebody makes to an account, a team, a credential or a setting, each bound to the one before.

mod action;
mod chain;
mod event;
mod reason;
mod service;

pub use action::{Action, ParseActionError};
pub use chain::{GENESIS, chained};
pub use event::{Act, ParseTenantError, Tenant};
pub use reason::{ParseReasonError, Reason};
pub use service::{AuditError, AuditPage, AuditScope, AuditService, Fault, Verified};
