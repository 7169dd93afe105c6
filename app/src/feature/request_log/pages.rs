//! The pages that list requests.

use super::{filter::asked_request, log::Log};
use crate::{
    feature::api_key::{crumbs, environment_tabs, in_view},
    page::{Page, PageError, page, take_flash},
    route,
    ui::{Message, PageHead, Tabs},
};
use leptos::prelude::*;

/// The requests of one environment.
#[component]
pub fn LogsPage() -> impl IntoView {
    page(async {
        let in_view = in_view().await?;
        if let Some(id) = asked_request() {
            return Err(PageError::Redirect(route::request(id)));
        }
        let (application, environment) = (in_view.application.application.id, in_view.environment);
        let shown = Log::of_environment(application, environment).show().await?;
        let flash = take_flash().await;
        let body = view! {
            <PageHead
                title="Logs"
                explanation="Every request with a credential of this environment, even a dead or mistyped one. Open one to see each check it passed."
                crumbs=crumbs(&in_view)
                environment
            />
            <Tabs label="Environments" tabs=environment_tabs(&in_view, route::logs)/>
            <Message flash/>
            {shown}
        };
        Ok(Page::application("Logs", in_view, body))
    })
}

/// What the door refused, for admins.
#[component]
pub fn FailuresPage() -> impl IntoView {
    page(async {
        if let Some(id) = asked_request() {
            return Err(PageError::Redirect(route::request(id)));
        }
        let shown = Log::of_portal().show().await?;
        let flash = take_flash().await;
        let body = view! {
            <PageHead
                title="Authentication failures"
                explanation="Every request that the door refused, in the whole portal, whoever it belongs to, and also when it belongs to nobody."
            />
            <Message flash/>
            {shown}
        };
        Ok(Page::portal("Authentication failures", body))
    })
}
