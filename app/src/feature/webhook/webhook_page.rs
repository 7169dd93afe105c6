//! One webhook: its settings, and what came of each message.

use super::{
    list::WebhookState,
    webhook_fn::{ChangeWebhook, RemoveWebhook, ReplayDelivery, RotateWebhook, SwitchWebhook, TestWebhook},
};
use crate::{
    feature::{
        alert::{page_of, team_of},
        api_key::NewSecret,
    },
    page::{Page, PageError, page, param, query, take_flash},
    route,
    ssr::{
        actor,
        flash::{Flash, error_at},
        services,
    },
    ui::{Badge, EmptyState, Field, Form, Message, PageHead, RelativeTime, SecretOnce, SubmitButton, Tone},
};
use latchkey_core::{
    alert::{AlertAccess, AlertsOf},
    port::webhook::{Delivery, DeliveryAttempt, DeliveryState, Webhook, shown_url},
    webhook::{WebhookError, WebhookView},
};
use latchkey_model::WebhookId;
use leptos::{prelude::*, server_fn::ServerFn};
use time::OffsetDateTime;

impl From<WebhookError> for PageError {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::NotSignedIn(_) => Self::NotSignedIn,
            WebhookError::Store(error) => Self::Store(error),
            WebhookError::ProveFirst
            | WebhookError::NotFound
            | WebhookError::Forbidden
            | WebhookError::Invalid(_)
            | WebhookError::TooMany
            | WebhookError::Off
            | WebhookError::Seal(_) => Self::NotFound,
        }
    }
}

/// A webhook of a team's.
#[component]
pub fn TeamWebhookPage() -> impl IntoView {
    page(async { webhook_page(team_of()?).await })
}

/// A webhook of the portal's.
#[component]
pub fn AdminWebhookPage() -> impl IntoView {
    page(async { webhook_page(AlertsOf::Portal).await })
}

async fn webhook_page(of: AlertsOf) -> Result<Page, PageError> {
    let id = param::<WebhookId>("webhook")?;
    let services = services();
    let before = query("before").and_then(|text| text.parse().ok());
    let WebhookView { webhook, deliveries, older, access } = services.webhooks.view(&actor(), of, id, before).await?;
    let name = webhook.name.to_string();
    let words = page_of(of, Some(&name)).await?;
    let now = services.ports.now();
    let flash = take_flash().await;
    let new = NewSecret::take().await;
    let here = route::webhook(of, id);
    let may_change = access == AlertAccess::Change;
    let on = webhook.off.is_none();
    let settings = may_change.then(|| settings(&webhook, flash.as_ref()));
    let older = older.map(|id| {
        let href = format!("{here}?before={id}");
        view! { <nav aria-label="Pages" class="pager"><a class="btn" href=href>"Older messages"</a></nav> }
    });
    let replayable = may_change && on;
    let messages = if deliveries.is_empty() {
        view! {
            <EmptyState title="No message yet">
                <p>"Each message is listed here with every try: what was posted, and how it was answered."</p>
            </EmptyState>
        }
        .into_any()
    } else {
        let rows = deliveries
            .into_iter()
            .map(|(delivery, attempts)| view! { <MessageCard of delivery attempts replayable now/> })
            .collect_view();
        view! { <div class="mails">{rows}</div> }.into_any()
    };
    let test = replayable.then(|| {
        view! {
            <Form action=TestWebhook::PATH back=here.clone()>
                <Names of id/>
                <button type="submit" class="btn">"Send a test"</button>
            </Form>
        }
    });
    let body = view! {
        <PageHead title=name.clone() explanation="Where each alert is posted, signed, as JSON." crumbs=words.crumbs>{test}</PageHead>
        <Message flash/>
        {new.map(|new| view! { <SecretOnce secret=new.into_text() next=here.clone() what="webhook secret"/> })}
        <section class="card" aria-labelledby="facts">
            <h2 id="facts">"About it"</h2>
            <dl class="facts">
                <div><dt>"Address"</dt><dd><code>{shown_url(&webhook.url)}</code></dd></div>
                <div><dt>"State"</dt><dd><WebhookState webhook=webhook.clone() now/></dd></div>
                <div><dt>"Added"</dt><dd><RelativeTime at=webhook.created_at now/></dd></div>
                {webhook.former_secret.as_ref().filter(|(_, until)| *until > now).map(|(_, until)| view! {
                    <div><dt>"Secret of before"</dt><dd>"signs along until " <RelativeTime at=*until now/></dd></div>
                })}
            </dl>
        </section>
        <section aria-labelledby="messages">
            <h2 id="messages">"Messages"</h2>
            {messages}
            {older}
        </section>
        {settings}
    };
    Ok(Page::portal(format!("Webhook {name}"), body))
}

