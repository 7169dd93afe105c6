//! Creating a client.

use super::{CreateClient, client_fields::ClientFields, client_form::ClientValues, words::Words};
use crate::{
    feature::api_key::{crumbs, in_view},
    page::{Page, page, take_flash},
    route,
    ssr::services,
    ui::{Form, Message, PageHead, SubmitButton},
};
use latchkey_core::oauth_client::ClientKind;
use leptos::{prelude::*, server_fn::ServerFn};

/// The form for a new OAuth client.
#[component]
pub fn NewClientPage() -> impl IntoView {
    new_page(ClientKind::ThirdParty)
}

/// The form for a new service account.
#[component]
pub fn NewServiceAccountPage() -> impl IntoView {
    new_page(ClientKind::ServiceAccount)
}

fn new_page(kind: ClientKind) -> impl IntoView {
    page(async move {
        let words = Words::of(kind);
        let in_view = in_view().await?;
        let services = services();
        let possible = services.oauth_clients.possible(kind).await?;
        let flash = take_flash().await;
        let (application, environment) = (in_view.application.application.id, in_view.environment);
        let values = ClientValues::new().or_typed(flash.as_ref());
        let title = format!("Create {}", words.one);
        let submit = title.clone();
        let body = view! {
            <PageHead
                title=title.clone()
                explanation="It gets a client id, and a secret where it can keep one. You see the secret once, on the next page."
                crumbs=crumbs(&in_view)
                environment
            />
            <Message flash/>
            <Form action=CreateClient::PATH back=route::new_client(kind, application, environment) class="card form">
                <input type="hidden" name="kind" value=kind.as_str()/>
                <input type="hidden" name="application" value=application.to_string()/>
                <input type="hidden" name="environment" value=environment.as_str()/>
                <input type="hidden" name="form_id" value=services.ports.uuid().to_string()/>
                <ClientFields kind values possible/>
                <div class="form-actions">
                    <SubmitButton text=submit/>
                    <a class="btn" href=route::clients(kind, application, environment)>"Cancel"</a>
                </div>
            </Form>
        };
        Ok(Page::application(title, in_view, body))
    })
}
