//! The pages.

use super::figures::{Figures, Subject};
use crate::{
    feature::api_key::{crumbs, in_view, tabs_with_all},
    page::{InView, Page, PageError, page, param, query, take_flash},
    route,
    ssr::{actor, portal, services, zone::Zone},
    ui::{Banner, Crumb, EmptyState, Message, PageHead, Tab, Tabs, Tone},
};
use latchkey_core::{
    port::request_log::CredentialId,
    usage::report::{Range, UsageError, UsageOf},
};
use latchkey_model::{ApplicationId, Environment};
use leptos::prelude::*;

impl From<UsageError> for PageError {
    fn from(error: UsageError) -> Self {
        match error {
            UsageError::NotSignedIn(_) => Self::NotSignedIn,
            UsageError::NotFound => Self::NotFound,
            UsageError::Store(error) => Self::Store(error),
        }
    }
}

/// Of one environment, or of one credential in it.
#[component]
pub fn UsagePage() -> impl IntoView {
    page(async {
        let in_view = in_view().await?;
        let (application, environment) = (in_view.application.application.id, in_view.environment);
        let here = route::usage(application, environment);
        let (services, actor) = (services(), actor());
        // The rest of the path must be the credential's own.
        let of_this = |its: Option<(ApplicationId, Environment)>| {
            (its == Some((application, environment))).then_some(()).ok_or(PageError::NotFound)
        };
        let (subject, crumbs) = match credential()? {
            None => {
                let of = UsageOf::Environment(application, environment);
                let logs = Some(route::logs(application, environment));
                let nothing = Some(("Go to the keys", route::keys(application, environment)));
                (Subject { of, here, logs, nothing }, crumbs(&in_view))
            }
            Some(CredentialId::Key(id)) => {
                let key = services.api_keys.get(&actor, id).await?;
                of_this(key.owner.application())?;
                let logs = Some(route::key_logs(application, environment, id));
                let way = below(&in_view, key.settings.name.as_str(), route::key(application, environment, id));
                (Subject { of: UsageOf::Key(id), here: format!("{here}?key={id}"), logs, nothing: None }, way)
            }
            Some(CredentialId::Client(id)) => {
                let client = services.oauth_clients.get(&actor, id).await?.client;
                of_this(client.owner.application())?;
                let page = route::client(client.kind, application, environment, id);
                let logs = Some(route::credential_logs(application, environment, id.as_uuid()));
                let way = below(&in_view, client.settings.name.as_str(), page);
                (Subject { of: UsageOf::Client(id), here: format!("{here}?client={id}"), logs, nothing: None }, way)
            }
            Some(CredentialId::Account(_)) => return Err(PageError::NotFound),
        };
        let tabs = tabs_with_all(&in_view, route::application_usage, route::usage, false);
        let explanation = match subject.of {
            UsageOf::Key(_) | UsageOf::Client(_) => "What this credential did. Counts are exact.",
            _ => "What the credentials of this environment did. Counts are exact.",
        };
        let shown = shown(subject).await?;
        let flash = take_flash().await;
        let body = view! {
            <PageHead title="Usage" explanation crumbs environment/>
            <Tabs label="Environments" tabs/>
            <Message flash/>
            {shown}
        };
        Ok(Page::application("Usage", in_view, body))
    })
}

/// Of all environments of an application.
#[component]
pub fn ApplicationUsagePage() -> impl IntoView {
    page(async {
        let id = param::<ApplicationId>("app")?;
        let application = services().applications.get(&actor(), id).await?;
        let in_view = InView { application, environment: Environment::Development };
        let tabs = tabs_with_all(&in_view, route::application_usage, route::usage, true);
        let mut crumbs = crumbs(&in_view);
        crumbs.pop();
        let nothing = Some(("Go to the keys", route::keys(id, Environment::Development)));
        let here = route::application_usage(id);
        let shown =
            shown(Subject { of: UsageOf::Application(id), here, logs: Some(route::application_logs(id)), nothing })
                .await?;
        let body = view! {
            <PageHead
                title="Usage"
                explanation="What the credentials of all three environments did together. Counts are exact."
                crumbs
            />
            <Tabs label="Environments" tabs/>
            {shown}
        };
        Ok(Page::application("Usage", in_view, body))
    })
}

/// Of everybody and nobody, for admins.
#[component]
pub fn PortalUsagePage() -> impl IntoView {
    page(async {
        let here = route::ADMIN_USAGE.to_owned();
        let shown =
            shown(Subject { of: UsageOf::Portal, here, logs: Some(route::ADMIN_LOGS.to_owned()), nothing: None })
                .await?;
        let body = view! {
            <PageHead
                title="Usage of the portal"
                explanation="Every request that came to the door, whoever sent it. Counts are exact."
            />
            {shown}
        };
        Ok(Page::portal("Usage of the portal", body))
    })
}

/// The credential that the page is asked about.
fn credential() -> Result<Option<CredentialId>, PageError> {
    let read = |name: &str| query(name).filter(|text| !text.is_empty());
    match (read("key"), read("client")) {
        (None, None) => Ok(None),
        (Some(key), None) => key.parse().map(|id| Some(CredentialId::Key(id))).map_err(|_| PageError::NotFound),
        (None, Some(client)) => {
            client.parse().map(|id| Some(CredentialId::Client(id))).map_err(|_| PageError::NotFound)
        }
        (Some(_), Some(_)) => Err(PageError::NotFound),
    }
}

fn below(in_view: &InView, name: &str, href: String) -> Vec<Crumb> {
    let mut crumbs = crumbs(in_view);
    crumbs.push(Crumb { label: name.to_owned(), href: Some(href) });
    crumbs
}

/// The choice of the range, and what there is to see in it.
async fn shown(subject: Subject) -> Result<AnyView, PageError> {
    let range = query("range").and_then(|text| text.parse().ok()).unwrap_or(Range::Day);
    let zone = Zone::of_viewer();
    let usage = services().usage.usage(&actor(), subject.of, range, zone.rules()).await?;
    let ranges = Range::ALL
        .into_iter()
        .map(|one| Tab { label: one.label().to_owned(), href: subject.at(one), current: one == range })
        .collect();
    let figures = if usage.requests == 0 && usage.before.0 == 0 {
        let nothing = subject.nothing.clone();
        view! {
            <EmptyState title=format!("No requests in the last {}", range.label())>
                <p>"Whatever comes to the API appears here within seconds."</p>
                {nothing.map(|(label, href)| view! { <a class="btn btn-primary" href=href>{label}</a> })}
            </EmptyState>
        }
        .into_any()
    } else {
        view! { <Figures usage range subject zone/> }.into_any()
    };
    let recorder = portal().recorder;
    let (lost, without_row) = (recorder.lost(), recorder.without_row());
    Ok(view! {
        <Tabs label="Time range" tabs=ranges/>
        {(lost > 0).then(|| view! {
            <Banner tone=Tone::Wait>
                {format!("{lost} requests of this portal have no row in the logs since the server started, though they should: more came than could be written. Their counts are here all the same.")}
            </Banner>
        })}
        {(without_row > 0).then(|| view! {
            <Banner tone=Tone::Neutral>
                {format!("{without_row} requests of this portal were counted without a row of their own since the server started: at busy times, requests that were let in are sampled, and refusals that are alike share a row.")}
            </Banner>
        })}
        {figures}
    }
    .into_any())
}
