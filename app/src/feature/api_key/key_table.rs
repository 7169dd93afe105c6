//! A list of keys.

use super::{key_in_view::KeyPaths, key_state::KeyStateBadge};
use crate::ui::{DataTable, LastUse, RelativeTime};
use latchkey_core::port::api_key::{AddressMode, ApiKey};
use leptos::prelude::*;
use time::OffsetDateTime;

/// Keys, each with the way to its page.
#[component]
pub fn KeyTable(label: &'static str, keys: Vec<ApiKey>, now: OffsetDateTime) -> impl IntoView {
    let rows = keys.into_iter().map(|key| view! { <Row key now/> }).collect_view();
    view! {
        <DataTable label columns=vec!["Name", "Key", "Can", "Last used", "State"] action="Action">{rows}</DataTable>
    }
}

#[component]
fn Row(key: ApiKey, now: OffsetDateTime) -> impl IntoView {
    let ended = key.is_ended(now);
    let href = KeyPaths::of(&key).key;
    let settings = &key.settings;
    let scopes = settings.scopes.iter().map(|scope| view! { <li><code>{scope.to_string()}</code></li> }).collect_view();
    let networks = (!settings.allowed_from.is_empty()).then(|| {
        let only = match settings.address_mode {
            AddressMode::Enforce => "from",
            AddressMode::ReportOnly => "reports others than",
        };
        view! { <p class="dim">{format!("{only} {}", settings.allowed_from)}</p> }
    });
    let name = settings.name.as_str().to_owned();
    let made_by = format!("made by {}, ", key.created_by_name);
    view! {
        <tr class:ended=ended>
            <td data-label="Name">
                <a class="row-link" href=href.clone()>{name.clone()}</a>
                <p class="dim">{made_by}<RelativeTime at=key.created_at now/></p>
            </td>
            <td data-label="Key"><code>{key.hint()}</code></td>
            <td data-label="Can"><ul class="plain">{scopes}</ul>{networks}</td>
            <td data-label="Last used"><LastUse at=key.last_used_at from=key.last_used_from now/></td>
            <td data-label="State"><KeyStateBadge key now/></td>
            <td><a class="btn btn-small" href=href>"Open"<span class="sr-only">{format!(" {name}")}</span></a></td>
        </tr>
    }
}
