//! The door: who is asking, may they, and what to tell each side when not.
//!
//! `read credentials → identify → check lifetime, environment, address → authorize scope → limit`, in that order, once.
//!
//! [`credential`] reads what a request carries; [`decide`] is the pure decision, its [`Verdict`] the only source of the
//! answer, the record and the page that explains it; [`refusal`] is the one table of what each side is told. [`KnownKeys`]
//! remembers what the store said of a key, and forgets it before a change is answered; [`Door`] puts the two together. To add a
//! credential: a variant in [`credential::Credential`], its look-up in [`Door::judge`], its steps in [`decide`] and
//! [`Verdict::trace`], its rows in [`refusal`].

mod asked;
mod basic;
pub mod credential;
mod decide;
mod door;
mod entry;
mod known_keys;
mod known_people;
mod person;
pub mod refusal;
mod trace;
mod verdict;

pub use asked::{Asked, Audience, Guard, RouteLimit, Rule};
pub use basic::Basic;
pub use decide::{Facts, Held, Lookup, Transport, decide};
pub use door::Door;
pub(crate) use entry::attribution_of;
pub use entry::{Drawn, Entry, Identity, Record, Slot};
pub use known_keys::{Found, KnownKeys};
pub use known_people::KnownPeople;
pub use person::{KnownBy, Person, PersonProblem};
pub use refusal::Refusal;
pub use verdict::{Principal, Verdict};
