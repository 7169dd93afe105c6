//! The forms by which accounts come to be.

use crate::{
    feature::identity_provider::has_proven,
    route,
    ssr::{
        SignUpMode,
        enter::enter,
        link::token_in,
        portal,
        respond::{Refused, see_other, see_other_with},
        services,
        session::peer,
    },
};
use latchkey_core::account::{PlainPassword, SignInMethod, SignUpError};
use leptos::{prelude::*, server};

impl From<SignUpError> for Refused {
    fn from(error: SignUpError) -> Self {
        match error {
            SignUpError::Invalid(errors) => Self::invalid(errors),
            SignUpError::Try(error) => error.into(),
            SignUpError::LinkNotValid => Self::new(
                "That link has been used or has expired. Restart the server for a new one, while there is no admin.",
            ),
            SignUpError::Hash(_) | SignUpError::Store(_) => Self::fault(&error),
        }
    }
}

/// Makes an account and signs it in; or, where addresses are confirmed first, mails how to go on.
#[server(prefix = "/form", endpoint = "account/sign-up")]
pub async fn sign_up(
    #[server(default)] name: String,
    #[server(default)] email: String,
    #[server(default)] password: String,
) -> Result<(), ServerFnError> {
    let form = latchkey_core::account::SignUp { email: &email, name: &name, password: PlainPassword::new(&password) };
    let services = services();
    let accounts = &services.accounts;
    let outcome = match portal().sign_up {
        SignUpMode::Closed => {
            see_other(route::SIGN_UP);
            return Ok(());
        }
        SignUpMode::Open => accounts.sign_up(form, peer()).await.map(Some),
        SignUpMode::Confirmed => accounts.ask_sign_up(&email, peer()).await.map(|()| None),
    };
    match outcome {
        Ok(Some(account)) => {
            // Whoever came from a provider is asked whether it opens the account.
            let next = if has_proven().await { route::SIGN_IN_METHODS } else { route::NEW_APPLICATION };
            enter(&account, SignInMethod::PASSWORD, next, Some(format!("Welcome, {}.", account.name))).await;
        }
        Ok(None) => see_other(route::SIGN_UP_MAIL),
        Err(error) => {
            let flash = Refused::from(error).flash().keep("name", &name).keep("email", &email);
            see_other_with(route::SIGN_UP, flash).await;
        }
    }
    Ok(())
}

/// Makes the account of somebody who has the mail.
#[server(prefix = "/form", endpoint = "account/finish-sign-up")]
pub async fn finish_sign_up(
    #[server(default)] token: String,
    #[server(default)] name: String,
    #[server(default)] password: String,
) -> Result<(), ServerFnError> {
    match services().accounts.finish_sign_up(&token, &name, PlainPassword::new(&password), peer()).await {
        Ok(account) => {
            let next = if has_proven().await { route::SIGN_IN_METHODS } else { route::NEW_APPLICATION };
            enter(&account, SignInMethod::PASSWORD, next, Some(format!("Welcome, {}.", account.name))).await;
        }
        // The page says by itself that the link is not good.
        Err(SignUpError::LinkNotValid) => see_other(&route::finish_sign_up(&token_in(&token))),
        Err(error) => {
            let flash = Refused::from(error).flash().keep("name", &name);
            see_other_with(&route::finish_sign_up(&token_in(&token)), flash).await;
        }
    }
    Ok(())
}

/// Makes the first admin's account and signs it in.
#[server(prefix = "/form", endpoint = "account/setup")]
pub async fn setup(
    #[server(default)] token: String,
    #[server(default)] name: String,
    #[server(default)] email: String,
    #[server(default)] password: String,
) -> Result<(), ServerFnError> {
    let form = latchkey_core::account::SignUp { email: &email, name: &name, password: PlainPassword::new(&password) };
    match services().accounts.sign_up_admin(form, peer(), &token).await {
        Ok(account) => {
            let welcome = format!("Welcome, {}. You are an admin.", account.name);
            enter(&account, SignInMethod::PASSWORD, route::DASHBOARD, Some(welcome)).await;
        }
        Err(error) => {
            let flash = Refused::from(error).flash().keep("name", &name).keep("email", &email);
            see_other_with(&format!("{}?token={}", route::SETUP, token_in(&token)), flash).await;
        }
    }
    Ok(())
}
