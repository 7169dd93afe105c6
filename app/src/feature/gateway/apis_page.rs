//! The APIs behind the door, for admins.

use super::{
    SaveApi,
    api_fields::{ApiFields, ApiValues},
};
use crate::{
    page::{Page, PageError, page, take_flash},
    route,
    ssr::{actor, services},
    ui::{Crumb, DataTable, EmptyState, EnvironmentBadge, Form, Message, PageHead, SubmitButton},
};
use latchkey_core::{gateway::GatewayError, port::api::GuardedApi};
use leptos::{prelude::*, server_fn::ServerFn};

impl From<GatewayError> for PageError {
    fn from(error: GatewayError) -> Self {
        match error {
            GatewayError::NotSignedIn(_) => Self::NotSignedIn,
            GatewayError::Store(error) => Self::Store(error),
            GatewayError::Forbidden | GatewayError::Invalid(_) | GatewayError::Changed | GatewayError::NotFound => {
                Self::NotFound
            }
        }
    }
}

/// The way to a page about an API.
pub(super) fn crumbs(last: &str) -> Vec<Crumb> {
    vec![
        Crumb { label: "APIs".to_owned(), href: Some(route::ADMIN_APIS.to_owned()) },
        Crumb { label: last.to_owned(), href: None },
    ]
}

/// Every guarded API.
#[component]
pub fn ApisPage() -> impl IntoView {
    page(async {
        let apis = services().guarded_apis.list(&actor()).await?;
        let flash = take_flash().await;
        let list = if apis.is_empty() {
            view! {
                <EmptyState title="No API yet">
                    <p>"Register an API of your own, and put nginx, Caddy, HAProxy, Traefik or Envoy before it: Latchkey decides about each of its requests, and nothing about the API changes."</p>
                    <p><a class="btn btn-primary" href=route::ADMIN_NEW_API>"Register an API"</a></p>
                </EmptyState>
            }
            .into_any()
        } else {
            let rows = apis.into_iter().map(|api| view! { <Row api/> }).collect_view();
            view! {
                <DataTable label="APIs" columns=vec!["API", "Address", "Takes", "Scopes", "Policies"]>{rows}</DataTable>
            }
            .into_any()
        };
        let body = view! {
            <PageHead title="APIs" explanation="APIs of your own whose requests are decided here. Developers choose among their scopes.">
                <a class="btn" href=route::GATEWAY_GUIDE>"Guide"</a>
                <a class="btn btn-primary" href=route::ADMIN_NEW_API>"Register an API"</a>
            </PageHead>
            <Message flash/>
            {list}
        };
        Ok(Page::portal("APIs", body))
    })
}

#[component]
fn Row(api: GuardedApi) -> impl IntoView {
    let environments: Vec<_> =
        api.settings.environments.iter().map(|one| view! { <li><EnvironmentBadge environment=*one/></li> }).collect();
    view! {
        <tr>
            <td data-label="API"><a href=route::api(&api.slug)>{api.settings.name.to_string()}</a>" "<code>{api.slug.to_string()}</code></td>
            <td data-label="Address"><code class="break">{api.settings.base_url.clone()}</code></td>
            <td data-label="Takes"><ul class="words">{environments}</ul></td>
            <td data-label="Scopes">{api.settings.scopes.len()}</td>
            <td data-label="Policies">{api.policies.len()}</td>
        </tr>
    }
}

/// The form for a new one.
#[component]
pub fn NewApiPage() -> impl IntoView {
    page(async {
        services().guarded_apis.list(&actor()).await?;
        let flash = take_flash().await;
        let values = ApiValues::new().or_typed(flash.as_ref());
        let body = view! {
            <PageHead title="Register an API" explanation="Its requests are refused until a policy covers them; you can write policies now or later." crumbs=crumbs("Register an API")/>
            <Message flash/>
            <Form action=SaveApi::PATH back=route::ADMIN_NEW_API class="card form">
                <ApiFields values new=true/>
                <div class="form-actions">
                    <SubmitButton text="Register it"/>
                    <a class="btn" href=route::ADMIN_APIS>"Cancel"</a>
                </div>
            </Form>
        };
        Ok(Page::portal("Register an API", body))
    })
}
