//! Deleting one's account: what that ends is shown first.

use super::deletion_fn::DeleteAccount;
use crate::{
    page::{Page, page, take_flash},
    route,
    ssr::{
        actor,
        flash::{error_at, typed},
        services,
    },
    ui::{Field, Form, Message, PageHead, SubmitButton},
};
use latchkey_core::account::{DeletionPlan, TeamFate, TeamToLeave};
use leptos::{prelude::*, server_fn::ServerFn};

/// The last look before an account ends.
#[component]
pub fn DeleteAccountPage() -> impl IntoView {
    page(async {
        let actor = actor();
        let email = actor.account()?.email.to_string();
        let plan = services().deletions.plan(&actor).await?;
        let flash = take_flash().await;
        let (error, value) = (error_at(flash.as_ref(), "email"), typed(flash.as_ref(), "email"));
        let possible = plan.is_possible();
        let form = possible.then(|| {
            view! {
                <Form action=DeleteAccount::PATH back=route::DELETE_ACCOUNT class="card form">
                    <p>"There is no way back. To show that you mean it, type "<strong>{email}</strong>"."</p>
                    <Field name="email" label="Your e-mail" value autocomplete="off" error required=true/>
                    <div class="form-actions">
                        <SubmitButton text="Delete my account" kind="btn-danger"/>
                        <a class="btn" href=route::PERSONAL_DATA>"Keep it"</a>
                    </div>
                </Form>
            }
        });
        let body = view! {
            <PageHead title="Delete your account" explanation="Your name and your address are forgotten, and whatever acts for you ends at once."/>
            <Message flash/>
            <WhatEnds plan/>
            {form}
        };
        Ok(Page::portal("Delete your account", body))
    })
}

/// What somebody reads who has no account any more.
#[component]
pub fn AccountDeletedPage() -> impl IntoView {
    page(async {
        let body = view! {
            <section class="narrow">
                <h1>"Your account is deleted"</h1>
                <p class="lead">"Your name and your address are forgotten, and you are signed out everywhere. A mail says so once more."</p>
                <p><a class="btn" href=route::HOME>"Start page"</a></p>
            </section>
        };
        Ok(Page::public("Your account is deleted", body))
    })
}

#[component]
fn WhatEnds(plan: DeletionPlan) -> impl IntoView {
    let lines = [
        (plan.sessions, "browser is signed out", "browsers are signed out"),
        (plan.tokens, "personal access token stops working", "personal access tokens stop working"),
        (plan.apps, "authorized app can no longer act for you", "authorized apps can no longer act for you"),
    ];
    let lines = lines.into_iter().filter(|(count, ..)| *count > 0).map(|(count, one, many)| {
        let what = if count == 1 { one } else { many };
        view! { <li>{format!("{count} {what}")}</li> }
    });
    let last_admin = plan.is_last_admin.then(|| {
        view! { <p class="error">"You are the only admin: nobody could look after this portal. Make another one first, with "<code>"latchkey admin create"</code>"."</p> }
    });
    view! {
        <section class="card form" aria-labelledby="ends">
            <h2 id="ends">"What this ends"</h2>
            {last_admin}
            <ul class="bullets">
                {lines.collect_view()}
                {plan.teams.into_iter().map(|team| view! { <li><TeamLine team/></li> }).collect_view()}
                <li>"Your posts at the demo API are deleted"</li>
            </ul>
            <p class="dim">"Keys, clients and service accounts that you made in teams of others go on. They name “Deleted account” as their maker. Records of requests stay until they are pruned."</p>
        </section>
    }
}

#[component]
fn TeamLine(team: TeamToLeave) -> impl IntoView {
    let link = view! { <a href=route::team(team.id)>{team.name.to_string()}</a> };
    let names = team.applications.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match team.fate {
        TeamFate::Ends if team.applications.is_empty() => {
            view! { "The team "{link}" ends: nobody else is in it" }.into_any()
        }
        TeamFate::Ends => {
            let keys = match team.live_keys {
                1 => "1 key that works".to_owned(),
                count => format!("{count} keys that work"),
            };
            view! {
                "The team "{link}" ends, since nobody else is in it, with everything of "
                <strong>{names}</strong>{format!(": {keys}, and every client and service account")}
            }
            .into_any()
        }
        TeamFate::GoesOn => view! { "You leave the team "{link}", which goes on" }.into_any(),
        TeamFate::NeedsOwner => view! {
            <span class="error">"Others are in the team "{link}", and you are its only owner. Make one of them an owner first, or take them out."</span>
        }
        .into_any(),
    }
}
