//! The filter of a log, whose state is the URL.

use crate::{
    page::{query, value_in},
    route,
    ssr::zone::Zone,
    ui::{Field, options},
};
use latchkey_core::{
    authn::Refusal,
    leak::redacted,
    port::request_log::{GroupBy, METHODS, RequestFilter},
};
use latchkey_model::RequestId;
use leptos::prelude::*;
use std::{net::IpAddr, str::FromStr};
use time::OffsetDateTime;
use uuid::Uuid;

/// How a log is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum View {
    /// One request a row.
    #[default]
    Requests,
    /// Refusals that have this in common.
    Grouped(GroupBy),
    /// As they come.
    Live,
}

impl View {
    /// All views, with the word in the URL and what people read.
    pub const ALL: [(Self, &'static str, &'static str); 7] = [
        (Self::Requests, "", "Requests"),
        (Self::Grouped(GroupBy::Failure), "failures", "Failures"),
        (Self::Grouped(GroupBy::Address), "addresses", "By address"),
        (Self::Grouped(GroupBy::Network), "networks", "By network"),
        (Self::Grouped(GroupBy::Route), "routes", "By target"),
        (Self::Grouped(GroupBy::Reason), "reasons", "By reason"),
        (Self::Live, "live", "Live"),
    ];

    fn of_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|(_, known, _)| *known == word).map(|(view, ..)| view).unwrap_or_default()
    }
}

/// The filter as it stands in the URL: what cannot be read filters nothing, and stays in its field.
#[derive(Debug, Clone, PartialEq)]
pub struct LogFilter {
    outcome: String,
    reason: String,
    method: String,
    status: String,
    route: String,
    address: String,
    network: String,
    key: String,
    text: String,
    since: String,
    until: String,
    view: String,
    before: String,
    zone: Zone,
}

impl LogFilter {
    /// Reads the filter of this page.
    pub fn read() -> Self {
        Self::from_values(|name| query(name).unwrap_or_default(), Zone::of_viewer())
    }

    /// Reads the filter from the parts of a query.
    pub fn from_pairs(pairs: &[(String, String)], zone: Zone) -> Self {
        Self::from_values(|name| value_in(pairs, name).unwrap_or_default().to_owned(), zone)
    }

    fn from_values(value: impl Fn(&str) -> String, zone: Zone) -> Self {
        // Whoever pastes a key finds its requests by how it is recognised; the key itself is in no link of the page.
        let value = |name| redacted(value(name).trim()).into_owned();
        Self {
            outcome: value("outcome"),
            reason: value("reason"),
            method: value("method"),
            status: value("status"),
            route: value("route"),
            address: value("address"),
            network: value("network"),
            key: value("key"),
            text: value("text"),
            since: value("since"),
            until: value("until"),
            view: value("view"),
            before: value("before"),
            zone,
        }
    }

