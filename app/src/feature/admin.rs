//! Authentication failures across the portal: also those that belong to nobody.

use crate::{
    feature::request_log::{FilterBar, LogFilter, RequestTable},
    page::{Page, page},
    route,
    ssr::{actor, services},
    ui::{EmptyState, PageHead},
};
use leptos::prelude::*;

/// What the door refused, for admins.
#[component]
pub fn FailuresPage() -> impl IntoView {
    page(async {
        let filter = LogFilter::read();
        let mut wanted = filter.to_core();
        wanted.refused = Some(true);
        let services = services();
        let found = services.log.portal_requests(&actor(), &wanted).await?;
        let now = services.ports.now();
        let older = found.older.map(|before| filter.older(route::ADMIN_FAILURES, before));
        let list = if found.rows.is_empty() {
            view! {
                <EmptyState title="No refused request">
                    <p>"Requests that the door refuses appear here, whoever they belong to, and also when they belong to nobody."</p>
                </EmptyState>
            }
            .into_any()
        } else {
            view! { <RequestTable rows=found.rows now older/> }.into_any()
        };
        let body = view! {
            <PageHead title="Authentication failures" explanation="Every request that the door refused, in the whole portal."/>
            <FilterBar filter action=route::ADMIN_FAILURES with_outcome=false/>
            {list}
        };
        Ok(Page::portal("Authentication failures", body))
    })
}
