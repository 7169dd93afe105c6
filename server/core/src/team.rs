//! Teams: what they are called, who is in them, and inviting others. What a team owns stays when somebody leaves.

use crate::{
    account::LinkToken,
    actor::{Actor, NotSignedIn},
    audit::{Act, Action},
    limit::{Limiter, Quota},
    mail::{Letter, LetterError, Postman, SecretLetter},
    port::{
        Consumed, Inserted, StoreError, UnitOfWork,
        account::{Account, Membership},
        team::{Invitation, Member},
    },
    ports::Ports,
    sealing::{SealError, Sealer},
};
use latchkey_model::{AccountId, EmailAddress, FieldErrors, InvitationId, Name, TeamId, TeamRole};
use std::{num::NonZeroU32, sync::Arc};
use time::Duration;
use zeroize::Zeroizing;

/// Why a team was not shown or changed.
#[derive(Debug, thiserror::Error)]
pub enum TeamError {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// Fields are wrong; each sentence says why.
    #[error("some fields need another look")]
    Invalid(FieldErrors),
    /// No such team, as far as this account may know.
    #[error("no such team")]
    NotFound,
    /// Only an owner may do this.
    #[error("only an owner may do this")]
    Forbidden,
    /// A team has an owner at all times.
    #[error("the team would have no owner")]
    LastOwner,
    /// The invitation was taken, called off, or has expired.
    #[error("the invitation is not good any more")]
    InvitationNotValid,
    /// It is for another address than the one of the account that is signed in.
    #[error("the invitation is for another address")]
    ForSomebodyElse,
    /// They are in it already.
    #[error("they are in the team already")]
    InTeamAlready,
    /// They were invited a moment ago, or so many were that no more mails go out for now.
    #[error("too many invitations in a short time")]
    InvitedLately,
    /// There are as many open invitations as a team may have.
    #[error("there are too many open invitations")]
    TooManyInvitations,
    /// The letter's link could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The store failed.
    #[error("the team could not be reached")]
    Store(#[from] StoreError),
}

impl From<LetterError> for TeamError {
    fn from(error: LetterError) -> Self {
        match error {
            LetterError::Seal(error) => Self::Seal(error),
            LetterError::Store(error) => Self::Store(error),
        }
    }
}

/// A team, as one of its members sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamView {
    /// The team, and what the viewer is in it.
    pub own: Membership,
    /// Who is in it.
    pub members: Vec<Member>,
    /// Who is invited.
    pub invitations: Vec<Invitation>,
}

/// Shows and changes teams.
#[derive(Clone)]
pub struct TeamService {
    ports: Ports,
    sealer: Arc<Sealer>,
    postman: Postman,
    public_url: Arc<str>,
    /// Mails that each person has written to strangers.
    mails: Arc<Limiter<AccountId>>,
}

impl TeamService {
    /// For so long, an open invitation is not mailed again.
    const INVITED_AGAIN_AFTER: Duration = Duration::minutes(5);
    /// Invitations that one person may send.
    const MAILS: Quota = Quota {
        requests: NonZeroU32::new(50).expect("not zero"),
        window_seconds: NonZeroU32::new(3_600).expect("not zero"),
    };
    const INVITATION_LIFE: Duration = Duration::days(7);
    /// How many invitations may be open at once: a form that a program fills in writes no more mails.
    const INVITATIONS_AT_MOST: usize = 50;

    /// The service; links in mails are sealed by this, and go to this postman.
    pub fn new(ports: Ports, sealer: Arc<Sealer>, postman: Postman, public_url: Arc<str>) -> Self {
        Self { ports, sealer, postman, public_url, mails: Arc::new(Limiter::new(Self::MAILS)) }
    }

    /// The teams of the actor.
    ///
    /// # Errors
    /// [`TeamError`].
    pub async fn list(&self, actor: &Actor) -> Result<Vec<Membership>, TeamError> {
        Ok(self.ports.store.memberships(actor.account()?.id).await?)
    }

    /// One team of the actor's.
    ///
    /// # Errors
    /// [`TeamError::NotFound`] for another's team too.
    pub async fn view(&self, actor: &Actor, team: TeamId) -> Result<TeamView, TeamError> {
        let account = actor.account()?;
        let own = self.membership(account, team).await?;
        let members = self.ports.store.members(account.id, team).await?;
        let invitations = self.ports.store.invitations(account.id, team, self.ports.now()).await?;
        Ok(TeamView { own, members, invitations })
    }

    async fn membership(&self, account: &Account, team: TeamId) -> Result<Membership, TeamError> {
        let teams = self.ports.store.memberships(account.id).await?;
        teams.into_iter().find(|one| one.team_id == team).ok_or(TeamError::NotFound)
    }

