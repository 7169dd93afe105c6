//! The authorization server's rules (RFC 6749, OAuth 2.1, OpenID Connect): who may have a token, what it says, and how it is ended.
//!
//! [`AuthorizationService`] asks people for their consent, [`DeviceService`] on another machine than the app's; [`PushedRequests`] takes
//! what clients ask for before that;
//! [`ClientAuthenticator`] finds out which client asks; [`TokenService`] makes, explains and ends tokens. What goes wrong is one
//! [`OauthError`], from which the endpoints draw the answer of their RFC.

mod beginnings;
mod client_auth;
mod consent;
mod device;
mod error;
mod fresh_sign_in;
mod parameters;
mod pushed;
mod request;
mod response;
mod token;

pub use client_auth::{ASSERTION_TYPE, Authenticated, ClientAuthParts, ClientAuthenticator, PresentedClient, Whence};
pub use consent::{Answer, AuthorizationParts, AuthorizationService, Question, Shown, SignInFirst};
pub use device::{DeviceAuthorization, DeviceError, DeviceQuestion, DeviceService};
pub use error::OauthError;
pub use parameters::Parameters;
pub use pushed::{Pushed, PushedRequests};
pub use request::Untrusted;
pub use response::{AuthorizationResponse, ResponseMode};
pub use token::{Exchange, Introspection, TokenParts, TokenRequest, TokenResponse, TokenService};
