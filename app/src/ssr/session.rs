//! Signing a browser in and out: the values that its session keeps.

use super::{
    browser::browser_in_words,
    extension,
    kept::{Kept, look},
    portal, respond, services,
};
use http::{header, request::Parts};
use latchkey_core::{
    account::{SecondFactor, SignInMethod},
    leak::one_line,
    lockout::{DeviceCookie, Visitor},
    port::{account::Account, session::SessionDigest},
};
use latchkey_model::AccountId;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use std::{
    collections::HashSet,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, PoisonError},
};
use tower_sessions::{Session, cookie::SameSite};

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
pub struct PeerAddress(pub IpAddr);

/// From where the request came.
pub fn peer() -> IpAddr {
    extension::<PeerAddress>().map_or(Ipv4Addr::UNSPECIFIED.into(), |PeerAddress(address)| address)
}

/// Who is here: from where, and with which browser.
pub fn visitor() -> Visitor {
    let device = respond::cookie_value(device_cookie_name()).and_then(|text| DeviceCookie::read(&text));
    Visitor { address: peer(), device }
}

fn device_cookie_name() -> &'static str {
    if portal().secure_cookies { "__Host-latchkey_device" } else { "latchkey_device" }
}

/// Lets the browser be known as one that opened this account.
fn remember_device(visitor: &Visitor, account: &Account) {
    /// 400 days, the longest that a cookie lives (RFC 6265bis section 5.5).
    const LIFE_SECONDS: u32 = 34_560_000;
    let cookie = services().lockouts.device_cookie(visitor.device.as_ref(), &account.email).written();
    respond::set_cookie(device_cookie_name(), &cookie, LIFE_SECONDS, SameSite::Lax);
}

/// Tells a person of a browser that opened their account for the first time. A mail that cannot be written keeps nobody out.
async fn tell_of_new_browser(visitor: &Visitor, user_agent: &str, account: &Account) {
    let services = services();
    if services.lockouts.is_known(visitor, &account.email) {
        return;
    }
    let told = services.sessions.tell_of_new_browser(account, &browser_in_words(user_agent), visitor.address).await;
    if let Err(error) = told {
        tracing::warn!(error = &error as &dyn std::error::Error, "a person could not be told of a new browser");
    }
}

/// What the browser says that it is; the session keeps it, so nothing of ours that is secret is in it.
fn user_agent() -> String {
    let parts = use_context::<Parts>();
    let said = parts.as_ref().and_then(|parts| parts.headers.get(header::USER_AGENT));
    one_line(said.and_then(|value| value.to_str().ok()).unwrap_or_default(), 256)
}

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

/// Somebody who has shown the first factor and not yet the second.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HalfSignIn {
    /// Who it would be.
    pub account: AccountId,
    /// How often their password had been changed by then.
    pub password_version: i64,
    /// By what they are known so far.
    by: String,
    /// Since when, in Unix seconds.
    since: i64,
    /// Where they wanted to go.
    pub next: String,
}

impl Kept for HalfSignIn {
    const KEY: &'static str = "half_sign_in";
}

impl HalfSignIn {
    const LIFE_SECONDS: i64 = 600;

    /// What they have shown so far.
    pub fn by(&self) -> SignInMethod {
        self.by.parse().unwrap_or(SignInMethod::PROVIDER)
    }

    /// The one of this session, while it is not too old.
    pub async fn here() -> Option<Self> {
        let half = look::<Self>().await?;
        (services().ports.now().unix_timestamp() - half.since < Self::LIFE_SECONDS).then_some(half)
    }
}

/// How far somebody came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entered {
    /// They are signed in.
    In,
    /// Their second factor is asked for first.
    Half,
}

/// Signs the browser in, under a new session id (OWASP ASVS 5.0, 7.2.4); or notes that the account's second factor is still to be
/// shown. This is the only way in, so that no way in forgets it (security: R-67).
///
/// # Errors
/// When the session cannot be stored.
pub async fn sign_in(
    session: &Session,
    account: &Account,
    by: SignInMethod,
    next: &str,
) -> Result<Entered, tower_sessions::session::Error> {
    if !account.is_open_to(account.password_version, by) {
        let half = HalfSignIn {
            account: account.id,
            password_version: account.password_version,
            by: by.to_string(),
            since: services().ports.now().unix_timestamp(),
            next: next.to_owned(),
        };
        session.insert(HalfSignIn::KEY, half).await?;
        return session.save().await.map(|()| Entered::Half);
    }
    session.remove_value(HalfSignIn::KEY).await?;
    session.insert(ACCOUNT, account.id).await?;
    session.insert(PASSWORD_VERSION, account.password_version).await?;
    session.insert(METHOD, by.as_str()).await?;
    let (visitor, user_agent) = (visitor(), user_agent());
    session.insert(USER_AGENT, &user_agent).await?;
    session.insert(ADDRESS, visitor.address.to_string()).await?;
    if let Some(id) = session.id() {
        let digest = digest_of(id);
        session.insert(REPLACES, digest.to_vec()).await?;
        portal().rotations.begin(digest);
        session.cycle_id().await?;
    }
    session.save().await?;
    tell_of_new_browser(&visitor, &user_agent, account).await;
    remember_device(&visitor, account);
    Ok(Entered::In)
}

/// Notes that somebody who is signed in has shown a second factor just now: by setting it up.
///
/// # Errors
/// When the session cannot be stored.
pub async fn add_factor(
    session: &Session,
    by: SignInMethod,
    second: SecondFactor,
) -> Result<(), tower_sessions::session::Error> {
    session.insert(METHOD, by.and(second).as_str()).await
}

/// Signs the browser out: its session has ended before the answer leaves.
///
/// # Errors
/// When the session cannot be ended.
pub async fn sign_out(session: &Session) -> Result<(), tower_sessions::session::Error> {
    session.flush().await
}
