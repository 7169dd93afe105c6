//! What is kept about a person.

use crate::{
    page::{Page, page, take_flash},
    route,
    ssr::actor,
    ui::{Message, PageHead},
};
use leptos::prelude::*;

/// Where a person takes along what is kept about them.
#[component]
pub fn PersonalDataPage() -> impl IntoView {
    page(async {
        actor().account()?;
        let flash = take_flash().await;
        let body = view! {
            <PageHead title="Your data" explanation="What Latchkey keeps about you, to read and to take along."/>
            <Message flash/>
            <section class="card form" aria-labelledby="export">
                <h2 id="export">"Export"</h2>
                <p>"One file with your profile, teams, sessions, sign-in methods, tokens and authorized apps. Secrets are not in it: they are kept as digests, or sealed."</p>
                <div class="form-actions"><a class="btn btn-primary" href=route::EXPORT_DATA download="latchkey-personal-data.json">"Download as JSON"</a></div>
                <p class="dim">"What your teams own is the teams', and not in it. Requests are in each environment's logs."</p>
            </section>
            <section class="card form" aria-labelledby="delete">
                <h2 id="delete">"Delete"</h2>
                <p>"You see what ends with your account before it does."</p>
                <div class="form-actions"><a class="btn" href=route::DELETE_ACCOUNT>"Delete my account …"</a></div>
            </section>
        };
        Ok(Page::portal("Your data", body))
    })
}
