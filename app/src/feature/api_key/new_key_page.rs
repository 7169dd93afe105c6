//! Creating a key.

use super::{CreateKey, KeyFields, KeyFormValues, crumbs, days_of, expiries, in_view};
use crate::{
    page::{Page, PageError, page, query, take_flash},
    route,
    ssr::{actor, services},
    ui::{Form, Message, PageHead, SubmitButton},
};
use latchkey_core::api_key::Expiry;
use latchkey_model::ApiKeyId;
use leptos::{prelude::*, server_fn::ServerFn};

const EXPIRIES: [(&str, &str); 5] =
    [("never", "Never"), ("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "One year")];

/// The form for a new key; `?from=` fills it with the settings of another.
#[component]
pub fn NewKeyPage() -> impl IntoView {
    page(async {
        let in_view = in_view().await?;
        let services = services();
        let known = services.api_keys.scopes().await?;
        let flash = take_flash().await;
        let (application, environment) = (in_view.application.application.id, in_view.environment);
        let mut values = KeyFormValues::new("never");
        let mut back = route::new_key(application, environment);
        if let Some(from) = query("from") {
            let from: ApiKeyId = from.parse().map_err(|_| PageError::NotFound)?;
            let source = services.api_keys.get(&actor(), from).await?;
            let days = days_of(&source, Expiry::MAX_DAYS.into());
            values = KeyFormValues::of(&source.settings, days.as_deref().unwrap_or("never"));
            back = route::clone_key(application, environment, from);
        }
        let values = values.or_typed(flash.as_ref());
        let expiries = expiries(&EXPIRIES, &values);
        let body = view! {
            <PageHead
                title="Create a key"
                explanation="You see it once, on the next page. Only a digest is kept."
                crumbs=crumbs(&in_view)
                environment
            />
            <Message flash/>
            <Form action=CreateKey::PATH back class="card form">
                <input type="hidden" name="application" value=application.to_string()/>
                <input type="hidden" name="environment" value=environment.as_str()/>
                <input type="hidden" name="form_id" value=services.ports.uuid().to_string()/>
                <KeyFields values known expiries/>
                <div class="form-actions">
                    <SubmitButton text="Create key"/>
                    <a class="btn" href=route::keys(application, environment)>"Cancel"</a>
                </div>
            </Form>
        };
        Ok(Page::application("Create a key", in_view, body))
    })
}
