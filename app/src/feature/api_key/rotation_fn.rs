//! The forms of rotations.

use super::{
    key_in_view::KeyPaths,
    lifecycle_fn::{answer, key_id},
};
use crate::{
    route,
    ssr::{
        actor,
        again::{form_page, sign_in_again},
        respond::{Refused, see_other, see_other_with, session},
        reveal, services,
    },
};
use latchkey_core::{
    api_key::{ApiKeyError, ClockStart, CreatedApiKey, Overlap},
    port::api_key::ApiKey,
};
use latchkey_model::FieldErrors;
use leptos::{prelude::*, server};
use uuid::Uuid;

/// Makes the key that takes over, and leads to the page that shows it once.
#[server(prefix = "/form", endpoint = "api-key/rotate")]
pub async fn rotate_key(
    #[server(default)] id: String,
    #[server(default)] form_id: String,
    #[server(default)] overlap: String,
    #[server(default)] custom: String,
    #[server(default)] start: String,
) -> Result<(), ServerFnError> {
    let wanted = if overlap == "custom" { custom.trim() } else { overlap.as_str() };
    match rotate(&id, &form_id, wanted, &start).await {
        Ok((old, created)) => {
            if let Some(session) = session() {
                reveal::put(&session, created.id.as_uuid(), created.plain.expose()).await;
            }
            see_other(&KeyPaths::of(&old).list);
        }
        Err(error @ ApiKeyError::Invalid(_)) => {
            let key = match key_id(&id) {
                Ok(id) => services().api_keys.get(&actor(), id).await.ok(),
                Err(_) => None,
            };
            let again =
                key.map_or_else(|| route::APPLICATIONS.to_owned(), |key| route::rotate(&KeyPaths::of(&key).key));
            let flash = Refused::from(error).flash();
            see_other_with(&again, flash.keep("overlap", &overlap).keep("custom", &custom).keep("start", &start)).await;
        }
        Err(error @ ApiKeyError::ProveFirst) => {
            let flash = Refused::from(error).flash();
            let flash = flash.keep("overlap", &overlap).keep("custom", &custom).keep("start", &start);
            sign_in_again(&form_page(route::DASHBOARD), flash).await;
        }
        Err(error) => answer(&id, Err(error)).await,
    }
    Ok(())
}

async fn rotate(id: &str, form_id: &str, overlap: &str, start: &str) -> Result<(ApiKey, CreatedApiKey), ApiKeyError> {
    let id = key_id(id)?;
    let form_id = Uuid::try_parse(form_id).map_err(|_| ApiKeyError::NotFound)?;
    let invalid = |error: latchkey_core::api_key::ParseOverlapError| {
        ApiKeyError::Invalid(FieldErrors::one("overlap", error.to_string()))
    };
    let overlap: Overlap = overlap.parse().map_err(invalid)?;
    let start: ClockStart = start.parse().map_err(invalid)?;
    services().api_keys.rotate(&actor(), id, overlap, start, form_id).await
}

/// Calls a rotation off whose new key was not used yet.
#[server(prefix = "/form", endpoint = "api-key/cancel-rotation")]
pub async fn cancel_rotation(#[server(default)] id: String) -> Result<(), ServerFnError> {
    let outcome = match key_id(&id) {
        Ok(id) => services().api_keys.cancel_rotation(&actor(), id).await,
        Err(error) => Err(error),
    };
    let said = outcome.map(|old| {
        let message = format!("The rotation is called off. {} works on as before.", old.settings.name);
        (old, message)
    });
    answer(&id, said).await;
    Ok(())
}

/// Ends the old key of a rotation now.
#[server(prefix = "/form", endpoint = "api-key/end-overlap")]
pub async fn end_overlap(#[server(default)] id: String) -> Result<(), ServerFnError> {
    let outcome = match key_id(&id) {
        Ok(id) => services().api_keys.end_overlap(&actor(), id).await,
        Err(error) => Err(error),
    };
    let said = outcome.map(|old| {
        let message = format!("The old {} has ended. Only the new key works from now on.", old.settings.name);
        (old, message)
    });
    answer(&id, said).await;
    Ok(())
}
