//! The filter of a log, whose state is the URL.

use crate::{page::query, ui::Field};
use latchkey_core::{authn::Refusal, port::request_log::RequestFilter};
use latchkey_model::RequestId;
use leptos::prelude::*;
use std::net::IpAddr;

/// The filter as it stands in the URL: what cannot be read filters nothing, and stays in its field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFilter {
    outcome: String,
    reason: String,
    method: String,
    status: String,
    address: String,
    path: String,
    key: String,
    before: String,
}

impl LogFilter {
    /// Reads the filter of this page.
    pub fn read() -> Self {
        let value = |name| query(name).unwrap_or_default().trim().to_owned();
        Self {
            outcome: value("outcome"),
            reason: value("reason"),
            method: value("method"),
            status: value("status"),
            address: value("address"),
            path: value("path"),
            key: value("key"),
            before: value("before"),
        }
    }

    fn fields(&self) -> [(&'static str, &str); 7] {
        [
            ("outcome", &self.outcome),
            ("reason", &self.reason),
            ("method", &self.method),
            ("status", &self.status),
            ("address", &self.address),
            ("path", &self.path),
            ("key", &self.key),
        ]
    }

    /// Whether everything passes.
    pub fn is_empty(&self) -> bool {
        self.before.is_empty() && self.fields().iter().all(|(_, value)| value.is_empty())
    }

    /// The filter in the words of the log.
    pub fn to_core(&self) -> RequestFilter {
        let text = |value: &str| (!value.is_empty()).then(|| value.to_owned());
        RequestFilter {
            refused: match self.outcome.as_str() {
                "refused" => Some(true),
                "served" => Some(false),
                _ => None,
            },
            reported: self.outcome == "reported",
            api_key: self.key.parse().ok(),
            reason: text(&self.reason),
            method: text(&self.method).map(|method| method.to_uppercase()),
            status: self.status.parse().ok(),
            address: self.address.parse().ok(),
            path_contains: text(&self.path),
            before: self.before.parse().ok(),
            ..RequestFilter::default()
        }
    }

    /// The address of the page that begins below a request.
    pub fn older(&self, here: &str, before: RequestId) -> String {
        let mut address = format!("{here}?");
        for (name, value) in self.fields().into_iter().filter(|(_, value)| !value.is_empty()) {
            address.extend([name, "="]);
            address.extend(percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC));
            address.push('&');
        }
        address.extend(["before=", &before.to_string()]);
        address
    }
}

/// Whether something was typed that cannot be read.
fn unread<T: std::str::FromStr>(typed: &str) -> bool {
    !typed.is_empty() && typed.parse::<T>().is_err()
}

fn options(chosen: &str, listed: &[(&'static str, &'static str)]) -> impl IntoView + use<> {
    let chosen = chosen.to_owned();
    let listed = listed.to_vec();
    view! {
        <option value="" selected=chosen.is_empty()>"Any"</option>
        {listed
            .into_iter()
            .map(|(value, label)| view! { <option value=value selected=value == chosen>{label}</option> })
            .collect_view()}
    }
}

/// The filter as a form that GETs: its state can be bookmarked and shared.
#[component]
pub fn FilterBar(
    filter: LogFilter,
    #[prop(into)] action: String,
    /// Whether there is a choice: a list of failures has none.
    with_outcome: bool,
) -> impl IntoView {
    let outcomes =
        options(&filter.outcome, &[("served", "Served"), ("refused", "Refused"), ("reported", "Would be refused")]);
    let reasons = options(&filter.reason, &Refusal::REASONS.map(|reason| (reason, reason)));
    let methods = options(&filter.method, &["GET", "POST", "PUT", "DELETE"].map(|method| (method, method)));
    let status_error = unread::<u16>(&filter.status).then(|| "Not a status such as 401: it filters nothing".to_owned());
    let address_error =
        unread::<IpAddr>(&filter.address).then(|| "Not an address such as 203.0.113.9: it filters nothing".to_owned());
    let clear = (!filter.is_empty()).then(|| view! { <a class="btn" href=action.clone()>"Clear"</a> });
    view! {
        <form method="get" action=action class="filter" role="search" aria-label="Filter the log">
            {with_outcome.then(|| view! {
                <div class="field"><label for="outcome">"Outcome"</label><select id="outcome" name="outcome">{outcomes}</select></div>
            })}
            {(!filter.key.is_empty()).then(|| view! {
                <Field name="key" label="Key" value=filter.key.clone() error=None/>
            })}
            <div class="field"><label for="reason">"Reason"</label><select id="reason" name="reason">{reasons}</select></div>
            <div class="field"><label for="method">"Method"</label><select id="method" name="method">{methods}</select></div>
            <Field name="status" label="Status" value=filter.status error=status_error/>
            <Field name="address" label="Address" value=filter.address error=address_error/>
            <Field name="path" label="Path contains" value=filter.path error=None/>
            <div class="filter-actions"><button type="submit" class="btn btn-primary">"Filter"</button>{clear}</div>
        </form>
    }
}
