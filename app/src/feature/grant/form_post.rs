//! An answer that the browser posts to the client (OAuth 2.0 Form Post Response Mode).

use crate::{
    page::{Page, page},
    route,
    shell::let_forms_lead_to,
    ssr::{respond::session, reveal},
};
use latchkey_core::authorization::AuthorizationResponse;
use leptos::{nonce::use_nonce, prelude::*};
use serde::{Deserialize, Serialize};
use tower_sessions::Session;
use uuid::Uuid;

/// What the page after the consent shows once: the code in it is a secret until it is redeemed.
#[derive(Serialize, Deserialize)]
struct Kept {
    redirect_uri: String,
    pairs: Vec<(String, String)>,
}

impl From<&AuthorizationResponse> for Kept {
    fn from(response: &AuthorizationResponse) -> Self {
        let pairs = response.pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Self { redirect_uri: response.redirect_uri.clone(), pairs }
    }
}

/// Keeps an answer for the next page of this browser; whether that was possible.
pub(super) async fn keep(session: &Session, response: &AuthorizationResponse) -> bool {
    let Ok(text) = serde_json::to_string(&Kept::from(response)) else { return false };
    reveal::put(session, Uuid::nil(), &text).await;
    true
}

/// The page that posts an answer.
pub(super) fn post_on(response: AuthorizationResponse) -> Page {
    draw(Kept::from(&response))
}

/// Where a form's answer leads when it is to be posted on.
#[component]
pub fn FormPostPage() -> impl IntoView {
    page(async {
        let kept = match session() {
            Some(session) => reveal::take(&session).await.and_then(|(_, text)| serde_json::from_str(&text).ok()),
            None => None,
        };
        Ok(kept.map_or_else(nothing, draw))
    })
}

fn nothing() -> Page {
    let body = view! {
        <section class="narrow">
            <h1>"Nothing to hand on"</h1>
            <p>"The answer to the app was handed on before. Go back to the app, and begin again if it does not go on."</p>
            <p><a href=route::DASHBOARD>"Dashboard"</a></p>
        </section>
    };
    Page::public("Nothing to hand on", body)
}

/// A form with the answer, which sends itself; without scripts, its person presses the button.
fn draw(kept: Kept) -> Page {
    let_forms_lead_to(&kept.redirect_uri);
    let place = kept.redirect_uri.split(['?', '#']).next().unwrap_or_default().to_owned();
    let fields = kept
        .pairs
        .into_iter()
        .map(|(name, value)| view! { <input type="hidden" name=name value=value/> })
        .collect_view();
    let body = view! {
        <section class="narrow">
            <h1>"Back to the app"</h1>
            <p>"You are led to "<code>{place}</code>"."</p>
            <form method="post" action=kept.redirect_uri id="form-post">
                {fields}
                <button type="submit" class="btn btn-primary">"Go on"</button>
            </form>
            <script nonce=use_nonce()>"document.getElementById('form-post').submit()"</script>
        </section>
    };
    Page::public("Back to the app", body)
}
