//! Revoking a key: what that would break is shown first.

use super::{RevokeKey, key_in_view::KeyInView, radius::Radius};
use crate::{
    page::{page, take_flash},
    route,
    ssr::{actor, services},
    ui::{Form, Message, PageHead, SubmitButton},
};
use leptos::{prelude::*, server_fn::ServerFn};

/// The last look before a key ends.
#[component]
pub fn RevokeKeyPage() -> impl IntoView {
    page(async {
        let view = KeyInView::load().await?;
        let radius = services().api_keys.blast_radius(&actor(), &view.key).await?;
        let flash = take_flash().await;
        let back = route::revoke(&view.paths.key);
        let title = format!("Revoke {}", view.key.settings.name);
        let explanation =
            "A revoked key stays in the list, so that later failures can be explained. It cannot be brought back.";
        let (crumbs, environment) = (view.crumbs(true), view.environment());
        let (keep, id) = (view.paths.key.clone(), view.key.id.to_string());
        let hint = view.key.hint();
        let rotatable = view.key.is_rotatable(services().ports.now());
        let body = view! {
            <PageHead title=title.clone() explanation crumbs environment/>
            <Message flash/>
            <Radius radius what="Revoking it"/>
            <Form action=RevokeKey::PATH back class="card form">
                <input type="hidden" name="id" value=id/>
                <p>"Key " <code>{hint}</code></p>
                <div class="form-actions">
                    <SubmitButton text="Revoke key" kind="btn-danger"/>
                    <a class="btn" href=keep.clone()>"Keep it"</a>
                    {rotatable.then(|| view! { <a class="btn" href=route::rotate(&keep)>"Rotate it instead"</a> })}
                </div>
            </Form>
        };
        Ok(view.page(title, body))
    })
}
