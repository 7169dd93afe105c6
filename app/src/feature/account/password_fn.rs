//! The forms about passwords.

use crate::{
    route,
    ssr::{
        actor,
        flash::Flash,
        link::token_in,
        respond::{Refused, see_other, see_other_with, session},
        services,
        session::{peer, sign_in, visitor},
    },
};
use latchkey_core::{
    Actor,
    account::{PasswordError, PlainPassword},
};
use leptos::{prelude::*, server};

impl From<PasswordError> for Refused {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::NotSignedIn(_) => Self::new("Sign in first."),
            PasswordError::Invalid(errors) => Self::invalid(errors),
            PasswordError::Try(error) => error.into(),
            PasswordError::LinkNotValid => Self::new("This link is not good any more. Ask for a new one."),
            PasswordError::Changed => Self::new("Your password was changed just now, in another window or by a link."),
            PasswordError::Hash(_) | PasswordError::Store(_) => Self::fault(&error),
        }
    }
}

/// Asks for a link to choose a new password.
#[server(prefix = "/form", endpoint = "account/forgot")]
pub async fn forgot_password(#[server(default)] email: String) -> Result<(), ServerFnError> {
    let flash = match services().passwords.forgot(&email, peer()).await {
        Ok(()) => Flash::good(
            "If an account has this address, a mail with a link is on its way. The link is good for half an hour. If you asked a moment ago, look for that mail.",
        ),
        Err(error) => Refused::from(error).flash().keep("email", &email),
    };
    see_other_with(route::FORGOT, flash).await;
    Ok(())
}

/// Takes a new password by a link.
#[server(prefix = "/form", endpoint = "account/reset-password")]
pub async fn reset_password(
    #[server(default)] token: String,
    #[server(default)] password: String,
) -> Result<(), ServerFnError> {
    match services().passwords.reset(&token, PlainPassword::new(&password), peer()).await {
        Ok(()) => see_other_with(route::SIGN_IN, Flash::good("Your password is changed. Sign in with it.")).await,
        Err(error) => see_other_with(&route::reset(&token_in(&token)), Refused::from(error).flash()).await,
    }
    Ok(())
}

/// Changes the password, and signs every other browser out.
#[server(prefix = "/form", endpoint = "account/change-password")]
pub async fn change_password(
    #[server(default)] current_password: String,
    #[server(default)] password: String,
) -> Result<(), ServerFnError> {
    let actor = actor();
    let (current, new) = (PlainPassword::new(&current_password), PlainPassword::new(&password));
    match (services().passwords.change(&actor, current, new, &visitor()).await, &actor) {
        (Ok(account), Actor::Account { signed_in_by, .. }) => {
            // This browser goes on under a new id (OWASP ASVS 5.0, 7.2.4).
            if let Some(session) = session()
                && let Err(error) = sign_in(&session, &account, *signed_in_by, route::SECURITY).await
            {
                see_other_with(route::SIGN_IN, Refused::fault(&error).flash()).await;
                return Ok(());
            }
            let message = "Your password is changed, and every other browser is signed out.";
            see_other_with(route::SECURITY, Flash::good(message)).await;
        }
        (Ok(_), Actor::Anonymous) | (Err(PasswordError::NotSignedIn(_)), _) => {
            see_other(&route::sign_in_then(route::SECURITY));
        }
        (Err(error), _) => see_other_with(route::SECURITY, Refused::from(error).flash()).await,
    }
    Ok(())
}
