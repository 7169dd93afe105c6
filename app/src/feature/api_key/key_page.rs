//! One key: what it is, what it did, and everything that can be changed about it.

use super::{
    DisableKey, EnableKey, KeyBanners, KeyFields, KeyFormValues, NewSecret, Rotations, UpdateKey, advice::AdviceCard,
    key_in_view::KeyInView, key_state::KeyStateBadge, radius::Radius, rotation_card::Pair,
};
use crate::{
    feature::{request_log::RequestTable, usage::KeyFigures},
    page::{page, take_flash},
    route,
    ssr::{actor, flash::shown, services},
    ui::{Form, Message, PageHead, RelativeTime, SubmitButton},
};
use latchkey_core::{
    api_key::{ApiKeyError, BlastRadius},
    port::{
        api::ApiScope,
        api_key::{AddressMode, ApiKey, KeyOwner, KeyState},
        request_log::RequestFilter,
    },
    usage::{
        log::LogOf,
        report::{Range, TimeZone, UsageOf},
    },
};
use leptos::{prelude::*, server_fn::ServerFn};
use time::OffsetDateTime;

/// One key.
#[component]
pub fn KeyPage() -> impl IntoView {
    page(async {
        let view = KeyInView::load().await?;
        let (services, actor) = (services(), actor());
        let key = view.key.clone();
        let now = services.ports.now();
        let advice = services.api_keys.advice_for(&actor, &key).await?;
        let usage = services.usage.usage(&actor, UsageOf::Key(key.id), Range::Day, &TimeZone::UTC).await?;
        let pairs = Box::pin(Pair::of(&key, now)).await?;
        let known = services.api_keys.scopes().await?;
        let flash = take_flash().await;
        let new = NewSecret::take().await;
        let values = KeyFormValues::of(&key.settings, "keep").or_typed(flash.as_ref());
        let shown = shown(flash.as_ref(), &key.settings);
        let confirm = flash.as_ref().and_then(|flash| flash.value("confirm")).filter(|asked| !asked.is_empty());
        let confirm = confirm.map(str::to_owned);
        // The form came back to be confirmed: what it would break is drawn from what was typed.
        let radius = match &confirm {
            Some(_) => match services.api_keys.proposed(&actor, key.id, &values.as_form(), "").await {
                Ok((_, proposed)) => Some(services.api_keys.blast_radius_of(&actor, &key, &proposed).await?),
                Err(ApiKeyError::Invalid(_)) => None,
                Err(error) => return Err(error.into()),
            },
            None => None,
        };
        let latest = match &key.owner {
            // A token has no page of logs of its own: its last requests stand here.
            KeyOwner::Account { .. } => {
                let filter = RequestFilter { credential: Some(key.id.as_uuid()), ..RequestFilter::default() };
                services.log.requests(&actor, LogOf::Own, &filter).await?.rows
            }
            KeyOwner::Environment { .. } => Vec::new(),
        };
        let here = view.paths.key.clone();
        let all_figures = key
            .owner
            .application()
            .map(|(application, environment)| route::key_usage(application, environment, key.id));
        let logs =
            key.owner.application().map(|(application, environment)| route::key_logs(application, environment, key.id));
        let title = key.settings.name.as_str().to_owned();
        let can_write = view.can_write;
        let advice: Vec<_> = Some((key.clone(), advice)).filter(|(_, advice)| !advice.is_empty()).into_iter().collect();
        let editable = can_write && key.revoked.is_none();
        let body = view! {
            <Head view=&view now/>
            <Message flash/>
            {new.map(|new| new.show(here.clone(), std::slice::from_ref(&key)))}
            <KeyBanners keys=vec![key.clone()] now/>
            <Rotations pairs now can_write back=here.clone()/>
            <AdviceCard advice can_write back=here.clone()/>
            <div class="two">
                <Facts key=key.clone() now/>
                <section class="card" aria-labelledby="day">
                    <h2 id="day">"Last 24 hours"</h2>
                    <KeyFigures usage more=all_figures logs/>
                    <LogsLink key=key.clone()/>
                </section>
            </div>
            {(!latest.is_empty()).then(|| view! {
                <section aria-labelledby="latest">
                    <h2 id="latest">"Latest requests"</h2>
                    <RequestTable rows=latest now older=None/>
                </section>
            })}
            {radius.map(|radius| view! { <Radius radius what="This change"/> })}
            {editable.then(|| view! { <EditForm key values known shown confirm back=here now/> })}
        };
        Ok(view.page(title, body))
    })
}

