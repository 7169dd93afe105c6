//! Keys, tokens, clients and applications, whoever owns them.

use super::{
    act_fn::{ActOn, FindCredential},
    act_form::{ActButton, RowActs},
    listed::{ApplicationRow, key_row, listed, owner_of},
};
use crate::{
    feature::oauth_client::StateBadge,
    page::{Page, PageError, page, query, take_flash},
    route,
    ssr::{actor, flash::Flash, services},
    ui::{EmptyState, Field, Form, LastUse, Message, PageHead, SubmitButton},
};
use latchkey_core::{
    directory::CredentialSearch,
    port::{api_key::ApiKey, directory::FoundApplication, oauth_client::OauthClient},
};
use leptos::{prelude::*, server_fn::ServerFn};
use time::OffsetDateTime;

/// What is found by a name, a client id, or the public part of a key.
#[component]
pub fn CredentialsPage() -> impl IntoView {
    page(async {
        let services = services();
        let asked = query("q").unwrap_or_default();
        let search = CredentialSearch::read(&asked);
        let found = services.directory.credentials(&actor(), &search).await?;
        let here = route::found_credentials(search.as_str());
        // Whoever wrote a whole key into the address is led away from it.
        if search.as_str() != asked {
            return Err(PageError::Redirect(here));
        }
        let now = services.ports.now();
        let flash = take_flash().await;
        let nothing = found.keys.is_empty() && found.clients.is_empty() && found.applications.is_empty();
        let list = if nothing {
            let (title, sentence) = if search.is_empty() {
                (
                    "Look for a credential",
                    "Found a key somewhere, or its hint in a log? Paste it above: only its public part is taken.",
                )
            } else {
                ("Nothing is like that", "No key, client or application has this in its name or public id.")
            };
            view! { <EmptyState title><p>{sentence}</p></EmptyState> }.into_any()
        } else {
            view! {
                {applications(found.applications, &here, flash.as_ref(), now)}
                {keys(found.keys, now)}
                {clients(found.clients, &here, flash.as_ref(), now)}
            }
            .into_any()
        };
        let body = view! {
            <PageHead title="Credentials" explanation="Any key, personal access token, client and application: suspend it for a while, or revoke it for good."/>
            <Message flash/>
            <Form action=FindCredential::PATH back=route::ADMIN_CREDENTIALS class="filter">
                <Field
                    name="credential"
                    label="Key, hint, client id or name"
                    value=search.to_string()
                    autocomplete="off"
                    hint="Of a whole key only the public id is taken.".to_owned()
                    error=None
                />
                <div class="filter-actions"><SubmitButton text="Find"/></div>
            </Form>
            {list}
        };
        Ok(Page::portal("Credentials", body))
    })
}

fn applications(
    applications: Vec<FoundApplication>,
    here: &str,
    flash: Option<&Flash>,
    now: OffsetDateTime,
) -> impl IntoView + use<> {
    let row = |one: FoundApplication| {
        let FoundApplication { id, name, team_name, suspended, .. } = one;
        ApplicationRow { id, name, team_name, live_keys: None, suspended }.show(here, flash, now)
    };
    let rows = applications.into_iter().map(row).collect();
    listed("applications", "Applications", vec!["Application", "State"], rows)
}

fn keys(keys: Vec<ApiKey>, now: OffsetDateTime) -> impl IntoView {
    let row = |key: ApiKey| {
        let whose = format!("{} of {}", key.owner.kind().label(), owner_of(&key.owner));
        key_row(key, "Key", Some(whose), now)
    };
    let rows = keys.into_iter().map(row).collect();
    listed("keys", "Keys and tokens", vec!["Key", "Of", "State", "Last used"], rows)
}

fn clients(clients: Vec<OauthClient>, here: &str, flash: Option<&Flash>, now: OffsetDateTime) -> impl IntoView + use<> {
    let rows = clients
        .into_iter()
        .map(|client| {
            let (name, ended) = (client.settings.name.as_str().to_owned(), client.revoked_at.is_some());
            let of_itself = client.is_suspended_itself();
            let acts = (!ended).then(|| view! {
                <RowActs
                    on=ActOn::Client
                    id=client.id.to_string()
                    called=name.clone()
                    acts=vec![ActButton::suspend_or_reinstate(of_itself), ActButton::REVOKE]
                    back=here.to_owned()
                    flash
                />
            });
            let owner = owner_of(&client.owner);
            view! {
                <tr class:ended=ended>
                    <td data-label="Client"><strong>{name.clone()}</strong><p class="dim"><code class="break">{client.client_id.to_string()}</code></p></td>
                    <td data-label="Of">{owner}</td>
                    <td data-label="State"><StateBadge revoked_at=client.revoked_at suspended=client.suspended.clone()/></td>
                    <td data-label="Last used"><LastUse at=client.last_used_at from=client.last_used_from now/></td>
                    <td>{acts}</td>
                </tr>
            }
            .into_any()
        })
        .collect();
    listed("clients", "Clients and service accounts", vec!["Client", "Of", "State", "Last used"], rows)
}
