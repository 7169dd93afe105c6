//! What is advised about keys, with one button for each.

use super::{DisableKey, ShrinkKey, key_in_view::KeyPaths};
use crate::{route, ui::Form};
use latchkey_core::{api_key::Advice, port::api_key::ApiKey};
use leptos::{prelude::*, server_fn::ServerFn};

/// What should be changed, key by key; nothing where there is nothing to say.
#[component]
pub fn AdviceCard(advice: Vec<(ApiKey, Advice)>, can_write: bool, #[prop(into)] back: String) -> impl IntoView {
    if advice.is_empty() {
        return ().into_any();
    }
    let items = advice
        .into_iter()
        .map(|(key, advice)| view! { <Items key advice can_write back=back.clone()/> })
        .collect_view();
    view! {
        <section class="card advice" aria-labelledby="advice">
            <h2 id="advice">"Advice"</h2>
            <ul class="advice-list">{items}</ul>
        </section>
    }
    .into_any()
}

#[component]
fn Items(key: ApiKey, advice: Advice, can_write: bool, back: String) -> impl IntoView {
    let name = key.settings.name.as_str().to_owned();
    let id = key.id.to_string();
    let page = KeyPaths::of(&key).key;
    let rotate = route::rotate(&page);
    let held = key.settings.scopes.iter().count();
    let unused = advice.unused_scopes;
    // Without any scope a key is of no use: then it is the key that is idle.
    let shrinks = !unused.is_empty() && unused.iter().count() < held;
    let (name_too, name_three, id_too, back_too) = (name.clone(), name.clone(), id.clone(), back.clone());
    view! {
        {shrinks.then(|| view! {
            <li>
                <p>
                    <a href=page.clone()>{name.clone()}</a>
                    {format!(" did not use {unused} in the last {} days.", Advice::WINDOW_DAYS)}
                </p>
                {can_write.then(|| view! {
                    <Form action=ShrinkKey::PATH back=back.clone()>
                        <input type="hidden" name="id" value=id.clone()/>
                        <button type="submit" class="btn btn-small">"Take it away"<span class="sr-only">{format!(" from {name}")}</span></button>
                    </Form>
                })}
            </li>
        })}
        {advice.idle_days.map(|days| view! {
            <li>
                <p><a href=page.clone()>{name_too.clone()}</a>{format!(" has been idle for {days} days.")}</p>
                {can_write.then(|| view! {
                    <Form action=DisableKey::PATH back=back_too.clone()>
                        <input type="hidden" name="id" value=id_too.clone()/>
                        <button type="submit" class="btn btn-small">"Switch off"<span class="sr-only">{format!(" {name_too}")}</span></button>
                    </Form>
                })}
            </li>
        })}
        {advice.overdue_days.map(|days| view! {
            <li>
                <p><a href=page.clone()>{name_three.clone()}</a>{format!(" is {days} days old: older than this environment wants its keys.")}</p>
                {can_write.then(|| view! {
                    <a class="btn btn-small" href=rotate.clone()>"Rotate"<span class="sr-only">{format!(" {name_three}")}</span></a>
                })}
            </li>
        })}
    }
}
