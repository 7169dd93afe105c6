//! Clients that are known by the address of a document about themselves (draft-ietf-oauth-client-id-metadata-document): an agent need not
//! register anywhere, and is told apart from others by whose address it is.

use super::ClientMetadata;
use crate::{
    audit::{Act, Action},
    limit::{Limiter, Quota},
    oauth_client::{
        ClientAuthMethod, ClientId, ClientKind, ClientSites, KnownClients, OauthClientError, OauthClientService,
        changes_of,
    },
    port::{
        Consumed, StoreError,
        api_key::Holder,
        oauth_client::{ClientSettings, NewOauthClient},
    },
    ports::Ports,
};
use latchkey_model::OauthClientId;
use quick_cache::sync::Cache;
use serde::Deserialize;
use std::{num::NonZeroU32, sync::Arc};
use time::{Duration, OffsetDateTime};
use url::Url;

/// What the audit log says of what an app's document does.
const BY_DOCUMENT: &str = "the document at its address says so";

/// Reads documents, and keeps what they say as clients. Cloning it clones a handle.
#[derive(Clone)]
pub struct MetadataDocuments {
    ports: Ports,
    clients: OauthClientService,
    known: KnownClients,
    sites: Arc<dyn ClientSites>,
    /// When each is read again.
    due: Arc<Cache<ClientId, OffsetDateTime>>,
    read: Arc<Limiter<()>>,
}

#[derive(Deserialize)]
struct Document {
    client_id: String,
    #[serde(flatten)]
    metadata: ClientMetadata,
}

impl MetadataDocuments {
    const CAPACITY: usize = 10_000;
    /// How long what a document said is believed.
    const LIFE: Duration = Duration::minutes(5);
    /// How long an address that did not answer is left alone.
    const PAUSE: Duration = Duration::seconds(30);
    /// Documents that strangers can make us read in a minute.
    const READ: NonZeroU32 = NonZeroU32::MIN.saturating_add(59);

    /// The service; documents are read by way of these sites.
    pub fn new(ports: Ports, clients: OauthClientService, known: KnownClients, sites: Arc<dyn ClientSites>) -> Self {
        let (due, read) = (Cache::new(Self::CAPACITY), Limiter::new(Quota::per_minute(Self::READ)));
        Self { ports, clients, known, sites, due: Arc::new(due), read: Arc::new(read) }
    }

    /// Reads the document of a client that is known by one, where that was not done a moment ago. What cannot be read changes nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn read(&self, id: &ClientId, now: OffsetDateTime) -> Result<(), StoreError> {
        let Some(address) = id.address() else { return Ok(()) };
        if self.due.get(id).is_some_and(|due| now < due) || self.read.check(&(), now).is_over() {
            return Ok(());
        }
        // Where nobody may register, nobody makes us ask anybody.
        if self.known.find(id, now).await?.is_none() && self.ports.store.open_registration().await?.is_none() {
            return Ok(());
        }
        // Whoever comes meanwhile is served by what is known.
        self.due.insert(id.clone(), now + Self::PAUSE);
        let Some(settings) = self.settings_of(id, &address).await? else { return Ok(()) };
        self.keep(id, settings, now).await?;
        self.due.insert(id.clone(), now + Self::LIFE);
        Ok(())
    }

    /// What the document at an address says, if it is one about this client.
    async fn settings_of(&self, id: &ClientId, address: &Url) -> Result<Option<ClientSettings>, StoreError> {
        let text = match self.sites.document(address).await {
            Ok(text) => text,
            Err(error) => {
                tracing::info!(client.id = %id, error = &error as &dyn std::error::Error, "the document of a client could not be read");
                return Ok(None);
            }
        };
        let Ok(document) = serde_json::from_slice::<Document>(&text) else { return Ok(None) };
        if document.client_id != id.as_str() {
            return Ok(None);
        }
        // What everybody can read holds no secret that both sides know.
        let mut metadata = document.metadata;
        let method =
            metadata.token_endpoint_auth_method.get_or_insert_with(|| ClientAuthMethod::None.as_str().to_owned());
        if method.parse().is_ok_and(ClientAuthMethod::has_secret) {
            return Ok(None);
        }
        let possible = self.clients.possible(ClientKind::ThirdParty).await?;
        match metadata.settings(&possible) {
            Ok(settings) => Ok(Some(settings)),
            Err(errors) => {
                let fields: Vec<_> = errors.iter().map(|(field, _)| field).collect();
                tracing::info!(client.id = %id, ?fields, "the document of a client says what cannot be registered");
                Ok(None)
            }
        }
    }

    /// Keeps a client as its document says: in the environment in which anybody may register, if there is one.
    async fn keep(&self, id: &ClientId, settings: ClientSettings, now: OffsetDateTime) -> Result<(), StoreError> {
        self.clients.publish_key(settings.signing_algorithm).await?;
        if let Some(entry) = self.known.find(id, now).await? {
            let client = entry.client();
            let Holder::Team(team) = client.owner.holder() else { return Ok(()) };
            if client.settings == settings || client.revoked_at.is_some() {
                return Ok(());
            }
            let mut work = self.ports.store.begin().await?;
            // Lost to whoever ended it.
            return match work.oauth_client_update(team, client.id, None, &settings).await? {
                Consumed::Won => {
                    let act = Act::new(team, Action::ClientChanged, client.id, &settings.name);
                    let act = changes_of(act, Some(&client.settings), &settings);
                    act.because(BY_DOCUMENT).by_nobody(&mut *work, &self.ports).await?;
                    self.clients.commit(work, id).await
                }
                Consumed::Lost => Ok(()),
            };
        }
        let Some(home) = self.ports.store.open_registration().await? else { return Ok(()) };
        let found = self.ports.store.team_of_environment(home.environment_id).await?;
        let Some((team, environment)) = found else { return Ok(()) };
        let client = NewOauthClient {
            id: OauthClientId::from_uuid(self.ports.uuid()),
            client_id: id.clone(),
            kind: ClientKind::ThirdParty,
            environment_id: home.environment_id,
            settings,
            created_by: home.decided_by,
            created_at: now,
            form_id: self.ports.uuid(),
        };
        let mut work = self.ports.store.begin().await?;
        match self.clients.add(&mut *work, &client).await {
            Ok(_) => {
                let act = Act::new(team, Action::ClientCreated, client.id, &client.settings.name);
                let act = changes_of(act.change("environment", "", environment), None, &client.settings);
                act.because(BY_DOCUMENT).by_nobody(&mut *work, &self.ports).await?;
                self.clients.commit(work, id).await
            }
            Err(OauthClientError::Store(error)) => Err(error),
            // Another request was first: its document is as good.
            Err(_) => Ok(()),
        }
    }
}
