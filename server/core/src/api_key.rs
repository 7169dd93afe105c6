//! Keys: created and shown once, listed by hint, changed, rotated with no downtime, switched off and on, revoked at once.
//!
//! [`format`] is how a key is written. [`ApiKeyService`] does what a person asks for an application's keys and, where the owner is
//! a person, for their personal access tokens; every change goes through [`KeyChanges`], which makes the door forget what it knew
//! before the change is answered. [`Rotations`] begins a takeover at the new key's first use. [`BlastRadius`] says what a change
//! would break, [`Advice`] what should be changed, [`Housekeeping`] does what the clock asks for.

mod advice;
mod allow_list;
mod blast;
mod changes;
mod expiry;
mod form;
pub mod format;
mod housekeeping;
mod notes;
mod policy;
mod rotation;
mod route_scopes;
mod service;

pub use advice::Advice;
pub(crate) use allow_list::read as network_of_text;
pub use allow_list::{AllowList, ParseAllowListError};
pub use blast::{BlastRadius, takes_away};
pub use changes::KeyChanges;
pub use expiry::{Expiry, ParseExpiryError};
pub use form::KeyForm;
pub(crate) use form::check_scopes;
pub use format::PlainApiKey;
pub use housekeeping::Housekeeping;
pub use notes::{Notes, ParseNotesError};
pub use policy::KeyPolicyForm;
pub use rotation::{ClockStart, Overlap, ParseOverlapError, QUIET, Rotations, safe_to_end};
pub(crate) use rotation::{let_the_old_key_be, old_key_of};
pub use route_scopes::{NeededScope, RouteScopes};
pub use service::{ApiKeyError, ApiKeyService, CreateApiKey, CreatedApiKey, KeyList};
