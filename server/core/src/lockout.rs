//! Tries that fail cost more and more: for an account from one network, for a network, and a little for an account from everywhere.
//!
//! Each try is counted before it is judged, and given back when it was right, so that many at once are no more than one after
//! another. What is tried is counted alike whether or not anybody has it. No stranger can lock the owner of an account out: a browser that has
//! opened it before has an allowance of its own, and what strangers do from elsewhere makes others wait seconds, not the owner.

mod desk;
mod device;
mod ladder;
mod service;

pub(crate) use ladder::FORGOTTEN_AFTER;

pub use desk::{LockedOf, Lockout, LockoutDesk, LockoutError, LockoutList};
pub use device::{DeviceCookie, Visitor};
pub use service::{Attempt, Lockouts, Subject, TryError};
