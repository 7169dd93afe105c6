//! A new secret: seen once.

use crate::islands::CopyButton;
use leptos::prelude::*;

/// The secret, big enough to read, with a button to copy it and one to go on.
#[component]
pub fn SecretOnce(
    /// What is seen once.
    secret: String,
    /// Where "I have stored it" leads.
    #[prop(into)]
    next: String,
    /// What it is.
    #[prop(default = "key")]
    what: &'static str,
) -> impl IntoView {
    view! {
        <section class="secret" aria-labelledby="secret-title">
            <h2 id="secret-title">{format!("Your new {what}, shown once")}</h2>
            <p>"Store it now, for example in your secret manager. Latchkey does not show it again."</p>
            <div class="secret-value">
                <code>{secret.clone()}</code>
                <CopyButton value=secret label=format!("the {what}")/>
            </div>
            <a class="btn btn-primary" href=next>"I have stored it"</a>
        </section>
    }
}
