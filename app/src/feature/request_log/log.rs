//! A log in one of its views: a list, groups, or requests as they come.

use super::{
    filter::{FilterBar, LogFilter, View, a_day_before},
    groups::Groups,
    saved_views,
    table::RequestTable,
};
use crate::{
    islands::LiveLog,
    page::PageError,
    route,
    ssr::{actor, services},
    ui::{Banner, EmptyState, Tab, Tabs, Tone},
};
use latchkey_core::{
    port::request_log::{GroupBy, RequestFilter},
    usage::log::LogOf,
};
use latchkey_model::{ApplicationId, Environment, RequestId};
use leptos::prelude::*;
use time::OffsetDateTime;

/// Which log it is.
#[derive(Debug, Clone)]
pub struct Log {
    /// Whose requests.
    pub of: LogOf,
    /// Of one application only.
    pub application: Option<ApplicationId>,
    /// Of one of its environments only.
    pub environment: Option<Environment>,
    /// Whether it has refusals alone.
    pub refusals_alone: bool,
    /// Its page.
    pub path: String,
}

impl Log {
    /// The log of an environment.
    pub fn of_environment(application: ApplicationId, environment: Environment) -> Self {
        let path = route::logs(application, environment);
        Self { environment: Some(environment), path, ..Self::of_application(application) }
    }

    /// The log of all environments of an application.
    pub fn of_application(application: ApplicationId) -> Self {
        let path = route::application_logs(application);
        Self { of: LogOf::Own, application: Some(application), environment: None, refusals_alone: false, path }
    }

    /// The log of everybody, and nobody.
    pub fn of_portal() -> Self {
        let path = route::ADMIN_LOGS.to_owned();
        Self { of: LogOf::Portal, application: None, environment: None, refusals_alone: false, path }
    }

    /// What is refused of that.
    pub fn of_failures() -> Self {
        Self { refusals_alone: true, path: route::ADMIN_FAILURES.to_owned(), ..Self::of_portal() }
    }

    /// What the filter asks of this log.
    pub fn wanted(&self, filter: &LogFilter) -> RequestFilter {
        let wanted = filter.to_core();
        RequestFilter {
            application: self.application,
            environment: self.environment,
            refused: if self.refusals_alone { Some(true) } else { wanted.refused },
            ..wanted
        }
    }

    /// The log as its page's filter asks for it.
    pub(super) async fn show(&self) -> Result<AnyView, PageError> {
        let filter = LogFilter::read();
        let views = View::ALL
            .into_iter()
            .filter(|(view, ..)| self.of == LogOf::Portal || Self::is_for_owners(*view))
            .map(|(view, word, label)| Tab {
                label: label.to_owned(),
                href: format!("{}{}", self.path, filter.with(&[("view", word)])),
                current: view == filter.view(),
            })
            .collect();
        let saved = saved_views::chips(&self.path).await?;
        let list = match filter.view() {
            View::Requests => self.list(&filter).await?,
            View::Grouped(by) => self.groups(&filter, by).await?,
            View::Live => self.live(&filter).await?,
        };
        Ok(view! {
            <Tabs label="Views" tabs=views/>
            <FilterBar filter action=self.path.clone() with_outcome=!self.refusals_alone/>
            {saved}
            {list}
        }
        .into_any())
    }

    /// A team sees whose failures are whose; by network and target, those who guard the portal look.
    const fn is_for_owners(view: View) -> bool {
        matches!(
            view,
            View::Requests | View::Live | View::Grouped(GroupBy::Failure | GroupBy::Address | GroupBy::Reason)
        )
    }

    async fn list(&self, filter: &LogFilter) -> Result<AnyView, PageError> {
        let services = services();
        let found = services.log.requests(&actor(), self.of, &self.wanted(filter)).await?;
        let now = services.ports.now();
        let older = found.older.map(|before| format!("{}{}", self.path, filter.older(before)));
        if found.rows.is_empty() && found.searched_to.is_none() {
            return Ok(self.nothing(filter));
        }
        let export = |format: &str| format!("{}/export{}", self.path, filter.with(&[("view", ""), ("format", format)]));
        let (csv, json) = (export("csv"), export("json"));
        let searched =
            found.searched_to.map(|at| view! { <SearchedTo at filter=filter.clone() none=found.rows.is_empty()/> });
        Ok(view! {
            <p class="log-tools">
                <a class="btn btn-small" href=csv download="latchkey-requests.csv">"CSV"</a>
                " "
                <a class="btn btn-small" href=json download="latchkey-requests.jsonl">"JSON"</a>
            </p>
            {searched}
            <RequestTable rows=found.rows now older/>
        }
        .into_any())
    }

    async fn groups(&self, filter: &LogFilter, by: GroupBy) -> Result<AnyView, PageError> {
        let services = services();
        let now = services.ports.now();
        let mut wanted = self.wanted(filter);
        wanted.refused = Some(true);
        wanted.since = wanted.since.or_else(|| Some(a_day_before(now)));
        let found = services.log.groups(&actor(), self.of, &wanted, by).await?;
        let searched = found.searched_to.map(|(_, at)| view! {
            <Banner tone=Tone::Neutral>
                {format!("There are so many that only those since {} are counted here. Narrow the time to look at others.", filter.zone().to_field(at))}
            </Banner>
        });
        if found.found.is_empty() {
            return Ok(view! {
                <EmptyState title="No refused request">
                    <p>"Nothing was refused in this time that passes the filter. Without a time, the last 24 hours are looked at."</p>
                </EmptyState>
            }
            .into_any());
        }
        Ok(view! { {searched} <Groups groups=found.found by now log=self.clone() filter=filter.clone()/> }.into_any())
    }

    async fn live(&self, filter: &LogFilter) -> Result<AnyView, PageError> {
        let services = services();
        let now = services.ports.now();
        let found = services.log.requests(&actor(), self.of, &self.wanted(filter)).await?;
        let after = found.rows.first().map_or_else(|| services.ports.uuid(), |row| row.id.as_uuid());
        let after = RequestId::from_uuid(after).to_string();
        let url = format!("{}/live{}", self.path, filter.with(&[("view", ""), ("after", &after)]));
        Ok(view! {
            <LiveLog url/>
            <noscript><p class="dim">"Requests are shown as they come by a script. Without scripts, reload the page to see newer ones."</p></noscript>
            <RequestTable rows=found.rows now older=None/>
        }
        .into_any())
    }

    fn nothing(&self, filter: &LogFilter) -> AnyView {
        let (title, advice) = match (filter.is_empty(), self.refusals_alone) {
            (true, false) => {
                ("No requests yet", "Call the API with a credential; the request appears here within two seconds.")
            }
            (true, true) => ("No refused request", "Requests that the door refuses appear here."),
            (false, _) => ("No request passes this filter", "Clear the filter to see all of them."),
        };
        let all = self.path.clone();
        view! {
            <EmptyState title>
                <p>{advice}</p>
                <a class="btn" href=all>"Show all requests"</a>
            </EmptyState>
        }
        .into_any()
    }
}

/// How far a search came that was given up for now.
#[component]
fn SearchedTo(at: OffsetDateTime, filter: LogFilter, none: bool) -> impl IntoView {
    let at = filter.zone().to_field(at);
    let found = if none { "Nothing yet" } else { "These are all" };
    view! {
        <Banner tone=Tone::Neutral>
            {format!("{found} that pass the filter since {at} ({}). What is older was not looked at yet: go on below.", filter.zone().name())}
        </Banner>
    }
}
