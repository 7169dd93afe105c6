//! Access tokens (RFC 9068): made by the token endpoint, judged by the door.

mod audiences;
mod binding;
mod claims;
mod known_tokens;
mod nobodys;
mod token;

pub use audiences::Audiences;
pub use binding::{Binding, Confirmation, ParseBindingError};
pub use claims::{ActingClient, Claims, Derived, TYPE, demo_api, gateway};
pub use known_tokens::{FoundToken, KnownTokens, TokenSurroundings};
pub use token::{AccessToken, AtHome, Consent, TokenEnd, TokenProblem};
