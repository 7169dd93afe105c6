//! The list of keys of an environment, with what needs its people's eyes above it.

use super::{
    KeyTable, NewSecret, Rotations, advice::AdviceCard, crumbs, environment_tabs, in_view, key_in_view::KeyPaths,
    rotation_card::Pair,
};
use crate::{
    page::{Page, page, query, take_flash},
    route,
    ssr::{actor, services},
    ui::{Banner, EmptyState, Message, PageHead, RelativeTime, Tabs, Tone},
};
use latchkey_core::{
    api_key::KeyList,
    port::api_key::{AfterKey, ApiKey, KeyState, RevokedBecause},
};
use leptos::prelude::*;
use time::OffsetDateTime;

/// The keys of one environment.
#[component]
pub fn KeysPage() -> impl IntoView {
    page(async {
        let in_view = in_view().await?;
        let (application, environment) = (in_view.application.application.id, in_view.environment);
        let (services, actor) = (services(), actor());
        let after = query("after").and_then(|id| id.parse().ok());
        let after = after.map(|id| AfterKey { id, ended: query("ended").is_some() });
        let listed = services.api_keys.list(&actor, application, environment, after).await?;
        let advice = services.api_keys.advice(&actor, application, environment, &listed).await?;
        let KeyList { keys, next, beyond } = listed;
        let now = services.ports.now();
        let pairs = Pair::find(&keys, now).await?;
        let flash = take_flash().await;
        let new = NewSecret::take().await;
        let here = route::keys(application, environment);
        let create = route::new_key(application, environment);
        let can_write = in_view.application.role.may_write();
        let more = next.map(|next| {
            let href = route::keys_after(application, environment, next);
            view! { <nav aria-label="Pages" class="pager"><a class="btn" href=href>"More keys"</a></nav> }
        });
        let list = if keys.is_empty() {
            let create = create.clone();
            view! {
                <EmptyState title=format!("No key for {environment} yet")>
                    <p>"A key identifies this application to the API. It is shown once, when you create it."</p>
                    <a class="btn btn-primary" href=create>"Create key"</a>
                </EmptyState>
            }
            .into_any()
        } else {
            view! { <KeyTable label="API keys" keys=keys.clone() now/> }.into_any()
        };
        let body = view! {
            <PageHead
                title="API keys"
                explanation="A key identifies this application. Each environment has its own; a key for one is refused in another."
                crumbs=crumbs(&in_view)
                environment
            >
                {can_write.then(|| view! { <a class="btn btn-primary" href=create>"Create key"</a> })}
            </PageHead>
            <Tabs label="Environments" tabs=environment_tabs(&in_view, route::keys)/>
            <Message flash/>
            {new.map(|new| new.show(here.clone(), &keys))}
            <KeyBanners keys now/>
            <Rotations pairs now can_write back=here.clone()/>
            <AdviceCard advice can_write back=here/>
            {list}
            <Unlisted beyond/>
            {more}
        };
        Ok(Page::application("API keys", in_view, body))
    })
}

/// How many keys a list leaves out, where it does.
#[component]
pub fn Unlisted(beyond: u64) -> impl IntoView {
    (beyond > 0).then(|| {
        let many = if beyond == 1 { "1 more is".to_owned() } else { format!("{beyond} more are") };
        let sentence = format!("{many} not listed here: those that have not ended come first, and the newest.");
        view! { <p class="dim">{sentence}</p> }
    })
}

/// What must be said about some of these keys before all else.
#[component]
pub fn KeyBanners(keys: Vec<ApiKey>, now: OffsetDateTime) -> impl IntoView {
    let works =
        |key: &ApiKey| matches!(key.state(now), KeyState::Live | KeyState::Disabled(_) | KeyState::Suspended(_));
    let exposed: Vec<_> = keys.iter().filter(|key| key.exposed_at.is_some() && works(key)).cloned().collect();
    let leaked: Vec<_> = keys.into_iter().filter(|key| needs_eyes(key, now)).collect();
    view! {
        {leaked.into_iter().map(|key| view! { <LeakBanner key now/> }).collect_view()}
        {exposed
            .into_iter()
            .map(|key| {
                let rotate = route::rotate(&KeyPaths::of(&key).key);
                view! {
                    <Banner tone=Tone::Bad>
                        <strong>{key.settings.name.as_str().to_owned()}</strong>
                        " was sent in a URL or over plain HTTP, where others can read it. "
                        <a href=rotate>"Rotate it"</a>
                        ", move your callers, then end it."
                    </Banner>
                }
            })
            .collect_view()}
    }
}

/// A leak is shown while the key works, and for a month after it was revoked for it.
fn needs_eyes(key: &ApiKey, now: OffsetDateTime) -> bool {
    let Some(leaked) = &key.leaked else { return false };
    match key.state(now) {
        KeyState::Live | KeyState::Disabled(_) | KeyState::Suspended(_) => true,
        KeyState::Revoked(revoked) => {
            revoked.because == RevokedBecause::Leaked && now - leaked.at < time::Duration::days(30)
        }
        KeyState::RotatedOut(_) | KeyState::Expired(_) => false,
    }
}

/// That a key was found where secrets must not be, where, and what was done.
#[component]
pub fn LeakBanner(key: ApiKey, now: OffsetDateTime) -> impl IntoView {
    let paths = KeyPaths::of(&key);
    let leaked = key.leaked.clone();
    let (revoked, off, suspended) = (key.revoked.is_some(), key.disabled.is_some(), key.suspended.is_some());
    let rotating = key.replaced.is_some() || key.is_pending();
    let place = leaked.as_ref().map(|leaked| leaked.place.clone()).filter(|place| !place.is_empty());
    view! {
        <Banner tone=Tone::Bad>
            <strong>{key.settings.name.as_str().to_owned()}</strong>
            " "
            <code>{key.hint()}</code>
            " was found where secrets must not be. Reported "
            {leaked.map(|leaked| view! { <RelativeTime at=leaked.at now/> })}
            {place.map(|place| view! { ", at " <code>{place}</code> })}
            ". "
            {match (revoked, rotating) {
                (false, _) if off => view! { "It is switched off. Do not switch it on again: create another key." }.into_any(),
                (false, _) if suspended => view! { "It is suspended. Revoke it, and create another key." }.into_any(),
                (true, _) => view! { "It was revoked at once. " <a href=paths.key>"See what used it"</a> "." }.into_any(),
                (false, true) => {
                    view! { "It still works: end its rotation as soon as your callers have moved." }.into_any()
                }
                (false, false) => {
                    view! { "It still works: " <a href=route::rotate(&paths.key)>"rotate it now"</a> "." }.into_any()
                }
            }}
        </Banner>
    }
}
