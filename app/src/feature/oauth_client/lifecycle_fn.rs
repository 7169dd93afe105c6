//! The forms about clients.
#![expect(clippy::too_many_arguments, reason = "a form has one for each field")]

use super::client_form::keep_typed;
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
use base64::{Engine, engine::general_purpose::STANDARD};
use latchkey_core::{
    oauth_client::{ClientForm, ClientKind, CreatedClient, OauthClientError},
    port::api_key::KeyOwner,
};
use latchkey_model::{ApplicationId, ClientSecretId, Environment, OauthClientId};
use leptos::{prelude::*, server};
use uuid::Uuid;

impl From<OauthClientError> for Refused {
    fn from(error: OauthClientError) -> Self {
        match error {
            OauthClientError::Invalid(errors) => Self::invalid(errors),
            OauthClientError::NotSignedIn(_) => Self::new("Sign in first."),
            OauthClientError::ProveFirst => Self::new("Sign in once more before you do this."),
            OauthClientError::SentTwice => Self::new("This form has done its work already. Nothing was made twice."),
            OauthClientError::Forbidden => {
                Self::new("Your role in the team lets you look only. Ask one of its owners.")
            }
            OauthClientError::NotFound => Self::new("There is no such client."),
            OauthClientError::AlreadyEnded => Self::new("It was ended before."),
            OauthClientError::Changed => Self::new("It was changed since you looked at it. Look again."),
            OauthClientError::TooManySecrets => Self::new("There are two secrets already. End one of them first."),
            OauthClientError::LastSecret => {
                Self::new("This is the only secret that works. Add another one first, or revoke the client.")
            }
            OauthClientError::Store(_) => Self::fault(&error),
        }
    }
}

async fn refuse(error: OauthClientError) {
    let back = form_page(route::DASHBOARD);
    match error {
        OauthClientError::NotSignedIn(_) => see_other(&route::sign_in_then(&back)),
        error @ OauthClientError::ProveFirst => sign_in_again(&back, Refused::from(error).flash()).await,
        error => see_other_with(&back, Refused::from(error).flash()).await,
    }
}

async fn show(created: CreatedClient, page: &str) {
    if let (Some(session), Some((id, secret))) = (session(), &created.secret) {
        reveal::put(&session, id.as_uuid(), secret.expose()).await;
    }
    see_other(page);
}

/// Creates a client, and leads to the page that shows its secret once.
#[server(prefix = "/form", endpoint = "oauth-client/create")]
pub async fn create_client(
    #[server(default)] kind: String,
    #[server(default)] application: String,
    #[server(default)] environment: String,
    #[server(default)] form_id: String,
    #[server(default)] name: String,
    #[server(default)] scopes: Vec<String>,
    #[server(default)] auth_method: String,
    #[server(default)] signing_algorithm: String,
    #[server(default)] token_minutes: String,
    #[server(default)] redirect_uris: String,
    #[server(default)] refresh: String,
    #[server(default)] keys: String,
    #[server(default)] certificate_subject_kind: String,
    #[server(default)] certificate_subject: String,
    #[server(default)] token_form: String,
    #[server(default)] dpop: String,
    #[server(default)] certificate_bound: String,
    #[server(default)] high_security: String,
    #[server(default)] exchange: String,
    #[server(default)] device: String,
    #[server(default)] subject_type: String,
    #[server(default)] pushed: String,
    #[server(default)] without_pkce: String,
    #[server(default)] post_logout_redirect_uris: String,
    #[server(default)] backchannel_logout_uri: String,
) -> Result<(), ServerFnError> {
    let place = (application.parse::<ApplicationId>(), environment.parse::<Environment>());
    let (Ok(kind), (Ok(application), Ok(environment)), Ok(form_id)) =
        (kind.parse::<ClientKind>(), place, Uuid::try_parse(&form_id))
    else {
        see_other(route::APPLICATIONS);
        return Ok(());
    };
    let form = ClientForm {
        name: &name,
        scopes: &scopes,
        auth_method: &auth_method,
        signing_algorithm: &signing_algorithm,
        token_minutes: &token_minutes,
        redirect_uris: &redirect_uris,
        refresh: !refresh.is_empty(),
        keys: &keys,
        certificate_subject_kind: &certificate_subject_kind,
        certificate_subject: &certificate_subject,
        token_form: &token_form,
        dpop: !dpop.is_empty(),
        certificate_bound: !certificate_bound.is_empty(),
        high_security: !high_security.is_empty(),
        exchange: !exchange.is_empty(),
        device: !device.is_empty(),
        subject_type: &subject_type,
        pushed: !pushed.is_empty(),
        without_pkce: !without_pkce.is_empty(),
        post_logout_redirect_uris: &post_logout_redirect_uris,
        backchannel_logout_uri: &backchannel_logout_uri,
    };
    let services = services();
    let service = &services.oauth_clients;
    match service.create(&actor(), kind, application, environment, &form, form_id).await {
        Ok(created) => {
            let page = route::client(kind, application, environment, created.id);
            show(created, &page).await;
        }
        Err(error @ OauthClientError::SentTwice) => {
            see_other_with(&route::clients(kind, application, environment), Refused::from(error).flash()).await;
        }
        Err(error @ OauthClientError::NotSignedIn(_)) => refuse(error).await,
        Err(error @ OauthClientError::ProveFirst) => {
            let flash = keep_typed(Refused::from(error).flash(), &form);
            sign_in_again(&route::new_client(kind, application, environment), flash).await;
        }
        Err(error) => {
            let flash = keep_typed(Refused::from(error).flash(), &form);
            see_other_with(&route::new_client(kind, application, environment), flash).await;
        }
    }
    Ok(())
}

