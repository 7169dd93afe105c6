//! A list of requests.

use crate::{
    route,
    ui::{Badge, DataTable, RelativeTime, Tone},
};
use latchkey_core::port::request_log::RequestRow;
use leptos::prelude::*;
use time::OffsetDateTime;

/// Requests, the newest first, each with the way to its decision.
#[component]
pub fn RequestTable(rows: Vec<RequestRow>, now: OffsetDateTime, older: Option<String>) -> impl IntoView {
    let rows = rows.into_iter().map(|row| view! { <Row row now/> }).collect_view();
    let columns = vec!["When", "Answer", "Request", "Key", "From"];
    view! {
        <DataTable label="Requests" columns action="Open">{rows}</DataTable>
        {older.map(|href| view! { <nav aria-label="Pages" class="pager"><a class="btn" href=href>"Older requests"</a></nav> })}
    }
}

#[component]
fn Row(row: RequestRow, now: OffsetDateTime) -> impl IntoView {
    let answer = Answer { status: row.status, reason: row.reason.clone() };
    let many = many_in_words(&row).map(|(text, meaning)| {
        view! { <span class="many" title=meaning>{text}</span> }
    });
    let key = row.attribution.as_ref().map(|owner| (owner.name.clone(), owner.hint.clone()));
    view! {
        <tr>
            <td data-label="When"><RelativeTime at=row.at now/></td>
            <td data-label="Answer">{answer.badge()} " " {many}</td>
            <td data-label="Request"><code>{format!("{} {}", row.method, row.path)}</code></td>
            <td data-label="Key">
                    {key.map(|(name, hint)| view! { {name} <p class="dim"><code>{hint}</code></p> })}
                </td>
            <td data-label="From">{if row.from_many { "many places".into_any() } else { view! { <code>{row.address.to_string()}</code> }.into_any() }}</td>
            <td><a class="btn btn-small" href=route::request(row.id)>"Open"<span class="sr-only">{format!(" request {}", row.id)}</span></a></td>
        </tr>
    }
}

/// For how many requests a row stands, in short and in a sentence; nothing where it stands for itself alone.
pub fn many_in_words(row: &RequestRow) -> Option<(String, String)> {
    let many = row.stands_for;
    match (many, &row.reason) {
        (0 | 1, _) => None,
        (_, Some(_)) => {
            Some((format!("× {many}"), format!("{many} refusals that are alike; this is one of the first")))
        }
        (_, None) => Some((
            format!("1 of {many}"),
            format!(
                "at that time, one in {many} requests of this credential that were let in has a row; all are counted"
            ),
        )),
    }
}

/// The status and, where the door refused, the reason.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) reason: Option<String>,
}

impl Answer {
    pub(super) fn badge(self) -> impl IntoView {
        let tone = match self.status {
            _ if self.reason.is_some() => Tone::Bad,
            200..=399 => Tone::Good,
            _ => Tone::Wait,
        };
        let text = match self.reason {
            Some(reason) => format!("{} {reason}", self.status),
            None => self.status.to_string(),
        };
        view! { <Badge tone text/> }
    }
}
