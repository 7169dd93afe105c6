//! The authorization server's rules (RFC 6749, OAuth 2.1): who may have a token, what it says, and how it is ended.
//!
//! [`ClientAuthenticator`] finds out which client asks; [`TokenService`] makes, explains and ends tokens. What goes wrong is one
//! [`OauthError`], from which the endpoints draw the answer of their RFC.

mod client_auth;
mod error;
mod token;

pub use client_auth::{Authenticated, ClientAuthenticator, PresentedClient, Whence};
pub use error::OauthError;
pub use token::{Introspection, TokenRequest, TokenResponse, TokenService};
