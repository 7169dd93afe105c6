//! Revoking a client: what that would break is said first.

use super::{
    RevokeClient,
    client_page::{client_in_view, crumbs_to},
    words::Words,
};
use crate::{
    page::{Page, page, take_flash},
    route,
    ssr::services,
    ui::{Form, LastUse, Message, PageHead, SubmitButton},
};
use latchkey_core::oauth_client::ClientKind;
use leptos::{prelude::*, server_fn::ServerFn};

/// The last look before an OAuth client ends.
#[component]
pub fn RevokeClientPage() -> impl IntoView {
    revoke_page(ClientKind::ThirdParty)
}

/// The last look before a service account ends.
#[component]
pub fn RevokeServiceAccountPage() -> impl IntoView {
    revoke_page(ClientKind::ServiceAccount)
}

fn revoke_page(kind: ClientKind) -> impl IntoView {
    page(async move {
        let (in_view, found) = client_in_view(kind).await?;
        let now = services().ports.now();
        let flash = take_flash().await;
        let client = found.client;
        let (application, environment) = (in_view.application.application.id, in_view.environment);
        let keep = route::client(kind, application, environment, client.id);
        let title = format!("Revoke {}", client.settings.name);
        let body = view! {
            <PageHead
                title=title.clone()
                explanation="It gets no more tokens, and those that it holds stop at once. It cannot be brought back."
                crumbs=crumbs_to(&in_view, &client, true)
                environment
            />
            <Message flash/>
            <Form action=RevokeClient::PATH back=route::revoke(&keep) class="card form">
                <input type="hidden" name="id" value=client.id.to_string()/>
                <dl class="facts">
                    <div><dt>"Client id"</dt><dd><code>{client.client_id.to_string()}</code></dd></div>
                    <div><dt>"Last used"</dt><dd><LastUse at=client.last_used_at from=client.last_used_from now/></dd></div>
                </dl>
                <div class="form-actions">
                    <SubmitButton text=format!("Revoke {}", Words::of(kind).one) kind="btn-danger"/>
                    <a class="btn" href=keep>"Keep it"</a>
                </div>
            </Form>
        };
        Ok(Page::application(title, in_view, body))
    })
}
