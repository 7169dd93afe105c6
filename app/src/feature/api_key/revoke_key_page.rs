//! Revoking a key: what that would break is shown first.

use super::{RevokeKey, crumbs, in_view};
use crate::{
    page::{Page, PageError, page, param, take_flash},
    route,
    ssr::{actor, services},
    ui::{Banner, Form, Message, PageHead, RelativeTime, SubmitButton, Tone},
};
use latchkey_core::usage::report::Range;
use leptos::{prelude::*, server_fn::ServerFn};

/// The last look before a key ends.
#[component]
pub fn RevokeKeyPage() -> impl IntoView {
    page(async {
        let in_view = in_view().await?;
        let (application, environment) = (in_view.application.application.id, in_view.environment);
        let services = services();
        let actor = actor();
        let key = services.api_keys.get(&actor, param("key")?).await?;
        if key.application_id != application || key.environment != environment {
            return Err(PageError::NotFound);
        }
        let usage = services.usage.usage(&actor, application, environment, Some(key.id), Range::Day).await?;
        let served = usage.requests - usage.refused;
        let now = services.ports.now();
        let flash = take_flash().await;
        let radius = match (served, key.last_used_at) {
            (0, None) => view! { "This key was never used. Nothing that works today depends on it." }.into_any(),
            (0, Some(at)) => view! {
                "This key served no request in the last 24 hours; the last one was " <RelativeTime at now/> "."
            }
            .into_any(),
            (served, _) => view! {
                "This key served " <strong>{if served == 1 { "1 request".to_owned() } else { format!("{served} requests") }}</strong>
                " in the last 24 hours. From the moment you revoke it, each such request is refused."
            }
            .into_any(),
        };
        let tone = if served > 0 { Tone::Bad } else { Tone::Neutral };
        let back = route::revoke_key(application, environment, key.id);
        let title = format!("Revoke {}", key.name);
        let body = view! {
            <PageHead
                title=title.clone()
                explanation="A revoked key stays in the list, so that later failures can be explained. It cannot be brought back."
                crumbs=crumbs(&in_view)
                environment
            />
            <Message flash/>
            <Banner tone>{radius}</Banner>
            <Form action=RevokeKey::PATH back class="card form">
                <input type="hidden" name="id" value=key.id.to_string()/>
                <p>"Key " <code>{key.hint()}</code></p>
                <div class="form-actions">
                    <SubmitButton text="Revoke key" kind="btn-danger"/>
                    <a class="btn" href=route::keys(application, environment)>"Keep it"</a>
                </div>
            </Form>
        };
        Ok(Page::application(title, in_view, body))
    })
}
