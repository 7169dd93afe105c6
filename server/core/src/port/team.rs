//! Teams: who is in them, and who is invited.

use super::{Consumed, Inserted, StoreError};
use async_trait::async_trait;
use latchkey_model::{AccountId, EmailAddress, InvitationId, Name, TeamId, TeamRole};
use time::OffsetDateTime;

/// Somebody in a team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub account: AccountId,
    /// What they are called.
    pub name: Name,
    /// Their address.
    pub email: EmailAddress,
    /// What they may do.
    pub role: TeamRole,
    /// Since when.
    pub since: OffsetDateTime,
}

/// An invitation to a team, by mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// To which team.
    pub team: TeamId,
    /// What the team is called.
    pub team_name: Name,
    /// Who is invited: whoever has this address.
    pub email: EmailAddress,
    /// What they will be.
    pub role: TeamRole,
    /// Who invited them, by name.
    pub invited_by: Name,
    /// When.
    pub created_at: OffsetDateTime,
    /// Until when it may be taken.
    pub expires_at: OffsetDateTime,
}

/// Questions about teams.
#[async_trait]
pub trait TeamReader {
    /// Who is in a team that the account is in, the oldest first.
    async fn members(&self, account: AccountId, team: TeamId) -> Result<Vec<Member>, StoreError>;

    /// The invitations to a team that the account is in which may still be taken, the newest first.
    async fn invitations(
        &self,
        account: AccountId,
        team: TeamId,
        now: OffsetDateTime,
    ) -> Result<Vec<Invitation>, StoreError>;

    /// The invitation whose link has this digest, while it may be taken.
    async fn invitation(&self, digest: &[u8; 32], now: OffsetDateTime) -> Result<Option<Invitation>, StoreError>;
}

/// Changes to teams.
#[async_trait]
pub trait TeamWriter {
    /// Holds a team until the transaction is over: whoever else changes its members waits.
    async fn team_hold(&mut self, team: TeamId) -> Result<(), StoreError>;

    /// The role of an account in a team that is held.
    async fn membership_role(&mut self, team: TeamId, account: AccountId) -> Result<Option<TeamRole>, StoreError>;

    /// How many owners a team has that is held.
    async fn owners(&mut self, team: TeamId) -> Result<u64, StoreError>;

    /// How many people are in a team that is held.
    async fn members_count(&mut self, team: TeamId) -> Result<u64, StoreError>;

    /// Gives a team another name.
    async fn team_rename(&mut self, team: TeamId, name: &Name) -> Result<(), StoreError>;

    /// Adds an account to a team; [`Inserted::Duplicate`] when it is in it.
    async fn membership_add(
        &mut self,
        team: TeamId,
        account: AccountId,
        role: TeamRole,
        at: OffsetDateTime,
    ) -> Result<Inserted, StoreError>;

    /// Gives a member another role.
    async fn membership_set_role(
        &mut self,
        team: TeamId,
        account: AccountId,
        role: TeamRole,
    ) -> Result<Consumed, StoreError>;

    /// Takes an account out of a team.
    async fn membership_remove(&mut self, team: TeamId, account: AccountId) -> Result<Consumed, StoreError>;

    /// Adds an invitation, known by the digest of its link; those before to the same address end.
    async fn invitation_add(&mut self, invitation: &Invitation, digest: &[u8; 32]) -> Result<(), StoreError>;

    /// Ends an invitation, by taking it or by calling it off: of all who do, one wins.
    async fn invitation_end(
        &mut self,
        team: TeamId,
        id: InvitationId,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError>;
}
