//! Signing a browser in and out: the values that its session keeps.

use super::portal;
use http::{header, request::Parts};
use latchkey_core::{
    account::SignInMethod,
    port::{account::Account, session::SessionDigest},
};
use leptos::prelude::*;
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};
use tower_sessions::Session;

/// Who is signed in.
pub const ACCOUNT: &str = "account";
/// The browser, by its own word.
pub const USER_AGENT: &str = "user_agent";
/// From where it came.
pub const ADDRESS: &str = "address";
/// How often that person's password had been changed by then.
pub const PASSWORD_VERSION: &str = "password_version";
/// How its person signed in.
pub const METHOD: &str = "method";
/// When it was last noted that somebody came back, in Unix seconds.
pub const SEEN: &str = "seen";
/// The digest of the session that this one takes the place of.
pub const REPLACES: &str = "replaces";

/// The address that the request came from, as a layer found it.
#[derive(Debug, Clone, Copy)]
pub struct PeerAddress(pub std::net::IpAddr);

/// Sessions whose id is being changed: the store must end the old row in the transaction that adds the new one, not before.
#[derive(Debug, Clone, Default)]
pub struct Rotations(Arc<Mutex<HashSet<SessionDigest>>>);

impl Rotations {
    /// Notes that a session's id is about to change.
    pub fn begin(&self, digest: SessionDigest) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(digest);
    }

    /// Whether it was, and is no longer.
    pub fn take(&self, digest: &SessionDigest) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(digest)
    }
}

/// The digest under which a session is stored.
pub fn digest_of(id: tower_sessions::session::Id) -> SessionDigest {
    latchkey_core::secret::sha256(&id.0.to_le_bytes())
}

/// Signs the browser in, under a new session id (OWASP ASVS 5.0, 7.2.4).
///
/// # Errors
/// When the session cannot be stored.
pub async fn sign_in(
    session: &Session,
    account: &Account,
    by: SignInMethod,
) -> Result<(), tower_sessions::session::Error> {
    session.insert(ACCOUNT, account.id).await?;
    session.insert(PASSWORD_VERSION, account.password_version).await?;
    session.insert(METHOD, by.as_str()).await?;
    if let Some(parts) = use_context::<Parts>() {
        let user_agent =
            parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let user_agent: String = user_agent.chars().take(256).collect();
        session.insert(USER_AGENT, user_agent).await?;
        if let Some(PeerAddress(address)) = parts.extensions.get::<PeerAddress>() {
            session.insert(ADDRESS, address.to_string()).await?;
        }
    }
    if let Some(id) = session.id() {
        let digest = digest_of(id);
        session.insert(REPLACES, digest.to_vec()).await?;
        portal().rotations.begin(digest);
        session.cycle_id().await?;
    }
    session.save().await
}

/// Signs the browser out: its session has ended before the answer leaves.
///
/// # Errors
/// When the session cannot be ended.
pub async fn sign_out(session: &Session) -> Result<(), tower_sessions::session::Error> {
    session.flush().await
}
