//! The forms that change what can be set: about a key, and about how an environment treats its keys.
#![expect(clippy::too_many_arguments, reason = "a form has one for each field")]

use super::{
    key_in_view::KeyPaths,
    key_page::confirmation,
    lifecycle_fn::{answer, keep_typed, key_id},
};
use crate::{
    route,
    ssr::{
        actor,
        flash::Flash,
        respond::{Refused, see_other, see_other_with},
        services,
    },
};
use latchkey_core::{
    api_key::{ApiKeyError, KeyForm, KeyPolicyForm, takes_away},
    port::api_key::ApiKey,
};
use latchkey_model::{ApplicationId, Environment};
use leptos::{prelude::*, server};

/// Changes a key. A change that takes something away which the last 24 hours needed comes back once, to be confirmed.
#[server(prefix = "/form", endpoint = "api-key/update")]
pub async fn update_key(
    #[server(default)] id: String,
    #[server(default)] shown: String,
    #[server(default)] confirm: String,
    #[server(default)] name: String,
    #[server(default)] scopes: Vec<String>,
    #[server(default)] expiry: String,
    #[server(default)] allowed_from: String,
    #[server(default)] report_only: String,
    #[server(default)] limits: String,
    #[server(default)] notes: String,
) -> Result<(), ServerFnError> {
    let form = KeyForm {
        name: &name,
        scopes: &scopes,
        expiry: &expiry,
        allowed_from: &allowed_from,
        report_only: !report_only.is_empty(),
        limits: &limits,
        notes: &notes,
    };
    match update(&id, &shown, &confirm, &form).await {
        Ok(Updated::Done(key)) => {
            let message = "Saved. The next request is judged by it.".to_owned();
            answer(&id, Ok((key, message))).await;
        }
        Ok(Updated::ToConfirm { key, confirm }) => {
            let flash = Flash::bad(
                "This change may refuse what was let in during the last 24 hours: see below. Save again to make it all the same.",
            );
            let flash = keep_typed(flash, &form).keep("confirm", &confirm).keep("shown", &shown);
            see_other_with(&KeyPaths::of(&key).key, flash).await;
        }
        // What it showed at first stays with it: whoever typed has not seen a change since then.
        Err(error @ (ApiKeyError::Invalid(_) | ApiKeyError::TooMany | ApiKeyError::TooManyTokens)) => {
            again(&id, keep_typed(Refused::from(error).flash(), &form).keep("shown", &shown)).await;
        }
        Err(ApiKeyError::ChangedMeanwhile) => {
            again(&id, keep_typed(Refused::changed_meanwhile("this key").flash(), &form)).await;
        }
        Err(error) => answer(&id, Err(error)).await,
    }
    Ok(())
}

/// Leads back to the form of a key.
async fn again(id: &str, flash: Flash) {
    let key = match key_id(id) {
        Ok(id) => services().api_keys.get(&actor(), id).await.ok(),
        Err(_) => None,
    };
    let page = key.map_or_else(|| route::APPLICATIONS.to_owned(), |key| KeyPaths::of(&key).key);
    see_other_with(&page, flash).await;
}

enum Updated {
    Done(ApiKey),
    ToConfirm { key: ApiKey, confirm: String },
}

async fn update(id: &str, shown: &str, confirm: &str, form: &KeyForm<'_>) -> Result<Updated, ApiKeyError> {
    let (id, keys, actor) = (key_id(id)?, services().api_keys.clone(), actor());
    let (key, proposed) = keys.proposed(&actor, id, form, shown).await?;
    if takes_away(&key.settings, &proposed) {
        let radius = keys.blast_radius_of(&actor, &key, &proposed).await?;
        let asked = confirmation(&proposed, &radius);
        if radius.needs_asking() && confirm != asked {
            return Ok(Updated::ToConfirm { key, confirm: asked });
        }
    }
    keys.update(&actor, id, form, shown).await.map(Updated::Done)
}

/// Sets how an environment treats its keys.
#[server(prefix = "/form", endpoint = "api-key/policy")]
pub async fn set_policy(
    #[server(default)] application: String,
    #[server(default)] environment: String,
    #[server(default)] shown: String,
    #[server(default)] revoke_leaked: String,
    #[server(default)] disable_idle_days: String,
    #[server(default)] rotate_after_days: String,
) -> Result<(), ServerFnError> {
    let (Ok(application), Ok(environment)) = (application.parse::<ApplicationId>(), environment.parse::<Environment>())
    else {
        see_other_with(route::APPLICATIONS, Refused::new("There is no such application.").flash()).await;
        return Ok(());
    };
    let form = KeyPolicyForm {
        revoke_leaked: !revoke_leaked.is_empty(),
        disable_idle_days: &disable_idle_days,
        rotate_after_days: &rotate_after_days,
    };
    let here = route::settings(application, environment);
    match services().api_keys.set_policy(&actor(), application, environment, &form, &shown).await {
        Ok(()) => see_other_with(&here, Flash::good("Saved.")).await,
        Err(ApiKeyError::NotSignedIn(_)) => see_other(&route::sign_in_then(&here)),
        Err(ApiKeyError::NotFound) => {
            see_other_with(route::APPLICATIONS, Refused::new("There is no such application.").flash()).await;
        }
        Err(error) => {
            let flash = match error {
                ApiKeyError::ChangedMeanwhile => Refused::changed_meanwhile("these settings").flash(),
                error => Refused::from(error).flash().keep("shown", &shown),
            };
            let flash = flash
                .keep("revoke_leaked", &revoke_leaked)
                .keep("disable_idle_days", &disable_idle_days)
                .keep("rotate_after_days", &rotate_after_days);
            see_other_with(&here, flash).await;
        }
    }
    Ok(())
}
