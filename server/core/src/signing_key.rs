//! The keys that sign tokens: next, active, retired; sealed at rest, published as long as something that they signed can be good.

mod ring;
mod service;

pub use ring::{KeyRing, KeyRingError, Published};
pub use service::{SigningKeyError, SigningKeyService, SigningKeyView};
