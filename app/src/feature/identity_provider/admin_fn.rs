//! The forms about providers.
#![expect(clippy::too_many_arguments, reason = "a form has one for each field")]

use super::provider_fields::keep_typed;
use crate::{
    route,
    ssr::{
        actor,
        again::sign_in_again,
        flash::Flash,
        respond::{Refused, see_other, see_other_with},
        services,
    },
};
use latchkey_core::identity_provider::{IdentityProviderError, ProviderForm};
use latchkey_model::IdentityProviderId;
use leptos::{prelude::*, server};

impl From<IdentityProviderError> for Refused {
    fn from(error: IdentityProviderError) -> Self {
        match error {
            IdentityProviderError::Invalid(errors) => Self::invalid(errors),
            IdentityProviderError::NotSignedIn(_) => Self::new("Sign in first."),
            IdentityProviderError::ProveFirst => Self::new("Sign in once more before you do this."),
            IdentityProviderError::Forbidden => Self::new("Only an admin may do this."),
            IdentityProviderError::SentTwice => {
                Self::new("This form has done its work already. Nothing was made twice.")
            }
            IdentityProviderError::NotFound => Self::new("There is no such provider any more."),
            IdentityProviderError::Seal(_) | IdentityProviderError::Store(_) => Self::fault(&error),
        }
    }
}

/// Leads to a page with what came of it.
async fn answer(outcome: Result<(), IdentityProviderError>, page: &str, message: &str) {
    match outcome {
        Ok(()) => see_other_with(page, Flash::good(message)).await,
        Err(IdentityProviderError::NotSignedIn(_)) => see_other(&route::sign_in_then(page)),
        Err(error @ IdentityProviderError::ProveFirst) => sign_in_again(page, Refused::from(error).flash()).await,
        Err(IdentityProviderError::NotFound) => {
            let flash = Refused::from(IdentityProviderError::NotFound).flash();
            see_other_with(route::ADMIN_IDENTITY_PROVIDERS, flash).await;
        }
        // Of the forms that ask for nothing else.
        Err(IdentityProviderError::Invalid(_)) => see_other_with(page, Refused::without_reason().flash()).await,
        Err(error) => see_other_with(page, Refused::from(error).flash()).await,
    }
}

fn id_of(text: &str) -> Result<IdentityProviderId, IdentityProviderError> {
    let id = text.parse().map_err(|_| IdentityProviderError::NotFound);
    actor().account()?;
    id
}

/// Adds a provider, whose id is the form's own, or changes the one of this id.
#[server(prefix = "/form", endpoint = "identity-provider/save")]
pub async fn save_provider(
    #[server(default)] form_id: String,
    #[server(default)] id: String,
    #[server(default)] name: String,
    #[server(default)] kind: String,
    #[server(default)] address: String,
    #[server(default)] authorization_endpoint: String,
    #[server(default)] token_endpoint: String,
    #[server(default)] userinfo_endpoint: String,
    #[server(default)] subject: String,
    #[server(default)] client_id: String,
    #[server(default)] client_secret: String,
    #[server(default)] scopes: String,
    #[server(default)] reason: String,
) -> Result<(), ServerFnError> {
    let form = ProviderForm {
        name: &name,
        kind: &kind,
        address: &address,
        authorization_endpoint: &authorization_endpoint,
        token_endpoint: &token_endpoint,
        userinfo_endpoint: &userinfo_endpoint,
        subject: &subject,
        client_id: &client_id,
        client_secret: &client_secret,
        scopes: &scopes,
        reason: &reason,
    };
    let new = id.is_empty();
    let services = services();
    let providers = &services.identity_providers;
    let (page, outcome) = match id_of(if new { &form_id } else { &id }) {
        Err(error) => (route::ADMIN_IDENTITY_PROVIDERS.to_owned(), Err(error)),
        Ok(id) if new => (route::ADMIN_NEW_IDENTITY_PROVIDER.to_owned(), providers.create(&actor(), &form, id).await),
        Ok(id) => (route::identity_provider(id), providers.update(&actor(), id, &form).await),
    };
    match outcome {
        Err(error @ IdentityProviderError::ProveFirst) => {
            let flash = keep_typed(Refused::from(error).flash(), &form).keep("form_id", &form_id);
            sign_in_again(&page, flash).await;
        }
        Err(error @ IdentityProviderError::Invalid(_)) => {
            let flash = keep_typed(Refused::from(error).flash(), &form).keep("form_id", &form_id);
            see_other_with(&page, flash).await;
        }
        outcome if new => answer(outcome, route::ADMIN_IDENTITY_PROVIDERS, "Added. People can link it now.").await,
        outcome => answer(outcome, &page, "Saved.").await,
    }
    Ok(())
}

/// Switches a provider off, or on again.
#[server(prefix = "/form", endpoint = "identity-provider/disable")]
pub async fn disable_provider(
    #[server(default)] id: String,
    #[server(default)] disabled: String,
    #[server(default)] reason: String,
) -> Result<(), ServerFnError> {
    let off = !disabled.is_empty();
    let (page, outcome) = match id_of(&id) {
        Ok(id) => {
            (route::identity_provider(id), services().identity_providers.disable(&actor(), id, off, &reason).await)
        }
        Err(error) => (route::ADMIN_IDENTITY_PROVIDERS.to_owned(), Err(error)),
    };
    let message = if off { "Switched off. Nobody signs in with it." } else { "Switched on." };
    answer(outcome, &page, message).await;
    Ok(())
}

/// Removes a provider.
#[server(prefix = "/form", endpoint = "identity-provider/remove")]
pub async fn remove_provider(
    #[server(default)] id: String,
    #[server(default)] reason: String,
) -> Result<(), ServerFnError> {
    let (page, outcome) = match id_of(&id) {
        Ok(id) => (route::identity_provider(id), services().identity_providers.remove(&actor(), id, &reason).await),
        Err(error) => (route::ADMIN_IDENTITY_PROVIDERS.to_owned(), Err(error)),
    };
    let page = if outcome.is_ok() { route::ADMIN_IDENTITY_PROVIDERS } else { &page };
    answer(outcome, page, "Removed, and every link with it.").await;
    Ok(())
}
