//! Applications: made in a team, each with its three environments.

use crate::{
    actor::{Actor, NotSignedIn},
    audit::{Act, Action},
    port::{
        Inserted, StoreError,
        account::Membership,
        application::{Application, MemberApplication},
    },
    ports::Ports,
};
use latchkey_model::{ApplicationId, Environment, EnvironmentId, FieldErrors, Name, TeamId};

/// Why an application could not be made or shown.
#[derive(Debug, thiserror::Error)]
pub enum ApplicationError {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// Fields are wrong; each sentence says why.
    #[error("some fields need another look")]
    Invalid(FieldErrors),
    /// The account may only look.
    #[error("this account may only look")]
    Forbidden,
    /// No such application, as far as this account may know.
    #[error("no such application")]
    NotFound,
    /// The store failed.
    #[error("the application could not be reached")]
    Store(#[from] StoreError),
}

/// Makes and shows applications.
#[derive(Clone)]
pub struct ApplicationService {
    ports: Ports,
}

impl ApplicationService {
    /// The service on these ports.
    pub fn new(ports: Ports) -> Self {
        Self { ports }
    }

    /// Makes an application, with its environments, in this team, or in the first one that the actor may write in.
    ///
    /// # Errors
    /// [`ApplicationError::Invalid`] when the name is none, or taken in the team.
    pub async fn create(
        &self,
        actor: &Actor,
        name: &str,
        team: Option<TeamId>,
    ) -> Result<Application, ApplicationError> {
        let account = actor.account()?;
        let name: Name =
            name.parse().map_err(|error: latchkey_model::name::ParseNameError| invalid("name", error.to_string()))?;
        let teams = self.ports.store.memberships(account.id).await?;
        let wanted = |one: &&Membership| team.is_none_or(|team| one.team_id == team) && one.role.may_write();
        let team = teams.iter().find(wanted).ok_or(ApplicationError::Forbidden)?;
        let application = Application {
            id: ApplicationId::from_uuid(self.ports.uuid()),
            team_id: team.team_id,
            name,
            created_at: self.ports.now(),
            suspended: None,
        };
        let environments = Environment::ALL.map(|kind| (EnvironmentId::from_uuid(self.ports.uuid()), kind));
        let mut work = self.ports.store.begin().await?;
        match work.application_add(&application, environments).await? {
            Inserted::Done => {
                let made = Act::new(team.team_id, Action::ApplicationCreated, application.id, &application.name);
                made.commit_by(actor, work, &self.ports).await?;
            }
            Inserted::Duplicate => {
                return Err(invalid("name", format!("You have an application called {} already", application.name)));
            }
        }
        Ok(application)
    }

    /// The applications that the actor can see, by name.
    ///
    /// # Errors
    /// [`ApplicationError`].
    pub async fn list(&self, actor: &Actor) -> Result<Vec<MemberApplication>, ApplicationError> {
        let account = actor.account()?;
        Ok(self.ports.store.applications(account.id, self.ports.now()).await?)
    }

    /// One application.
    ///
    /// # Errors
    /// [`ApplicationError::NotFound`] for another team's application too.
    pub async fn get(&self, actor: &Actor, id: ApplicationId) -> Result<MemberApplication, ApplicationError> {
        let account = actor.account()?;
        self.ports.store.application(account.id, id, self.ports.now()).await?.ok_or(ApplicationError::NotFound)
    }
}

fn invalid(field: &str, sentence: String) -> ApplicationError {
    ApplicationError::Invalid(FieldErrors::one(field, sentence))
}
