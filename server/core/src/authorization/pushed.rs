//! Requests that a client sends itself, before it sends the person (RFC 9126).

use super::{Authenticated, OauthError, Parameters, beginnings::Beginnings, request};
use crate::{
    access_token::Binding,
    gateway::KnownApis,
    port::{Consumed, Inserted, StoreError, grant::PushedRequest},
    ports::Ports,
    random::base62,
    secret::DigestKey,
};
use latchkey_model::OauthClientId;
use serde::Serialize;
use std::net::IpAddr;
use time::Duration;
use uuid::Uuid;

/// Where a pushed request is, for the authorization endpoint (section 2.2).
#[derive(Debug, Serialize)]
pub struct Pushed {
    request_uri: String,
    expires_in: i64,
}

/// Takes requests, and gives them out once.
#[derive(Clone)]
pub struct PushedRequests {
    ports: Ports,
    pepper: DigestKey,
    apis: KnownApis,
    begun: Beginnings,
}

impl PushedRequests {
    const MARK: &'static str = "urn:ietf:params:oauth:request_uri:";
    const LENGTH: usize = 43;
    /// How soon a browser must come with it.
    pub const LIFE: Duration = Duration::seconds(60);
    /// How long its person has to sign in and to answer from then on.
    pub const PATIENCE: Duration = Duration::minutes(10);

    /// Requests for tokens for these APIs, digested under this pepper.
    pub fn new(ports: Ports, pepper: DigestKey, apis: KnownApis) -> Self {
        Self { ports, pepper, apis, begun: Beginnings::new() }
    }

    /// Whether this could be one of ours.
    pub(super) fn made(request_uri: &str) -> bool {
        request_uri.starts_with(Self::MARK)
    }

    /// Takes a request of a client that proved to be itself. It is judged here as it would be in the browser. The key that the client
    /// proved to hold must redeem the code that comes of it.
    ///
    /// # Errors
    /// [`OauthError`].
    pub async fn take(
        &self,
        by: &Authenticated,
        parameters: &Parameters,
        proven: Option<&Binding>,
        from: IpAddr,
    ) -> Result<Pushed, OauthError> {
        self.begun.count(by, from, self.ports.now())?;
        if parameters.get("request_uri").is_some() {
            // Section 2.1: no request within a request.
            return Err(OauthError::InvalidRequest("request_uri cannot be pushed"));
        }
        let client = by.entry();
        if parameters.get("client_id").is_some_and(|id| id != client.client().client_id.as_str()) {
            return Err(OauthError::InvalidRequest("client_id is another client's"));
        }
        let bound;
        let parameters = match proven {
            Some(Binding::Dpop(thumbprint)) => {
                if parameters.get("dpop_jkt").is_some_and(|named| named != thumbprint) {
                    return Err(OauthError::InvalidDpopProof("dpop_jkt names another key than the proof's"));
                }
                bound = parameters.with("dpop_jkt", thumbprint.clone());
                &bound
            }
            Some(Binding::Certificate(_)) | None => parameters,
        };
        let redirect_uri = request::trusted_redirect(parameters, client)
            .map_err(|_| OauthError::InvalidRequest("redirect_uri is not registered, or a parameter is there twice"))?;
        let catalog = self.apis.catalog(self.ports.now()).await?;
        let judged = request::judge(parameters, client, redirect_uri, &catalog);
        judged.map_err(|error| OauthError::Authorization { code: error.code, description: error.description })?;
        let name = base62(self.ports.random(), Self::LENGTH);
        let request = PushedRequest {
            id: self.ports.uuid(),
            digest: self.pepper.digest(name.as_bytes()),
            client: client.client().id,
            parameters: parameters.to_query(),
            expires_at: self.ports.now() + Self::LIFE,
            opened: false,
            consumed_at: None,
        };
        let mut work = self.ports.store.begin().await?;
        match work.pushed_request_add(&request).await? {
            Inserted::Done => work.commit().await?,
            Inserted::Duplicate => return Err(StoreError::Unavailable("the name was taken".into()).into()),
        }
        Ok(Pushed { request_uri: format!("{}{name}", Self::MARK), expires_in: Self::LIFE.whole_seconds() })
    }

    /// The request of this client, if it can be answered still. The first browser that comes with it opens it.
    pub(super) async fn find(
        &self,
        client: OauthClientId,
        request_uri: &str,
    ) -> Result<Option<(Parameters, Uuid)>, StoreError> {
        let Some(name) = request_uri.strip_prefix(Self::MARK) else { return Ok(None) };
        let now = self.ports.now();
        let found = self.ports.store.pushed_request(&self.pepper.digest(name.as_bytes())).await?;
        let good = |one: &PushedRequest| one.client == client && one.consumed_at.is_none() && one.expires_at > now;
        let Some(found) = found.filter(good) else { return Ok(None) };
        if !found.opened {
            let mut work = self.ports.store.begin().await?;
            // Lost to another tab of the same person, which is as good.
            let (Consumed::Won | Consumed::Lost) = work.pushed_request_open(found.id, now + Self::PATIENCE).await?;
            work.commit().await?;
        }
        Ok(Some((Parameters::of_query(&found.parameters), found.id)))
    }

    /// Spends a request where nothing is given for it; whether it was there to be spent.
    pub(super) async fn spend_alone(&self, id: Option<Uuid>) -> Result<bool, StoreError> {
        let Some(id) = id else { return Ok(true) };
        let mut work = self.ports.store.begin().await?;
        let spent = work.pushed_request_consume(id, self.ports.now()).await?;
        work.commit().await?;
        Ok(spent == Consumed::Won)
    }
}
