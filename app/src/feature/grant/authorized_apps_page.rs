//! Apps that act for an account.

use crate::{
    page::{Page, page, take_flash},
    route,
    ssr::{
        actor,
        flash::Flash,
        respond::{Refused, see_other_with},
        services,
    },
    ui::{DataTable, EmptyState, Form, LastUse, Message, PageHead, RelativeTime},
};
use latchkey_core::{grant::GrantError, port::grant::GrantInView};
use latchkey_model::GrantId;
use leptos::{prelude::*, server, server_fn::ServerFn};
use time::OffsetDateTime;

/// What the account allows.
#[component]
pub fn AuthorizedAppsPage() -> impl IntoView {
    page(async {
        let services = services();
        let grants = services.grants.list(&actor()).await?;
        let now = services.ports.now();
        let flash = take_flash().await;
        let list = if grants.is_empty() {
            view! {
                <EmptyState title="No app acts for you">
                    <p>"When an app asks to act for you, you see what it wants first. What you allow is listed here, and can be taken back."</p>
                </EmptyState>
            }
            .into_any()
        } else {
            let rows = grants.into_iter().map(|grant| view! { <Row grant now/> }).collect_view();
            view! {
                <DataTable label="Authorized apps" columns=vec!["App", "May", "Allowed", "Last used"] action="Action">{rows}</DataTable>
            }
            .into_any()
        };
        let body = view! {
            <PageHead title="Authorized apps" explanation="Apps that act for you, and what you let them do. Taken back, every token of an app stops at once.">
                <a class="btn" href=route::DEVICE>"Connect a device"</a>
            </PageHead>
            <Message flash/>
            {list}
        };
        Ok(Page::portal("Authorized apps", body))
    })
}

#[component]
fn Row(grant: GrantInView, now: OffsetDateTime) -> impl IntoView {
    let name = grant.client_name.as_str().to_owned();
    let scopes =
        grant.grant.scopes.iter().map(|scope| view! { <li><code>{scope.to_string()}</code></li> }).collect_view();
    view! {
        <tr>
            <td data-label="App">
                <strong>{name.clone()}</strong>
                <p class="dim">{format!("of {}", grant.application_name)}</p>
            </td>
            <td data-label="May"><ul class="plain">{scopes}</ul></td>
            <td data-label="Allowed"><RelativeTime at=grant.grant.created_at now/></td>
            <td data-label="Last used"><LastUse at=grant.last_used_at from=grant.last_used_from now/></td>
            <td>
                <Form action=RevokeGrant::PATH back=route::AUTHORIZED_APPS>
                    <input type="hidden" name="id" value=grant.grant.id.to_string()/>
                    <button type="submit" class="btn btn-small btn-danger">
                        "Take back"<span class="sr-only">{format!(" what {name} may do")}</span>
                    </button>
                </Form>
            </td>
        </tr>
    }
}

/// Takes back what the account allowed.
#[server(prefix = "/form", endpoint = "grant/revoke")]
pub async fn revoke_grant(#[server(default)] id: String) -> Result<(), ServerFnError> {
    let outcome = match id.parse::<GrantId>() {
        Ok(id) => services().grants.revoke(&actor(), id).await,
        Err(_) => actor().account().map_err(GrantError::from).and(Err(GrantError::NotFound)),
    };
    match outcome {
        Ok(()) => {
            let message = "Taken back. Its tokens stopped at once; it can ask you again.";
            see_other_with(route::AUTHORIZED_APPS, Flash::good(message)).await;
        }
        Err(GrantError::NotSignedIn(_)) => {
            see_other_with(&route::sign_in_then(route::AUTHORIZED_APPS), Flash::bad("Sign in first.")).await;
        }
        Err(GrantError::NotFound) => {
            see_other_with(route::AUTHORIZED_APPS, Flash::bad("It was taken back before.")).await;
        }
        Err(error @ GrantError::Store(_)) => {
            see_other_with(route::AUTHORIZED_APPS, Refused::fault(&error).flash()).await;
        }
    }
    Ok(())
}
