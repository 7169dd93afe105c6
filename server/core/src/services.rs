//! Every service, bundled for the handlers.

use crate::{
    account::{AccountService, Passwords, SessionService, password::HashError},
    api_key::ApiKeyService,
    application::ApplicationService,
    authn::Door,
    demo::PostService,
    limit::Quota,
    ports::Ports,
    secret::MasterKey,
    usage::{LogService, UsageService},
};

/// What an operator can set about the rules.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The rate limit of each API key.
    pub key_quota: Quota,
    /// Tries to sign up or in, for each address.
    pub attempt_quota: Quota,
    /// Passwords hashed at once.
    pub hashes_at_once: usize,
}

/// Every service. Cloning it clones handles.
#[derive(Clone)]
pub struct Services {
    /// Signing up and in.
    pub accounts: AccountService,
    /// The sessions of an account.
    pub sessions: SessionService,
    /// Applications.
    pub applications: ApplicationService,
    /// API keys.
    pub api_keys: ApiKeyService,
    /// The door.
    pub door: Door,
    /// The demo API's posts.
    pub posts: PostService,
    /// Counts.
    pub usage: UsageService,
    /// Single requests.
    pub log: LogService,
    /// The ports themselves, for the time and new ids.
    pub ports: Ports,
}

impl Services {
    /// Builds every service on the ports.
    ///
    /// # Errors
    /// [`HashError`] when no password can be hashed on this machine.
    pub fn new(ports: Ports, master: &MasterKey, settings: &Settings) -> Result<Self, HashError> {
        let pepper = master.derive("api-key");
        let passwords = Passwords::new(settings.hashes_at_once, &ports.secret_bytes())?;
        Ok(Self {
            accounts: AccountService::new(ports.clone(), passwords, settings.attempt_quota),
            sessions: SessionService::new(ports.clone()),
            applications: ApplicationService::new(ports.clone()),
            api_keys: ApiKeyService::new(ports.clone(), pepper.clone()),
            door: Door::new(ports.clone(), pepper, settings.key_quota),
            posts: PostService::new(ports.clone()),
            usage: UsageService::new(ports.clone()),
            log: LogService::new(ports.clone()),
            ports,
        })
    }
}
