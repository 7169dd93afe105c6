//! Signing in with an account at another provider: which providers there are, what they say of a person, and whose account that opens.
//!
//! A person is known by the provider's own name for them, and only once they have said, while signed in, that it is them: an e-mail
//! address that happens to be the same opens nothing.

mod answer;
mod client;
mod endpoints;
mod form;
mod id_token;
mod linked;
mod protocol;
mod service;
mod sign_in;

pub use answer::ProviderAnswer;
pub use client::{Asked, ProviderClient, ProviderClientError, Redeem, RedeemedTokens};
pub use endpoints::ProviderMetadata;
pub use form::ProviderForm;
pub use id_token::IdTokenProblem;
pub use linked::{LinkedIdentities, LinkedIdentityError};
pub use protocol::{ClientPlace, OauthEndpoints, Protocol, ProtocolKind};
pub use service::{IdentityProviderError, IdentityProviders};
pub use sign_in::{Attempt, Completed, ProvenIdentity, ProviderSignIn, ProviderSignInError};
