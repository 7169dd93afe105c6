//! Where a provider is asked, and how: written down by an admin, or found from its issuer.

use super::{
    client::{ProviderClient, ProviderClientError},
    protocol::{ClientPlace, Protocol},
};
use crate::oauth_client::is_askable;
use quick_cache::sync::Cache;
use serde::Deserialize;
use std::sync::Arc;
use time::{Duration, OffsetDateTime};
use url::Url;

/// What an issuer says of itself (OpenID Connect Discovery section 3).
#[derive(Debug, Clone, Deserialize)]
pub struct ProviderMetadata {
    /// The issuer, which must be the one that was asked.
    pub issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    jwks_uri: Url,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// Where and how one provider is asked.
#[derive(Debug, Clone)]
pub(super) struct Endpoints {
    pub(super) authorization: Url,
    pub(super) token: Url,
    pub(super) place: ClientPlace,
    pub(super) who: Who,
    /// The `iss` that its answers have (RFC 9207), and whether they must.
    pub(super) issuer: Option<(String, bool)>,
}

/// What says who signed in.
#[derive(Debug, Clone)]
pub(super) enum Who {
    /// A signed ID token.
    IdToken { keys: Url },
    /// An answer of the provider's own API.
    Userinfo { url: Url, subject: String },
}

/// Finds where providers are asked, and remembers it for a while.
#[derive(Clone)]
pub(super) struct Finder {
    client: Arc<dyn ProviderClient>,
    known: Arc<Cache<String, (Arc<ProviderMetadata>, OffsetDateTime)>>,
}

/// What a provider says of itself is not what it must be.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Wrong(&'static str);

fn wrong(why: &'static str) -> ProviderClientError {
    ProviderClientError(Box::new(Wrong(why)))
}

impl Finder {
    const CAPACITY: usize = 100;
    const LIFE: Duration = Duration::minutes(10);

    pub(super) fn new(client: Arc<dyn ProviderClient>) -> Self {
        Self { client, known: Arc::new(Cache::new(Self::CAPACITY)) }
    }

    pub(super) async fn find(
        &self,
        protocol: &Protocol,
        now: OffsetDateTime,
    ) -> Result<Endpoints, ProviderClientError> {
        match protocol {
            Protocol::Openid { issuer } => {
                let metadata = self.metadata(issuer, now).await?;
                let methods = metadata.token_endpoint_auth_methods_supported.as_ref();
                // Section 3: what is left out is client_secret_basic.
                let header = methods.is_none_or(|methods| methods.iter().any(|one| one == "client_secret_basic"));
                Ok(Endpoints {
                    authorization: metadata.authorization_endpoint.clone(),
                    token: metadata.token_endpoint.clone(),
                    place: if header { ClientPlace::Header } else { ClientPlace::Body },
                    who: Who::IdToken { keys: metadata.jwks_uri.clone() },
                    issuer: Some((issuer.clone(), metadata.authorization_response_iss_parameter_supported)),
                })
            }
            Protocol::Github { url } => {
                let at = |path: &str| url.join(path).map_err(|_| wrong("the address of the GitHub server is none"));
                // GitHub's own API is on a host of its own, that of a server at home is below the server itself.
                let user = if url.host_str() == Some("github.com") {
                    Url::parse("https://api.github.com/user").map_err(|_| wrong("no address"))?
                } else {
                    at("/api/v3/user")?
                };
                Ok(Endpoints {
                    authorization: at("/login/oauth/authorize")?,
                    token: at("/login/oauth/access_token")?,
                    place: ClientPlace::Body,
                    who: Who::Userinfo { url: user, subject: "id".to_owned() },
                    issuer: None,
                })
            }
            Protocol::Oauth2(endpoints) => Ok(Endpoints {
                authorization: endpoints.authorization.clone(),
                token: endpoints.token.clone(),
                place: ClientPlace::Header,
                who: Who::Userinfo { url: endpoints.userinfo.clone(), subject: endpoints.subject.clone() },
                issuer: None,
            }),
        }
    }

    async fn metadata(&self, issuer: &str, now: OffsetDateTime) -> Result<Arc<ProviderMetadata>, ProviderClientError> {
        if let Some((known, at)) = self.known.get(issuer)
            && (now - at).abs() < Self::LIFE
        {
            return Ok(known);
        }
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let url = url.parse().map_err(|_| wrong("the issuer is no address"))?;
        let document = self.client.document(&url).await?;
        let metadata: ProviderMetadata =
            serde_json::from_slice(&document).map_err(|error| ProviderClientError(Box::new(error)))?;
        // OpenID Connect Discovery section 4.3: or one provider could speak for another.
        if metadata.issuer != issuer {
            return Err(wrong("it names another issuer than the one that was asked"));
        }
        let endpoints = [&metadata.authorization_endpoint, &metadata.token_endpoint, &metadata.jwks_uri];
        if !endpoints.into_iter().all(is_askable) {
            return Err(wrong("an endpoint of it is not https"));
        }
        let metadata = Arc::new(metadata);
        self.known.insert(issuer.to_owned(), (Arc::clone(&metadata), now));
        Ok(metadata)
    }
}
