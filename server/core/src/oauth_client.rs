//! OAuth clients and service accounts: who may ask for tokens, how they prove it, and what for.

mod changes;
mod client_id;
mod client_sites;
mod form;
mod grant_type;
mod keys;
mod known_clients;
mod logo;
mod redirect_uri;
mod registration;
mod service;
mod verification;

use changes::changes_of;
pub use client_id::{ClientId, ParseClientIdError};
pub use client_sites::{ClientSiteError, ClientSites, FetchedKeys};
pub use form::{ClientForm, DEFAULT_TOKEN_MINUTES, Possible, TOKEN_MINUTES};
pub use grant_type::{
    ClientAuthMethod, ClientCertificates, ClientKind, GrantType, GrantTypes, ParseWordError, TokenForm,
};
pub(crate) use keys::is_askable;
pub use keys::{ClientKeys, ParseClientKeysError};
pub use known_clients::{ClientEntry, KnownClients};
pub use logo::{Logo, LogoDigest, LogoError, ParseLogoDigestError};
pub use redirect_uri::{ParseRedirectUriError, ParseRedirectUrisError, RedirectUri, RedirectUris};
pub use registration::{
    ClientMetadata, MetadataDocuments, Registered, RegistrationError, RegistrationInView, RegistrationPolicy,
    Registrations,
};
pub use service::{ClientInView, CreatedClient, HeldToken, OauthClientError, OauthClientService};
pub use verification::{Appearance, ClientVerification};