#[component]
fn Names(of: AlertsOf, id: WebhookId) -> impl IntoView {
    view! {
        <input type="hidden" name="of" value=of.to_string()/>
        <input type="hidden" name="id" value=id.to_string()/>
    }
}

fn settings(webhook: &Webhook, flash: Option<&Flash>) -> impl IntoView + use<> {
    let (of, id, on) = (webhook.of, webhook.id, webhook.off.is_none());
    let here = route::webhook(of, id);
    let value = |field: &str, now: String| flash.and_then(|flash| flash.value(field)).map_or(now, str::to_owned);
    let (name, url) = (value("name", webhook.name.to_string()), value("url", webhook.url.to_string()));
    let (name_error, url_error) = (error_at(flash, "name"), error_at(flash, "url"));
    let (word, to) = if on { ("Switch off", "no") } else { ("Switch on", "yes") };
    view! {
        <section aria-labelledby="settings">
            <h2 id="settings">"Settings"</h2>
            <Form action=ChangeWebhook::PATH back=here.clone() class="card form">
                <Names of id/>
                <Field name="name" label="Name" value=name required=true error=name_error/>
                <Field name="url" label="Address" kind="url" value=url required=true error=url_error/>
                <div class="form-actions"><SubmitButton text="Save"/></div>
            </Form>
            <div class="card form">
                <p>"A new secret takes over at once; messages are signed with the old one, too, for 24 hours."</p>
                <div class="form-actions">
                    <Form action=RotateWebhook::PATH back=here.clone()>
                        <Names of id/>
                        <button type="submit" class="btn">"Make a new secret"</button>
                    </Form>
                    <Form action=SwitchWebhook::PATH back=here.clone()>
                        <Names of id/>
                        <input type="hidden" name="on" value=to/>
                        <button type="submit" class="btn">{word}</button>
                    </Form>
                    <Form action=RemoveWebhook::PATH back=here>
                        <Names of id/>
                        <button type="submit" class="btn btn-danger">"Remove"</button>
                    </Form>
                </div>
            </div>
        </section>
    }
}

#[component]
fn MessageCard(
    of: AlertsOf,
    delivery: Delivery,
    attempts: Vec<DeliveryAttempt>,
    replayable: bool,
    now: OffsetDateTime,
) -> impl IntoView {
    let state = match delivery.state {
        DeliveryState::Taken(at) => {
            view! { <Badge tone=Tone::Good text="taken"/> " " <RelativeTime at now/> }.into_any()
        }
        DeliveryState::GivenUp(at) => {
            view! { <Badge tone=Tone::Bad text="given up"/> " " <RelativeTime at now/> }.into_any()
        }
        DeliveryState::Waiting { attempts: 0, .. } => {
            view! { <Badge tone=Tone::Neutral text="on its way"/> }.into_any()
        }
        DeliveryState::Waiting { next_attempt_at, .. } => {
            view! { <Badge tone=Tone::Wait text="waiting"/> " tried again " <RelativeTime at=next_attempt_at now/> }
                .into_any()
        }
    };
    let what = match delivery.state {
        DeliveryState::Waiting { .. } => "Try now",
        DeliveryState::Taken(_) | DeliveryState::GivenUp(_) => "Send again",
    };
    let id = format!("msg_{}", delivery.id.as_uuid().simple());
    let tries = attempts
        .into_iter()
        .map(|attempt| {
            let outcome = match (attempt.status, attempt.problem) {
                (Some(status), None) => format!("taken with {status}"),
                (_, Some(problem)) => problem,
                (None, None) => String::new(),
            };
            let took = format!(", after {} ms", attempt.took.as_millis());
            view! { <li><RelativeTime at=attempt.at now/> ": " {outcome} {took}</li> }
        })
        .collect_view();
    let of_which = format!(" {id}");
    let again = replayable.then(|| {
        view! {
            <Form action=ReplayDelivery::PATH back=route::webhook(of, delivery.webhook)>
                <Names of id=delivery.webhook/>
                <input type="hidden" name="delivery" value=delivery.id.to_string()/>
                <button type="submit" class="btn btn-small">{what}<span class="sr-only">{of_which}</span></button>
            </Form>
        }
    });
    view! {
        <article class="card mail">
            <h3><code>{delivery.event.clone()}</code></h3>
            <p class="dim"><code>{id.clone()}</code> ", " <RelativeTime at=delivery.created_at now/></p>
            <p>{state}</p>
            <ul class="plain">{tries}</ul>
            <details>
                <summary>"What is posted"</summary>
                <pre tabindex="0" role="region" aria-label=format!("Body of {id}")><code>{pretty(&delivery.body)}</code></pre>
            </details>
            {again}
        </article>
    }
}

/// The body with line breaks, for people; programs get it as it is signed.
fn pretty(body: &str) -> String {
    serde_json::from_str::<serde_json::Value>(body)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| body.to_owned())
}
