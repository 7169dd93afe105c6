//! Sentences that a page begins with.

use super::Tone;
use crate::ssr::flash::{self, Flash};
use leptos::prelude::*;

/// What the last form did: heard at once by those who hear the page.
#[component]
pub fn Message(flash: Option<Flash>) -> impl IntoView {
    flash.map(|flash| match flash.tone {
        flash::Tone::Good => view! { <div class="banner tone-good" role="status">{flash.message}</div> }.into_any(),
        flash::Tone::Bad => view! { <div class="banner tone-bad" role="alert">{flash.message}</div> }.into_any(),
    })
}

/// Something about the page as a whole that its reader must know.
#[component]
pub fn Banner(tone: Tone, children: Children) -> impl IntoView {
    view! { <div class=format!("banner tone-{}", tone.class())>{children()}</div> }
}