#[component]
fn Head<'a>(view: &'a KeyInView, now: OffsetDateTime) -> impl IntoView + use<> {
    let key = &view.key;
    let title = key.settings.name.as_str().to_owned();
    let explanation = format!("{}, {}", key.owner.kind().label(), key.hint());
    let crumbs = view.crumbs(false);
    let actions = (view.can_write && !key.is_ended(now)).then(|| {
        let page = view.paths.key.clone();
        let id = key.id.to_string();
        let state = key.state(now);
        let rotatable = key.is_rotatable(now);
        let clone = match &key.owner {
            KeyOwner::Environment { application_id, environment, .. } => {
                route::clone_key(*application_id, *environment, key.id)
            }
            KeyOwner::Account { .. } => route::clone_token(key.id),
        };
        view! {
            {rotatable.then(|| view! { <a class="btn btn-primary" href=route::rotate(&page)>"Rotate"</a> })}
            {match state {
                KeyState::Disabled(_) => view! {
                    <Form action=EnableKey::PATH back=page.clone()>
                        <input type="hidden" name="id" value=id/>
                        <button type="submit" class="btn">"Switch on"</button>
                    </Form>
                }
                .into_any(),
                _ => view! {
                    <Form action=DisableKey::PATH back=page.clone()>
                        <input type="hidden" name="id" value=id/>
                        <button type="submit" class="btn">"Switch off"</button>
                    </Form>
                }
                .into_any(),
            }}
            <a class="btn" href=clone>"Clone settings"</a>
            <a class="btn btn-danger" href=route::revoke(&page)>"Revoke"</a>
        }
    });
    let environment = view.environment();
    view! { <PageHead title explanation crumbs environment>{actions}</PageHead> }
}

#[component]
fn Facts(key: ApiKey, now: OffsetDateTime) -> impl IntoView {
    let settings = key.settings.clone();
    let used = match (key.last_used_at, key.last_used_from) {
        (Some(at), Some(from)) => view! { <RelativeTime at now/> " from " <code>{from.to_string()}</code> }.into_any(),
        (Some(at), None) => view! { <RelativeTime at now/> }.into_any(),
        (None, _) => view! { "never" }.into_any(),
    };
    let notes = settings.notes.as_str().to_owned();
    let limits = settings.limits.to_string();
    view! {
        <section class="card" aria-labelledby="facts">
            <h2 id="facts">"The key"</h2>
            <dl class="facts">
                <div><dt>"State"</dt><dd><KeyStateBadge key=key.clone() now/></dd></div>
                <div><dt>"Can"</dt><dd><code>{settings.scopes.to_string()}</code></dd></div>
                <div><dt>"Last used"</dt><dd>{used}</dd></div>
                <div><dt>"Made by"</dt><dd>{key.created_by_name.as_str().to_owned()} ", " <RelativeTime at=key.created_at now/></dd></div>
                {(!settings.allowed_from.is_empty()).then(|| {
                    let other = match settings.address_mode {
                        AddressMode::Enforce => "",
                        AddressMode::ReportOnly => " (others are only reported)",
                    };
                    view! { <div><dt>"From"</dt><dd><code>{settings.allowed_from.to_string()}</code>{other}</dd></div> }
                })}
                {(!limits.is_empty()).then(|| view! { <div><dt>"Limits"</dt><dd><code>{limits}</code></dd></div> })}
                {(!notes.is_empty()).then(|| view! { <div><dt>"Notes"</dt><dd class="notes">{notes}</dd></div> })}
            </dl>
        </section>
    }
}

#[component]
fn LogsLink(key: ApiKey) -> impl IntoView {
    match &key.owner {
        KeyOwner::Environment { application_id, environment, .. } => {
            let href = route::key_logs(*application_id, *environment, key.id);
            view! { <p><a href=href>"See its requests"</a></p> }.into_any()
        }
        KeyOwner::Account { .. } => ().into_any(),
    }
}

#[component]
fn EditForm(
    key: ApiKey,
    values: KeyFormValues,
    known: Vec<ApiScope>,
    shown: String,
    confirm: Option<String>,
    back: String,
    now: OffsetDateTime,
) -> impl IntoView {
    let keep = match key.settings.expires_at {
        Some(at) if at <= now => "As it was: it has expired".to_owned(),
        Some(at) => format!("As it is: {}", at.date()),
        None => "As it is: never".to_owned(),
    };
    let mut expiries = vec![("keep".to_owned(), keep)];
    if matches!(key.owner, KeyOwner::Environment { .. }) && key.settings.expires_at.is_some() {
        expiries.push(("never".to_owned(), "Never".to_owned()));
    }
    for (days, label) in [("7", "7 days from now"), ("30", "30 days from now"), ("90", "90 days from now")] {
        expiries.push((days.to_owned(), label.to_owned()));
    }
    let button = if confirm.is_some() { "Save anyway" } else { "Save" };
    view! {
        <section aria-labelledby="edit">
            <h2 id="edit">"Change it"</h2>
            <Form action=UpdateKey::PATH back class="card form">
                <input type="hidden" name="id" value=key.id.to_string()/>
                <input type="hidden" name="shown" value=shown/>
                <input type="hidden" name="confirm" value=confirm.unwrap_or_default()/>
                <KeyFields values known expiries/>
                <div class="form-actions"><SubmitButton text=button/></div>
            </Form>
        </section>
    }
}

/// What a person confirms: exactly what the change takes away, so that a further change asks again.
pub(super) fn confirmation(settings: &latchkey_core::port::api_key::KeySettings, radius: &BlastRadius) -> String {
    format!("{}|{}|{:?}|{}", settings.scopes, settings.allowed_from, settings.address_mode, radius.needs_asking())
}
