//! The way to a provider, and back.

use super::sign_in_with::Leaving;
use crate::{
    page::{Page, PageError, page, param},
    route,
    ssr::{
        SignUpMode, actor,
        again::form_page,
        enter::enter_by,
        flash::Flash,
        kept::{keep, take},
        portal,
        respond::{Refused, see_other, see_other_with, session},
        services,
        session::peer,
    },
};
use http::request::Parts;
use latchkey_core::{
    Actor,
    account::SignInMethod,
    identity_provider::{Attempt, Completed, ProvenIdentity, ProviderAnswer, ProviderSignInError},
};
use latchkey_model::IdentityProviderId;
use leptos::{prelude::*, server};
use leptos_meta::Meta;

impl From<ProviderSignInError> for Refused {
    fn from(error: ProviderSignInError) -> Self {
        match &error {
            ProviderSignInError::TooMany { retry_after } => Self::too_many(*retry_after),
            ProviderSignInError::NotFound => Self::new("Nobody signs in with that provider here."),
            ProviderSignInError::NotAsked => {
                Self::new("That answer came too late, or to another browser. Begin again here.")
            }
            ProviderSignInError::Refused(word) if word == "access_denied" => {
                Self::new("You said no at the provider. Nothing was changed.")
            }
            ProviderSignInError::OtherAccount => {
                Self::new("That identity opens another account. Sign out first to use it.")
            }
            ProviderSignInError::Refused(_)
            | ProviderSignInError::NotProven(_)
            | ProviderSignInError::IdToken(_)
            | ProviderSignInError::Unreachable(_) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "signing in with a provider failed");
                Self::new("The provider did not say who you are. Try again, or sign in with your password.")
            }
            ProviderSignInError::Seal(_) | ProviderSignInError::Store(_) => Self::fault(&error),
        }
    }
}

/// Sends the browser on its way to a provider.
#[server(prefix = "/form", endpoint = "identity-provider/begin")]
pub async fn begin_provider_sign_in(
    #[server(default)] provider: String,
    #[server(default)] next: String,
) -> Result<(), ServerFnError> {
    let begun = match provider.parse::<IdentityProviderId>() {
        Ok(id) => services().provider_sign_in.begin(id, &next, peer()).await,
        Err(_) => Err(ProviderSignInError::NotFound),
    };
    match begun {
        Ok((url, attempt)) => {
            keep(&attempt).await;
            let provider = url.host_str().unwrap_or_default().to_owned();
            keep(&Leaving { url: url.into(), provider }).await;
            see_other(route::LEAVE);
        }
        Err(error) => {
            see_other_with(&form_page(route::SIGN_IN), Refused::from(error).flash()).await;
        }
    }
    Ok(())
}

/// Leads the browser on. A page of its own: a form may lead to this portal alone, and providers lead on to who knows where.
#[component]
pub fn LeavePage() -> impl IntoView {
    page(async {
        let Some(Leaving { url, provider }) = take().await else {
            return Err(PageError::Redirect(route::SIGN_IN.to_owned()));
        };
        let title = format!("On to {provider}");
        let body = view! {
            <Meta http_equiv="refresh" content=format!("0;url={url}")/>
            <section class="narrow">
                <h1>{title.clone()}</h1>
                <p>"You are led there to say who you are, and come back."</p>
                <p><a class="btn btn-primary" href=url rel="noreferrer">"Go on"</a></p>
            </section>
        };
        Ok(Page::public(title, body))
    })
}

/// Where a person comes back to from a provider.
#[component]
pub fn CallbackPage() -> impl IntoView {
    page(async {
        let provider = param::<IdentityProviderId>("provider")?;
        let query = use_context::<Parts>().and_then(|parts| parts.uri.query().map(str::to_owned)).unwrap_or_default();
        let attempt = take::<Attempt>().await;
        let actor = actor();
        let completed = match &attempt {
            Some(attempt) => {
                let answer = ProviderAnswer::of_query(&query);
                services().provider_sign_in.complete(&actor, provider, attempt, &answer).await
            }
            None => Err(ProviderSignInError::NotAsked),
        };
        let next = attempt.map(|attempt| attempt.next).unwrap_or_default();
        let back = match (&actor, next.as_str()) {
            (Actor::Account { .. }, _) => route::SIGN_IN_METHODS.to_owned(),
            (Actor::Anonymous, "") => route::SIGN_IN.to_owned(),
            (Actor::Anonymous, next) => route::sign_in_then(next),
        };
        let to = match completed {
            Ok(Completed::Known(account)) => {
                let Some(session) = session() else { return Err(PageError::NotSignedIn) };
                match enter_by(&session, &account, SignInMethod::PROVIDER, &next, None).await {
                    Ok(path) => path,
                    Err(error) => with(&back, Refused::fault(&error).flash()).await,
                }
            }
            Ok(Completed::Unknown(proven)) => not_linked_yet(&actor, &proven).await,
            Err(error) => with(&back, Refused::from(error).flash()).await,
        };
        Err(PageError::Redirect(to))
    })
}

async fn with(path: &str, flash: Flash) -> String {
    if let Some(session) = session() {
        flash.put(&session).await;
    }
    path.to_owned()
}

/// An identity opens an account once its person says so there: nothing else makes it theirs, least of all an address that is the same.
async fn not_linked_yet(actor: &Actor, proven: &ProvenIdentity) -> String {
    keep(proven).await;
    if matches!(actor, Actor::Account { .. }) {
        return route::SIGN_IN_METHODS.to_owned();
    }
    let or = if portal().sign_up == SignUpMode::Closed { "" } else { ", or create an account," };
    let message = format!(
        "{} does not open an account here yet. Sign in with your password{or} and say then that it is yours.",
        proven.provider_name,
    );
    with(&route::sign_in_then(route::SIGN_IN_METHODS), Flash::good(message)).await
}