    /// Makes a team with the actor as its owner.
    ///
    /// # Errors
    /// [`TeamError`].
    pub async fn create(&self, actor: &Actor, name: &str) -> Result<TeamId, TeamError> {
        let account = actor.account()?;
        let name: Name = FieldErrors::at("name", name.parse()).map_err(TeamError::Invalid)?;
        let team = TeamId::from_uuid(self.ports.uuid());
        let mut work = self.ports.store.begin().await?;
        work.team_add(team, &name, account.id, self.ports.now()).await?;
        Act::new(team, Action::TeamCreated, team, &name).commit_by(actor, work, &self.ports).await?;
        Ok(team)
    }

    /// Gives a team another name.
    ///
    /// # Errors
    /// [`TeamError`].
    pub async fn rename(&self, actor: &Actor, team: TeamId, name: &str) -> Result<(), TeamError> {
        let name: Name = FieldErrors::at("name", name.parse()).map_err(TeamError::Invalid)?;
        let before = self.membership(actor.account()?, team).await?.team_name;
        let (_, mut work) = self.as_owner(actor, team).await?;
        work.team_rename(team, &name).await?;
        let renamed = Act::new(team, Action::TeamRenamed, team, &name).change("name", before, &name);
        Ok(renamed.commit_by(actor, work, &self.ports).await?)
    }

    /// Invites whoever has an address. What comes back is the same whether or not anybody has an account with it.
    ///
    /// # Errors
    /// [`TeamError`].
    pub async fn invite(&self, actor: &Actor, team: TeamId, email: &str, role: TeamRole) -> Result<(), TeamError> {
        let email: EmailAddress = FieldErrors::at("email", email.parse()).map_err(TeamError::Invalid)?;
        let view = self.view(actor, team).await?;
        if view.members.iter().any(|member| member.email.canonical() == email.canonical()) {
            return Err(TeamError::InTeamAlready);
        }
        if view.invitations.len() >= Self::INVITATIONS_AT_MOST {
            return Err(TeamError::TooManyInvitations);
        }
        let (account, mut work) = self.as_owner(actor, team).await?;
        let now = self.ports.now();
        let before: Vec<_> =
            view.invitations.iter().filter(|before| before.email.canonical() == email.canonical()).collect();
        let lately = before.iter().any(|before| now - before.created_at < Self::INVITED_AGAIN_AFTER);
        if lately || self.mails.check(&account.id, now).is_over() {
            return Err(TeamError::InvitedLately);
        }
        for before in before {
            let (Consumed::Won | Consumed::Lost) = work.invitation_end(team, before.id, now).await?;
        }
        let token = LinkToken::new(&self.ports);
        let invitation = Invitation {
            id: InvitationId::from_uuid(self.ports.uuid()),
            team,
            team_name: view.own.team_name,
            email,
            role,
            invited_by: account.name.clone(),
            created_at: now,
            expires_at: now + Self::INVITATION_LIFE,
        };
        work.invitation_add(&invitation, &token.digest()).await?;
        let invited = Act::new(team, Action::MemberInvited, invitation.id, &invitation.email);
        invited.change("role", "", role.as_str()).by(actor, &mut *work, &self.ports).await?;
        let link = Zeroizing::new(format!("{}/invitation?token={}", self.public_url, token.expose()));
        let recipient = invitation.email.as_str();
        // Each invitation is a mail of its own: there is none before it.
        let (Inserted::Done | Inserted::Duplicate) =
            SecretLetter::invitation(&invitation, link).send(&mut *work, &self.ports, &self.sealer, recipient).await?;
        work.commit().await?;
        self.postman.wake();
        Ok(())
    }

    /// Calls an invitation off.
    ///
    /// # Errors
    /// [`TeamError`].
    pub async fn call_off(&self, actor: &Actor, team: TeamId, id: InvitationId) -> Result<(), TeamError> {
        let (_, mut work) = self.as_owner(actor, team).await?;
        match work.invitation_end(team, id, self.ports.now()).await? {
            Consumed::Won => {
                Ok(Act::new(team, Action::InvitationCalledOff, id, "").commit_by(actor, work, &self.ports).await?)
            }
            Consumed::Lost => Err(TeamError::InvitationNotValid),
        }
    }

