//! One team: its members, its invitations, its name.

use super::team_fn::{CallOffInvitation, InviteMember, RemoveMember, RenameTeam, SetMemberRole};
use crate::{
    page::{Page, PageError, page, param, take_flash},
    route,
    ssr::{
        actor,
        flash::{Flash, error_at, typed},
        services,
    },
    ui::{Badge, Crumb, DataTable, Field, Form, Message, PageHead, RelativeTime, SubmitButton, Tone},
};
use latchkey_core::{
    alert::AlertsOf,
    port::team::{Invitation, Member},
    team::{TeamError, TeamView},
};
use latchkey_model::{AccountId, TeamId, TeamRole};
use leptos::{prelude::*, server_fn::ServerFn};
use time::OffsetDateTime;

impl From<TeamError> for PageError {
    fn from(error: TeamError) -> Self {
        match error {
            TeamError::NotSignedIn(_) => Self::NotSignedIn,
            TeamError::Store(error) => Self::Store(error),
            TeamError::NotFound
            | TeamError::Invalid(_)
            | TeamError::Forbidden
            | TeamError::LastOwner
            | TeamError::InvitationNotValid
            | TeamError::ForSomebodyElse
            | TeamError::InTeamAlready
            | TeamError::TooManyInvitations
            | TeamError::InvitedLately
            | TeamError::Seal(_) => Self::NotFound,
        }
    }
}

/// Who is in a team; and for its owners, what they can change about that.
#[component]
pub fn TeamPage() -> impl IntoView {
    page(async {
        let team = param::<TeamId>("team")?;
        let (services, actor) = (services(), actor());
        let viewer = actor.account()?.id;
        let TeamView { own, members, invitations } = services.teams.view(&actor, team).await?;
        let now = services.ports.now();
        let flash = take_flash().await;
        let owner = own.role == TeamRole::Owner;
        let name = own.team_name.as_str().to_owned();
        let cards = owner.then(|| view! { <OwnerCards team name=name.clone() flash=flash.clone()/> });
        let rows = members.into_iter().map(|member| view! { <MemberRow team member viewer owner now/> }).collect_view();
        let open = (!invitations.is_empty()).then(|| {
            let rows = invitations
                .into_iter()
                .map(|invitation| view! { <InvitationRow invitation owner now/> })
                .collect_view();
            view! {
                <section aria-labelledby="invited">
                    <h2 id="invited">"Invited"</h2>
                    <DataTable label="Invitations" columns=vec!["Address", "As", "By", "Good until"] action="Action">{rows}</DataTable>
                </section>
            }
        });
        let crumbs = vec![
            Crumb { label: "Teams".to_owned(), href: Some(route::TEAMS.to_owned()) },
            Crumb { label: name.clone(), href: None },
        ];
        let explanation = match own.role {
            TeamRole::Owner => "You own this team: you say who is in it.",
            TeamRole::Developer => "You make and change what this team owns.",
            TeamRole::Viewer => "You look at what this team owns.",
        };
        let body = view! {
            <PageHead title=name.clone() explanation crumbs>
                <a class="btn" href=route::alerts(AlertsOf::Team(team))>"Alerts"</a>
                <a class="btn" href=route::team_audit(team)>"Audit log"</a>
            </PageHead>
            <Message flash/>
            <DataTable label="Members" columns=vec!["Member", "Role", "Since"] action="Action">{rows}</DataTable>
            {open}
            {cards}
        };
        Ok(Page::portal(format!("Team {name}"), body))
    })
}

