//! The buttons of other providers, and what a session keeps on the way there and back.

use super::BeginProviderSignIn;
use crate::{
    ssr::{respond::session, services},
    ui::Form,
};
use latchkey_core::identity_provider::{Attempt, ProvenIdentity};
use latchkey_model::{IdentityProviderId, Name};
use leptos::{prelude::*, server_fn::ServerFn};
use serde::{Serialize, de::DeserializeOwned};

/// What a session keeps while its person is at a provider, and after.
pub(super) trait Kept: Serialize + DeserializeOwned + Send + Sync {
    /// Under which name.
    const KEY: &'static str;
}

impl Kept for Attempt {
    const KEY: &'static str = "provider_attempt";
}

impl Kept for ProvenIdentity {
    const KEY: &'static str = "provider_identity";
}

/// Where the browser is sent.
#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct Leaving {
    pub(super) url: String,
    pub(super) provider: String,
}

impl Kept for Leaving {
    const KEY: &'static str = "provider_leaving";
}

/// Keeps it; what cannot be kept is not there later, and then nothing is proven by it.
pub(super) async fn keep<T: Kept>(value: &T) {
    let Some(session) = session() else { return };
    if let Err(error) = session.insert(T::KEY, value).await {
        tracing::error!(%error, "the way to a provider could not be kept");
    }
}

/// Takes it: it is good once.
pub(super) async fn take<T: Kept>() -> Option<T> {
    session()?.remove(T::KEY).await.ok().flatten()
}

/// Looks at it.
pub(super) async fn look<T: Kept>() -> Option<T> {
    session()?.get(T::KEY).await.ok().flatten()
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
