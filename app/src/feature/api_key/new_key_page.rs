//! Creating a key.

use super::{CreateKey, crumbs, in_view};
use crate::{
    page::{Page, page, take_flash},
    route,
    ssr::services,
    ui::{CheckboxList, Choice, Field, Form, Message, PageHead, RadioList, SubmitButton},
};
use leptos::{prelude::*, server_fn::ServerFn};

const EXPIRIES: [(&str, &str); 5] =
    [("never", "Never"), ("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "One year")];

/// The form for a new key.
#[component]
pub fn NewKeyPage() -> impl IntoView {
    page(async {
        let in_view = in_view().await?;
        let services = services();
        let known = services.api_keys.scopes().await?;
        let flash = take_flash().await;
        let typed = |field: &str| flash.as_ref().and_then(|flash| flash.value(field)).unwrap_or_default().to_owned();
        let error = |field: &str| flash.as_ref().and_then(|flash| flash.errors.get(field)).map(str::to_owned);
        let ticked =
            flash.as_ref().map(|flash| flash.values("scopes[]").to_vec()).filter(|_| error_or_typed(flash.as_ref()));
        let scopes = known
            .into_iter()
            .map(|scope| Choice {
                chosen: ticked.as_ref().is_none_or(|ticked| ticked.iter().any(|one| one == scope.scope.as_str())),
                value: scope.scope.to_string(),
                label: scope.description,
                description: scope.scope.to_string(),
            })
            .collect();
        let expiry = typed("expiry");
        let expiries = EXPIRIES
            .into_iter()
            .map(|(value, label)| Choice {
                value: value.to_owned(),
                label: label.to_owned(),
                description: String::new(),
                chosen: if expiry.is_empty() { value == "never" } else { value == expiry },
            })
            .collect();
        let (name, name_error) = (typed("name"), error("name"));
        let (scopes_error, expiry_error) = (error("scopes"), error("expiry"));
        let (allowed_from, allowed_from_error) = (typed("allowed_from"), error("allowed_from"));
        let (application, environment) = (in_view.application.application.id, in_view.environment);
        let back = route::new_key(application, environment);
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
                <Field
                    name="name"
                    label="Name"
                    value=name
                    autocomplete="off"
                    hint="Where it will be used, for example Web backend.".to_owned()
                    error=name_error
                    required=true
                />
                <CheckboxList name="scopes" legend="What it may do" items=scopes error=scopes_error/>
                <RadioList name="expiry" legend="When it ends" items=expiries error=expiry_error/>
                <Field
                    name="allowed_from"
                    label="Allowed addresses (optional)"
                    value=allowed_from
                    autocomplete="off"
                    hint="Networks such as 203.0.113.0/24 2001:db8::/32, with spaces between. Empty: any address.".to_owned()
                    error=allowed_from_error
                />
                <div class="form-actions">
                    <SubmitButton text="Create key"/>
                    <a class="btn" href=route::keys(application, environment)>"Cancel"</a>
                </div>
            </Form>
        };
        Ok(Page::application("Create a key", in_view, body))
    })
}

/// Whether the message comes from this very form: only then it says what was ticked.
fn error_or_typed(flash: Option<&crate::ssr::flash::Flash>) -> bool {
    flash.is_some_and(|flash| flash.value("name").is_some())
}
