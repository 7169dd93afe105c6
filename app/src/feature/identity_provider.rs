//! Signing in with other providers: their buttons, the way there and back, what opens an account, and what admins set.

mod admin_fn;
mod admin_page;
mod provider_fields;
mod provider_page;
mod sign_in_fn;
mod sign_in_methods_page;
mod sign_in_with;

pub use admin_fn::{DisableProvider, RemoveProvider, SaveProvider};
pub use admin_page::{IdentityProvidersPage, NewIdentityProviderPage};
pub use provider_page::IdentityProviderPage;
pub use sign_in_fn::{BeginProviderSignIn, CallbackPage, LeavePage};
pub use sign_in_methods_page::{AllowPassword, DeclineIdentity, LinkIdentity, SignInMethodsPage, UnlinkIdentity};
pub use sign_in_with::{SignInWith, has_proven};
