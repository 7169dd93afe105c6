//! Where the link of an invitation leads.

use super::team_fn::AcceptInvitation;
use crate::{
    page::{Page, page, take_flash},
    route,
    ssr::{actor, link::token, services},
    ui::{Form, Message, SubmitButton},
};
use latchkey_core::{Actor, port::team::Invitation};
use leptos::{prelude::*, server_fn::ServerFn};

/// Asks whoever is invited; the link alone lets nobody in.
#[component]
pub fn InvitationPage() -> impl IntoView {
    page(async {
        let token = token();
        let flash = take_flash().await;
        let Some(invitation) = services().teams.invitation(&token).await? else {
            let body = view! {
                <section class="narrow">
                    <h1>"This invitation is not good any more"</h1>
                    <Message flash/>
                    <p>"It was taken, called off, or has expired. Ask whoever sent it for another one."</p>
                    <p><a class="btn" href=route::TEAMS>"Your teams"</a></p>
                </section>
            };
            return Ok(Page::public("This invitation is not good any more", body));
        };
        let Invitation { team_name, invited_by, role, email, .. } = invitation;
        let here = route::invitation(&token);
        let answer = match actor() {
            Actor::Anonymous => view! {
                <p>{format!("Sign in, or create an account, with {email}. Then open the link once more.")}</p>
                <div class="form-actions">
                    <a class="btn btn-primary" href=route::sign_in_as(&here, false, Some(email.as_str()))>"Sign in"</a>
                    <a class="btn" href=route::SIGN_UP>"Create an account"</a>
                </div>
            }
            .into_any(),
            Actor::Account { account, .. } if account.email.canonical() != email.canonical() => view! {
                <p>{format!("It is for {email}, and you are signed in as {}. Sign in with that address.", account.email)}</p>
                <a class="btn" href=route::sign_in_as(&here, true, Some(email.as_str()))>"Sign in as somebody else"</a>
            }
            .into_any(),
            Actor::Account { .. } => view! {
                <Form action=AcceptInvitation::PATH back=here class="card">
                    <input type="hidden" name="token" value=token/>
                    <div class="form-actions">
                        <SubmitButton text="Join the team"/>
                        <a class="btn" href=route::DASHBOARD>"Not now"</a>
                    </div>
                </Form>
            }
            .into_any(),
        };
        let title = format!("Join the team {team_name}?");
        let body = view! {
            <section class="narrow">
                <h1>{title.clone()}</h1>
                <p class="lead">{format!("{invited_by} invites you, as its {}.", role.as_str())}</p>
                <Message flash/>
                {answer}
            </section>
        };
        Ok(Page::public(title, body))
    })
}
