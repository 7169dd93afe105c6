//! The same door in front of an operator's own API: which policy a request meets, whether it is let in, and what the API is told of
//! its caller.
//!
//! A proxy asks for every request ([`GatewayDesk::judge`]) or a server's own code does. What may be asked of an API is a list of
//! [`Policy`]s; what none of them covers is refused.

mod catalog;
mod desk;
mod form;
mod identity;
mod path;
mod pattern;
mod policy;
mod service;

pub use catalog::{ApiInForce, Catalog, KnownApis, NeededScopes, PolicyConflict};
pub use desk::{GatewayDesk, GuardedRequest, Judged, Origin, Outcome};
pub use form::{ApiForm, LONGEST_TEXT};
pub use identity::{Caller, Kind, TYPE};
pub use pattern::{ParsePatternError, PathPattern};
pub use policy::{Access, Methods, ParsePolicyError, Policies, Policy};
pub use service::{GatewayError, GuardedApis};
