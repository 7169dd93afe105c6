//! The forms of people who come and go.
#![expect(clippy::unused_async, reason = "every server function is asynchronous")]

use crate::{
    route,
    ssr::{
        Theme, actor,
        again::form_page,
        enter::enter,
        form::FormPage,
        respond::{Refused, see_other, see_other_with, session, set_cookie},
        services,
        session::{sign_out as sign_session_out, visitor},
    },
};
use latchkey_core::{
    account::{PlainPassword, SignInError, SignInMethod},
    authorization::Parameters,
};
use leptos::{prelude::*, server};
use tower_sessions::cookie::SameSite;

impl From<SignInError> for Refused {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::WrongCredentials => Self::new("The e-mail or the password is not right."),
            SignInError::Try(error) => error.into(),
            SignInError::Hash(_) | SignInError::Store(_) => Self::fault(&error),
        }
    }
}

/// Signs the browser in under a new session id.
#[server(prefix = "/form", endpoint = "account/sign-in")]
pub async fn sign_in(
    #[server(default)] email: String,
    #[server(default)] password: String,
    #[server(default)] next: String,
) -> Result<(), ServerFnError> {
    match services().accounts.sign_in(&email, PlainPassword::new(&password), &visitor()).await {
        Ok(account) => enter(&account, SignInMethod::PASSWORD, &next, None).await,
        Err(error) => {
            // The page itself may say more: who must sign in again, and as whom.
            let page = crate::ssr::extension::<FormPage>().map(|page| page.0);
            let page = page.filter(|page| page.starts_with(route::SIGN_IN) && page.contains("next="));
            let back = match page {
                Some(page) => page,
                None if next.is_empty() => route::SIGN_IN.to_owned(),
                None => route::sign_in_then(&next),
            };
            see_other_with(&back, Refused::from(error).flash().keep("email", &email)).await;
        }
    }
    Ok(())
}

/// Ends the session before the answer leaves. Where an app asked for it, its person is led back there.
#[server(prefix = "/form", endpoint = "account/sign-out")]
pub async fn sign_out(#[server(default)] asked: String) -> Result<(), ServerFnError> {
    let asked = services().sign_outs.asked(&actor(), &Parameters::of_query(&asked)).await;
    if let Some(session) = session()
        && let Err(error) = sign_session_out(&session).await
    {
        see_other_with(route::DASHBOARD, Refused::fault(&error).flash()).await;
        return Ok(());
    }
    match asked.map(|asked| asked.then) {
        Ok(Some(then)) => see_other(&then),
        Ok(None) => see_other(route::HOME),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "where an app wanted to go on is not known");
            see_other(route::HOME);
        }
    }
    Ok(())
}

/// Keeps the theme in a cookie.
#[server(prefix = "/form", endpoint = "account/theme")]
pub async fn set_theme(#[server(default)] theme: String) -> Result<(), ServerFnError> {
    const YEAR_SECONDS: u32 = 31_536_000;
    let theme = Theme::from_word(&theme);
    set_cookie(Theme::COOKIE, theme.as_str(), YEAR_SECONDS, SameSite::Lax);
    see_other(&form_page(route::HOME));
    Ok(())
}
