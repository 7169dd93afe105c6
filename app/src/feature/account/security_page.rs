//! What keeps an account its person's.

use super::{pages::NewPassword, password_fn::ChangePassword};
use crate::{
    feature::second_factor::FactorCards,
    page::{Page, page, take_flash},
    route,
    ssr::{actor, flash::error_at, respond::session, reveal, services},
    ui::{Field, Form, Message, PageHead, SecretOnce, SubmitButton},
};
use leptos::{prelude::*, server_fn::ServerFn};

/// The password, and what is asked for beside it.
#[component]
pub fn SecurityPage() -> impl IntoView {
    page(async {
        let account = actor().account()?.clone();
        let flash = take_flash().await;
        let services = services();
        let factors = services.second_factors.of(&actor()).await?;
        let now = services.ports.now();
        let codes = match session() {
            Some(session) => reveal::take(&session).await.filter(|(id, _)| *id == account.id.as_uuid()),
            None => None,
        };
        let codes = codes.map(
            |(_, codes)| view! { <SecretOnce secret=codes.to_string() next=route::SECURITY what="recovery codes"/> },
        );
        let [current_error, error] = ["current_password", "password"].map(|field| error_at(flash.as_ref(), field));
        let email = account.email.as_str().to_owned();
        let body = view! {
            <PageHead title="Security" explanation="What it takes to be let in as you."/>
            <Message flash/>
            {codes}
            <Form action=ChangePassword::PATH back=route::SECURITY class="card form">
                <h2>"Password"</h2>
                <p>"Changing it signs out every other browser."</p>
                // For password managers: whose password this is.
                <input type="text" name="username" autocomplete="username" value=email hidden readonly/>
                <Field name="current_password" label="Current password" kind="password" autocomplete="current-password" error=current_error required=true/>
                <NewPassword label="New password" error/>
                <SubmitButton text="Change password"/>
            </Form>
            <FactorCards factors now/>
        };
        Ok(Page::portal("Security", body))
    })
}
