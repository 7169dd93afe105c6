//! Revoking a service account: what that would break is said first.

use super::{
    RevokeServiceAccount,
    account_page::{client_in_view, crumbs_to},
    accounts_page::LastUse,
};
use crate::{
    page::{Page, page, take_flash},
    route,
    ssr::services,
    ui::{Form, Message, PageHead, SubmitButton},
};
use leptos::{prelude::*, server_fn::ServerFn};

/// The last look before a service account ends.
#[component]
pub fn RevokeServiceAccountPage() -> impl IntoView {
    page(async {
        let (in_view, found) = client_in_view().await?;
        let now = services().ports.now();
        let flash = take_flash().await;
        let client = found.client;
        let (application, environment) = (in_view.application.application.id, in_view.environment);
        let keep = route::service_account(application, environment, client.id);
        let title = format!("Revoke {}", client.settings.name);
        let body = view! {
            <PageHead
                title=title.clone()
                explanation="It gets no more tokens, and those that it holds stop at once. It cannot be brought back."
                crumbs=crumbs_to(&in_view, &client, true)
                environment
            />
            <Message flash/>
            <Form action=RevokeServiceAccount::PATH back=route::revoke(&keep) class="card form">
                <input type="hidden" name="id" value=client.id.to_string()/>
                <dl class="facts">
                    <div><dt>"Client id"</dt><dd><code>{client.client_id.to_string()}</code></dd></div>
                    <div><dt>"Last used"</dt><dd><LastUse at=client.last_used_at from=client.last_used_from now/></dd></div>
                </dl>
                <div class="form-actions">
                    <SubmitButton text="Revoke service account" kind="btn-danger"/>
                    <a class="btn" href=keep>"Keep it"</a>
                </div>
            </Form>
        };
        Ok(Page::application(title, in_view, body))
    })
}