#[component]
fn MemberRow(team: TeamId, member: Member, viewer: AccountId, owner: bool, now: OffsetDateTime) -> impl IntoView {
    let own = member.account == viewer;
    let name = member.name.as_str().to_owned();
    let id = member.account.to_string();
    let role = if owner {
        let (select, of) = (format!("role-{id}"), name.clone());
        view! {
            <Form action=SetMemberRole::PATH back=route::team(team) class="inline">
                <input type="hidden" name="team" value=team.to_string()/>
                <input type="hidden" name="member" value=member.account.to_string()/>
                <label class="sr-only" for=select.clone()>{format!("Role of {of}")}</label>
                <RoleSelect id=select selected=member.role/>
                <button type="submit" class="btn btn-small">"Change"<span class="sr-only">{format!(" the role of {of}")}</span></button>
            </Form>
        }
        .into_any()
    } else {
        view! { {member.role.as_str()} }.into_any()
    };
    let action = (owner || own).then(|| {
        let (button, hidden) = if own { ("Leave", " the team".to_owned()) } else { ("Remove", format!(" {name}")) };
        view! {
            <Form action=RemoveMember::PATH back=route::team(team)>
                <input type="hidden" name="team" value=team.to_string()/>
                <input type="hidden" name="member" value=id/>
                <button type="submit" class="btn btn-small btn-danger">{button}<span class="sr-only">{hidden}</span></button>
            </Form>
        }
    });
    view! {
        <tr>
            <td data-label="Member">
                <strong>{name.clone()}</strong>
                {own.then(|| view! { " " <Badge tone=Tone::Neutral text="you"/> })}
                <p class="dim">{member.email.as_str().to_owned()}</p>
            </td>
            <td data-label="Role">{role}</td>
            <td data-label="Since"><RelativeTime at=member.since now/></td>
            <td>{action}</td>
        </tr>
    }
}

#[component]
fn RoleSelect(id: String, selected: TeamRole) -> impl IntoView {
    let options = [TeamRole::Owner, TeamRole::Developer, TeamRole::Viewer]
        .map(|role| view! { <option value=role.as_str() selected=role == selected>{role.as_str()}</option> })
        .collect_view();
    view! { <select id=id name="role">{options}</select> }
}

#[component]
fn InvitationRow(invitation: Invitation, owner: bool, now: OffsetDateTime) -> impl IntoView {
    let email = invitation.email.as_str().to_owned();
    let whose = format!(" the invitation of {email}");
    let action = owner.then(|| {
        view! {
            <Form action=CallOffInvitation::PATH back=route::team(invitation.team)>
                <input type="hidden" name="team" value=invitation.team.to_string()/>
                <input type="hidden" name="id" value=invitation.id.to_string()/>
                <button type="submit" class="btn btn-small btn-danger">"Call off"<span class="sr-only">{whose}</span></button>
            </Form>
        }
    });
    view! {
        <tr>
            <td data-label="Address">{email}</td>
            <td data-label="As">{invitation.role.as_str()}</td>
            <td data-label="By">{invitation.invited_by.as_str().to_owned()}</td>
            <td data-label="Good until"><RelativeTime at=invitation.expires_at now/></td>
            <td>{action}</td>
        </tr>
    }
}

#[component]
fn OwnerCards(team: TeamId, name: String, flash: Option<Flash>) -> impl IntoView {
    let [email_error, name_error] = ["email", "name"].map(|field| error_at(flash.as_ref(), field));
    let [email, role] = ["email", "role"].map(|field| typed(flash.as_ref(), field));
    let role = role.parse().unwrap_or(TeamRole::Developer);
    view! {
        <Form action=InviteMember::PATH back=route::team(team) class="card form">
            <h2>"Invite somebody"</h2>
            <p>"They get a mail with a link that is good for a week, and are in the team once they say yes."</p>
            <input type="hidden" name="team" value=team.to_string()/>
            <Field name="email" label="E-mail" kind="email" value=email autocomplete="off" error=email_error required=true/>
            <div class="field">
                <label for="invite-role">"Role"</label>
                <RoleSelect id="invite-role".to_owned() selected=role/>
                <p class="field-hint">"An owner says who is in the team; a developer makes and ends credentials; a viewer looks."</p>
            </div>
            <SubmitButton text="Send invitation"/>
        </Form>
        <Form action=RenameTeam::PATH back=route::team(team) class="card form">
            <h2>"Name"</h2>
            <input type="hidden" name="team" value=team.to_string()/>
            <Field name="name" label="Name of the team" value=name autocomplete="off" error=name_error required=true/>
            <SubmitButton text="Rename" kind=""/>
        </Form>
    }
}
