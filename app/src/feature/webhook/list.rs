//! The webhooks of a team, or of the portal.

use crate::{
    route,
    ui::{Badge, DataTable, RelativeTime, Tone},
};
use latchkey_core::{
    alert::AlertsOf,
    port::webhook::{OffBecause, Webhook},
    webhook::WebhookService,
};
use leptos::prelude::*;
use time::OffsetDateTime;

/// How a webhook is, in a word.
#[component]
pub(super) fn WebhookState(webhook: Webhook, now: OffsetDateTime) -> impl IntoView {
    match (webhook.off, webhook.failing_since) {
        (Some((_, OffBecause::Asked)), _) => view! { <Badge tone=Tone::Neutral text="off"/> }.into_any(),
        (Some((at, OffBecause::Gone)), _) => {
            view! { <Badge tone=Tone::Bad text="gone"/> " off since " <RelativeTime at now/> }.into_any()
        }
        (Some((at, OffBecause::Failing)), _) => {
            view! { <Badge tone=Tone::Bad text="given up"/> " off since " <RelativeTime at now/> }.into_any()
        }
        (None, Some(at)) => {
            view! { <Badge tone=Tone::Wait text="failing"/> " since " <RelativeTime at now/> }.into_any()
        }
        (None, None) => view! { <Badge tone=Tone::Good text="on"/> }.into_any(),
    }
}

/// The webhooks, and the way to another.
#[component]
pub fn WebhookList(of: AlertsOf, webhooks: Vec<Webhook>, may_change: bool, now: OffsetDateTime) -> impl IntoView {
    let room = webhooks.len() < WebhookService::AT_MOST;
    let list = if webhooks.is_empty() {
        view! { <p class="dim">"None yet. A webhook is an address of yours to which each alert is posted, signed, as JSON."</p> }
            .into_any()
    } else {
        let rows = webhooks
            .into_iter()
            .map(|webhook| {
                view! {
                    <tr>
                        <td data-label="Name">
                            <a href=route::webhook(of, webhook.id)>{webhook.name.to_string()}</a>
                        </td>
                        <td data-label="Where">{webhook.url.host_str().unwrap_or_default().to_owned()}</td>
                        <td data-label="State"><WebhookState webhook=webhook.clone() now/></td>
                    </tr>
                }
            })
            .collect_view();
        view! { <DataTable label="Where messages are posted" columns=vec!["Name", "Where", "State"]>{rows}</DataTable> }
            .into_any()
    };
    let add =
        (may_change && room).then(|| view! { <p><a class="btn" href=route::new_webhook(of)>"Add a webhook"</a></p> });
    view! {
        <section aria-labelledby="webhooks">
            <h2 id="webhooks">"Webhooks"</h2>
            {list}
            {add}
        </section>
    }
}