    /// The invitation of a link, while it may be taken.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn invitation(&self, token: &str) -> Result<Option<Invitation>, StoreError> {
        match token.parse::<LinkToken>() {
            Ok(token) => self.ports.store.invitation(&token.digest(), self.ports.now()).await,
            Err(_) => Ok(None),
        }
    }

    /// Takes an invitation: by the account that has the address which it went to. A link that was passed on lets nobody else in.
    ///
    /// # Errors
    /// [`TeamError`].
    pub async fn accept(&self, actor: &Actor, token: &str) -> Result<Invitation, TeamError> {
        let account = actor.account()?;
        let invitation = self.invitation(token).await?.ok_or(TeamError::InvitationNotValid)?;
        if invitation.email.canonical() != account.email.canonical() {
            return Err(TeamError::ForSomebodyElse);
        }
        let now = self.ports.now();
        let mut work = self.ports.store.begin().await?;
        work.team_hold(invitation.team).await?;
        if work.invitation_end(invitation.team, invitation.id, now).await? == Consumed::Lost {
            return Err(TeamError::InvitationNotValid);
        }
        if work.membership_add(invitation.team, account.id, invitation.role, now).await? == Inserted::Duplicate {
            return Err(TeamError::InTeamAlready);
        }
        let joined = Act::new(invitation.team, Action::MemberJoined, account.id, "");
        joined.change("role", "", invitation.role.as_str()).by(actor, &mut *work, &self.ports).await?;
        // The mail reached its reader.
        let (Consumed::Won | Consumed::Lost) = work.account_verify_email(account.id, &invitation.email, now).await?;
        work.commit().await?;
        Ok(invitation)
    }

    /// Gives a member another role.
    ///
    /// # Errors
    /// [`TeamError::LastOwner`] when nobody else is one.
    pub async fn set_role(
        &self,
        actor: &Actor,
        team: TeamId,
        member: AccountId,
        role: TeamRole,
    ) -> Result<(), TeamError> {
        let (_, mut work) = self.as_owner(actor, team).await?;
        let before = work.membership_role(team, member).await?.ok_or(TeamError::NotFound)?;
        if before == TeamRole::Owner && role != TeamRole::Owner && work.owners(team).await? < 2 {
            return Err(TeamError::LastOwner);
        }
        match work.membership_set_role(team, member, role).await? {
            Consumed::Won => {
                let changed = Act::new(team, Action::RoleChanged, member, "");
                Ok(changed.change("role", before.as_str(), role.as_str()).commit_by(actor, work, &self.ports).await?)
            }
            Consumed::Lost => Err(TeamError::NotFound),
        }
    }

    /// Takes a member out of a team; that may be the actor. Keys, clients and service accounts that they made stay.
    ///
    /// # Errors
    /// [`TeamError::LastOwner`] when nobody else is one.
    pub async fn remove(&self, actor: &Actor, team: TeamId, member: AccountId) -> Result<(), TeamError> {
        let account = actor.account()?;
        let view = self.view(actor, team).await?;
        let leaves = account.id == member;
        let mut work = self.ports.store.begin().await?;
        work.team_hold(team).await?;
        let own = work.membership_role(team, account.id).await?.ok_or(TeamError::NotFound)?;
        if !leaves && own != TeamRole::Owner {
            return Err(TeamError::Forbidden);
        }
        let role = work.membership_role(team, member).await?.ok_or(TeamError::NotFound)?;
        if role == TeamRole::Owner && work.owners(team).await? < 2 {
            return Err(TeamError::LastOwner);
        }
        if work.membership_remove(team, member).await? == Consumed::Lost {
            return Err(TeamError::NotFound);
        }
        let gone = Act::new(team, Action::MemberRemoved, member, "").change("role", role.as_str(), "");
        gone.by(actor, &mut *work, &self.ports).await?;
        if let Some(removed) = view.members.iter().find(|one| one.account == member && !leaves) {
            // An older link leads them back no more.
            for own in view.invitations.iter().filter(|one| one.email.canonical() == removed.email.canonical()) {
                let (Consumed::Won | Consumed::Lost) = work.invitation_end(team, own.id, self.ports.now()).await?;
            }
            Letter::removed_from_team(&view.own.team_name, self.ports.now(), removed.account)
                .send(&mut *work, &self.ports, &[removed.email.to_string()])
                .await?;
        }
        Ok(work.commit().await?)
    }

    /// The actor as an owner of a team that is held, so that what is decided here stays true until it is done.
    async fn as_owner<'a>(
        &self,
        actor: &'a Actor,
        team: TeamId,
    ) -> Result<(&'a Account, Box<dyn UnitOfWork>), TeamError> {
        let account = actor.account()?;
        let mut work = self.ports.store.begin().await?;
        work.team_hold(team).await?;
        match work.membership_role(team, account.id).await? {
            Some(TeamRole::Owner) => Ok((account, work)),
            Some(TeamRole::Developer | TeamRole::Viewer) => Err(TeamError::Forbidden),
            None => Err(TeamError::NotFound),
        }
    }
}
