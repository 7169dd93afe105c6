//! The forms of API keys.

use crate::{
    route,
    ssr::{
        actor,
        flash::Flash,
        respond::{Refused, see_other, see_other_with, session},
        reveal, services,
    },
};
use latchkey_core::api_key::{ApiKeyError, CreateApiKey};
use latchkey_model::{ApiKeyId, ApplicationId, Environment};
use leptos::{prelude::*, server};
use uuid::Uuid;

impl From<ApiKeyError> for Refused {
    fn from(error: ApiKeyError) -> Self {
        match error {
            ApiKeyError::Invalid(errors) => Self::invalid(errors),
            ApiKeyError::NotSignedIn(_) => Self::new("Sign in first."),
            ApiKeyError::SentTwice => Self::new(
                "This form was sent before and made its key then. If you did not store it, revoke it and create another.",
            ),
            ApiKeyError::Forbidden => Self::new("Your role in the team lets you look only. Ask one of its owners."),
            ApiKeyError::NotFound => Self::new("There is no such key."),
            ApiKeyError::AlreadyRevoked => Self::new("That key had been revoked already."),
            ApiKeyError::Store(_) => Self::fault(&error),
        }
    }
}

/// Creates a key and leads to the page that shows it once.
#[server(prefix = "/form", endpoint = "api-key/create")]
pub async fn create_key(
    #[server(default)] application: String,
    #[server(default)] environment: String,
    #[server(default)] form_id: String,
    #[server(default)] name: String,
    #[server(default)] scopes: Vec<String>,
    #[server(default)] expiry: String,
    #[server(default)] allowed_from: String,
) -> Result<(), ServerFnError> {
    let parsed = (application.parse::<ApplicationId>(), environment.parse::<Environment>(), Uuid::try_parse(&form_id));
    let (Ok(application), Ok(environment), Ok(form_id)) = parsed else {
        see_other_with(route::APPLICATIONS, Refused::from(ApiKeyError::NotFound).flash()).await;
        return Ok(());
    };
    let form = CreateApiKey { name: &name, scopes: &scopes, expiry: &expiry, allowed_from: &allowed_from, form_id };
    let (list, again) = (route::keys(application, environment), route::new_key(application, environment));
    match services().api_keys.create(&actor(), application, environment, form).await {
        Ok(created) => {
            if let Some(session) = session() {
                reveal::put(&session, created.id, created.plain.expose()).await;
            }
            see_other(&list);
        }
        Err(ApiKeyError::NotSignedIn(_)) => see_other(&route::sign_in_then(&again)),
        Err(error @ ApiKeyError::SentTwice) => see_other_with(&list, Refused::from(error).flash()).await,
        Err(error @ ApiKeyError::NotFound) => see_other_with(route::APPLICATIONS, Refused::from(error).flash()).await,
        Err(error) => {
            let flash = Refused::from(error)
                .flash()
                .keep("name", &name)
                .keep("expiry", &expiry)
                .keep("allowed_from", &allowed_from);
            let flash = scopes.iter().fold(flash, |flash, scope| flash.keep("scopes[]", scope));
            see_other_with(&again, flash).await;
        }
    }
    Ok(())
}

/// Revokes a key: the next request with it is refused.
#[server(prefix = "/form", endpoint = "api-key/revoke")]
pub async fn revoke_key(#[server(default)] id: String) -> Result<(), ServerFnError> {
    let Ok(id) = id.parse::<ApiKeyId>() else {
        see_other_with(route::APPLICATIONS, Refused::from(ApiKeyError::NotFound).flash()).await;
        return Ok(());
    };
    match services().api_keys.revoke(&actor(), id).await {
        Ok(key) => {
            let message = format!("{} is revoked. Requests with it are refused from now on.", key.name);
            see_other_with(&route::keys(key.application_id, key.environment), Flash::good(message)).await;
        }
        Err(ApiKeyError::NotSignedIn(_)) => see_other(&route::sign_in_then(route::APPLICATIONS)),
        Err(error) => see_other_with(route::APPLICATIONS, Refused::from(error).flash()).await,
    }
    Ok(())
}
