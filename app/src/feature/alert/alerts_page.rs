//! What was raised, the rules, and the webhooks.

use super::{page_of, team_of};
use crate::{
    feature::webhook::WebhookList,
    page::{Page, PageError, page, query, take_flash},
    route,
    ssr::{actor, services},
    ui::{Badge, DataTable, EmptyState, Message, PageHead, RelativeTime, Tone},
};
use latchkey_core::{
    alert::{AlertAccess, AlertError, AlertsOf, AlertsPage, Rule},
    port::alert::{Alert, Course},
};
use leptos::prelude::*;
use time::OffsetDateTime;

impl From<AlertError> for PageError {
    fn from(error: AlertError) -> Self {
        match error {
            AlertError::NotSignedIn(_) => Self::NotSignedIn,
            AlertError::Store(error) => Self::Store(error),
            AlertError::NotFound | AlertError::Forbidden | AlertError::Invalid(_) => Self::NotFound,
        }
    }
}

/// A team's alerts.
#[component]
pub fn TeamAlertsPage() -> impl IntoView {
    page(async { alerts_page(team_of()?).await })
}

/// The portal's alerts.
#[component]
pub fn AdminAlertsPage() -> impl IntoView {
    page(async { alerts_page(AlertsOf::Portal).await })
}

async fn alerts_page(of: AlertsOf) -> Result<Page, PageError> {
    let (actor, services) = (actor(), services());
    let before = query("before").and_then(|text| text.parse().ok());
    let AlertsPage { alerts, older, rules, access } = services.alerts.page(&actor, of, before).await?;
    let webhooks = services.webhooks.list(&actor, of).await?;
    let words = page_of(of, None).await?;
    let now = services.ports.now();
    let flash = take_flash().await;
    let may_change = access == AlertAccess::Change;
    let explanation = match of {
        AlertsOf::Team(_) => {
            "What you hear of the team's credentials while it happens: in the portal, by mail and by webhooks."
        }
        AlertsOf::Portal => "What admins hear of the portal while it happens: here, by mail and by webhooks.",
    };
    let older = older.map(|id| {
        let href = format!("{}?before={id}", route::alerts(of));
        view! { <nav aria-label="Pages" class="pager"><a class="btn" href=href>"Older alerts"</a></nav> }
    });
    let rules = rules.into_iter().map(|rule| view! { <RuleRow of rule may_change/> }).collect_view();
    let body = view! {
        <PageHead title="Alerts" explanation crumbs=words.crumbs/>
        <Message flash/>
        <List alerts now/>
        {older}
        <section aria-labelledby="rules">
            <h2 id="rules">"Rules"</h2>
            <DataTable label="When each alert is raised" columns=vec!["Alert", "When", "Who hears it"] action="Change">{rules}</DataTable>
        </section>
        <WebhookList of webhooks may_change now/>
    };
    Ok(Page::portal(format!("Alerts{}", words.whose), body))
}

#[component]
fn List(alerts: Vec<Alert>, now: OffsetDateTime) -> impl IntoView {
    if alerts.is_empty() {
        return view! {
            <EmptyState title="Nothing to hear of">
                <p>"When many requests are refused, a key comes from a new network, or one of the other rules below says so, it is listed here."</p>
            </EmptyState>
        }
        .into_any();
    }
    let alerts = alerts
        .into_iter()
        .map(|alert| {
            let state = match alert.course {
                Course::Once => ().into_any(),
                Course::Going => view! { " " <Badge tone=Tone::Bad text="lasts"/> }.into_any(),
                Course::Over(_) => view! { " " <Badge tone=Tone::Good text="over"/> }.into_any(),
            };
            let over = match alert.course {
                Course::Over(at) => view! { ", over " <RelativeTime at now/> }.into_any(),
                Course::Once | Course::Going => ().into_any(),
            };
            view! {
                <article class="card mail">
                    <h3>{alert.title}{state}</h3>
                    <p class="dim">{alert.kind.label()} ", " <RelativeTime at=alert.raised_at now/>{over}</p>
                    <details>
                        <summary>"What happened, and what to do"</summary>
                        <p class="mail-text">{alert.text}</p>
                    </details>
                    <p><a href=alert.url>"Look at it"</a></p>
                </article>
            }
        })
        .collect_view();
    view! { <section aria-labelledby="raised"><h2 id="raised">"Raised"</h2><div class="mails">{alerts}</div></section> }
        .into_any()
}

#[component]
fn RuleRow(of: AlertsOf, rule: Rule, may_change: bool) -> impl IntoView {
    let heard = match (rule.on, rule.tells_people(), rule.webhooks) {
        (false, false, _) => view! { <Badge tone=Tone::Neutral text="off"/> }.into_any(),
        (_, true, true) => "People and webhooks".into_any(),
        (_, true, false) => "People".into_any(),
        (_, false, true) => "Webhooks".into_any(),
        (_, false, false) => "Only this page".into_any(),
    };
    let change = may_change.then(|| {
        view! {
            <a class="btn btn-small" href=route::alert_rule(of, rule.kind)>
                "Change"<span class="sr-only">{format!(" the rule {}", rule.kind.label())}</span>
            </a>
        }
    });
    view! {
        <tr>
            <td data-label="Alert"><strong>{rule.kind.label()}</strong></td>
            <td data-label="When">{rule.words()}</td>
            <td data-label="Who hears it">{heard}</td>
            <td>{change}</td>
        </tr>
    }
}
