//! Signing out: what an app may ask of us, and what we tell apps (OpenID Connect RP-Initiated Logout, Back-Channel Logout).

use super::Subjects;
use crate::{
    actor::Actor,
    authorization::{AuthorizationService, Parameters},
    oauth_client::{ClientId, ClientSites, KnownClients},
    port::{Consumed, StoreError, UnitOfWork, grant::session_name, logout::LogoutNotice, session::SessionDigest},
    ports::Ports,
    signing_key::{KeyRing, KeyRingError},
};
use latchkey_model::Name;
use serde::Serialize;
use std::sync::Arc;
use time::Duration;
use tokio::sync::Notify;
use url::Url;
use uuid::Uuid;

/// What a request to sign out leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignOutAsked {
    /// The app that asks, where it is known.
    pub client: Option<Name>,
    /// Where the person is led afterwards, where the app may say that.
    pub then: Option<String>,
    /// Whether anybody is signed in.
    pub signed_in: bool,
}

/// Why a notice could not be delivered this time.
#[derive(Debug, thiserror::Error)]
enum NoticeError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Key(#[from] KeyRingError),
}

/// What a logout token says (Back-Channel Logout section 2.4).
#[derive(Serialize)]
struct LogoutToken<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: Uuid,
    sid: &'a str,
    events: Events,
}

#[derive(Serialize)]
struct Events {
    #[serde(rename = "http://schemas.openid.net/event/backchannel-logout")]
    backchannel_logout: Empty,
}

#[derive(Serialize)]
struct Empty {}

/// Tells apps that people signed out. Cloning it clones a handle.
#[derive(Clone)]
pub struct SignOuts {
    ports: Ports,
    clients: KnownClients,
    consent: AuthorizationService,
    subjects: Subjects,
    ring: KeyRing,
    sites: Arc<dyn ClientSites>,
    issuer: Arc<str>,
    wake: Arc<Notify>,
}

/// What the service works with besides the ports.
pub struct SignOutParts {
    /// What is known of clients.
    pub clients: KnownClients,
    /// Reads ID tokens that come back.
    pub consent: AuthorizationService,
    /// What people are called.
    pub subjects: Subjects,
    /// The keys that logout tokens are signed with.
    pub ring: KeyRing,
    /// Where apps are told.
    pub sites: Arc<dyn ClientSites>,
    /// Who this server is.
    pub issuer: Arc<str>,
}

impl SignOuts {
    /// How often a notice is tried, and how long after the try before.
    const AGAIN_AFTER: [Duration; 5] =
        [Duration::seconds(10), Duration::minutes(1), Duration::minutes(10), Duration::hours(1), Duration::hours(6)];
    /// How often the store is asked for notices that are due, though nobody signed out.
    pub const PAUSE: std::time::Duration = std::time::Duration::from_secs(30);
    const AT_ONCE: u64 = 50;
    const TOKEN_LIFE: Duration = Duration::minutes(2);

    /// The service.
    pub fn new(ports: Ports, rest: SignOutParts) -> Self {
        let SignOutParts { clients, consent, subjects, ring, sites, issuer } = rest;
        Self { ports, clients, consent, subjects, ring, sites, issuer, wake: Arc::default() }
    }

