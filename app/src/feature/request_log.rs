//! The logs of an environment, and the page of one request.

mod filter;
mod request_page;
mod table;

pub use request_page::RequestPage;

use crate::{
    feature::api_key::{crumbs, environment_tabs, in_view},
    page::{Page, page, take_flash},
    route,
    ssr::{actor, services},
    ui::{EmptyState, Message, PageHead, Tabs},
};
use leptos::prelude::*;

pub use filter::{FilterBar, LogFilter};
pub use table::RequestTable;

/// The requests of one environment.
#[component]
pub fn LogsPage() -> impl IntoView {
    page(async {
        let in_view = in_view().await?;
        let (application, environment) = (in_view.application.application.id, in_view.environment);
        let filter = LogFilter::read();
        let mut wanted = filter.to_core();
        wanted.application = Some(application);
        wanted.environment = Some(environment);
        let services = services();
        let found = services.log.requests(&actor(), &wanted).await?;
        let now = services.ports.now();
        let flash = take_flash().await;
        let here = route::logs(application, environment);
        let older = found.older.map(|before| filter.older(&here, before));
        let list = if found.rows.is_empty() {
            let (title, advice) = if filter.is_empty() {
                (
                    "No requests yet",
                    "Call the API with a key of this environment; the request appears here within two seconds.",
                )
            } else {
                ("No request passes this filter", "Clear the filter to see all of them.")
            };
            let all = here.clone();
            view! {
                <EmptyState title>
                    <p>{advice}</p>
                    <a class="btn" href=all>"Show all requests"</a>
                </EmptyState>
            }
            .into_any()
        } else {
            view! { <RequestTable rows=found.rows now older/> }.into_any()
        };
        let body = view! {
            <PageHead
                title="Logs"
                explanation="Every request with a key of this environment, even a dead or mistyped one. Open one to see each check it passed."
                crumbs=crumbs(&in_view)
                environment
            />
            <Tabs label="Environments" tabs=environment_tabs(&in_view, route::logs)/>
            <Message flash/>
            <FilterBar filter action=here with_outcome=true/>
            {list}
        };
        Ok(Page::application("Logs", in_view, body))
    })
}
