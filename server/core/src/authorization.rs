//! The authorization server's rules (RFC 6749, OAuth 2.1): who may have a token, what it says, and how it is ended.
//!
//! [`AuthorizationService`] asks people for their consent; [`ClientAuthenticator`] finds out which client asks; [`TokenService`] makes, explains and ends tokens. What goes wrong is one
//! [`OauthError`], from which the endpoints draw the answer of their RFC.

mod client_auth;
mod consent;
mod error;
mod request;
mod token;

pub use client_auth::{Authenticated, ClientAuthenticator, PresentedClient, Whence};
pub use consent::{Answer, AuthorizationService, Question, Shown};
pub use error::OauthError;
pub use request::{Parameters, Untrusted};
pub use token::{Introspection, TokenRequest, TokenResponse, TokenService};
