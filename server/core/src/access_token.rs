//! Access tokens (RFC 9068): made by the token endpoint, judged by the door.

mod binding;
mod claims;
mod known_tokens;
mod token;

pub use binding::{Binding, Confirmation, ParseBindingError};
pub use claims::{ActingClient, Claims, Derived, TYPE, demo_api};
pub use known_tokens::{FoundToken, KnownTokens};
pub use token::{AccessToken, Consent, TokenEnd, TokenProblem};
