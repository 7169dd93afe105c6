//! Adding a webhook.

use super::webhook_fn::AddWebhook;
use crate::{
    feature::alert::{page_of, team_of},
    page::{Page, PageError, page, take_flash},
    route,
    ssr::{
        actor,
        flash::{error_at, typed},
        services,
    },
    ui::{Field, Form, Message, PageHead, SubmitButton},
};
use latchkey_core::alert::{AlertAccess, AlertsOf};
use leptos::{prelude::*, server_fn::ServerFn};

/// A webhook of a team's.
#[component]
pub fn TeamNewWebhookPage() -> impl IntoView {
    page(async { new_page(team_of()?).await })
}

/// A webhook of the portal's.
#[component]
pub fn AdminNewWebhookPage() -> impl IntoView {
    page(async { new_page(AlertsOf::Portal).await })
}

async fn new_page(of: AlertsOf) -> Result<Page, PageError> {
    if services().alerts.access(&actor(), of).await? == AlertAccess::Look {
        return Err(PageError::NotFound);
    }
    let words = page_of(of, Some("Add a webhook")).await?;
    let flash = take_flash().await;
    let (name, url) = (typed(flash.as_ref(), "name"), typed(flash.as_ref(), "url"));
    let (name_error, url_error) = (error_at(flash.as_ref(), "name"), error_at(flash.as_ref(), "url"));
    let body = view! {
        <PageHead
            title="Add a webhook"
            explanation="Each alert is posted there as JSON, signed with a secret that you see once. What is not taken is sent again, for three days."
            crumbs=words.crumbs
        />
        <Message flash/>
        <Form action=AddWebhook::PATH back=route::new_webhook(of) class="card form">
            <input type="hidden" name="of" value=of.to_string()/>
            <Field name="name" label="Name" value=name required=true hint="What your team calls it.".to_owned() error=name_error/>
            <Field
                name="url"
                label="Address"
                kind="url"
                value=url
                required=true
                hint="It begins with https://, and is reachable from the internet.".to_owned()
                error=url_error
            />
            <div class="form-actions">
                <SubmitButton text="Add"/>
                <a class="btn" href=route::alerts(of)>"Cancel"</a>
            </div>
        </Form>
        <p><a href=route::guide("alerts")>"How to take messages, and how to check their signature"</a></p>
    };
    Ok(Page::portal(format!("Add a webhook{}", words.whose), body))
}
