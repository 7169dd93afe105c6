//! Other providers that people sign in with, asked by way of the `oauth2` crate.

use super::{Outside, OutsideError};
use async_trait::async_trait;
use http::{Request, Response, header};
use latchkey_core::identity_provider::{
    Asked, ClientPlace, ProviderClient, ProviderClientError, Redeem, RedeemedTokens,
};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken, ExtraTokenFields,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, StandardRevocableToken, StandardTokenResponse,
    TokenResponse, TokenUrl,
    basic::{
        BasicClient, BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{borrow::Cow, pin::Pin};
use url::Url;
use zeroize::Zeroizing;

/// Asks them.
pub struct Providers(Outside);

/// What the answer has beside RFC 6749's members (OpenID Connect Core section 3.1.3.3).
#[derive(Debug, Serialize, Deserialize)]
struct WithIdToken {
    id_token: Option<String>,
}

impl ExtraTokenFields for WithIdToken {}

/// The crate's client, for answers with an ID token.
type OpenidClient = Client<
    BasicErrorResponse,
    StandardTokenResponse<WithIdToken, BasicTokenType>,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
>;

type Asking = Pin<Box<dyn Future<Output = Result<Response<Vec<u8>>, OutsideError>> + Send>>;

impl Providers {
    /// The longest answer that is read, in bytes.
    const LARGEST: usize = 64 * 1024;

    /// Asks by way of this client.
    pub fn new(outside: Outside) -> Self {
        Self(outside)
    }

    /// What the crate makes its requests with.
    fn asking(&self) -> impl Fn(Request<Vec<u8>>) -> Asking {
        let outside = self.0.clone();
        move |request| {
            let outside = outside.clone();
            Box::pin(async move { outside.send(request, Self::LARGEST).await })
        }
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> ProviderClientError {
    ProviderClientError(Box::new(error))
}

#[async_trait]
impl ProviderClient for Providers {
    fn authorization_url(&self, asked: &Asked<'_>) -> Url {
        let client = BasicClient::new(ClientId::new(asked.client_id.to_owned()))
            .set_auth_uri(AuthUrl::from_url(asked.authorization.clone()));
        let verifier = PkceCodeVerifier::new(asked.verifier.to_owned());
        let state = CsrfToken::new(asked.state.to_owned());
        // The address was made by us, of our own.
        let redirect = RedirectUrl::new(asked.redirect_uri.to_owned()).ok();
        let mut request = client
            .authorize_url(|| state)
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .add_scopes(
                asked.scopes.split(' ').filter(|scope| !scope.is_empty()).map(|one| Scope::new(one.to_owned())),
            );
        if let Some(redirect) = redirect {
            request = request.set_redirect_uri(Cow::Owned(redirect));
        }
        if let Some(nonce) = asked.nonce {
            request = request.add_extra_param("nonce", nonce.to_owned());
        }
        request.url().0
    }

    async fn redeem(&self, redeem: Redeem<'_>) -> Result<RedeemedTokens, ProviderClientError> {
        let place = match redeem.place {
            ClientPlace::Header => AuthType::BasicAuth,
            ClientPlace::Body => AuthType::RequestBody,
        };
        let client = OpenidClient::new(ClientId::new(redeem.client_id.to_owned()))
            .set_client_secret(ClientSecret::new(redeem.client_secret.to_string()))
            .set_auth_type(place)
            .set_token_uri(TokenUrl::from_url(redeem.token.clone()))
            .set_redirect_uri(RedirectUrl::new(redeem.redirect_uri.to_owned()).map_err(failed)?);
        let tokens = client
            .exchange_code(AuthorizationCode::new(redeem.code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(redeem.verifier.to_owned()))
            .request_async(&self.asking())
            .await
            .map_err(failed)?;
        Ok(RedeemedTokens {
            access_token: Zeroizing::new(tokens.access_token().secret().clone()),
            id_token: tokens.extra_fields().id_token.clone(),
        })
    }

    async fn userinfo(&self, url: &Url, access_token: &Zeroizing<String>) -> Result<Value, ProviderClientError> {
        let request = Request::get(url.as_str())
            .header(header::AUTHORIZATION, format!("Bearer {}", access_token.as_str()))
            .header(header::ACCEPT, "application/json")
            .body(Vec::new())
            .map_err(failed)?;
        let answer = self.0.send(request, Self::LARGEST).await.map_err(failed)?;
        if !answer.status().is_success() {
            return Err(failed(OutsideError::Status(answer.status())));
        }
        serde_json::from_slice(answer.body()).map_err(failed)
    }

    async fn document(&self, url: &Url) -> Result<Vec<u8>, ProviderClientError> {
        self.0.get(url, Self::LARGEST).await.map_err(failed)
    }
}
