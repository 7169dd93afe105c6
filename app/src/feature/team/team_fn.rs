//! The forms about teams.

use crate::{
    route,
    ssr::{
        actor,
        flash::Flash,
        link::token_in,
        respond::{Refused, see_other, see_other_with},
        services,
    },
};
use latchkey_core::team::TeamError;
use latchkey_model::{TeamId, TeamRole};
use leptos::{prelude::*, server};

impl From<TeamError> for Refused {
    fn from(error: TeamError) -> Self {
        match error {
            TeamError::NotSignedIn(_) => Self::new("Sign in first."),
            TeamError::Invalid(errors) => Self::invalid(errors),
            TeamError::NotFound => Self::new("There is no such team, or nobody such in it."),
            TeamError::Forbidden => Self::new("Only an owner of the team can do this."),
            TeamError::LastOwner => {
                Self::new("The team would have no owner. Make somebody else an owner before this one goes.")
            }
            TeamError::InvitationNotValid => Self::new("That invitation was taken, called off, or has expired."),
            TeamError::ForSomebodyElse => Self::new("That invitation is for another address than yours."),
            TeamError::InTeamAlready => Self::new("They are in the team already."),
            TeamError::InvitedLately => {
                Self::new("They were invited a moment ago, or you have invited many. Wait some minutes.")
            }
            TeamError::TooManyInvitations => {
                Self::new("So many invitations are open that no more go out. Call some off first.")
            }
            TeamError::Seal(_) | TeamError::Store(_) => Self::fault(&error),
        }
    }
}

/// Answers the form of a button or a field on a team's page.
async fn answer(team: TeamId, outcome: Result<(), TeamError>, said: &str, typed: &[(&str, &str)]) {
    let page = route::team(team);
    match outcome {
        Ok(()) => see_other_with(&page, Flash::good(said)).await,
        Err(TeamError::NotSignedIn(_)) => see_other(&route::sign_in_then(&page)),
        Err(error @ TeamError::NotFound) => see_other_with(route::TEAMS, Refused::from(error).flash()).await,
        Err(error) => {
            let flash = Refused::from(error).flash();
            let flash = typed.iter().fold(flash, |flash, (field, value)| flash.keep(field, value));
            see_other_with(&page, flash).await;
        }
    }
}

/// The team that a form names; without one, its sender is led to theirs.
async fn team_of(id: &str) -> Option<TeamId> {
    let team = id.parse().ok();
    if team.is_none() {
        match actor().account() {
            Ok(_) => see_other_with(route::TEAMS, Refused::from(TeamError::NotFound).flash()).await,
            Err(_) => see_other(&route::sign_in_then(route::TEAMS)),
        }
    }
    team
}

/// Makes a team.
#[server(prefix = "/form", endpoint = "team/create")]
pub async fn create_team(#[server(default)] name: String) -> Result<(), ServerFnError> {
    match services().teams.create(&actor(), &name).await {
        Ok(team) => see_other_with(&route::team(team), Flash::good("The team is there. Invite others to it.")).await,
        Err(TeamError::NotSignedIn(_)) => see_other(&route::sign_in_then(route::TEAMS)),
        Err(error) => see_other_with(route::TEAMS, Refused::from(error).flash().keep("name", &name)).await,
    }
    Ok(())
}

/// Gives a team another name.
#[server(prefix = "/form", endpoint = "team/rename")]
pub async fn rename_team(
    #[server(default)] team: String,
    #[server(default)] name: String,
) -> Result<(), ServerFnError> {
    if let Some(team) = team_of(&team).await {
        answer(team, services().teams.rename(&actor(), team, &name).await, "Renamed.", &[]).await;
    }
    Ok(())
}

/// Invites somebody.
#[server(prefix = "/form", endpoint = "team/invite")]
pub async fn invite_member(
    #[server(default)] team: String,
    #[server(default)] email: String,
    #[server(default)] role: String,
) -> Result<(), ServerFnError> {
    if let Some(team) = team_of(&team).await {
        let asked = role.parse().unwrap_or(TeamRole::Viewer);
        let outcome = services().teams.invite(&actor(), team, &email, asked).await;
        let said = "The invitation is on its way.";
        answer(team, outcome, said, &[("email", &email), ("role", &role)]).await;
    }
    Ok(())
}

/// Calls an invitation off.
#[server(prefix = "/form", endpoint = "team/call-off")]
pub async fn call_off_invitation(
    #[server(default)] team: String,
    #[server(default)] id: String,
) -> Result<(), ServerFnError> {
    if let Some(team) = team_of(&team).await {
        let outcome = match id.parse() {
            Ok(id) => services().teams.call_off(&actor(), team, id).await,
            Err(_) => actor().account().map_err(TeamError::from).and(Err(TeamError::InvitationNotValid)),
        };
        answer(team, outcome, "Called off. Its link is good no more.", &[]).await;
    }
    Ok(())
}

/// Gives a member another role.
#[server(prefix = "/form", endpoint = "team/set-role")]
pub async fn set_member_role(
    #[server(default)] team: String,
    #[server(default)] member: String,
    #[server(default)] role: String,
) -> Result<(), ServerFnError> {
    if let Some(team) = team_of(&team).await {
        let outcome = match (member.parse(), role.parse()) {
            (Ok(member), Ok(role)) => services().teams.set_role(&actor(), team, member, role).await,
            _ => actor().account().map_err(TeamError::from).and(Err(TeamError::NotFound)),
        };
        answer(team, outcome, "The role is changed. It is in force at once.", &[]).await;
    }
    Ok(())
}

/// Takes a member out of a team, or leaves it.
#[server(prefix = "/form", endpoint = "team/remove")]
pub async fn remove_member(
    #[server(default)] team: String,
    #[server(default)] member: String,
) -> Result<(), ServerFnError> {
    let Some(team) = team_of(&team).await else { return Ok(()) };
    let actor = actor();
    let outcome = match member.parse() {
        Ok(member) => services().teams.remove(&actor, team, member).await,
        Err(_) => actor.account().map_err(TeamError::from).and(Err(TeamError::NotFound)),
    };
    let leaves = actor.account().is_ok_and(|account| account.id.to_string() == member);
    match outcome {
        Ok(()) if leaves => see_other_with(route::TEAMS, Flash::good("You have left the team.")).await,
        outcome => answer(team, outcome, "They are in the team no more. What they made stays.", &[]).await,
    }
    Ok(())
}

/// Takes an invitation.
#[server(prefix = "/form", endpoint = "team/accept")]
pub async fn accept_invitation(#[server(default)] token: String) -> Result<(), ServerFnError> {
    let token = token_in(&token);
    match services().teams.accept(&actor(), &token).await {
        Ok(invitation) => {
            let said = format!("You are in the team {}.", invitation.team_name);
            see_other_with(&route::team(invitation.team), Flash::good(said)).await;
        }
        Err(TeamError::NotSignedIn(_)) => see_other(&route::sign_in_then(&route::invitation(&token))),
        Err(error) => see_other_with(&route::invitation(&token), Refused::from(error).flash()).await,
    }
    Ok(())
}
