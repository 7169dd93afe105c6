//! The list of clients of one kind in an environment.

use super::{registration_card::RegistrationCard, words::Words};
use crate::{
    feature::api_key::{NewSecret, crumbs, environment_tabs, in_view},
    page::{Page, page, take_flash},
    route,
    ssr::{actor, services},
    ui::{Badge, DataTable, EmptyState, LastUse, Message, PageHead, RelativeTime, SecretOnce, Tabs, Tone},
};
use latchkey_core::{
    oauth_client::ClientKind,
    port::{oauth_client::OauthClient, suspension::Suspended},
};
use latchkey_model::{ApplicationId, Environment};
use leptos::prelude::*;
use time::OffsetDateTime;

/// The OAuth clients of one environment.
#[component]
pub fn ClientsPage() -> impl IntoView {
    clients_page(ClientKind::ThirdParty)
}

/// The service accounts of one environment.
#[component]
pub fn ServiceAccountsPage() -> impl IntoView {
    clients_page(ClientKind::ServiceAccount)
}

fn clients_page(kind: ClientKind) -> impl IntoView {
    page(async move {
        let words = Words::of(kind);
        let in_view = in_view().await?;
        let (application, environment) = (in_view.application.application.id, in_view.environment);
        let services = services();
        let clients = services.oauth_clients.list(&actor(), application, environment, kind).await?;
        let now = services.ports.now();
        let flash = take_flash().await;
        let create = route::new_client(kind, application, environment);
        let label = format!("Create {}", words.one);
        let can_write = in_view.application.role.may_write();
        let list = if clients.is_empty() {
            let (create, label) = (create.clone(), label.clone());
            view! {
                <EmptyState title=format!("No {} for {environment} yet", words.one)>
                    <p>{words.empty}</p>
                    {can_write.then(|| view! { <a class="btn btn-primary" href=create>{label}</a> })}
                </EmptyState>
            }
            .into_any()
        } else {
            let rows =
                clients.into_iter().map(|client| view! { <Row client application environment now/> }).collect_view();
            view! {
                <DataTable label=words.many columns=vec!["Name", "Client id", "Can", "Last used", "State"] action="Action">
                    {rows}
                </DataTable>
            }
            .into_any()
        };
        let registration = if kind == ClientKind::ThirdParty && can_write {
            Some(services.registrations.policy(&actor(), application, environment).await?)
        } else {
            None
        };
        let new = NewSecret::take().await;
        let here = route::clients(kind, application, environment);
        let body = view! {
            <PageHead title=words.many explanation=words.explanation crumbs=crumbs(&in_view) environment>
                {can_write.then(|| view! { <a class="btn btn-primary" href=create>{label}</a> })}
            </PageHead>
            <Tabs label="Environments" tabs=environment_tabs(&in_view, words.list)/>
            <Message flash/>
            {new.map(|new| view! { <SecretOnce secret=new.into_text() next=here what="registration token"/> })}
            {list}
            {registration.map(|view| view! { <RegistrationCard view application environment/> })}
        };
        Ok(Page::application(words.many, in_view, body))
    })
}

#[component]
fn Row(
    client: OauthClient,
    application: ApplicationId,
    environment: Environment,
    now: OffsetDateTime,
) -> impl IntoView {
    let ended = client.revoked_at.is_some();
    let href = route::client(client.kind, application, environment, client.id);
    let scopes =
        client.settings.scopes.iter().map(|scope| view! { <li><code>{scope.to_string()}</code></li> }).collect_view();
    let name = client.settings.name.as_str().to_owned();
    let made_by = format!("made by {}, ", client.created_by_name);
    view! {
        <tr class:ended=ended>
            <td data-label="Name">
                <a class="row-link" href=href.clone()>{name.clone()}</a>
                <p class="dim">{made_by}<RelativeTime at=client.created_at now/></p>
            </td>
            <td data-label="Client id"><code>{client.client_id.to_string()}</code></td>
            <td data-label="Can"><ul class="plain">{scopes}</ul></td>
            <td data-label="Last used"><LastUse at=client.last_used_at from=client.last_used_from now/></td>
            <td data-label="State"><StateBadge revoked_at=client.revoked_at suspended=client.suspended/></td>
            <td><a class="btn btn-small" href=href>"Open"<span class="sr-only">{format!(" {name}")}</span></a></td>
        </tr>
    }
}

/// Whether it works.
#[component]
pub fn StateBadge(revoked_at: Option<OffsetDateTime>, suspended: Option<Suspended>) -> impl IntoView {
    match (revoked_at, suspended) {
        (Some(_), _) => view! { <Badge tone=Tone::Bad text="Revoked"/> },
        (None, Some(_)) => view! { <Badge tone=Tone::Bad text="Suspended"/> },
        (None, None) => view! { <Badge tone=Tone::Good text="Live"/> },
    }
}