    /// What an app's request to sign out leads to (RP-Initiated Logout section 2). Nothing is ended here: the person is asked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn asked(&self, actor: &Actor, parameters: &Parameters) -> Result<SignOutAsked, StoreError> {
        let signed_in = matches!(actor, Actor::Account { .. });
        let nobody = SignOutAsked { client: None, then: None, signed_in };
        let hint = match parameters.get("id_token_hint") {
            Some(text) => self.consent.hinted(text).await?,
            None => None,
        };
        let named = parameters.get("client_id").or(hint.as_ref().map(|hint| hint.aud.as_str()));
        let other = hint.as_ref().is_some_and(|hint| parameters.get("client_id").is_some_and(|id| id != hint.aud));
        let Some(id) = named.and_then(|id| id.parse::<ClientId>().ok()).filter(|_| !other) else { return Ok(nobody) };
        let found = self.clients.find(&id, self.ports.now()).await?;
        let Some(client) = found.filter(|client| client.client().works()) else { return Ok(nobody) };
        let settings = &client.client().settings;
        let then = parameters
            .get("post_logout_redirect_uri")
            // Section 3: to the letter, as it was registered.
            .filter(|uri| settings.post_logout_redirect_uris.contain(uri))
            .and_then(|uri| uri.parse::<Url>().ok())
            .map(|mut url| {
                if let Some(state) = parameters.get("state") {
                    url.query_pairs_mut().append_pair("state", state);
                }
                url.into()
            });
        Ok(SignOutAsked { client: Some(settings.name.clone()), then, signed_in })
    }

    /// Notes in the transaction that ends a session whom to tell of it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note(&self, work: &mut dyn UnitOfWork, session: &SessionDigest) -> Result<(), StoreError> {
        for (grant, client) in self.ports.store.apps_of_session(session).await? {
            let settings = &client.settings;
            let Some(uri) = settings.backchannel_logout_uri.clone() else { continue };
            let notice = LogoutNotice {
                id: self.ports.uuid(),
                client: client.id,
                uri,
                subject: self.subjects.towards(grant.account, settings),
                session_name: session_name(session),
                attempts: 0,
                due_at: self.ports.now(),
            };
            work.logout_notice_add(&notice).await?;
        }
        Ok(())
    }

    /// Says that notices may be due.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Waits until notices may be due.
    pub async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Tries every notice that is due.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn deliver(&self) -> Result<usize, StoreError> {
        let due = self.ports.store.logout_notices_due(self.ports.now(), Self::AT_ONCE).await?;
        let mut delivered = 0;
        for (notice, client) in due {
            match self.deliver_one(&notice, &client).await {
                Ok(true) => delivered += 1,
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "a notice of a sign-out could not be made"
                    );
                }
            }
        }
        Ok(delivered)
    }

    async fn deliver_one(&self, notice: &LogoutNotice, client: &ClientId) -> Result<bool, NoticeError> {
        let now = self.ports.now();
        let again = Self::AGAIN_AFTER.get(notice.attempts as usize).copied();
        let mut work = self.ports.store.begin().await?;
        let due_again_at = now + again.unwrap_or(Duration::days(1));
        if work.logout_notice_take(notice.id, notice.attempts, due_again_at).await? == Consumed::Lost {
            return Ok(false);
        }
        work.commit().await?;
        let Some(entry) = self.clients.find(client, now).await? else { return Ok(false) };
        let iat = now.unix_timestamp();
        let token = LogoutToken {
            iss: &self.issuer,
            sub: &notice.subject,
            aud: client.as_str(),
            iat,
            exp: iat + Self::TOKEN_LIFE.whole_seconds(),
            jti: self.ports.uuid_at(now),
            sid: &notice.session_name,
            events: Events { backchannel_logout: Empty {} },
        };
        let algorithm = entry.client().settings.signing_algorithm;
        let token = self.ring.sign(algorithm, "logout+jwt", &token).await?;
        let form = url::form_urlencoded::Serializer::new(String::new()).append_pair("logout_token", &token).finish();
        let told = self.sites.tell(&notice.uri, form).await;
        if let Err(error) = &told {
            tracing::warn!(
                client.id = %client,
                attempts = notice.attempts + 1,
                error = error as &dyn std::error::Error,
                "an app could not be told that somebody signed out"
            );
        }
        if told.is_ok() || again.is_none() {
            let mut work = self.ports.store.begin().await?;
            work.logout_notice_remove(notice.id).await?;
            work.commit().await?;
        }
        Ok(told.is_ok())
    }
}
