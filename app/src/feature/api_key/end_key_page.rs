//! Ending the old key of a rotation: what that would break is shown first.

use super::{EndOverlap, key_in_view::KeyInView, radius::Radius};
use crate::{
    page::{page, take_flash},
    route,
    ssr::{actor, services},
    ui::{EmptyState, Form, Message, PageHead, SubmitButton},
};
use leptos::{prelude::*, server_fn::ServerFn};

/// The last look before the old key of a rotation ends.
#[component]
pub fn EndKeyPage() -> impl IntoView {
    page(async {
        let view = KeyInView::load().await?;
        let services = services();
        let radius = services.api_keys.blast_radius(&actor(), &view.key).await?;
        let flash = take_flash().await;
        let back = route::end_key(&view.paths.key);
        let title = format!("End the old {}", view.key.settings.name);
        let explanation = "From then on only the key that takes over works. The old one cannot be brought back.";
        let (crumbs, environment) = (view.crumbs(true), view.environment());
        let (keep, id, hint) = (view.paths.key.clone(), view.key.id.to_string(), view.key.hint());
        let replaced = view.key.replaced.is_some() && !view.key.is_ended(services.ports.now());
        let form = if replaced {
            view! {
                <Radius radius what="Ending it"/>
                <Form action=EndOverlap::PATH back class="card form">
                    <input type="hidden" name="id" value=id/>
                    <p>"Key " <code>{hint}</code></p>
                    <div class="form-actions">
                        <SubmitButton text="End the old key" kind="btn-danger"/>
                        <a class="btn" href=keep>"Leave it to its time"</a>
                    </div>
                </Form>
            }
            .into_any()
        } else {
            view! {
                <EmptyState title="There is nothing to end">
                    <p>"No key takes over from this one, or it has ended."</p>
                    <a class="btn" href=keep>"Back to the key"</a>
                </EmptyState>
            }
            .into_any()
        };
        let body = view! {
            <PageHead title=title.clone() explanation crumbs environment/>
            <Message flash/>
            {form}
        };
        Ok(view.page(title, body))
    })
}
