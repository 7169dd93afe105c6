//! The teams of an account, and making another one.

use super::team_fn::CreateTeam;
use crate::{
    page::{Page, page, take_flash},
    route,
    ssr::{
        actor,
        flash::{error_at, typed},
        services,
    },
    ui::{DataTable, Field, Form, Message, PageHead, SubmitButton},
};
use latchkey_core::port::account::Membership;
use leptos::{prelude::*, server_fn::ServerFn};

/// The teams that the viewer is in.
#[component]
pub fn TeamsPage() -> impl IntoView {
    page(async {
        let teams = services().teams.list(&actor()).await?;
        let flash = take_flash().await;
        let name = typed(flash.as_ref(), "name");
        let error = error_at(flash.as_ref(), "name");
        let rows = teams.into_iter().map(|one| view! { <TeamRow one/> }).collect_view();
        let body = view! {
            <PageHead title="Teams" explanation="A team owns applications and their credentials. Whoever is in it shares them; what they made stays when they leave."/>
            <Message flash/>
            <DataTable label="Teams" columns=vec!["Team", "You are"]>{rows}</DataTable>
            <Form action=CreateTeam::PATH back=route::TEAMS class="card form">
                <h2>"Another team"</h2>
                <Field name="name" label="Name" value=name autocomplete="off" error required=true/>
                <SubmitButton text="Create team"/>
            </Form>
        };
        Ok(Page::portal("Teams", body))
    })
}

#[component]
fn TeamRow(one: Membership) -> impl IntoView {
    view! {
        <tr>
            <td data-label="Team"><a href=route::team(one.team_id)><strong>{one.team_name.as_str().to_owned()}</strong></a></td>
            <td data-label="You are">{one.role.as_str()}</td>
        </tr>
    }
}
