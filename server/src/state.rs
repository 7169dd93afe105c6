//! What every handler shares.

use crate::{
    assets::Assets, config::Config, health::Health, leaks::GithubKeys, portal::live_log::Lines, tls::Authorities,
};
use app::ssr::{Portal, session::Rotations};
use axum::extract::FromRef;
use latchkey_core::{Services, secret::DigestKey, usage::Recorder};
use latchkey_storage::SeaStore;
use leptos::config::LeptosOptions;
use std::{ops::Deref, sync::Arc};
use tokio::sync::watch;

/// Handles to everything; cloning it counts one reference, since each request does so.
#[derive(Clone)]
pub struct AppState(Arc<Parts>);

/// What there is one of in a server.
pub struct Parts {
    /// The rules.
    pub services: Arc<Services>,
    /// The end that requests are given to for the record.
    pub recorder: Recorder,
    /// What the operator set.
    pub config: Config,
    /// Whose clients' certificates are trusted.
    pub authorities: Authorities,
    /// Scripts, styles, fonts.
    pub assets: Assets,
    /// Reports of leaked keys from GitHub.
    pub github: GithubKeys,
    /// Sessions that change their id right now.
    pub rotations: Rotations,
    /// What the door's challenges say of where tokens come from.
    pub resource_parameter: String,
    /// The database itself, for those who look after it.
    pub database: SeaStore,
    /// What was seen of how this server does.
    pub health: Health,
    /// When this server began.
    pub started: std::time::Instant,
    /// Room for those who watch a log.
    pub live_lines: Arc<Lines>,
    /// Whether the server has been told to stop: what would not end by itself does then.
    pub stopping: watch::Sender<bool>,
    /// The key of the forms' tokens.
    pub form_key: DigestKey,
    /// What Leptos wants to know.
    pub leptos_options: LeptosOptions,
}

impl Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl From<Parts> for AppState {
    fn from(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl AppState {
    /// Whether requests are traced: nothing of that is on their path where they are not.
    pub(crate) fn is_traced(&self) -> bool {
        self.config.otlp.is_some()
    }

    /// What pages are given.
    pub fn portal(&self) -> Portal {
        Portal {
            services: Arc::clone(&self.services),
            rotations: self.rotations.clone(),
            recorder: self.recorder.clone(),
            public_url: self.config.base_url().to_owned(),
            secure_cookies: self.config.secure_cookies(),
            mutual_tls_url: self.config.mutual_tls_url().map(str::to_owned),
            gateway: self.config.gateway_listen,
            sign_up: self.config.sign_up,
            watch: self.config.watch,
            assets_root: self.assets.root().to_owned(),
        }
    }
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.leptos_options.clone()
    }
}
