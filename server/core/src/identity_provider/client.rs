//! Asking a provider, as a port: rules say what is asked and what is believed, not how requests are made.

use super::protocol::ClientPlace;
use async_trait::async_trait;
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

/// Why a provider could not be asked, or did not answer as it must.
#[derive(Debug, thiserror::Error)]
#[error("the provider did not answer as it should")]
pub struct ProviderClientError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// What is asked of a person's browser.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Where people are sent.
    pub authorization: &'a Url,
    /// Our name there.
    pub client_id: &'a str,
    /// Where they come back to.
    pub redirect_uri: &'a str,
    /// What is asked for, with spaces between.
    pub scopes: &'a str,
    /// By what the answer is recognised.
    pub state: &'a str,
    /// By what its code is redeemed (RFC 7636).
    pub verifier: &'a str,
    /// By what its ID token is recognised.
    pub nonce: Option<&'a str>,
}

/// A code that is redeemed.
pub struct Redeem<'a> {
    /// Where.
    pub token: &'a Url,
    /// Our name there.
    pub client_id: &'a str,
    /// Our secret there.
    pub client_secret: &'a Zeroizing<String>,
    /// Where both are put.
    pub place: ClientPlace,
    /// Where the code was sent.
    pub redirect_uri: &'a str,
    /// The code.
    pub code: &'a str,
    /// What proves that we asked for it.
    pub verifier: &'a str,
}

/// What a code was redeemed for. Neither is kept.
pub struct RedeemedTokens {
    /// What opens the provider's own API.
    pub access_token: Zeroizing<String>,
    /// Who signed in, where the provider says so here.
    pub id_token: Option<String>,
}

/// Asks providers. Whoever implements it guards against addresses that lead into our own network.
#[async_trait]
pub trait ProviderClient: Send + Sync + 'static {
    /// Where a browser is sent.
    fn authorization_url(&self, asked: &Asked<'_>) -> Url;

    /// Redeems a code.
    async fn redeem(&self, redeem: Redeem<'_>) -> Result<RedeemedTokens, ProviderClientError>;

    /// What the provider says of whoever a token is of.
    async fn userinfo(&self, url: &Url, access_token: &Zeroizing<String>) -> Result<Value, ProviderClientError>;

    /// A document of the provider's.
    async fn document(&self, url: &Url) -> Result<Vec<u8>, ProviderClientError>;
}
