//! The filter of an audit log, whose state is the URL.

use crate::{
    page::{query, value_in},
    route,
    ssr::zone::Zone,
    ui::Field,
};
use latchkey_core::{
    audit::Action,
    leak::redacted,
    port::audit::{AuditActor, AuditFilter},
};
use latchkey_model::{AccountId, AuditEventId};
use leptos::prelude::*;

/// The word for whoever has no account: the server, an operator at its terminal, a program.
pub(super) const NOBODY: &str = "Latchkey";

/// The filter as it stands in the URL: what cannot be read filters nothing, and stays in its field.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditQuery {
    action: String,
    actor: String,
    target: String,
    since: String,
    until: String,
    before: String,
    zone: Zone,
}

impl AuditQuery {
    /// Reads the filter of this page.
    pub fn read() -> Self {
        Self::from_values(|name| query(name).unwrap_or_default(), Zone::of_viewer())
    }

    /// Reads the filter from the parts of a query.
    pub fn from_pairs(pairs: &[(String, String)], zone: Zone) -> Self {
        Self::from_values(|name| value_in(pairs, name).unwrap_or_default().to_owned(), zone)
    }

    fn from_values(value: impl Fn(&str) -> String, zone: Zone) -> Self {
        let value = |name| redacted(value(name).trim()).into_owned();
        Self {
            action: value("action"),
            actor: value("actor"),
            target: value("target"),
            since: value("since"),
            until: value("until"),
            before: value("before"),
            zone,
        }
    }

    fn fields(&self) -> [(&'static str, &str); 5] {
        [
            ("action", &self.action),
            ("actor", &self.actor),
            ("target", &self.target),
            ("since", &self.since),
            ("until", &self.until),
        ]
    }

    /// Whether everything passes.
    pub fn is_empty(&self) -> bool {
        self.before.is_empty() && self.fields().iter().all(|(_, value)| value.is_empty())
    }

    /// The filter in the words of the log.
    pub fn to_core(&self) -> AuditFilter {
        let text = |value: &str| (!value.is_empty()).then(|| value.to_owned());
        AuditFilter {
            action: self.action.parse().ok(),
            actor: text(&self.actor).map(|actor| match actor.parse::<AccountId>() {
                Ok(id) => AuditActor::Account(id),
                Err(_) if actor.eq_ignore_ascii_case(NOBODY) => AuditActor::Nobody,
                Err(_) => AuditActor::Named(actor),
            }),
            target: text(&self.target),
            since: self.zone.read(&self.since),
            until: self.zone.read(&self.until),
            before: self.before.parse().ok(),
        }
    }

    /// The query of this filter, from the newest on.
    pub fn from_the_newest(&self) -> String {
        route::query(self.fields())
    }

    /// The same for a file that is a table.
    pub(super) fn as_table(&self) -> String {
        route::query(self.fields().into_iter().chain([("format", "csv")]))
    }

    /// The query of what is older than an event.
    pub fn older(&self, before: AuditEventId) -> String {
        let before = before.to_string();
        route::query(self.fields().into_iter().chain([("before", before.as_str())]))
    }
}

/// The filter as a form that GETs: its state can be bookmarked and shared.
#[component]
pub(super) fn AuditFilterBar(filter: AuditQuery, #[prop(into)] action: String) -> impl IntoView {
    let mut actions: Vec<_> = Action::ALL.iter().map(|one| (one.label(), one.as_str())).collect();
    actions.sort_unstable();
    let chosen = filter.action.clone();
    let options = actions
        .into_iter()
        .map(|(label, word)| view! { <option value=word selected=word == chosen>{label}</option> })
        .collect_view();
    let ((since, since_error), (until, until_error)) =
        (filter.zone.as_typed(&filter.since), filter.zone.as_typed(&filter.until));
    let zone = filter.zone.name().to_owned();
    let clear = (!filter.is_empty()).then(|| view! { <a class="btn" href=action.clone()>"Clear"</a> });
    view! {
        <form method="get" action=action class="filter" role="search" aria-label="Filter the audit log">
            <div class="field">
                <label for="action">"What"</label>
                <select id="action" name="action">
                    <option value="" selected=filter.action.is_empty()>"Anything"</option>
                    {options}
                </select>
            </div>
            <Field name="actor" label=format!("Who (name, id, or {NOBODY})") value=filter.actor error=None/>
            <Field name="target" label="To what (name or id)" value=filter.target error=None/>
            <Field kind="datetime-local" name="since" label=format!("From ({zone})") value=since error=since_error/>
            <Field kind="datetime-local" name="until" label=format!("To ({zone})") value=until error=until_error/>
            <div class="filter-actions"><button type="submit" class="btn btn-primary">"Filter"</button>{clear}</div>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn filter(pairs: &[(&str, &str)]) -> AuditQuery {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        AuditQuery::from_pairs(&pairs, Zone::named("Europe/Vienna"))
    }

    #[test]
    fn whoever_did_it_has_a_name_an_id_or_no_account() {
        let actor = |text: &str| filter(&[("actor", text)]).to_core().actor;
        assert_eq!(actor(" Ada "), Some(AuditActor::Named("Ada".to_owned())));
        assert_eq!(actor("latchkey"), Some(AuditActor::Nobody));
        let id = "01a20000-0000-7000-8000-000000000007";
        assert_eq!(actor(id), id.parse().ok().map(AuditActor::Account));
        assert_eq!(actor(""), None);
    }

    #[test]
    fn what_cannot_be_read_filters_nothing_and_the_query_says_it_all() {
        let odd = filter(&[("action", "nothing"), ("since", "soon"), ("before", "x")]);
        assert_eq!(odd.to_core(), AuditFilter::default());
        assert!(!odd.is_empty() && filter(&[]).is_empty());
        let read = filter(&[("action", "api_key.revoked"), ("since", "2026-11-26T14:00"), ("target", "a b")]);
        assert_eq!(read.to_core().since, Some(datetime!(2026-11-26 13:00 UTC)));
        let query = "?action=api%5Fkey%2Erevoked&target=a%20b&since=2026%2D11%2D26T14%3A00";
        assert_eq!(read.from_the_newest(), query);
        let id = "01a20000-0000-7000-8000-000000000007".parse().unwrap();
        assert!(read.older(id).starts_with(&format!("{query}&before=01a20000")));
    }
}