/// Changes a client.
#[server(prefix = "/form", endpoint = "oauth-client/update")]
pub async fn update_client(
    #[server(default)] id: String,
    #[server(default)] shown: String,
    #[server(default)] name: String,
    #[server(default)] scopes: Vec<String>,
    #[server(default)] auth_method: String,
    #[server(default)] signing_algorithm: String,
    #[server(default)] token_minutes: String,
    #[server(default)] redirect_uris: String,
    #[server(default)] refresh: String,
    #[server(default)] keys: String,
    #[server(default)] certificate_subject_kind: String,
    #[server(default)] certificate_subject: String,
    #[server(default)] token_form: String,
    #[server(default)] dpop: String,
    #[server(default)] certificate_bound: String,
    #[server(default)] high_security: String,
    #[server(default)] exchange: String,
    #[server(default)] device: String,
    #[server(default)] subject_type: String,
    #[server(default)] pushed: String,
    #[server(default)] without_pkce: String,
    #[server(default)] post_logout_redirect_uris: String,
    #[server(default)] backchannel_logout_uri: String,
) -> Result<(), ServerFnError> {
    let Ok(id) = id.parse::<OauthClientId>() else {
        refuse(OauthClientError::NotFound).await;
        return Ok(());
    };
    let form = ClientForm {
        name: &name,
        scopes: &scopes,
        auth_method: &auth_method,
        signing_algorithm: &signing_algorithm,
        token_minutes: &token_minutes,
        redirect_uris: &redirect_uris,
        refresh: !refresh.is_empty(),
        keys: &keys,
        certificate_subject_kind: &certificate_subject_kind,
        certificate_subject: &certificate_subject,
        token_form: &token_form,
        dpop: !dpop.is_empty(),
        certificate_bound: !certificate_bound.is_empty(),
        high_security: !high_security.is_empty(),
        exchange: !exchange.is_empty(),
        device: !device.is_empty(),
        subject_type: &subject_type,
        pushed: !pushed.is_empty(),
        without_pkce: !without_pkce.is_empty(),
        post_logout_redirect_uris: &post_logout_redirect_uris,
        backchannel_logout_uri: &backchannel_logout_uri,
    };
    match services().oauth_clients.update(&actor(), id, &form, &shown).await {
        Ok(()) => {
            see_other_with(&form_page(route::DASHBOARD), Flash::good("Saved. It holds for the next token.")).await;
        }
        // What it showed at first stays with it: whoever typed has not seen a change since then.
        Err(error @ OauthClientError::Invalid(_)) => {
            let flash = keep_typed(Refused::from(error).flash(), &form).keep("shown", &shown);
            see_other_with(&form_page(route::DASHBOARD), flash).await;
        }
        Err(OauthClientError::Changed) => {
            let flash = keep_typed(Refused::changed_meanwhile("its settings").flash(), &form);
            see_other_with(&form_page(route::DASHBOARD), flash).await;
        }
        Err(error) => refuse(error).await,
    }
    Ok(())
}

