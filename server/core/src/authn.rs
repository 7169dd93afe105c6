//! The door: who is asking, may they, and what to tell each side when not.
//!
//! `read credentials → identify → check lifetime, environment, address → authorize scope → limit`, in that order, once.
//!
//! [`credential`] reads what a request carries; [`decide`] is the pure decision, its [`Verdict`] the only source of the
//! answer, the record and the page that explains it; [`refusal`] is the one table of what each side is told; [`Door`] puts a
//! look-up between the two. To add a credential: a variant in [`credential::Credential`], its look-up in [`Door::judge`], its
//! steps in [`decide`], its rows in [`refusal`].

pub mod credential;
mod decide;
mod door;
pub mod refusal;
mod verdict;

pub(crate) use decide::attribution_of;
pub use decide::{Facts, Lookup, decide};
pub use door::Door;
pub use refusal::Refusal;
pub use verdict::{Principal, Verdict};
