//! Deleting an account, and what that ends.

use super::access::{AccessEnds, naming};
use crate::{
    actor::{Actor, NotProven, NotSignedIn},
    audit::{Act, Action},
    demo,
    mail::Letter,
    notice,
    port::{Consumed, StoreError, account::Account, api_key::KeyState},
    ports::Ports,
};
use latchkey_model::{AccountRole, FieldErrors, Name, TeamId, TeamRole};

/// Why an account was not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeletionError {
    /// Nobody is signed in, or it is too long ago.
    #[error(transparent)]
    NotProven(#[from] NotProven),
    /// Fields are wrong; each sentence says why.
    #[error("some fields need another look")]
    Invalid(FieldErrors),
    /// Others are in teams that would have no owner.
    #[error("a team would have no owner")]
    LastOwner,
    /// Nobody else could look after the portal.
    #[error("the portal would have no admin")]
    LastAdmin,
    /// The store failed.
    #[error("the account could not be deleted")]
    Store(#[from] StoreError),
}

/// What becomes of a team when one of its people deletes their account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TeamFate {
    /// Nobody else is in it: its applications end with it, with every key, client and service account.
    Ends,
    /// It goes on without them.
    GoesOn,
    /// Others are in it, and none of them is an owner: one must be made first.
    NeedsOwner,
}

/// A team of somebody who thinks of deleting their account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamToLeave {
    /// The team.
    pub id: TeamId,
    /// What it is called.
    pub name: Name,
    /// What becomes of it.
    pub fate: TeamFate,
    /// Its applications, by name.
    pub applications: Vec<Name>,
    /// How many keys of these work.
    pub live_keys: u64,
}

/// What ends with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletionPlan {
    /// Its teams.
    pub teams: Vec<TeamToLeave>,
    /// Personal access tokens that work.
    pub tokens: usize,
    /// Apps that may act for it.
    pub apps: usize,
    /// Browsers that are signed in.
    pub sessions: usize,
    /// Whether nobody else is an admin.
    pub is_last_admin: bool,
}

impl DeletionPlan {
    /// Whether the account can be deleted now.
    pub fn is_possible(&self) -> bool {
        !self.is_last_admin && self.teams.iter().all(|team| team.fate != TeamFate::NeedsOwner)
    }
}

/// Deletes accounts.
#[derive(Clone)]
pub struct DeletionService {
    ports: Ports,
    access: AccessEnds,
}

impl DeletionService {
    /// The service.
    pub fn new(ports: Ports, access: AccessEnds) -> Self {
        Self { ports, access }
    }

    /// What ends with the actor's account.
    ///
    /// # Errors
    /// [`DeletionError`].
    pub async fn plan(&self, actor: &Actor) -> Result<DeletionPlan, DeletionError> {
        let account = actor.account().map_err(NotProven::from)?;
        let (now, store) = (self.ports.now(), &self.ports.store);
        let applications = store.applications(account.id, now).await?;
        let mut teams = Vec::new();
        for own in store.memberships(account.id).await? {
            let others = store.members(account.id, own.team_id).await?;
            let others: Vec<_> = others.iter().filter(|member| member.account != account.id).collect();
            let of_team = applications.iter().filter(|one| one.application.team_id == own.team_id);
            teams.push(TeamToLeave {
                id: own.team_id,
                name: own.team_name,
                fate: match (own.role, others.as_slice()) {
                    (_, []) => TeamFate::Ends,
                    (TeamRole::Owner, others) if others.iter().all(|other| other.role != TeamRole::Owner) => {
                        TeamFate::NeedsOwner
                    }
                    _ => TeamFate::GoesOn,
                },
                applications: of_team.clone().map(|one| one.application.name.clone()).collect(),
                live_keys: of_team.flat_map(|one| one.live_keys).sum(),
            });
        }
        let tokens = store.personal_tokens(account.id, now, None).await?;
        Ok(DeletionPlan {
            teams,
            tokens: tokens.iter().filter(|token| token.state(now) == KeyState::Live).count(),
            apps: store.grants(account.id).await?.iter().filter(|one| one.grant.revoked_at.is_none()).count(),
            sessions: store.sessions(account.id, now).await?.len(),
            is_last_admin: self.is_last_admin(account).await?,
        })
    }

    async fn is_last_admin(&self, account: &Account) -> Result<bool, StoreError> {
        Ok(account.role == AccountRole::Admin && self.ports.store.admin_emails().await?.len() < 2)
    }

    /// Deletes the actor's account: its sign-ins, tokens and authorized apps end, teams that nobody else is in end with their
    /// applications, and what says whose it was is gone. What it made in other teams stays theirs.
    ///
    /// # Errors
    /// [`DeletionError`].
    pub async fn delete(&self, actor: &Actor, typed_email: &str) -> Result<(), DeletionError> {
        let now = self.ports.now();
        let account = actor.proven(now)?;
        if typed_email.trim() != account.email.as_str() {
            let sentence = "Type the address of your account as it is written above.";
            return Err(DeletionError::Invalid(FieldErrors::one("email", sentence)));
        }
        let mut plan = self.plan(actor).await?;
        if !plan.is_possible() {
            return Err(if plan.is_last_admin { DeletionError::LastAdmin } else { DeletionError::LastOwner });
        }
        // What may be much goes first, some at a time.
        notice::remove_all(&self.ports, account.id).await?;
        demo::delete_all(&self.ports, account.id.into()).await?;
        let mut work = self.ports.store.begin().await?;
        if account.role == AccountRole::Admin && work.admins_hold().await? < 2 {
            return Err(DeletionError::LastAdmin);
        }
        let mut changes = Vec::new();
        // In one order, so that no two who leave at once wait for one another.
        plan.teams.sort_unstable_by_key(|team| team.id);
        for TeamToLeave { id: team, .. } in plan.teams {
            work.team_hold(team).await?;
            let Some(role) = work.membership_role(team, account.id).await? else { continue };
            let mut ended = Vec::new();
            if work.members_count(team).await? < 2 {
                ended = work.team_access_end(team, account.id, now).await?;
            } else if role == TeamRole::Owner && work.owners(team).await? < 2 {
                return Err(DeletionError::LastOwner);
            }
            let (Consumed::Won | Consumed::Lost) = work.membership_remove(team, account.id).await?;
            let gone = Act::new(team, Action::MemberRemoved, account.id, "").change("role", role.as_str(), "");
            naming(gone, &ended).because("the account was deleted").by(actor, &mut *work, &self.ports).await?;
            changes.extend(ended);
        }
        let own = self.access.end(&mut *work, account.id).await?;
        if work.account_delete(account.id, now).await? == Consumed::Lost {
            return Err(NotProven::from(NotSignedIn).into());
        }
        let deleted = naming(Act::new(account.id, Action::AccountDeleted, account.id, ""), &own);
        deleted.by(actor, &mut *work, &self.ports).await?;
        changes.extend(own);
        Letter::account_deleted(account, now).send(&mut *work, &self.ports, &[account.email.to_string()]).await?;
        Ok(self.access.commit(work, changes).await?)
    }
}
