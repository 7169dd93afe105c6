//! The buttons of other providers, and what a session keeps on the way there and back.

use super::BeginProviderSignIn;
use crate::{
    ssr::{
        kept::{Kept, look},
        services,
    },
    ui::Form,
};
use latchkey_core::identity_provider::{Attempt, ProvenIdentity};
use latchkey_model::{IdentityProviderId, Name};
use leptos::{prelude::*, server_fn::ServerFn};
use serde::{Deserialize, Serialize};

impl Kept for Attempt {
    const KEY: &'static str = "provider_attempt";
}

impl Kept for ProvenIdentity {
    const KEY: &'static str = "provider_identity";
}

/// Where the browser is sent.
#[derive(Serialize, Deserialize)]
pub(super) struct Leaving {
    pub(super) url: String,
    pub(super) provider: String,
}

impl Kept for Leaving {
    const KEY: &'static str = "provider_leaving";
}

/// Whether somebody has just proven an identity that opens no account yet.
pub async fn has_proven() -> bool {
    let now = services().ports.now();
    look::<ProvenIdentity>().await.is_some_and(|proven| proven.is_fresh(now))
}

/// A button for each provider.
#[component]
pub fn SignInWith(
    providers: Vec<(IdentityProviderId, Name)>,
    /// Where the person wanted to go.
    #[prop(into)]
    next: String,
    /// The page that the buttons are on.
    #[prop(into)]
    back: String,
    /// What stands before a provider's name.
    #[prop(default = "Sign in with")]
    verb: &'static str,
) -> impl IntoView {
    let buttons = providers
        .into_iter()
        .map(|(id, name)| {
            let (next, back) = (next.clone(), back.clone());
            view! {
                <Form action=BeginProviderSignIn::PATH back>
                    <input type="hidden" name="provider" value=id.to_string()/>
                    <input type="hidden" name="next" value=next/>
                    <button type="submit" class="btn">{format!("{verb} {name}")}</button>
                </Form>
            }
        })
        .collect_view();
    view! { <div class="providers">{buttons}</div> }
}
