//! What admins set for the whole portal.

use super::code_fn::RequireSecondFactor;
use crate::{
    feature::retention,
    page::{Page, page, take_flash},
    route,
    ssr::{actor, services},
    ui::{Checkbox, Form, Message, PageHead, SubmitButton},
};
use latchkey_model::AccountRole;
use leptos::{prelude::*, server_fn::ServerFn};

/// Of whom a second factor is asked.
#[component]
pub fn SettingsPage() -> impl IntoView {
    page(async {
        let roles = services().second_factors.roles(&actor()).await?;
        let flash = take_flash().await;
        let kept = retention::form(flash.as_ref()).await?;
        let (admins, developers) = (roles.contains(&AccountRole::Admin), roles.contains(&AccountRole::Developer));
        let body = view! {
            <PageHead title="Settings" explanation="What holds for everybody in this portal. What is set when the server starts is in the guide for operators."/>
            <Message flash/>
            {kept}
            <Form action=RequireSecondFactor::PATH back=route::ADMIN_SETTINGS class="card form">
                <h2>"Who must have a second factor"</h2>
                <p>"Whoever must and has none sets one up when they come next, before they do anything else; you, too."</p>
                <Checkbox name="admins" label="Admins" checked=admins/>
                <Checkbox name="developers" label="Developers" checked=developers/>
                <SubmitButton text="Save"/>
            </Form>
        };
        Ok(Page::portal("Settings", body))
    })
}
