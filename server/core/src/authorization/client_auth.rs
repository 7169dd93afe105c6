//! Which client is asking (RFC 6749 section 2.3).

use super::OauthError;
use crate::{
    api_key::format::PresentedKey,
    limit::{Limiter, Quota, network_of},
    oauth_client::{ClientAuthMethod, ClientEntry, ClientId, KnownClients},
    port::{oauth_client::OauthClient, request_log::Used},
    secret::{DigestKey, digests_equal},
};
use latchkey_model::KeyKind;
use std::{net::IpAddr, sync::Arc};
use time::OffsetDateTime;

/// What a request brings to say which client it is.
#[derive(Clone, Default)]
pub struct PresentedClient {
    /// The name and secret of `Authorization: Basic`, decoded.
    pub basic: Option<(String, String)>,
    /// `client_id` in the body.
    pub client_id: Option<String>,
    /// `client_secret` in the body.
    pub client_secret: Option<String>,
}

/// From where and when it asks.
#[derive(Debug, Clone, Copy)]
pub struct Whence {
    /// When.
    pub at: OffsetDateTime,
    /// From where.
    pub address: IpAddr,
}

/// A client that proved to be itself, as far as it can.
pub struct Authenticated {
    entry: Arc<ClientEntry>,
    /// What it used, for its people to see.
    pub used: Vec<Used>,
}

impl Authenticated {
    /// The client.
    pub fn client(&self) -> &OauthClient {
        self.entry.client()
    }
}

/// Finds out which client is asking.
#[derive(Clone)]
pub struct ClientAuthenticator {
    known: KnownClients,
    pepper: DigestKey,
    /// Tries that were refused, by network.
    refused: Arc<Limiter<IpAddr>>,
}

impl ClientAuthenticator {
    /// The authenticator; `quota` is how many tries of one network may be refused.
    pub fn new(known: KnownClients, pepper: DigestKey, quota: Quota) -> Self {
        Self { known, pepper, refused: Arc::new(Limiter::new(quota)) }
    }

    /// The client that is asking, by the one method that it is registered with.
    ///
    /// # Errors
    /// [`OauthError::InvalidRequest`] for two methods at once, [`OauthError::InvalidClient`] for everything that is not proven.
    pub async fn authenticate(&self, presented: &PresentedClient, from: Whence) -> Result<Authenticated, OauthError> {
        let (client_id, secret, method) = one_method(presented)?;
        let refused = || OauthError::InvalidClient { by_header: presented.basic.is_some() };
        let network = network_of(from.address);
        // This machine's own address may be a proxy's, which stands for everybody.
        let counted = !from.address.is_loopback();
        if counted && let Some(retry_after) = self.refused.look(&network, from.at).retry_after {
            return Err(OauthError::TooMany { retry_after });
        }
        let found = self.prove(client_id, secret, method, from.at).await?;
        found.ok_or_else(|| {
            if counted {
                let _ = self.refused.check(&network, from.at);
            }
            refused()
        })
    }

    async fn prove(
        &self,
        client_id: &str,
        secret: Option<&str>,
        method: ClientAuthMethod,
        now: OffsetDateTime,
    ) -> Result<Option<Authenticated>, OauthError> {
        let Ok(client_id) = client_id.parse::<ClientId>() else { return Ok(None) };
        // The same work whether or not there is such a client.
        let presented = secret.and_then(|text| PresentedKey::parse(text).ok());
        let digest = presented.map(|key| key.digest(&self.pepper));
        let Some(entry) = self.known.find(&client_id, now).await? else { return Ok(None) };
        let client = entry.client();
        if client.revoked_at.is_some() || client.settings.auth_method != method {
            return Ok(None);
        }
        let mut used = vec![Used::Client(client.id)];
        if method != ClientAuthMethod::None {
            let (Some(presented), Some(digest)) = (presented, digest) else { return Ok(None) };
            if presented.kind() != KeyKind::ClientSecret {
                return Ok(None);
            }
            let proven = entry
                .secrets()
                .iter()
                .find(|(secret, stored)| secret.public_id == presented.public_id() && digests_equal(stored, &digest));
            match proven {
                Some((secret, _)) if secret.revoked_at.is_none() => used.push(Used::Secret(secret.id)),
                _ => return Ok(None),
            }
        }
        Ok(Some(Authenticated { entry, used }))
    }
}

type Presented<'a> = (&'a str, Option<&'a str>, ClientAuthMethod);

/// More than one method is never a matter of which comes first.
fn one_method(presented: &PresentedClient) -> Result<Presented<'_>, OauthError> {
    let body = presented.client_id.as_deref();
    match (&presented.basic, &presented.client_secret) {
        (Some(_), Some(_)) => Err(OauthError::InvalidRequest("the client authenticates in two ways at once")),
        (Some((id, _)), None) if body.is_some_and(|other| other != id) => {
            Err(OauthError::InvalidRequest("client_id is not the one of the Authorization header"))
        }
        (Some((id, secret)), None) => Ok((id, Some(secret), ClientAuthMethod::SecretBasic)),
        (None, Some(secret)) => match body {
            Some(id) => Ok((id, Some(secret), ClientAuthMethod::SecretPost)),
            None => Err(OauthError::InvalidRequest("client_id is missing")),
        },
        (None, None) => match body {
            Some(id) => Ok((id, None, ClientAuthMethod::None)),
            // RFC 6749 section 5.2: no client authentication included.
            None => Err(OauthError::InvalidClient { by_header: false }),
        },
    }
}
