//! The forms about APIs.
#![expect(clippy::too_many_arguments, reason = "a form has one for each field")]

use super::api_fields::keep_typed;
use crate::{
    route,
    ssr::{
        actor,
        flash::Flash,
        respond::{Refused, see_other, see_other_with},
        services,
    },
};
use latchkey_core::gateway::{ApiForm, GatewayError};
use latchkey_model::ApiSlug;
use leptos::{prelude::*, server};

impl From<GatewayError> for Refused {
    fn from(error: GatewayError) -> Self {
        match error {
            GatewayError::Invalid(errors) => Self::invalid(errors),
            GatewayError::NotSignedIn(_) => Self::new("Sign in first."),
            GatewayError::Forbidden => Self::new("Only an admin may do this."),
            GatewayError::Changed => {
                Self::new("Somebody else changed this API meanwhile. Look at what it is now, and send the form again.")
            }
            GatewayError::NotFound => Self::new("There is no such API any more."),
            GatewayError::Store(_) => Self::fault(&error),
        }
    }
}

/// Leads to a page with what came of it.
async fn answer(outcome: Result<(), GatewayError>, page: &str, message: &str) {
    match outcome {
        Ok(()) => see_other_with(page, Flash::good(message)).await,
        Err(GatewayError::NotSignedIn(_)) => see_other(&route::sign_in_then(page)),
        Err(error @ GatewayError::NotFound) => see_other_with(route::ADMIN_APIS, Refused::from(error).flash()).await,
        Err(error) => see_other_with(page, Refused::from(error).flash()).await,
    }
}

fn named(slug: &str, version: &str) -> Result<(ApiSlug, i64), GatewayError> {
    actor().account()?;
    let slug = slug.parse().map_err(|_| GatewayError::NotFound)?;
    Ok((slug, version.parse().map_err(|_| GatewayError::Changed)?))
}

/// Registers an API, or changes the one of this short name.
#[server(prefix = "/form", endpoint = "guarded-api/save")]
pub async fn save_api(
    #[server(default)] api: String,
    #[server(default)] version: String,
    #[server(default)] name: String,
    #[server(default)] slug: String,
    #[server(default)] base_url: String,
    #[server(default)] scopes: String,
    #[server(default)] environments: Vec<String>,
    #[server(default)] policies: String,
    #[server(default)] verifiers: String,
    #[server(default)] editors: String,
) -> Result<(), ServerFnError> {
    let form = ApiForm {
        name: &name,
        slug: &slug,
        base_url: &base_url,
        scopes: &scopes,
        environments: &environments,
        policies: &policies,
        verifiers: &verifiers,
        editors: &editors,
    };
    let services = services();
    let apis = &services.guarded_apis;
    let (page, outcome) = if api.is_empty() {
        match apis.register(&actor(), &form).await {
            Ok(slug) => (route::api(&slug), Ok("Registered. Now let a proxy ask about its requests.")),
            Err(error) => (route::ADMIN_NEW_API.to_owned(), Err(error)),
        }
    } else {
        match named(&api, &version) {
            Ok((slug, version)) => {
                let outcome = apis.update(&actor(), &slug, version, &form).await;
                (route::api(&slug), outcome.map(|()| "Saved. It is in force at once."))
            }
            Err(error) => (route::ADMIN_APIS.to_owned(), Err(error)),
        }
    };
    match outcome {
        Ok(message) => answer(Ok(()), &page, message).await,
        // The version that it showed at first stays with it: whoever typed has not seen a change since then.
        Err(error @ GatewayError::Invalid(_)) => {
            see_other_with(&page, keep_typed(Refused::from(error).flash(), &form).keep("version", &version)).await;
        }
        Err(GatewayError::Changed) => {
            see_other_with(&page, keep_typed(Refused::changed_meanwhile("this API").flash(), &form)).await;
        }
        Err(error) => answer(Err(error), &page, "").await,
    }
    Ok(())
}

/// Removes an API.
#[server(prefix = "/form", endpoint = "guarded-api/remove")]
pub async fn remove_api(
    #[server(default)] api: String,
    #[server(default)] version: String,
) -> Result<(), ServerFnError> {
    let (page, outcome) = match named(&api, &version) {
        Ok((slug, version)) => {
            let outcome = services().guarded_apis.remove(&actor(), &slug, version).await;
            let page = if outcome.is_ok() { route::ADMIN_APIS.to_owned() } else { route::api(&slug) };
            (page, outcome)
        }
        Err(error) => (route::ADMIN_APIS.to_owned(), Err(error)),
    };
    answer(outcome, &page, "Removed. Its requests are refused.").await;
    Ok(())
}
