//! An event as services note it, and whose log it goes to.

use super::Action;
use crate::{
    actor::Actor,
    port::{StoreError, UnitOfWork, api_key::Holder, audit::NewAuditEvent},
    ports::Ports,
};
use latchkey_model::{AccountId, AuditEventId, TeamId};
use serde::Serialize;
use std::{fmt, net::IpAddr, str::FromStr};

/// Whose log it is: each has a chain of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tenant {
    /// What a team owns.
    Team(TeamId),
    /// What is a person's own.
    Account(AccountId),
    /// What holds for everybody.
    Portal,
}

/// The text names no tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a tenant")]
pub struct ParseTenantError;

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Team(team) => write!(f, "team:{team}"),
            Self::Account(account) => write!(f, "account:{account}"),
            Self::Portal => f.write_str("portal"),
        }
    }
}

impl FromStr for Tenant {
    type Err = ParseTenantError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None if text == "portal" => Ok(Self::Portal),
            Some(("team", id)) => id.parse().map(Self::Team).map_err(|_| ParseTenantError),
            Some(("account", id)) => id.parse().map(Self::Account).map_err(|_| ParseTenantError),
            _ => Err(ParseTenantError),
        }
    }
}

impl From<TeamId> for Tenant {
    fn from(team: TeamId) -> Self {
        Self::Team(team)
    }
}

impl From<AccountId> for Tenant {
    fn from(account: AccountId) -> Self {
        Self::Account(account)
    }
}

impl From<Holder> for Tenant {
    fn from(holder: Holder) -> Self {
        match holder {
            Holder::Team(team) => Self::Team(team),
            Holder::Account(account) => Self::Account(account),
        }
    }
}

/// A field that was changed.
#[derive(Debug, Serialize)]
struct Change {
    field: &'static str,
    before: String,
    after: String,
}

/// Something that is done, to be noted in the transaction that does it. It takes names and settings alone: secrets have no `Display`.
#[derive(Debug)]
#[must_use = "an act is noted in its transaction"]
pub struct Act {
    tenant: Tenant,
    action: Action,
    target: String,
    target_name: String,
    changes: Vec<Change>,
    reason: String,
}

impl Act {
    /// Something done to the thing with this id, which is called so; an account's name is not kept, but looked up by who reads.
    pub fn new(tenant: impl Into<Tenant>, action: Action, target: impl fmt::Display, name: impl fmt::Display) -> Self {
        Self {
            tenant: tenant.into(),
            action,
            target: target.to_string(),
            target_name: name.to_string(),
            changes: Vec::new(),
            reason: String::new(),
        }
    }

    /// What a field was, and is; nothing where both are the same.
    pub fn change(mut self, field: &'static str, before: impl fmt::Display, after: impl fmt::Display) -> Self {
        let (before, after) = (before.to_string(), after.to_string());
        if before != after {
            self.changes.push(Change { field, before, after });
        }
        self
    }

    /// Why it was done.
    pub fn because(mut self, reason: impl fmt::Display) -> Self {
        self.reason = reason.to_string();
        self
    }

    /// Notes that the actor does it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn by(self, actor: &Actor, work: &mut dyn UnitOfWork, ports: &Ports) -> Result<(), StoreError> {
        match actor {
            Actor::Account { account, from, .. } => self.by_account(account.id, Some(*from), work, ports).await,
            Actor::Anonymous => self.note(None, None, work, ports).await,
        }
    }

    /// Notes that the actor does it, and makes it true.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn commit_by(
        self,
        actor: &Actor,
        mut work: Box<dyn UnitOfWork>,
        ports: &Ports,
    ) -> Result<(), StoreError> {
        self.by(actor, &mut *work, ports).await?;
        work.commit().await
    }

    /// Notes that a person does it who is not signed in for it, such as by a link.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn by_account(
        self,
        account: AccountId,
        from: Option<IpAddr>,
        work: &mut dyn UnitOfWork,
        ports: &Ports,
    ) -> Result<(), StoreError> {
        self.note(Some(account), from, work, ports).await
    }

    /// Notes that a program does it that is nobody here, from this address.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn by_program(self, from: IpAddr, work: &mut dyn UnitOfWork, ports: &Ports) -> Result<(), StoreError> {
        self.note(None, Some(from), work, ports).await
    }

    /// Notes that the server does it by itself, or an operator at its terminal.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn by_nobody(self, work: &mut dyn UnitOfWork, ports: &Ports) -> Result<(), StoreError> {
        self.note(None, None, work, ports).await
    }

    async fn note(
        self,
        account: Option<AccountId>,
        from: Option<IpAddr>,
        work: &mut dyn UnitOfWork,
        ports: &Ports,
    ) -> Result<(), StoreError> {
        let changes = serde_json::to_string(&self.changes).map_err(|error| StoreError::Internal(Box::new(error)))?;
        let event = NewAuditEvent {
            id: AuditEventId::from_uuid(ports.uuid()),
            tenant: self.tenant,
            at: ports.now(),
            account,
            from,
            action: self.action,
            target: self.target,
            target_name: self.target_name,
            changes,
            reason: self.reason,
        };
        work.audit_append(&event).await
    }
}
