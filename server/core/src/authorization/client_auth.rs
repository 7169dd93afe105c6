//! Which client is asking (RFC 6749 section 2.3).

mod assertion;
mod mutual_tls;

pub use assertion::ASSERTION_TYPE;

use super::OauthError;
use crate::{
    api_key::format::PresentedKey,
    certificate::ClientCertificate,
    jose::JwkSet,
    limit::{Limiter, Quota, network_of},
    lockout::{Lockouts, Subject, TryError, Visitor},
    oauth_client::{ClientAuthMethod, ClientEntry, ClientId, FetchedKeys, KnownClients, MetadataDocuments},
    port::{oauth_client::OauthClient, request_log::Used},
    ports::Ports,
    secret::{DigestKey, digests_equal},
};
use latchkey_model::KeyKind;
use std::{net::IpAddr, sync::Arc};
use time::OffsetDateTime;
use url::Url;

/// What a request brings to say which client it is.
#[derive(Clone, Default)]
pub struct PresentedClient {
    /// The name and secret of `Authorization: Basic`, decoded.
    pub basic: Option<(String, String)>,
    /// `client_id` in the body.
    pub client_id: Option<String>,
    /// `client_secret` in the body.
    pub client_secret: Option<String>,
    /// `client_assertion_type` in the body.
    pub assertion_type: Option<String>,
    /// `client_assertion` in the body.
    pub assertion: Option<String>,
}

/// From where and when it asks.
#[derive(Debug, Clone)]
pub struct Whence {
    /// When.
    pub at: OffsetDateTime,
    /// From where.
    pub address: IpAddr,
    /// The certificate of its connection, if it showed one.
    pub certificate: Option<Arc<ClientCertificate>>,
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

    pub(super) fn entry(&self) -> &ClientEntry {
        &self.entry
    }
}

/// Finds out which client is asking.
#[derive(Clone)]
pub struct ClientAuthenticator {
    ports: Ports,
    known: KnownClients,
    fetched: FetchedKeys,
    documents: MetadataDocuments,
    pepper: DigestKey,
    issuer: Arc<str>,
    /// Tries that were refused, by network.
    refused: Arc<Limiter<IpAddr>>,
    lockouts: Lockouts,
}

/// What the authenticator works with besides the ports.
pub struct ClientAuthParts {
    /// What is known of clients.
    pub known: KnownClients,
    /// The keys that they publish.
    pub fetched: FetchedKeys,
    /// What they publish of themselves.
    pub documents: MetadataDocuments,
    /// Secrets that were wrong.
    pub lockouts: Lockouts,
}

impl ClientAuthenticator {
    /// The authenticator of this issuer; `quota` is how many tries of one network may be refused.
    pub fn new(ports: Ports, rest: ClientAuthParts, pepper: DigestKey, issuer: Arc<str>, quota: Quota) -> Self {
        let ClientAuthParts { known, fetched, documents, lockouts } = rest;
        let refused = Arc::new(Limiter::new(quota));
        Self { ports, known, fetched, documents, pepper, issuer, refused, lockouts }
    }

    /// The client that is asking, by the one method that it is registered with.
    ///
    /// # Errors
    /// [`OauthError::InvalidRequest`] for two methods at once, [`OauthError::InvalidClient`] for everything that is not proven.
    pub async fn authenticate(&self, presented: &PresentedClient, from: &Whence) -> Result<Authenticated, OauthError> {
        let proof = one_method(presented)?;
        let network = network_of(from.address);
        // This machine's own address may be a proxy's, which stands for everybody.
        let counted = !from.address.is_loopback();
        // Nobody guesses a secret of ours, and to compare one costs less than to count it: whoever has it never waits for what others of
        // its network got wrong.
        let secret_of = match proof {
            Proof::Secret { client_id, .. } => Some(Subject::Client(client_id)),
            Proof::Connection { .. } | Proof::Assertion { .. } => None,
        };
        let must_wait = || {
            let network_waits = counted.then(|| self.refused.look(&network, from.at).retry_after()).flatten();
            let waits =
                network_waits.or_else(|| secret_of.and_then(|subject| self.lockouts.known_wait(subject, from.address)));
            waits.map_or(Ok(()), |retry_after| Err(OauthError::TooMany { retry_after }))
        };
        if secret_of.is_none() {
            must_wait()?;
        }
        if let Some(found) = self.prove(&proof, from).await? {
            return Ok(found);
        }
        must_wait()?;
        if counted {
            let _ = self.refused.check(&network, from.at);
        }
        if let Some(subject) = secret_of {
            match self.lockouts.begin(subject, &Visitor::at(from.address)).await {
                Ok(_) => {}
                Err(TryError::Locked { retry_after }) => return Err(OauthError::TooMany { retry_after }),
                Err(TryError::Store(error)) => return Err(error.into()),
            }
        }
        Err(OauthError::InvalidClient { by_header: presented.basic.is_some() })
    }

