//! Applications and their three environments.

use super::{Inserted, StoreError, suspension::Suspended};
use async_trait::async_trait;
use latchkey_model::{AccountId, ApplicationId, Environment, EnvironmentId, Name, TeamId, TeamRole};
use time::OffsetDateTime;

/// What a developer builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Its id.
    pub id: ApplicationId,
    /// The team that owns it.
    pub team_id: TeamId,
    /// What it is called; unique in its team.
    pub name: Name,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// Whether an admin has suspended it.
    pub suspended: Option<Box<Suspended>>,
}

/// An application as one of its team's members sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberApplication {
    /// The application.
    pub application: Application,
    /// What its team is called.
    pub team_name: Name,
    /// What the asking account may do with it.
    pub role: TeamRole,
    /// Its environments, in the order of [`Environment::ALL`].
    pub environments: [EnvironmentId; 3],
    /// How many API keys are live in each environment, in the same order.
    pub live_keys: [u64; 3],
}

impl MemberApplication {
    /// The row of one of its environments.
    pub const fn environment_id(&self, environment: Environment) -> EnvironmentId {
        match environment {
            Environment::Development => self.environments[0],
            Environment::Staging => self.environments[1],
            Environment::Production => self.environments[2],
        }
    }
}

/// Questions about applications.
#[async_trait]
pub trait ApplicationReader {
    /// The applications of the account's teams, by name.
    async fn applications(&self, account: AccountId, now: OffsetDateTime)
    -> Result<Vec<MemberApplication>, StoreError>;

    /// One application, if a team of the account owns it.
    async fn application(
        &self,
        account: AccountId,
        id: ApplicationId,
        now: OffsetDateTime,
    ) -> Result<Option<MemberApplication>, StoreError>;
}

/// Changes to applications.
#[async_trait]
pub trait ApplicationWriter {
    /// Adds an application with its environments; [`Inserted::Duplicate`] when the team has one of that name
    /// (compared without regard to case).
    async fn application_add(
        &mut self,
        application: &Application,
        environments: [(EnvironmentId, Environment); 3],
    ) -> Result<Inserted, StoreError>;
}
