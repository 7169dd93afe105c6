//! The clients that ask people, for admins: who has looked at which.

use crate::{
    feature::grant::ClientLogo,
    page::{Page, page, take_flash},
    route,
    ssr::{
        actor,
        flash::Flash,
        respond::{Refused, see_other, see_other_with},
        services,
    },
    ui::{Badge, DataTable, EmptyState, Form, Message, PageHead, ReasonInput, RelativeTime, Tone},
};
use latchkey_core::{
    oauth_client::{Appearance, OauthClientError},
    port::{api_key::KeyOwner, oauth_client::OauthClient},
};
use leptos::{prelude::*, server, server_fn::ServerFn};
use time::OffsetDateTime;

/// Every client that acts for people.
#[component]
pub fn VerificationPage() -> impl IntoView {
    page(async {
        let services = services();
        let clients = services.client_verification.list(&actor()).await?;
        let now = services.ports.now();
        let flash = take_flash().await;
        let list = if clients.is_empty() {
            view! {
                <EmptyState title="No app asks people yet">
                    <p>"OAuth clients that developers create, and apps that register themselves, are listed here."</p>
                </EmptyState>
            }
            .into_any()
        } else {
            let rows = clients.into_iter().map(|client| view! { <Row client now/> }).collect_view();
            view! {
                <DataTable label="Apps" columns=vec!["App", "Leads back to", "Made", "State"] action="Action">{rows}</DataTable>
            }
            .into_any()
        };
        let body = view! {
            <PageHead
                title="Apps that ask people"
                explanation="Verify an app once you know whose it is: people are told so when it asks them. Another name, address or logo ends that."
            />
            <Message flash/>
            {list}
        };
        Ok(Page::portal("Apps that ask people", body))
    })
}

#[component]
fn Row(client: OauthClient, now: OffsetDateTime) -> impl IntoView {
    let name = client.settings.name.as_str().to_owned();
    let application = match &client.owner {
        KeyOwner::Environment { application_name, environment, .. } => format!("of {application_name}, {environment}"),
        KeyOwner::Account { account_name, .. } => format!("of {account_name}"),
    };
    let places = client
        .settings
        .redirect_uris
        .iter()
        .map(|uri| view! { <li><code class="break">{uri.as_str().to_owned()}</code></li> })
        .collect_view();
    let seen = Appearance::of(&client).to_string();
    let verified = client.verified_at;
    let made_by = format!("by {}", client.created_by_name);
    let (created_at, id) = (client.created_at, client.id.to_string());
    let (next, label) = if verified.is_some() { ("", "Take it back") } else { ("yes", "Verify") };
    let state = match verified {
        Some(at) => {
            view! { <Badge tone=Tone::Good text="Verified"/><p class="dim"><RelativeTime at now/></p> }.into_any()
        }
        None => view! { <Badge tone=Tone::Wait text="Not verified"/> }.into_any(),
    };
    view! {
        <tr>
            <td data-label="App">
                <div class="who-asks">
                    <ClientLogo client/>
                    <div><strong>{name.clone()}</strong><p class="dim">{application}</p></div>
                </div>
            </td>
            <td data-label="Leads back to"><ul class="plain">{places}</ul></td>
            <td data-label="Made"><RelativeTime at=created_at now/><p class="dim">{made_by}</p></td>
            <td data-label="State">{state}</td>
            <td>
                <Form action=VerifyClient::PATH back=route::ADMIN_APPS class="row-form">
                    <ReasonInput id=format!("reason-{id}") label=format!("Why, for {name}")/>
                    <input type="hidden" name="id" value=id/>
                    <input type="hidden" name="verified" value=next/>
                    <input type="hidden" name="seen" value=seen/>
                    <button type="submit" class="btn btn-small">{label}<span class="sr-only">{format!(" {name}")}</span></button>
                </Form>
            </td>
        </tr>
    }
}

/// Says that an app is what it says, or says so no more.
#[server(prefix = "/form", endpoint = "oauth-client/verify")]
pub async fn verify_client(
    #[server(default)] id: String,
    #[server(default)] verified: String,
    #[server(default)] seen: String,
    #[server(default)] reason: String,
) -> Result<(), ServerFnError> {
    let verified = !verified.is_empty();
    let outcome = match id.parse() {
        Ok(id) => services().client_verification.set(&actor(), id, &Appearance::seen(&seen), verified, &reason).await,
        Err(_) => actor().account().map_err(OauthClientError::from).and(Err(OauthClientError::NotFound)),
    };
    match outcome {
        Ok(()) => {
            let message = if verified { "Verified. People are told so when it asks them." } else { "Taken back." };
            see_other_with(route::ADMIN_APPS, Flash::good(message)).await;
        }
        Err(OauthClientError::NotSignedIn(_)) => see_other(&route::sign_in_then(route::ADMIN_APPS)),
        Err(OauthClientError::Forbidden) => see_other(route::DASHBOARD),
        Err(OauthClientError::Invalid(_)) => {
            see_other_with(route::ADMIN_APPS, Refused::without_reason().flash()).await;
        }
        Err(error) => see_other_with(route::ADMIN_APPS, Refused::from(error).flash()).await,
    }
    Ok(())
}
