//! The pages that list requests.

use super::{filter::asked_request, log::Log};
use crate::{
    feature::api_key::{crumbs, in_view, tabs_with_all},
    page::{InView, Page, PageError, page, param, take_flash},
    route,
    ssr::{actor, services},
    ui::{Message, PageHead, Tabs},
};
use latchkey_model::{ApplicationId, Environment};
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
        let tabs = tabs_with_all(&in_view, route::application_logs, route::logs, false);
        let shown = Log::of_environment(application, environment).show().await?;
        let flash = take_flash().await;
        let body = view! {
            <PageHead
                title="Logs"
                explanation="Every request with a credential of this environment, even a dead or mistyped one. Open one to see each check it passed."
                crumbs=crumbs(&in_view)
                environment
            />
            <Tabs label="Environments" tabs/>
            <Message flash/>
            {shown}
        };
        Ok(Page::application("Logs", in_view, body))
    })
}

/// The requests of all environments of an application.
#[component]
pub fn ApplicationLogsPage() -> impl IntoView {
    page(async {
        let id = param::<ApplicationId>("app")?;
        let application = services().applications.get(&actor(), id).await?;
        if let Some(id) = asked_request() {
            return Err(PageError::Redirect(route::request(id)));
        }
        let in_view = InView { application, environment: Environment::Development };
        let mut crumbs = crumbs(&in_view);
        crumbs.pop();
        let tabs = tabs_with_all(&in_view, route::application_logs, route::logs, true);
        let shown = Log::of_application(id).show().await?;
        let flash = take_flash().await;
        let body = view! {
            <PageHead
                title="Logs"
                explanation="Every request with a credential of any environment, even a dead or mistyped one. Open one to see each check it passed."
                crumbs
            />
            <Tabs label="Environments" tabs/>
            <Message flash/>
            {shown}
        };
        Ok(Page::application("Logs", in_view, body))
    })
}

/// Every request, for admins.
#[component]
pub fn PortalLogsPage() -> impl IntoView {
    let explanation = "Every request that came to the door, whoever it belongs to, and also when it belongs to nobody.";
    page(of_everybody(Log::of_portal(), "Requests", explanation))
}

/// What the door refused, for admins.
#[component]
pub fn FailuresPage() -> impl IntoView {
    let explanation = "Every request that the door refused, in the whole portal, whoever it belongs to, and also when it belongs to nobody.";
    page(of_everybody(Log::of_failures(), "Authentication failures", explanation))
}

async fn of_everybody(log: Log, title: &'static str, explanation: &'static str) -> Result<Page, PageError> {
    if let Some(id) = asked_request() {
        return Err(PageError::Redirect(route::request(id)));
    }
    let shown = log.show().await?;
    let flash = take_flash().await;
    let body = view! {
        <PageHead title explanation/>
        <Message flash/>
        {shown}
    };
    Ok(Page::portal(title, body))
}
