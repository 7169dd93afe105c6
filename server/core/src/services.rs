//! Every service, bundled for the handlers.

use crate::{
    account::{AccountService, Passwords, SessionService},
    api_key::{ApiKeyService, Housekeeping, KeyChanges, NeededScope, Rotations},
    application::ApplicationService,
    authn::{Door, KnownKeys},
    demo::PostService,
    leak::LeakDesk,
    limit::Quota,
    mail::OutboxService,
    personal_token::PersonalTokenService,
    ports::Ports,
    secret::MasterKey,
    usage::{LogService, UsageService},
};

/// What an operator can set about the rules, and what the rules must know of the surface.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The rate limit of each API key that has none of its own.
    pub key_quota: Quota,
    /// The rate limit of all keys of one team, or of one person, together.
    pub owner_quota: Quota,
    /// Keys that nobody has, for each network, before it has to wait.
    pub unknown_quota: Quota,
    /// Tries to sign up or in, for each address.
    pub attempt_quota: Quota,
    /// Reports of leaked keys, for each network.
    pub report_quota: Quota,
    /// Passwords hashed at once.
    pub hashes_at_once: usize,
    /// Which scope each route of the API needs.
    pub needed_scope: NeededScope,
    /// Where links in mails lead, without a slash at its end.
    pub public_url: String,
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
    /// Personal access tokens.
    pub personal_tokens: PersonalTokenService,
    /// What the clock asks of keys.
    pub housekeeping: Housekeeping,
    /// The door.
    pub door: Door,
    /// What the door remembers.
    pub known_keys: KnownKeys,
    /// Reports of leaked keys.
    pub leaks: LeakDesk,
    /// Mails that were written.
    pub outbox: OutboxService,
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
    pub fn new(ports: Ports, master: &MasterKey, settings: &Settings) -> Self {
        let pepper = master.derive("api-key");
        let passwords = Passwords::new(settings.hashes_at_once);
        let known_keys = KnownKeys::new(ports.store.clone(), settings.key_quota, settings.owner_quota);
        let rotations = Rotations::new(ports.clone(), KeyChanges::new(known_keys.clone()));
        let api_keys = ApiKeyService::new(ports.clone(), pepper.clone(), known_keys.clone(), settings.needed_scope);
        let url = settings.public_url.clone();
        Self {
            accounts: AccountService::new(ports.clone(), passwords, settings.attempt_quota),
            sessions: SessionService::new(ports.clone()),
            applications: ApplicationService::new(ports.clone()),
            personal_tokens: PersonalTokenService::new(ports.clone(), api_keys.clone()),
            api_keys,
            housekeeping: Housekeeping::new(ports.clone(), known_keys.clone(), url.clone()),
            door: Door::new(known_keys.clone(), pepper.clone(), rotations, settings.unknown_quota),
            leaks: LeakDesk::new(ports.clone(), known_keys.clone(), pepper, url, settings.report_quota),
            known_keys,
            outbox: OutboxService::new(ports.clone()),
            posts: PostService::new(ports.clone()),
            usage: UsageService::new(ports.clone()),
            log: LogService::new(ports.clone()),
            ports,
        }
    }
}
