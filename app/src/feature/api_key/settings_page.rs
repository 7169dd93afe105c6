//! How an environment treats its keys.

use super::{SetPolicy, crumbs, environment_tabs, in_view};
use crate::{
    page::{Page, page, take_flash},
    route,
    ssr::{
        actor,
        flash::{error_at, shown},
        services,
    },
    ui::{Checkbox, Field, Form, Message, PageHead, SubmitButton, Tabs},
};
use leptos::{prelude::*, server_fn::ServerFn};

/// The settings of one environment.
#[component]
pub fn SettingsPage() -> impl IntoView {
    page(async {
        let in_view = in_view().await?;
        let (application, environment) = (in_view.application.application.id, in_view.environment);
        let policy = services().api_keys.policy(&actor(), application, environment).await?;
        let flash = take_flash().await;
        let form = flash.as_ref().filter(|flash| flash.value("disable_idle_days").is_some());
        let days = |field: &str, stored: Option<u16>| match form.and_then(|flash| flash.value(field)) {
            Some(typed) => typed.to_owned(),
            None => stored.map(|days| days.to_string()).unwrap_or_default(),
        };
        let revoke_leaked = match form {
            Some(flash) => flash.value("revoke_leaked").is_some_and(|value| !value.is_empty()),
            None => policy.revoke_leaked,
        };
        let shown = shown(flash.as_ref(), &policy);
        let error = |field| error_at(flash.as_ref(), field);
        let (idle, idle_error) = (days("disable_idle_days", policy.disable_idle_days), error("disable_idle_days"));
        let (rotate, rotate_error) = (days("rotate_after_days", policy.rotate_after_days), error("rotate_after_days"));
        let body = view! {
            <PageHead
                title="Settings"
                explanation="How this environment treats its keys."
                crumbs=crumbs(&in_view)
                environment
            />
            <Tabs label="Environments" tabs=environment_tabs(&in_view, route::settings)/>
            <Message flash/>
            <Form action=SetPolicy::PATH back=route::settings(application, environment) class="card form">
                <input type="hidden" name="application" value=application.to_string()/>
                <input type="hidden" name="environment" value=environment.as_str()/>
                <input type="hidden" name="shown" value=shown/>
                <Checkbox
                    name="revoke_leaked"
                    label="Revoke leaked keys at once"
                    checked=revoke_leaked
                    hint="A key that is reported as found where secrets must not be stops working in the same moment. You are told in any case.".to_owned()
                />
                <Field
                    name="disable_idle_days"
                    label="Switch idle keys off after (days)"
                    value=idle
                    autocomplete="off"
                    hint="Keys that made no request for so long. You can switch them on again. Empty: never.".to_owned()
                    error=idle_error
                />
                <Field
                    name="rotate_after_days"
                    label="Advise to rotate keys after (days)"
                    value=rotate
                    autocomplete="off"
                    hint="Older keys are listed under Advice. Empty: never.".to_owned()
                    error=rotate_error
                />
                {in_view.application.role.may_write().then(|| view! { <div class="form-actions"><SubmitButton text="Save"/></div> })}
            </Form>
        };
        Ok(Page::application("Settings", in_view, body))
    })
}
