//! Alerts, the rules that raise them, and what they are drawn from.

use super::{Consumed, Inserted, StoreError};
use crate::alert::{AlertKind, AlertsOf, Rule};
use async_trait::async_trait;
use latchkey_model::{AlertId, ApplicationId, Environment, EnvironmentId, Name, TeamId};
use std::net::IpAddr;
use time::OffsetDateTime;
use uuid::Uuid;

/// How an alert goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// It tells of something that happened once.
    Once,
    /// It lasts.
    Going,
    /// It lasted until this time.
    Over(OffsetDateTime),
}

/// Something that somebody wants to hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Its id.
    pub id: AlertId,
    /// Whose it is.
    pub of: AlertsOf,
    /// The kind.
    pub kind: AlertKind,
    /// What it is about; none for the portal.
    pub subject: Option<Uuid>,
    /// It, in a sentence.
    pub title: String,
    /// It, at length.
    pub text: String,
    /// What it tells of: each is told once.
    pub occasion: String,
    /// What it is about and what was measured, as a JSON object.
    pub facts: String,
    /// The page of what it is about.
    pub url: String,
    /// When it was raised.
    pub raised_at: OffsetDateTime,
    /// How it goes on.
    pub course: Course,
}

/// An environment of an application, as alerts name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedEnvironment {
    /// Its id.
    pub id: EnvironmentId,
    /// Which of the three it is.
    pub environment: Environment,
    /// The application.
    pub application: ApplicationId,
    /// What the application is called.
    pub application_name: Name,
    /// The team.
    pub team: TeamId,
}

/// A credential, as alerts name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedCredential {
    /// What it is.
    pub what: CredentialSort,
    /// What it is called.
    pub name: String,
    /// How its owner recognises it.
    pub hint: String,
}

/// What a credential is, as far as its page depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialSort {
    /// An API key.
    Key,
    /// An app that acts for people.
    Client,
    /// A service account.
    ServiceAccount,
    /// A personal access token.
    PersonalToken,
}

/// Whose requests were counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watched {
    /// Everybody's and nobody's.
    Portal,
    /// All of an environment.
    Environment(WatchedEnvironment),
    /// Those with a credential.
    Credential(WatchedEnvironment, Uuid),
}

/// What was counted within a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedCounts {
    /// Whose requests.
    pub whose: Watched,
    /// All of them.
    pub requests: u64,
    /// Those that the door refused.
    pub refused: u64,
    /// Those that were answered with 500 or above.
    pub server_errors: u64,
}

/// A network that a credential was used from for the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenNetwork {
    /// The credential.
    pub credential: Uuid,
    /// The network.
    pub network: String,
    /// Its first address.
    pub address: IpAddr,
    /// When.
    pub first_at: OffsetDateTime,
    /// Since when the credential is used, as far as that is known.
    pub used_since: OffsetDateTime,
    /// From how many other networks it is used.
    pub others: u64,
}

/// Whose a credential is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialOwner {
    /// An environment's.
    Environment(WatchedEnvironment),
    /// A person's, who has this address.
    Person(String),
}

/// Questions about alerts.
#[async_trait]
pub trait AlertReader {
    /// The rules that somebody changed.
    async fn alert_rules(&self, of: AlertsOf) -> Result<Vec<Rule>, StoreError>;

    /// The rules that anybody changed.
    async fn alert_rules_of_all(&self) -> Result<Vec<(AlertsOf, Rule)>, StoreError>;

    /// Somebody's alerts, older than a cursor, the newest first.
    async fn alerts(&self, of: AlertsOf, before: Option<AlertId>, limit: u64) -> Result<Vec<Alert>, StoreError>;

    /// Those that last.
    async fn alerts_going(&self) -> Result<Vec<Alert>, StoreError>;

    /// One that was about the same, and was over after a time.
    async fn alert_over_since(
        &self,
        of: AlertsOf,
        kind: AlertKind,
        subject: Option<Uuid>,
        since: OffsetDateTime,
    ) -> Result<Option<Alert>, StoreError>;

    /// What was counted from a minute on, in Unix seconds: of the portal, of environments and of credentials that had anything refused
    /// or gone wrong.
    async fn watched_counts(&self, since: i64) -> Result<Vec<WatchedCounts>, StoreError>;

    /// Networks that nobody was told of yet, the oldest first.
    async fn networks_untold(&self, limit: u64) -> Result<Vec<SeenNetwork>, StoreError>;

    /// What a credential is called, and whose it is; none where it is gone.
    async fn named_credential(&self, id: Uuid) -> Result<Option<(NamedCredential, CredentialOwner)>, StoreError>;
}

/// Changes to alerts.
#[async_trait]
pub trait AlertWriter {
    /// Changes a rule.
    async fn alert_rule_set(&mut self, of: AlertsOf, rule: &Rule) -> Result<(), StoreError>;

    /// Adds an alert; [`Inserted::Duplicate`] when the occasion was told of before, or one about the same lasts.
    async fn alert_add(&mut self, alert: &Alert) -> Result<Inserted, StoreError>;

    /// Ends one that lasts.
    async fn alert_end(&mut self, id: AlertId, at: OffsetDateTime) -> Result<Consumed, StoreError>;

    /// Lets one go on that was over.
    async fn alert_resume(&mut self, id: AlertId) -> Result<Consumed, StoreError>;

    /// Notes that somebody was told of a network, or need not be.
    async fn network_told(&mut self, credential: Uuid, network: &str) -> Result<Consumed, StoreError>;
}
