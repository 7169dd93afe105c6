//! Refusals put together by what they have in common.

use super::{filter::LogFilter, log::Log};
use crate::{
    route,
    ui::{Badge, DataTable, RelativeTime, Tone},
};
use latchkey_core::{
    port::request_log::{GroupBy, RequestGroup},
    usage::log::LogOf,
};
use leptos::prelude::*;
use time::OffsetDateTime;

/// Groups, those with the most first, each with the way to its requests.
#[component]
pub(super) fn Groups(
    groups: Vec<RequestGroup>,
    by: GroupBy,
    now: OffsetDateTime,
    log: Log,
    filter: LogFilter,
) -> impl IntoView {
    let columns = match by {
        GroupBy::Failure => vec!["Requests", "Reason", "Target", "Credential", "Addresses", "First", "Last"],
        GroupBy::Address | GroupBy::Network => vec!["Requests", "From", "Credentials", "Addresses", "First", "Last"],
        GroupBy::Route => vec!["Requests", "Target", "Credentials", "Addresses", "First", "Last"],
        GroupBy::Reason => vec!["Requests", "Reason", "Credentials", "Addresses", "First", "Last"],
    };
    let rows = groups
        .into_iter()
        .map(|group| {
            let requests = requests_of(&group, by, &log, &filter);
            let block = group.from.clone().filter(|_| log.of == LogOf::Portal).map(|from| route::new_block(&from));
            view! { <Row group by now requests block/> }
        })
        .collect_view();
    view! { <DataTable label="Refusals that have something in common" columns action="Open">{rows}</DataTable> }
}

/// The requests of a group, in the view of single requests.
fn requests_of(group: &RequestGroup, by: GroupBy, log: &Log, filter: &LogFilter) -> String {
    let id = group.credential.as_ref().map(|(id, ..)| id.to_string()).unwrap_or_default();
    let (method, target) = group.route.clone().unwrap_or_default();
    let (reason, from) = (group.reason.clone().unwrap_or_default(), group.from.clone().unwrap_or_default());
    let mut shared: Vec<(&str, &str)> = vec![("view", "")];
    if log.of == LogOf::Own {
        shared.push(("outcome", "refused"));
    }
    match by {
        GroupBy::Failure => {
            shared.extend([("reason", &*reason), ("method", &method), ("route", &target), ("key", &id)]);
        }
        GroupBy::Address => shared.push(("address", &from)),
        GroupBy::Network => shared.push(("network", &from)),
        GroupBy::Route => shared.extend([("method", &*method), ("route", &target)]),
        GroupBy::Reason => shared.push(("reason", &reason)),
    }
    format!("{}{}", log.path, filter.with(&shared))
}

#[component]
fn Row(
    group: RequestGroup,
    by: GroupBy,
    now: OffsetDateTime,
    requests: String,
    /// Where its origin is blocked.
    block: Option<String>,
) -> impl IntoView {
    let reason = group.reason.map(|reason| view! { <td data-label="Reason"><Badge tone=Tone::Bad text=reason/></td> });
    let target = group.route.map(|(method, route)| {
        view! { <td data-label="Target"><code>{format!("{method} {route}")}</code></td> }
    });
    let credential = (by == GroupBy::Failure).then(|| match group.credential {
        Some((_, hint, name)) => {
            view! { <td data-label="Credential">{name} <p class="dim"><code>{hint}</code></p></td> }.into_any()
        }
        None => view! { <td data-label="Credential"><span class="dim">"none that is known"</span></td> }.into_any(),
    });
    let from = group.from.map(|from| view! { <td data-label="From"><code>{from}</code></td> });
    let credentials = (by != GroupBy::Failure)
        .then(|| view! { <td data-label="Credentials" class="number">{group.credentials}</td> });
    view! {
        <tr>
            <td data-label="Requests" class="number">{group.requests}</td>
            {reason}
            {target}
            {credential}
            {from}
            {credentials}
            <td data-label="Addresses" class="number">{group.addresses}</td>
            <td data-label="First"><RelativeTime at=group.first_at now/></td>
            <td data-label="Last"><RelativeTime at=group.last_at now/></td>
            <td>
                <a class="btn btn-small" href=requests>"Open"<span class="sr-only">" these requests"</span></a>
                {block.map(|href| view! { " " <a class="btn btn-small" href=href>"Block"</a> })}
            </td>
        </tr>
    }
}
