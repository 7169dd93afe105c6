//! The forms that make, switch and end keys.
#![expect(clippy::too_many_arguments, reason = "a form has one for each field")]

use super::key_in_view::KeyPaths;
use crate::{
    route,
    ssr::{
        actor,
        again::{form_page, sign_in_again},
        flash::Flash,
        respond::{Refused, see_other, see_other_with, session},
        reveal, services,
    },
};
use latchkey_core::{
    api_key::{ApiKeyError, ApiKeyService, CreateApiKey, KeyForm},
    port::api_key::ApiKey,
};
use latchkey_model::{ApiKeyId, ApplicationId, Environment};
use leptos::{prelude::*, server};
use uuid::Uuid;

impl From<ApiKeyError> for Refused {
    fn from(error: ApiKeyError) -> Self {
        match error {
            ApiKeyError::Invalid(errors) => Self::invalid(errors),
            ApiKeyError::NotSignedIn(_) => Self::new("Sign in first."),
            ApiKeyError::ProveFirst => Self::new("Sign in once more before you do this."),
            ApiKeyError::SentTwice => Self::new(
                "This form was sent before and made its key then. If you did not store it, revoke it and create another.",
            ),
            ApiKeyError::Forbidden => Self::new("Your role in the team lets you look only. Ask one of its owners."),
            ApiKeyError::NotFound => Self::new("There is no such key."),
            ApiKeyError::AlreadyRevoked => Self::new("That key had been revoked already."),
            ApiKeyError::BeingRotated => {
                Self::new("That key is being rotated already. End that rotation, or call it off, before the next one.")
            }
            ApiKeyError::NotLive => {
                Self::new("That key does not work, so there is nothing to take over. Create a new one.")
            }
            ApiKeyError::NotRotating => Self::new(
                "There is nothing to call off or to end: the rotation has gone further. Look at the keys again.",
            ),
            ApiKeyError::TooMany => Self::new(format!(
                "This application has {} keys that have not ended, which is as many as it may have. Revoke what nobody uses.",
                ApiKeyService::LIVE_KEYS_AT_MOST
            )),
            ApiKeyError::TooManyTokens => Self::new(format!(
                "You have {} live tokens, which is as many as one person may have. Revoke what you do not use.",
                ApiKeyService::TOKENS_AT_MOST
            )),
            ApiKeyError::ChangedMeanwhile => Self::new(
                "Somebody else changed that key meanwhile. Look at it as it is now, and do it again if it is still right.",
            ),
            ApiKeyError::NothingToChange => Self::new("The key was like that already."),
            ApiKeyError::Store(_) => Self::fault(&error),
        }
    }
}

/// Answers the form of a button about one key.
pub(super) async fn answer(id: &str, outcome: Result<(ApiKey, String), ApiKeyError>) {
    match outcome {
        Ok((key, message)) => see_other_with(&KeyPaths::of(&key).key, Flash::good(message)).await,
        Err(ApiKeyError::NotSignedIn(_)) => see_other(&route::sign_in_then(route::APPLICATIONS)),
        Err(error @ ApiKeyError::ProveFirst) => {
            sign_in_again(&form_page(route::DASHBOARD), Refused::from(error).flash()).await;
        }
        Err(error) => {
            // Back to the key, if there is one that its sender may see.
            let key = match id.parse() {
                Ok(id) => services().api_keys.get(&actor(), id).await.ok(),
                Err(_) => None,
            };
            let back = key.map_or_else(|| route::APPLICATIONS.to_owned(), |key| KeyPaths::of(&key).key);
            see_other_with(&back, Refused::from(error).flash()).await;
        }
    }
}

/// The id that a form names.
pub(super) fn key_id(id: &str) -> Result<ApiKeyId, ApiKeyError> {
    id.parse().map_err(|_| ApiKeyError::NotFound)
}

