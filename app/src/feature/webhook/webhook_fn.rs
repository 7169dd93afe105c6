//! The forms about webhooks.

use crate::{
    feature::alert::of_form,
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
    alert::AlertsOf,
    webhook::{WebhookError, WebhookForm, WebhookService},
};
use latchkey_model::{WebhookDeliveryId, WebhookId};
use leptos::{prelude::*, server};
use zeroize::Zeroizing;

impl From<WebhookError> for Refused {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::NotSignedIn(_) => Self::new("Sign in first."),
            WebhookError::ProveFirst => Self::new("Sign in once more before you do this."),
            WebhookError::NotFound => Self::new("There is no such webhook, or no such message to it."),
            WebhookError::Forbidden => Self::new("Your role in the team lets you look only. Ask one of its owners."),
            WebhookError::Invalid(errors) => Self::invalid(errors),
            WebhookError::TooMany => Self::new(format!(
                "There are {} webhooks, which is as many as there may be. Remove one first.",
                WebhookService::AT_MOST
            )),
            WebhookError::Off => Self::new("The webhook is off: switch it on first."),
            WebhookError::Seal(_) | WebhookError::Store(_) => Self::fault(&error),
        }
    }
}

/// Answers a form; `page` is where its sender is led, also when it is not taken.
async fn answer(page: &str, outcome: Result<(), WebhookError>, said: &str, typed: &[(&str, &str)]) {
    let keep = |flash: Flash| typed.iter().fold(flash, |flash, (field, value)| flash.keep(field, value));
    match outcome {
        Ok(()) => see_other_with(page, Flash::good(said)).await,
        Err(WebhookError::NotSignedIn(_)) => see_other(&route::sign_in_then(page)),
        Err(error @ WebhookError::ProveFirst) => {
            sign_in_again(&form_page(page), keep(Refused::from(error).flash())).await;
        }
        Err(error) => see_other_with(page, keep(Refused::from(error).flash())).await,
    }
}

/// Answers a form that makes a secret: the page of its webhook shows it once.
async fn answer_with_secret(
    page: &str,
    again: &str,
    outcome: Result<(WebhookId, Zeroizing<String>), WebhookError>,
    typed: &[(&str, &str)],
) {
    match outcome {
        Ok((id, secret)) => {
            if let Some(session) = session() {
                reveal::put(&session, id.as_uuid(), &secret).await;
            }
            see_other(page);
        }
        Err(error) => answer(again, Err(error), "", typed).await,
    }
}

/// The webhook that a form names, and its page.
async fn named(of: &str, id: &str) -> Option<(AlertsOf, WebhookId, String)> {
    let of = of_form(of).await?;
    let id = id.parse::<WebhookId>().ok();
    if id.is_none() {
        let error = actor().account().map_err(WebhookError::from).and(Err(WebhookError::NotFound));
        answer(&route::alerts(of), error, "", &[]).await;
    }
    id.map(|id| (of, id, route::webhook(of, id)))
}

/// Adds a webhook.
#[server(prefix = "/form", endpoint = "webhook/add")]
pub async fn add_webhook(
    #[server(default)] of: String,
    #[server(default)] name: String,
    #[server(default)] url: String,
) -> Result<(), ServerFnError> {
    let Some(of) = of_form(&of).await else { return Ok(()) };
    let form = WebhookForm { name, url };
    let outcome = services().webhooks.add(&actor(), of, &form).await;
    let page = outcome.as_ref().map_or_else(|_| String::new(), |(id, _)| route::webhook(of, *id));
    answer_with_secret(&page, &route::new_webhook(of), outcome, &[("name", &form.name), ("url", &form.url)]).await;
    Ok(())
}

/// Changes a webhook's name or address.
#[server(prefix = "/form", endpoint = "webhook/change")]
pub async fn change_webhook(
    #[server(default)] of: String,
    #[server(default)] id: String,
    #[server(default)] name: String,
    #[server(default)] url: String,
) -> Result<(), ServerFnError> {
    let Some((of, id, page)) = named(&of, &id).await else { return Ok(()) };
    let form = WebhookForm { name, url };
    let outcome = services().webhooks.change(&actor(), of, id, &form).await;
    answer(&page, outcome, "Saved.", &[("name", &form.name), ("url", &form.url)]).await;
    Ok(())
}

/// Makes a new secret.
#[server(prefix = "/form", endpoint = "webhook/rotate")]
pub async fn rotate_webhook(#[server(default)] of: String, #[server(default)] id: String) -> Result<(), ServerFnError> {
    let Some((of, id, page)) = named(&of, &id).await else { return Ok(()) };
    let outcome = services().webhooks.rotate(&actor(), of, id).await.map(|secret| (id, secret));
    answer_with_secret(&page, &page, outcome, &[]).await;
    Ok(())
}

/// Switches a webhook off or on.
#[server(prefix = "/form", endpoint = "webhook/switch")]
pub async fn switch_webhook(
    #[server(default)] of: String,
    #[server(default)] id: String,
    #[server(default)] on: String,
) -> Result<(), ServerFnError> {
    let Some((of, id, page)) = named(&of, &id).await else { return Ok(()) };
    let on = on == "yes";
    let outcome = services().webhooks.switch(&actor(), of, id, on).await;
    answer(&page, outcome, if on { "It is on." } else { "It is off: nothing is posted there." }, &[]).await;
    Ok(())
}

/// Sends a message that tells of nothing.
#[server(prefix = "/form", endpoint = "webhook/test")]
pub async fn test_webhook(#[server(default)] of: String, #[server(default)] id: String) -> Result<(), ServerFnError> {
    let Some((of, id, page)) = named(&of, &id).await else { return Ok(()) };
    let outcome = services().webhooks.test(&actor(), of, id).await;
    answer(&page, outcome, "A message is on its way. Look at this page again in a moment.", &[]).await;
    Ok(())
}

/// Sends a message again.
#[server(prefix = "/form", endpoint = "webhook/replay")]
pub async fn replay_delivery(
    #[server(default)] of: String,
    #[server(default)] id: String,
    #[server(default)] delivery: String,
) -> Result<(), ServerFnError> {
    let Some((of, id, page)) = named(&of, &id).await else { return Ok(()) };
    let outcome = match delivery.parse::<WebhookDeliveryId>() {
        Ok(delivery) => services().webhooks.replay(&actor(), of, id, delivery).await,
        Err(_) => actor().account().map_err(WebhookError::from).and(Err(WebhookError::NotFound)),
    };
    answer(&page, outcome, "It is on its way again. Look at this page again in a moment.", &[]).await;
    Ok(())
}

/// Removes a webhook.
#[server(prefix = "/form", endpoint = "webhook/remove")]
pub async fn remove_webhook(#[server(default)] of: String, #[server(default)] id: String) -> Result<(), ServerFnError> {
    let Some((of, id, page)) = named(&of, &id).await else { return Ok(()) };
    match services().webhooks.remove(&actor(), of, id).await {
        Ok(()) => answer(&route::alerts(of), Ok(()), "The webhook is removed.", &[]).await,
        Err(error @ WebhookError::NotFound) => answer(&route::alerts(of), Err(error), "", &[]).await,
        Err(error) => answer(&page, Err(error), "", &[]).await,
    }
    Ok(())
}
