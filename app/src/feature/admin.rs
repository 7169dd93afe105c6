//! What admins look at: the mails that were written.

use crate::{
    page::{Page, page, query},
    route,
    ssr::{actor, services},
    ui::{Badge, EmptyState, PageHead, RelativeTime, Tone},
};
use latchkey_core::port::mail::Delivery;
use leptos::prelude::*;
use time::OffsetDateTime;

/// Every mail that was written: until a server for mail is set, this is where they are read.
#[component]
pub fn OutboxPage() -> impl IntoView {
    page(async {
        let services = services();
        let before = query("before").and_then(|text| text.parse().ok());
        let found = services.outbox.mails(&actor(), before).await?;
        let now = services.ports.now();
        let explanation = if found.sends {
            "Mails that were written, and what became of them. Links that are for their reader alone are not shown."
        } else {
            "Mails that were written. They are not sent yet: no server for mail is set, so pass on what matters."
        };
        let older = found.older.map(|before| format!("{}?before={before}", route::ADMIN_OUTBOX));
        let list = if found.mails.is_empty() {
            view! {
                <EmptyState title="No mail yet">
                    <p>"Latchkey writes to people to confirm their address or choose a new password, and when a key of theirs ends soon, was found elsewhere, or was switched off."</p>
                </EmptyState>
            }
            .into_any()
        } else {
            let mails = found
                .mails
                .into_iter()
                .map(|mail| view! {
                    <article class="card mail">
                        <h2>{mail.subject}</h2>
                        <p class="dim">"to " <code>{mail.recipient}</code> ", " <RelativeTime at=mail.created_at now/></p>
                        {found.sends.then(|| view! { <Delivered delivery=mail.delivery now/> })}
                        <p class="mail-text">{mail.text.to_string()}</p>
                    </article>
                })
                .collect_view();
            view! {
                <div class="mails">{mails}</div>
                {older.map(|href| view! { <nav aria-label="Pages" class="pager"><a class="btn" href=href>"Older mails"</a></nav> })}
            }
            .into_any()
        };
        let body = view! {
            <PageHead
                title="Outbox"
                explanation
            />
            {list}
        };
        Ok(Page::portal("Outbox", body))
    })
}

/// What became of a mail.
#[component]
fn Delivered(delivery: Delivery, now: OffsetDateTime) -> impl IntoView {
    match delivery {
        Delivery::Sent(at) => {
            view! { <p><Badge tone=Tone::Good text="sent"/> " " <RelativeTime at now/></p> }.into_any()
        }
        Delivery::GivenUp { at, problem } => view! {
            <p><Badge tone=Tone::Bad text="given up"/> " " <RelativeTime at now/> ": " {problem}</p>
        }
        .into_any(),
        Delivery::Waiting { problem: None, .. } => {
            view! { <p><Badge tone=Tone::Neutral text="to be sent"/></p> }.into_any()
        }
        Delivery::Waiting { attempts, next_attempt_at, problem: Some(problem) } => view! {
            <p>
                <Badge tone=Tone::Wait text="waiting"/>
                {format!(" tried {attempts} times, again ")}
                <RelativeTime at=next_attempt_at now/>
                ": "
                {problem}
            </p>
        }
        .into_any(),
    }
}