    fn fields(&self) -> [(&'static str, &str); 12] {
        [
            ("view", &self.view),
            ("outcome", &self.outcome),
            ("reason", &self.reason),
            ("method", &self.method),
            ("status", &self.status),
            ("route", &self.route),
            ("address", &self.address),
            ("network", &self.network),
            ("key", &self.key),
            ("text", &self.text),
            ("since", &self.since),
            ("until", &self.until),
        ]
    }

    /// Whether everything passes.
    pub fn is_empty(&self) -> bool {
        self.before.is_empty() && self.fields().iter().all(|(name, value)| *name == "view" || value.is_empty())
    }

    /// How the log is looked at.
    pub fn view(&self) -> View {
        View::of_word(&self.view)
    }

    /// In which zone its times are.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The filter in the words of the log.
    pub fn to_core(&self) -> RequestFilter {
        let text = |value: &str| (!value.is_empty()).then(|| value.to_owned());
        let at = |value: &str| self.zone.read(value);
        RequestFilter {
            refused: match self.outcome.as_str() {
                "refused" => Some(true),
                "served" => Some(false),
                _ => None,
            },
            reported: self.outcome == "reported",
            credential: Uuid::try_parse(&self.key).ok(),
            reason: text(&self.reason),
            method: text(&self.method).map(|method| method.to_uppercase()),
            status: self.status.parse().ok(),
            route: text(&self.route),
            address: self.address.parse().ok(),
            network: text(&self.network),
            text: text(&self.text),
            since: at(&self.since),
            until: at(&self.until),
            before: self.before.parse().ok(),
            ..RequestFilter::default()
        }
    }

    /// The same filter, with other values in these fields.
    pub fn with(&self, other: &[(&str, &str)]) -> String {
        let kept = self.fields().into_iter().map(|(name, value)| {
            let other = other.iter().find(|(other, _)| *other == name);
            (name, other.map_or(value, |(_, value)| *value))
        });
        let new = other.iter().filter(|(name, _)| self.fields().iter().all(|(known, _)| known != name));
        route::query(kept.chain(new.copied()))
    }

    /// The query of the page that begins below a request.
    pub fn older(&self, before: RequestId) -> String {
        self.with(&[("before", &before.to_string())])
    }
}

/// Whether something was typed that cannot be read.
fn unread<T: FromStr>(typed: &str) -> bool {
    !typed.is_empty() && typed.parse::<T>().is_err()
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
    let methods = options(&filter.method.to_uppercase(), &METHODS.map(|method| (method, method)));
    let status_error = unread::<u16>(&filter.status).then(|| "Not a status such as 401: it filters nothing".to_owned());
    let address_error =
        unread::<IpAddr>(&filter.address).then(|| "Not an address such as 203.0.113.9: it filters nothing".to_owned());
    let key_error = unread::<Uuid>(&filter.key).then(|| "Not the id of a credential: it filters nothing".to_owned());
    let ((since, since_error), (until, until_error)) =
        (filter.zone.as_typed(&filter.since), filter.zone.as_typed(&filter.until));
    let clear = (!filter.is_empty()).then(|| {
        let all = LogFilter::from_values(
            |name| if name == "view" { filter.view.clone() } else { String::new() },
            filter.zone.clone(),
        );
        view! { <a class="btn" href=format!("{action}{}", all.with(&[]))>"Clear"</a> }
    });
    let zone = filter.zone.name().to_owned();
    view! {
        <form method="get" action=action class="filter" role="search" aria-label="Filter the log">
            {(!filter.view.is_empty()).then(|| view! { <input type="hidden" name="view" value=filter.view.clone()/> })}
            {with_outcome.then(|| view! {
                <div class="field"><label for="outcome">"Outcome"</label><select id="outcome" name="outcome">{outcomes}</select></div>
            })}
            <div class="field"><label for="reason">"Reason"</label><select id="reason" name="reason">{reasons}</select></div>
            <div class="field"><label for="method">"Method"</label><select id="method" name="method">{methods}</select></div>
            <Field name="route" label="Route" value=filter.route error=None/>
            <Field name="status" label="Status" value=filter.status error=status_error/>
            <Field name="address" label="Address" value=filter.address error=address_error/>
            <Field name="text" label="Text in path, client or key" value=filter.text error=None/>
            <Field kind="datetime-local" name="since" label=format!("From ({zone})") value=since error=since_error/>
            <Field kind="datetime-local" name="until" label=format!("To ({zone})") value=until error=until_error/>
            {(!filter.key.is_empty()).then(|| view! { <Field name="key" label="Credential" value=filter.key.clone() error=key_error/> })}
            {(!filter.network.is_empty()).then(|| view! { <Field name="network" label="Network" value=filter.network.clone() error=None/> })}
            <Field name="request" label="Request id" error=None/>
            <div class="filter-actions"><button type="submit" class="btn btn-primary">"Filter"</button>{clear}</div>
        </form>
    }
}

/// The request that was asked for by its id, if one was: it has a page of its own.
pub(super) fn asked_request() -> Option<RequestId> {
    query("request").and_then(|id| id.trim().parse().ok())
}

/// Since when a log is looked at together, where no time is asked for.
pub(super) fn a_day_before(now: OffsetDateTime) -> OffsetDateTime {
    now - time::Duration::DAY
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey_core::{api_key::PlainApiKey, random::SystemRandom};
    use latchkey_model::KeyKind;
    use time::macros::datetime;

    fn filter(pairs: &[(&str, &str)]) -> LogFilter {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        LogFilter::from_pairs(&pairs, Zone::named("Europe/Vienna"))
    }

    #[test]
    fn times_are_the_readers_and_links_are_everybodys() {
        let read = filter(&[("since", "2026-11-26T14:00"), ("until", "2026-11-26T14:00:00Z")]).to_core();
        assert_eq!(read.since, Some(datetime!(2026-11-26 13:00 UTC)));
        assert_eq!(read.until, Some(datetime!(2026-11-26 14:00 UTC)));
    }

    #[test]
    fn what_cannot_be_read_filters_nothing() {
        let read = filter(&[("status", "lots"), ("address", "here"), ("key", "mine"), ("since", "soon")]);
        assert!(read.to_core().is_wide() && !read.is_empty());
    }

    #[test]
    fn r53_a_key_that_is_looked_for_is_in_no_link() {
        let key = PlainApiKey::generate(&SystemRandom, KeyKind::Personal);
        let read = filter(&[("text", key.expose()), ("route", key.expose())]);
        assert_eq!(read.to_core().text, Some(key.hint()));
        assert!(!read.with(&[]).contains(&key.expose()[20..]), "{}", read.with(&[]));
    }

    #[test]
    fn the_query_says_it_all() {
        let read = filter(&[("outcome", "refused"), ("text", "a b"), ("view", "live")]);
        assert_eq!(read.view(), View::Live);
        assert_eq!(read.with(&[]), "?view=live&outcome=refused&text=a%20b");
        assert_eq!(
            read.with(&[("view", ""), ("status", "401"), ("x", "1")]),
            "?outcome=refused&status=401&text=a%20b&x=1"
        );
        assert!(filter(&[("view", "live")]).is_empty());
    }
}
