//! Creating a service account.

use super::{
    CreateServiceAccount,
    account_form::{AccountFields, AccountValues},
};
use crate::{
    feature::api_key::{crumbs, in_view},
    page::{Page, page, take_flash},
    route,
    ssr::services,
    ui::{Form, Message, PageHead, SubmitButton},
};
use leptos::{prelude::*, server_fn::ServerFn};

/// The form for a new service account.
#[component]
pub fn NewServiceAccountPage() -> impl IntoView {
    page(async {
        let in_view = in_view().await?;
        let services = services();
        let known = services.oauth_clients.scopes().await?;
        let flash = take_flash().await;
        let (application, environment) = (in_view.application.application.id, in_view.environment);
        let values = AccountValues::new().or_typed(flash.as_ref());
        let body = view! {
            <PageHead
                title="Create a service account"
                explanation="It gets a client id and a secret. You see the secret once, on the next page."
                crumbs=crumbs(&in_view)
                environment
            />
            <Message flash/>
            <Form
                action=CreateServiceAccount::PATH
                back=route::new_service_account(application, environment)
                class="card form"
            >
                <input type="hidden" name="application" value=application.to_string()/>
                <input type="hidden" name="environment" value=environment.as_str()/>
                <input type="hidden" name="form_id" value=services.ports.uuid().to_string()/>
                <AccountFields values known/>
                <div class="form-actions">
                    <SubmitButton text="Create service account"/>
                    <a class="btn" href=route::service_accounts(application, environment)>"Cancel"</a>
                </div>
            </Form>
        };
        Ok(Page::application("Create a service account", in_view, body))
    })
}
