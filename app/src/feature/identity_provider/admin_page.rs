//! The providers that people sign in with, for admins.

use super::{
    SaveProvider,
    provider_fields::{ProviderFields, ProviderValues},
};
use crate::{
    page::{Page, PageError, page, take_flash},
    route,
    ssr::{actor, services},
    ui::{Badge, Crumb, DataTable, EmptyState, Form, Message, PageHead, RelativeTime, SubmitButton, Tone},
};
use latchkey_core::{identity_provider::IdentityProviderError, port::identity_provider::IdentityProvider};
use latchkey_model::IdentityProviderId;
use leptos::{prelude::*, server_fn::ServerFn};
use time::OffsetDateTime;

impl From<IdentityProviderError> for PageError {
    fn from(error: IdentityProviderError) -> Self {
        match error {
            IdentityProviderError::NotSignedIn(_) => Self::NotSignedIn,
            IdentityProviderError::Store(error) => Self::Store(error),
            IdentityProviderError::Forbidden
            | IdentityProviderError::ProveFirst
            | IdentityProviderError::Invalid(_)
            | IdentityProviderError::SentTwice
            | IdentityProviderError::NotFound
            | IdentityProviderError::Seal(_) => Self::NotFound,
        }
    }
}

/// The way to a page about providers.
pub(super) fn crumbs(last: &str) -> Vec<Crumb> {
    vec![
        Crumb { label: "Identity providers".to_owned(), href: Some(route::ADMIN_IDENTITY_PROVIDERS.to_owned()) },
        Crumb { label: last.to_owned(), href: None },
    ]
}

/// Every provider.
#[component]
pub fn IdentityProvidersPage() -> impl IntoView {
    page(async {
        let services = services();
        let providers = services.identity_providers.list(&actor()).await?;
        let now = services.ports.now();
        let flash = take_flash().await;
        let list = if providers.is_empty() {
            view! {
                <EmptyState title="No provider yet">
                    <p>"People sign in with their password. Add a provider, and they can link their identity there."</p>
                </EmptyState>
            }
            .into_any()
        } else {
            let rows = providers.into_iter().map(|provider| view! { <Row provider now/> }).collect_view();
            view! {
                <DataTable label="Identity providers" columns=vec!["Provider", "Kind", "State", "Added"]>{rows}</DataTable>
            }
            .into_any()
        };
        let body = view! {
            <PageHead title="Identity providers" explanation="Where else people can prove who they are. An identity opens an account once its person has linked it.">
                <a class="btn btn-primary" href=route::ADMIN_NEW_IDENTITY_PROVIDER>"Add a provider"</a>
            </PageHead>
            <Message flash/>
            {list}
        };
        Ok(Page::portal("Identity providers", body))
    })
}

#[component]
fn Row(provider: IdentityProvider, now: OffsetDateTime) -> impl IntoView {
    let (tone, word) = match provider.disabled_at {
        None => (Tone::Good, "Offered"),
        Some(_) => (Tone::Wait, "Switched off"),
    };
    view! {
        <tr>
            <td data-label="Provider"><a href=route::identity_provider(provider.id)>{provider.settings.name.as_str().to_owned()}</a></td>
            <td data-label="Kind">{provider.settings.protocol.kind().as_str()}</td>
            <td data-label="State"><Badge tone text=word/></td>
            <td data-label="Added"><RelativeTime at=provider.created_at now/></td>
        </tr>
    }
}

/// The address that a provider must know.
#[component]
pub(super) fn RedirectUri(id: IdentityProviderId) -> impl IntoView {
    let uri = services().provider_sign_in.redirect_uri(id);
    view! { <p>"Register this address there, as the one that people are led back to: "<code class="break">{uri}</code></p> }
}

/// The form for a new provider. Its id is known before it is made, since the provider must know the address first.
#[component]
pub fn NewIdentityProviderPage() -> impl IntoView {
    page(async {
        let services = services();
        services.identity_providers.list(&actor()).await?;
        let flash = take_flash().await;
        let kept = flash.as_ref().and_then(|flash| flash.value("form_id")).and_then(|id| id.parse().ok());
        let id = kept.unwrap_or_else(|| IdentityProviderId::from_uuid(services.ports.uuid()));
        let values = ProviderValues::new().or_typed(flash.as_ref());
        let body = view! {
            <PageHead title="Add a provider" explanation="Register Latchkey there first: it gives you a client id and a secret." crumbs=crumbs("Add a provider")/>
            <Message flash/>
            <Form action=SaveProvider::PATH back=route::ADMIN_NEW_IDENTITY_PROVIDER class="card form">
                <RedirectUri id/>
                <input type="hidden" name="form_id" value=id.to_string()/>
                <ProviderFields values has_secret=false/>
                <div class="form-actions">
                    <SubmitButton text="Add it"/>
                    <a class="btn" href=route::ADMIN_IDENTITY_PROVIDERS>"Cancel"</a>
                </div>
            </Form>
        };
        Ok(Page::portal("Add a provider", body))
    })
}