/// Adds a secret, and leads back to the page that shows it once.
#[server(prefix = "/form", endpoint = "oauth-client/add-secret")]
pub async fn add_client_secret(
    #[server(default)] id: String,
    #[server(default)] form_id: String,
) -> Result<(), ServerFnError> {
    let (Ok(id), Ok(form_id)) = (id.parse::<OauthClientId>(), Uuid::try_parse(&form_id)) else {
        refuse(OauthClientError::NotFound).await;
        return Ok(());
    };
    match services().oauth_clients.add_secret(&actor(), id, form_id).await {
        Ok(created) => show(created, &form_page(route::DASHBOARD)).await,
        Err(error) => refuse(error).await,
    }
    Ok(())
}

/// Ends one of two secrets.
#[server(prefix = "/form", endpoint = "oauth-client/end-secret")]
pub async fn end_client_secret(
    #[server(default)] id: String,
    #[server(default)] secret: String,
) -> Result<(), ServerFnError> {
    let (Ok(id), Ok(secret)) = (id.parse::<OauthClientId>(), secret.parse::<ClientSecretId>()) else {
        refuse(OauthClientError::NotFound).await;
        return Ok(());
    };
    match services().oauth_clients.end_secret(&actor(), id, secret).await {
        Ok(()) => {
            see_other_with(
                &form_page(route::DASHBOARD),
                Flash::good("Ended. No token is given for that secret any more."),
            )
            .await;
        }
        Err(error) => refuse(error).await,
    }
    Ok(())
}

/// What was done to the client of this id, and what its people are told.
async fn answer(outcome: Result<(), OauthClientError>, message: &str) {
    match outcome {
        Ok(()) => see_other_with(&form_page(route::DASHBOARD), Flash::good(message)).await,
        Err(error) => refuse(error).await,
    }
}

fn client_of(id: &str) -> Result<OauthClientId, OauthClientError> {
    id.parse().map_err(|_| OauthClientError::NotFound)
}

/// Gives a client another picture; the file comes as base64.
#[server(prefix = "/form", endpoint = "oauth-client/set-logo")]
pub async fn set_client_logo(
    #[server(default)] id: String,
    #[server(default)] file: String,
) -> Result<(), ServerFnError> {
    let outcome = match client_of(&id) {
        Ok(id) => {
            let file = STANDARD.decode(file).unwrap_or_default();
            services().oauth_clients.set_logo(&actor(), id, Some(file)).await
        }
        Err(error) => Err(error),
    };
    answer(outcome, "This is its logo from now on.").await;
    Ok(())
}

/// Takes a client's picture away.
#[server(prefix = "/form", endpoint = "oauth-client/remove-logo")]
pub async fn remove_client_logo(#[server(default)] id: String) -> Result<(), ServerFnError> {
    let outcome = match client_of(&id) {
        Ok(id) => services().oauth_clients.set_logo(&actor(), id, None).await,
        Err(error) => Err(error),
    };
    answer(outcome, "It has no logo any more.").await;
    Ok(())
}

/// Ends every token that a service account holds.
#[server(prefix = "/form", endpoint = "oauth-client/end-tokens")]
pub async fn end_client_tokens(#[server(default)] id: String) -> Result<(), ServerFnError> {
    let outcome = match client_of(&id) {
        Ok(id) => services().oauth_clients.end_tokens(&actor(), id).await,
        Err(error) => Err(error),
    };
    answer(outcome, "Ended, all of them. It can ask for new ones.").await;
    Ok(())
}

/// Ends a client.
#[server(prefix = "/form", endpoint = "oauth-client/revoke")]
pub async fn revoke_client(#[server(default)] id: String) -> Result<(), ServerFnError> {
    let Ok(id) = id.parse::<OauthClientId>() else {
        refuse(OauthClientError::NotFound).await;
        return Ok(());
    };
    match services().oauth_clients.revoke(&actor(), id).await {
        Ok(client) => {
            let page = match client.owner {
                KeyOwner::Environment { application_id, environment, .. } => {
                    route::clients(client.kind, application_id, environment)
                }
                KeyOwner::Account { .. } => route::DASHBOARD.to_owned(),
            };
            let message = format!("{} is revoked. Its tokens stopped at once.", client.settings.name);
            see_other_with(&page, Flash::good(message)).await;
        }
        Err(error) => refuse(error).await,
    }
    Ok(())
}