/// Keeps what was typed about a key for the form's page.
pub(in crate::feature) fn keep_typed(flash: Flash, form: &KeyForm<'_>) -> Flash {
    let flash = flash
        .keep("name", form.name)
        .keep("expiry", form.expiry)
        .keep("allowed_from", form.allowed_from)
        .keep("report_only", if form.report_only { "yes" } else { "" })
        .keep("limits", form.limits)
        .keep("notes", form.notes);
    form.scopes.iter().fold(flash, |flash, scope| flash.keep("scopes[]", scope))
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
    #[server(default)] report_only: String,
    #[server(default)] limits: String,
    #[server(default)] notes: String,
) -> Result<(), ServerFnError> {
    let parsed = (application.parse::<ApplicationId>(), environment.parse::<Environment>(), Uuid::try_parse(&form_id));
    let (Ok(application), Ok(environment), Ok(form_id)) = parsed else {
        see_other_with(route::APPLICATIONS, Refused::from(ApiKeyError::NotFound).flash()).await;
        return Ok(());
    };
    let form = KeyForm {
        name: &name,
        scopes: &scopes,
        expiry: &expiry,
        allowed_from: &allowed_from,
        report_only: !report_only.is_empty(),
        limits: &limits,
        notes: &notes,
    };
    let (list, again) = (route::keys(application, environment), route::new_key(application, environment));
    match services().api_keys.create(&actor(), application, environment, CreateApiKey { form, form_id }).await {
        Ok(created) => {
            if let Some(session) = session() {
                reveal::put(&session, created.id.as_uuid(), created.plain.expose()).await;
            }
            see_other(&list);
        }
        Err(ApiKeyError::NotSignedIn(_)) => see_other(&route::sign_in_then(&again)),
        Err(error @ ApiKeyError::ProveFirst) => {
            sign_in_again(&again, keep_typed(Refused::from(error).flash(), &form)).await;
        }
        Err(error @ ApiKeyError::SentTwice) => see_other_with(&list, Refused::from(error).flash()).await,
        Err(error @ ApiKeyError::NotFound) => see_other_with(route::APPLICATIONS, Refused::from(error).flash()).await,
        Err(error) => see_other_with(&again, keep_typed(Refused::from(error).flash(), &form)).await,
    }
    Ok(())
}

/// Revokes a key: the next request with it is refused.
#[server(prefix = "/form", endpoint = "api-key/revoke")]
pub async fn revoke_key(#[server(default)] id: String) -> Result<(), ServerFnError> {
    let outcome = match key_id(&id) {
        Ok(id) => services().api_keys.revoke(&actor(), id).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(key) => {
            let message = format!("{} is revoked. Requests with it are refused from now on.", key.settings.name);
            see_other_with(&KeyPaths::of(&key).list, Flash::good(message)).await;
        }
        error => answer(&id, error.map(|key| (key, String::new()))).await,
    }
    Ok(())
}

/// Switches a key off.
#[server(prefix = "/form", endpoint = "api-key/disable")]
pub async fn disable_key(#[server(default)] id: String) -> Result<(), ServerFnError> {
    let outcome = match key_id(&id) {
        Ok(id) => services().api_keys.disable(&actor(), id).await,
        Err(error) => Err(error),
    };
    let said = outcome.map(|key| {
        let message =
            format!("{} is switched off. Requests with it are refused until you switch it on.", key.settings.name);
        (key, message)
    });
    answer(&id, said).await;
    Ok(())
}

/// Switches a key on again.
#[server(prefix = "/form", endpoint = "api-key/enable")]
pub async fn enable_key(#[server(default)] id: String) -> Result<(), ServerFnError> {
    let outcome = match key_id(&id) {
        Ok(id) => services().api_keys.enable(&actor(), id).await,
        Err(error) => Err(error),
    };
    let said = outcome.map(|key| {
        let message = format!("{} is switched on. It works again.", key.settings.name);
        (key, message)
    });
    answer(&id, said).await;
    Ok(())
}

/// Takes the scopes away that a key did not use.
#[server(prefix = "/form", endpoint = "api-key/shrink")]
pub async fn shrink_key(#[server(default)] id: String) -> Result<(), ServerFnError> {
    let outcome = match key_id(&id) {
        Ok(id) => services().api_keys.shrink(&actor(), id).await,
        Err(error) => Err(error),
    };
    let said = outcome.map(|(key, taken)| {
        let message = format!(
            "{} can no longer {taken}. If something needs it after all, tick it again below.",
            key.settings.name
        );
        (key, message)
    });
    answer(&id, said).await;
    Ok(())
}
