//! When a credential was last used.

use super::RelativeTime;
use leptos::prelude::*;
use std::net::IpAddr;
use time::OffsetDateTime;

/// When something was last used, and from where.
#[component]
pub fn LastUse(at: Option<OffsetDateTime>, from: Option<IpAddr>, now: OffsetDateTime) -> impl IntoView {
    match at {
        Some(at) => view! {
            <RelativeTime at now/>
            <p class="dim">{from.map(|address| format!("from {address}"))}</p>
        }
        .into_any(),
        None => view! { <span class="dim">"never used"</span> }.into_any(),
    }
}