    async fn prove(&self, proof: &Proof<'_>, from: &Whence) -> Result<Option<Authenticated>, OauthError> {
        let now = from.at;
        match *proof {
            Proof::Connection { client_id } => {
                let Some(entry) = self.find(client_id, now).await? else { return Ok(None) };
                let client = entry.client();
                let proven = match client.settings.auth_method {
                    ClientAuthMethod::None => true,
                    method if method.has_certificate() => self.connects(client, from).await,
                    _ => false,
                };
                Ok(proven.then(|| Authenticated { used: vec![Used::Client(client.id)], entry: Arc::clone(&entry) }))
            }
            Proof::Secret { client_id, secret, method } => self.prove_secret(client_id, secret, method, now).await,
            Proof::Assertion { client_id, text } => {
                let Some(presented) = assertion::Presented::read(text) else { return Ok(None) };
                let name = presented.client_id.as_str();
                // RFC 7521 section 4.2: who is named beside it must be who it is about.
                if client_id.is_some_and(|named| named != name) {
                    return Ok(None);
                }
                let Some(entry) = self.find_by(name, ClientAuthMethod::PrivateKeyJwt, now).await? else {
                    return Ok(None);
                };
                if !self.asserts(&presented, entry.client(), now).await? {
                    return Ok(None);
                }
                Ok(Some(Authenticated { used: vec![Used::Client(entry.client().id)], entry }))
            }
        }
    }

    async fn prove_secret(
        &self,
        client_id: &str,
        secret: &str,
        method: ClientAuthMethod,
        now: OffsetDateTime,
    ) -> Result<Option<Authenticated>, OauthError> {
        // The same work whether or not there is such a client.
        let presented = PresentedKey::parse(secret).ok().filter(|key| key.kind() == KeyKind::ClientSecret);
        let digest = presented.map(|key| key.digest(&self.pepper));
        let Some(entry) = self.find_by(client_id, method, now).await? else { return Ok(None) };
        let (Some(presented), Some(digest)) = (presented, digest) else { return Ok(None) };
        let proven = entry
            .secrets()
            .iter()
            .find(|(secret, stored)| secret.public_id == presented.public_id() && digests_equal(stored, &digest));
        Ok(match proven {
            Some((secret, _)) if secret.revoked_at.is_none() => {
                let used = vec![Used::Client(entry.client().id), Used::Secret(secret.id)];
                Some(Authenticated { entry, used })
            }
            _ => None,
        })
    }

    /// The live client of this name.
    async fn find(&self, client_id: &str, now: OffsetDateTime) -> Result<Option<Arc<ClientEntry>>, OauthError> {
        let Ok(client_id) = client_id.parse::<ClientId>() else { return Ok(None) };
        self.documents.read(&client_id, now).await?;
        let found = self.known.find(&client_id, now).await?;
        Ok(found.filter(|entry| entry.client().works()))
    }

    /// The same, if this is its method.
    async fn find_by(
        &self,
        client_id: &str,
        method: ClientAuthMethod,
        now: OffsetDateTime,
    ) -> Result<Option<Arc<ClientEntry>>, OauthError> {
        let found = self.find(client_id, now).await?;
        Ok(found.filter(|entry| entry.client().settings.auth_method == method))
    }

    /// The keys that a client publishes at an address of its own. That they cannot be had is for the operator to read, and proves
    /// nothing.
    async fn fetch(
        &self,
        client: &OauthClient,
        url: &Url,
        sought: impl Fn(&JwkSet) -> bool,
        now: OffsetDateTime,
    ) -> Option<Arc<JwkSet>> {
        match self.fetched.get(url, sought, now).await {
            Ok(keys) => Some(keys),
            Err(error) => {
                tracing::warn!(
                    client.id = %client.client_id,
                    error = &error as &dyn std::error::Error,
                    "the keys of a client could not be fetched"
                );
                None
            }
        }
    }
}

/// How a client says that it is itself.
#[derive(Clone, Copy)]
enum Proof<'a> {
    /// By nothing that it sends: by the certificate of its connection, or not at all.
    Connection { client_id: &'a str },
    /// By a secret.
    Secret { client_id: &'a str, secret: &'a str, method: ClientAuthMethod },
    /// By what it signed.
    Assertion { client_id: Option<&'a str>, text: &'a str },
}

/// More than one method is never a matter of which comes first.
fn one_method(presented: &PresentedClient) -> Result<Proof<'_>, OauthError> {
    let body = presented.client_id.as_deref();
    match (&presented.basic, presented.client_secret.as_deref(), presented.assertion.as_deref()) {
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => {
            Err(OauthError::InvalidRequest("the client authenticates in two ways at once"))
        }
        (Some((id, _)), None, None) if body.is_some_and(|other| other != id) => {
            Err(OauthError::InvalidRequest("client_id is not the one of the Authorization header"))
        }
        (Some((id, secret)), None, None) => {
            Ok(Proof::Secret { client_id: id, secret, method: ClientAuthMethod::SecretBasic })
        }
        (None, Some(secret), None) => match body {
            Some(client_id) => Ok(Proof::Secret { client_id, secret, method: ClientAuthMethod::SecretPost }),
            None => Err(OauthError::InvalidRequest("client_id is missing")),
        },
        (None, None, Some(text)) => match presented.assertion_type.as_deref() {
            Some(ASSERTION_TYPE) => Ok(Proof::Assertion { client_id: body, text }),
            // RFC 7521 section 4.2.1: what cannot be read is no authentication.
            _ => Err(OauthError::InvalidClient { by_header: false }),
        },
        (None, None, None) => match body {
            Some(client_id) => Ok(Proof::Connection { client_id }),
            // RFC 6749 section 5.2: no client authentication included.
            None => Err(OauthError::InvalidClient { by_header: false }),
        },
    }
}
