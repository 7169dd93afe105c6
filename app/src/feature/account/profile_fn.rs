//! The forms about names and addresses.

use crate::{
    route,
    ssr::{
        actor,
        again::sign_in_again,
        flash::Flash,
        link::token_in,
        respond::{Refused, see_other, see_other_with},
        services,
        session::peer,
    },
};
use latchkey_core::account::{EmailConfirmed, ProfileError};
use leptos::{prelude::*, server};

impl From<ProfileError> for Refused {
    fn from(error: ProfileError) -> Self {
        match error {
            ProfileError::NotSignedIn(_) => Self::new("Sign in first."),
            ProfileError::ProveFirst => Self::new("Sign in once more before you do this."),
            ProfileError::Invalid(errors) => Self::invalid(errors),
            ProfileError::Try(error) => error.into(),
            ProfileError::LinkNotValid => Self::new(
                "This link is not good any more, is for another account than the one that is signed in, or its address is another account's by now.",
            ),
            ProfileError::Store(_) => Self::fault(&error),
        }
    }
}

async fn refuse(error: ProfileError, page: &str, typed: Option<(&str, &str)>) {
    let keep = |flash: Flash| match typed {
        Some((field, value)) => flash.keep(field, value),
        None => flash,
    };
    match error {
        ProfileError::NotSignedIn(_) => see_other(&route::sign_in_then(page)),
        ProfileError::ProveFirst => sign_in_again(page, keep(Refused::from(error).flash())).await,
        error => see_other_with(page, keep(Refused::from(error).flash())).await,
    }
}

/// Takes another name.
#[server(prefix = "/form", endpoint = "account/rename")]
pub async fn rename(#[server(default)] name: String) -> Result<(), ServerFnError> {
    match services().profiles.rename(&actor(), &name).await {
        Ok(()) => see_other_with(route::PROFILE, Flash::good("Your name is changed.")).await,
        Err(error) => refuse(error, route::PROFILE, Some(("name", &name))).await,
    }
    Ok(())
}

/// Mails a link that shows the address to be its person's.
#[server(prefix = "/form", endpoint = "account/ask-to-verify")]
pub async fn ask_to_verify() -> Result<(), ServerFnError> {
    match services().profiles.ask_to_verify(&actor()).await {
        Ok(()) => {
            let message = "A mail with a link is on its way. If you asked a moment ago, look for that mail.";
            see_other_with(route::PROFILE, Flash::good(message)).await;
        }
        Err(error) => refuse(error, route::PROFILE, None).await,
    }
    Ok(())
}

/// Asks for another address.
#[server(prefix = "/form", endpoint = "account/change-email")]
pub async fn change_email(#[server(default)] email: String) -> Result<(), ServerFnError> {
    match services().profiles.ask_to_change_email(&actor(), &email, peer()).await {
        Ok(()) => {
            let message = "We wrote to both addresses. Open the link that goes to the new one, in this browser; until then, nothing changes.";
            see_other_with(route::PROFILE, Flash::good(message)).await;
        }
        Err(error) => refuse(error, route::PROFILE, Some(("email", &email))).await,
    }
    Ok(())
}

/// Opens a link to an address.
#[server(prefix = "/form", endpoint = "account/confirm-email")]
pub async fn confirm_email(#[server(default)] token: String) -> Result<(), ServerFnError> {
    match services().profiles.confirm_email(&actor(), &token).await {
        Ok(EmailConfirmed::Verified) => {
            see_other_with(route::PROFILE, Flash::good("Your address is confirmed.")).await;
        }
        Ok(EmailConfirmed::Changed) => {
            see_other_with(route::PROFILE, Flash::good("Your new address is in force.")).await;
        }
        Err(error) => refuse(error, &route::verify_email(&token_in(&token)), None).await,
    }
    Ok(())
}
