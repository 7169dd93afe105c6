//! What pages and forms share on the server: the services, who is asking, and how to answer.

pub mod again;
pub mod browser;
pub mod enter;
pub mod flash;
pub mod form;
pub mod kept;
pub mod link;
pub mod respond;
pub mod reveal;
pub mod session;
pub mod zone;

use http::request::Parts;
use latchkey_core::{Actor, Services, usage::Recorder};
use leptos::prelude::*;
use std::{net::SocketAddr, sync::Arc};

/// What the server gives to every page.
#[derive(Clone)]
pub struct Portal {
    /// The rules.
    pub services: Arc<Services>,
    /// Sessions that change their id right now.
    pub rotations: session::Rotations,
    /// To say how many requests could not be recorded.
    pub recorder: Recorder,
    /// The portal's own address, without a slash at its end.
    pub public_url: String,
    /// Whether cookies may travel over TLS only.
    pub secure_cookies: bool,
    /// Where programs with a client certificate find this server, if they do.
    pub mutual_tls_url: Option<String>,
    /// Where proxies ask about requests to guarded APIs, if they can.
    pub gateway: Option<SocketAddr>,
    /// Whether and how strangers may sign up.
    pub sign_up: SignUpMode,
    /// Whether pages reload when files change: for those who build Latchkey.
    pub watch: bool,
    /// Where scripts and styles are: a path that changes with their content.
    pub assets_root: String,
}

/// Whether and how strangers may sign up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignUpMode {
    /// They have an account at once, and whoever tries an address learns whether it has one.
    Open,
    /// They have an account once they have opened a link that is mailed to them; nobody else learns anything.
    Confirmed,
    /// They may not.
    Closed,
}

/// What the server gives to every page of this request.
pub fn portal() -> Portal {
    expect_context::<Portal>()
}

/// Every service.
pub fn services() -> Arc<Services> {
    portal().services
}

/// The host and port that the request was sent to, by the browser's word.
pub fn host() -> Option<String> {
    let parts = use_context::<Parts>()?;
    let named = parts.headers.get(http::header::HOST).and_then(|value| value.to_str().ok()).map(str::to_owned);
    named.or_else(|| parts.uri.authority().map(ToString::to_string))
}

/// Something that a layer left with the request.
pub fn extension<T: Clone + Send + Sync + 'static>() -> Option<T> {
    use_context::<Parts>().and_then(|parts| parts.extensions.get::<T>().cloned())
}

/// Who is asking: a layer found out before. Never whether they may.
pub fn actor() -> Actor {
    extension::<Actor>().unwrap_or(Actor::Anonymous)
}

/// The theme that the viewer chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// All themes.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];
    /// The cookie that keeps the choice.
    pub const COOKIE: &'static str = "latchkey_theme";

    /// The word in the cookie and the page.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme of a word; anything else is the system's.
    pub fn from_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|theme| theme.as_str() == word).unwrap_or_default()
    }
}
