//! Rotating a key: how long both work, and when the old one's clock starts.

use super::{RotateKey, key_in_view::KeyInView, radius::Radius};
use crate::{
    page::{page, take_flash},
    route,
    ssr::{actor, flash::error_at, services},
    ui::{Choice, Field, Form, Message, PageHead, RadioList, SubmitButton},
};
use leptos::{prelude::*, server_fn::ServerFn};

const OVERLAPS: [(&str, &str); 5] =
    [("none", "Not at all"), ("1h", "1 hour"), ("24h", "24 hours"), ("7d", "7 days"), ("custom", "Another time")];
const STARTS: [(&str, &str); 2] = [("first-use", "When the new key is first used"), ("now", "At once")];

fn choices(listed: &[(&str, &str)], chosen: &str) -> Vec<Choice> {
    listed
        .iter()
        .map(|(value, label)| Choice {
            value: (*value).to_owned(),
            label: (*label).to_owned(),
            description: String::new(),
            chosen: *value == chosen,
        })
        .collect()
}

/// The form for a rotation.
#[component]
pub fn RotateKeyPage() -> impl IntoView {
    page(async {
        let view = KeyInView::load().await?;
        let services = services();
        let radius = services.api_keys.blast_radius(&actor(), &view.key).await?;
        let flash = take_flash().await;
        let typed = |field: &str, otherwise: &str| {
            flash.as_ref().and_then(|flash| flash.value(field)).unwrap_or(otherwise).to_owned()
        };
        let overlaps = choices(&OVERLAPS, &typed("overlap", "24h"));
        let starts = choices(&STARTS, &typed("start", "first-use"));
        let custom = typed("custom", "");
        let error = error_at(flash.as_ref(), "overlap");
        let back = route::rotate(&view.paths.key);
        let title = format!("Rotate {}", view.key.settings.name);
        let explanation = "A new key takes over with the same settings. Both work until the old one's time has run out, and share one quota.";
        let (crumbs, environment) = (view.crumbs(true), view.environment());
        let (keep, id) = (view.paths.key.clone(), view.key.id.to_string());
        let body = view! {
            <PageHead title=title.clone() explanation crumbs environment/>
            <Message flash/>
            <Radius radius what="The end of the old key"/>
            <Form action=RotateKey::PATH back class="card form">
                <input type="hidden" name="id" value=id/>
                <input type="hidden" name="form_id" value=services.ports.uuid().to_string()/>
                <RadioList name="overlap" legend="How long both work" items=overlaps error/>
                <Field
                    name="custom"
                    label="Another time"
                    value=custom
                    autocomplete="off"
                    hint="Only with the choice above: 90m, 36h or 14d. The old key never outlives its own expiry.".to_owned()
                    error=None
                />
                <RadioList name="start" legend="When the old key's time starts" items=starts/>
                <div class="form-actions">
                    <SubmitButton text="Create the new key"/>
                    <a class="btn" href=keep.clone()>"Cancel"</a>
                </div>
            </Form>
        };
        Ok(view.page(title, body))
    })
}
