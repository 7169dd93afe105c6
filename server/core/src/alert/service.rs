//! What people see of alerts, and what they change about them.

use super::{AlertKind, AlertsOf, Rule, RuleForm};
use crate::{
    actor::{Actor, NotAdmin, NotSignedIn},
    audit::{Act, Action, Tenant},
    port::{Consumed, StoreError, alert::Alert},
    ports::Ports,
    shown::Shown,
};
use latchkey_model::{AlertId, FieldErrors, TeamRole};

/// Why alerts were not shown, or a rule not changed.
#[derive(Debug, thiserror::Error)]
pub enum AlertError {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// No such team, as far as this account may know; or no such kind of alert.
    #[error("no such alerts")]
    NotFound,
    /// They may look, and change nothing.
    #[error("they may look alone")]
    Forbidden,
    /// Fields need another look.
    #[error("fields need another look")]
    Invalid(FieldErrors),
    /// The store failed.
    #[error("alerts could not be reached")]
    Store(#[from] StoreError),
}

/// What somebody may do with the alerts of a team, or of the portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertAccess {
    /// Look.
    Look,
    /// Also change rules and webhooks.
    Change,
}

/// What the actor may do; [`AlertError::NotFound`] where they may not even know of it.
pub(crate) async fn access(ports: &Ports, actor: &Actor, of: AlertsOf) -> Result<AlertAccess, AlertError> {
    match of {
        AlertsOf::Portal => match actor.admin() {
            Ok(_) => Ok(AlertAccess::Change),
            Err(NotAdmin::NotSignedIn(error)) => Err(error.into()),
            Err(NotAdmin::Developer) => Err(AlertError::NotFound),
        },
        AlertsOf::Team(team) => {
            let memberships = ports.store.memberships(actor.account()?.id).await?;
            let own = memberships.into_iter().find(|one| one.team_id == team).ok_or(AlertError::NotFound)?;
            Ok(match own.role {
                TeamRole::Owner | TeamRole::Developer => AlertAccess::Change,
                TeamRole::Viewer => AlertAccess::Look,
            })
        }
    }
}

/// A page of alerts.
#[derive(Debug, Clone)]
pub struct AlertsPage {
    /// The newest first.
    pub alerts: Vec<Alert>,
    /// The cursor to what is older, if anything is.
    pub older: Option<AlertId>,
    /// The rules.
    pub rules: Vec<Rule>,
    /// Whether the actor may change them.
    pub access: AlertAccess,
}

/// Shows alerts and changes their rules.
#[derive(Clone)]
pub struct AlertService {
    ports: Ports,
}

impl AlertService {
    const PAGE_SIZE: u64 = 30;

    /// The service.
    pub fn new(ports: Ports) -> Self {
        Self { ports }
    }

    /// What the actor may do with somebody's alerts.
    ///
    /// # Errors
    /// [`AlertError::NotFound`] where they may not even know of them.
    pub async fn access(&self, actor: &Actor, of: AlertsOf) -> Result<AlertAccess, AlertError> {
        access(&self.ports, actor, of).await
    }

    /// Alerts older than a cursor, and every rule.
    ///
    /// # Errors
    /// [`AlertError`].
    pub async fn page(&self, actor: &Actor, of: AlertsOf, before: Option<AlertId>) -> Result<AlertsPage, AlertError> {
        let access = access(&self.ports, actor, of).await?;
        let mut alerts = self.ports.store.alerts(of, before, Self::PAGE_SIZE + 1).await?;
        let more = alerts.len() as u64 > Self::PAGE_SIZE;
        alerts.truncate(usize::try_from(Self::PAGE_SIZE).unwrap_or(usize::MAX));
        let older = alerts.last().map(|alert| alert.id).filter(|_| more);
        Ok(AlertsPage { alerts, older, rules: self.rules(of).await?, access })
    }

    async fn rules(&self, of: AlertsOf) -> Result<Vec<Rule>, StoreError> {
        let changed = self.ports.store.alert_rules(of).await?;
        let holds = |kind| changed.iter().find(|rule| rule.kind == kind).copied().unwrap_or(Rule::usual(of, kind));
        Ok(AlertKind::of(of).map(holds).collect())
    }

    /// One rule, for whoever may change it.
    ///
    /// # Errors
    /// [`AlertError`].
    pub async fn rule(&self, actor: &Actor, of: AlertsOf, kind: AlertKind) -> Result<Rule, AlertError> {
        if access(&self.ports, actor, of).await? == AlertAccess::Look {
            return Err(AlertError::Forbidden);
        }
        self.rules(of).await?.into_iter().find(|rule| rule.kind == kind).ok_or(AlertError::NotFound)
    }

    /// Changes a rule; [`Consumed::Lost`] when it is not what the form [showed](Shown).
    ///
    /// # Errors
    /// [`AlertError`].
    pub async fn set_rule(
        &self,
        actor: &Actor,
        of: AlertsOf,
        kind: AlertKind,
        form: &RuleForm,
        shown: &str,
    ) -> Result<Consumed, AlertError> {
        let before = self.rule(actor, of, kind).await?;
        if !Shown::of(&before).is(shown) {
            return Ok(Consumed::Lost);
        }
        let after = form.rule(of, kind).map_err(AlertError::Invalid)?;
        if after == before {
            return Ok(Consumed::Won);
        }
        let mut work = self.ports.store.begin().await?;
        work.alert_rule_set(of, &after).await?;
        Act::new(Tenant::from(of), Action::AlertRuleChanged, kind, kind.label())
            .change("on", before.on, after.on)
            .change("people", before.people, after.people)
            .change("webhooks", before.webhooks, after.webhooks)
            .change("when", before.words(), after.words())
            .commit_by(actor, work, &self.ports)
            .await?;
        Ok(Consumed::Won)
    }
}
