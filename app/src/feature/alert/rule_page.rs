//! One rule: when its alert is raised, and who hears it.

use super::{alert_fn::SetAlertRule, page_of, team_of};
use crate::{
    page::{Page, PageError, page, param, take_flash},
    route,
    ssr::{
        actor,
        flash::{Flash, error_at, shown},
        services,
    },
    ui::{Checkbox, Field, Form, Message, PageHead, SubmitButton},
};
use latchkey_core::alert::{AlertKind, AlertsOf, Measure, Rule, Share};
use leptos::{prelude::*, server_fn::ServerFn};

/// A rule of a team's.
#[component]
pub fn TeamAlertRulePage() -> impl IntoView {
    page(async { rule_page(team_of()?).await })
}

/// A rule of the portal's.
#[component]
pub fn AdminAlertRulePage() -> impl IntoView {
    page(async { rule_page(AlertsOf::Portal).await })
}

async fn rule_page(of: AlertsOf) -> Result<Page, PageError> {
    let kind = param::<AlertKind>("kind")?;
    let rule = services().alerts.rule(&actor(), of, kind).await?;
    let flash = take_flash().await;
    let words = page_of(of, Some(kind.label())).await?;
    let form = form(of, &rule, flash.as_ref());
    let body = view! {
        <PageHead title=kind.label() explanation=explanation(kind) crumbs=words.crumbs/>
        <Message flash/>
        {form}
    };
    Ok(Page::portal(format!("Rule {}{}", kind.label(), words.whose), body))
}

const fn explanation(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::FailureRate => "Raised when so much of what is asked is refused; over when it is not any more.",
        AlertKind::NewNetwork => {
            "Raised when a key, an app or a service account is let in from a network for the first time: the first 24 bits of an IPv4 address, 48 of an IPv6 address. Of a credential that is used from twenty networks or more, nobody is told."
        }
        AlertKind::Leak => {
            "Raised when a key of yours is reported as found elsewhere, or was sent in a URL or over plain HTTP. People are told of it in any case."
        }
        AlertKind::ServerErrors => {
            "Raised when so much of what is asked is answered with a status of 500 or above; over when it is not any more."
        }
        AlertKind::LimitNear => {
            "Raised when a key, an app or a service account has used four fifths of one of its limits; once a day for each."
        }
        AlertKind::KeyEnds => "Raised 30, 7 and 1 days before a key ends.",
        AlertKind::Lockouts => {
            "Raised when so many must wait after too many tries, and when one network tries the passwords of many accounts."
        }
    }
}

fn form(of: AlertsOf, rule: &Rule, flash: Option<&Flash>) -> impl IntoView + use<> {
    let was_typed = flash.and_then(|flash| flash.value("typed")).is_some();
    let text = |field: &str, now: String| {
        if was_typed { flash.and_then(|flash| flash.value(field)).unwrap_or_default().to_owned() } else { now }
    };
    let checked = |field: &str, now: bool| {
        if was_typed { flash.and_then(|flash| flash.value(field)).is_some_and(|value| !value.is_empty()) } else { now }
    };
    let error = |field: &str| error_at(flash, field);
    let measure = match rule.measure {
        Measure::Share(share) => {
            let minutes = text("minutes", share.minutes.to_string());
            let what = match rule.kind {
                AlertKind::ServerErrors => "Percent of requests that end in server errors",
                _ => "Percent of requests that are refused",
            };
            let options = Share::MINUTES
                .map(|one| {
                    let one = one.to_string();
                    let chosen = one == minutes;
                    view! { <option value=one.clone() selected=chosen>{one.clone()}</option> }
                })
                .collect_view();
            let minutes_error = error("minutes");
            let described = minutes_error.is_some().then_some("minutes-error");
            view! {
                <Field name="percent" label=what value=text("percent", share.percent.to_string()) required=true error=error("percent")/>
                <Field
                    name="at_least"
                    label="Of how many requests at least"
                    value=text("at_least", share.at_least.to_string())
                    required=true
                    hint="Of a few requests, one is much.".to_owned()
                    error=error("at_least")
                />
                <div class="field">
                    <label for="minutes">"Within how many minutes"</label>
                    <select id="minutes" name="minutes" aria-describedby=described>{options}</select>
                    {minutes_error.map(|error| view! { <p class="field-error" id="minutes-error">{error}</p> })}
                </div>
            }
            .into_any()
        }
        Measure::Learning { hours } => view! {
            <Field
                name="hours"
                label="For how many hours its networks are learned"
                value=text("hours", hours.to_string())
                required=true
                hint="From a credential's first use on. With 0, the second network is told of.".to_owned()
                error=error("hours")
            />
        }
        .into_any(),
        Measure::Count { at_least } => view! {
            <Field
                name="at_least"
                label="From how many on who must wait"
                value=text("at_least", at_least.to_string())
                required=true
                error=error("at_least")
            />
        }
        .into_any(),
        Measure::Each => ().into_any(),
    };
    let kind = rule.kind;
    let (on, people) = (checked("on", rule.on), checked("people", rule.people));
    let webhooks = checked("webhooks", rule.webhooks);
    let shown = shown(flash, rule);
    let choices = (!kind.always_told()).then(|| {
        view! {
            <Checkbox name="on" label="Raise this alert" checked=on/>
            <Checkbox
                name="people"
                label="Tell people"
                checked=people
                hint="In the portal, and by mail whoever wants mail of it.".to_owned()
            />
        }
    });
    view! {
        <Form action=SetAlertRule::PATH back=route::alert_rule(of, kind) class="card form">
            <input type="hidden" name="of" value=of.to_string()/>
            <input type="hidden" name="kind" value=kind.as_str()/>
            <input type="hidden" name="shown" value=shown/>
            {choices}
            <Checkbox name="webhooks" label="Tell webhooks" checked=webhooks/>
            {measure}
            <div class="form-actions">
                <SubmitButton text="Save"/>
                <a class="btn" href=route::alerts(of)>"Cancel"</a>
            </div>
        </Form>
    }
}
