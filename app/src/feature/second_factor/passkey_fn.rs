//! The forms about passkeys.

use super::{
    code_fn::{added, go_on, half, refuse},
    second_factor_page::Ceremony,
};
use crate::{
    route,
    ssr::{
        actor,
        enter::enter,
        flash::Flash,
        kept::take,
        respond::{Refused, see_other_with},
        services,
    },
};
use latchkey_core::{
    account::{SecondFactor, SignInMethod},
    second_factor::{PasskeyError, SecondFactorError},
};
use latchkey_model::{FieldErrors, Name, PasskeyCeremonyId};
use leptos::{prelude::*, server};

impl From<PasskeyError> for Refused {
    fn from(error: PasskeyError) -> Self {
        match error {
            PasskeyError::Factor(error) => error.into(),
            PasskeyError::NoName => Self::new("Passkeys cannot be used at this address."),
            PasskeyError::NotTaken => Self::new("That passkey was not taken. Try once more, or choose another way."),
            PasskeyError::Stored(_) | PasskeyError::Library(_) => Self::fault(&error),
        }
    }
}

/// The challenge that the page showed: it is answered once.
async fn ceremony() -> Result<PasskeyCeremonyId, PasskeyError> {
    take().await.map(|Ceremony(id)| id).ok_or(PasskeyError::NotTaken)
}

/// Adds a passkey to the account.
#[server(prefix = "/form", endpoint = "second-factor/add-passkey")]
pub async fn add_passkey(
    #[server(default)] name: String,
    #[server(default)] answer: String,
) -> Result<(), ServerFnError> {
    if let Err(error) = actor().account() {
        refuse(error.into(), route::NEW_PASSKEY).await;
        return Ok(());
    }
    let name: Name = match FieldErrors::at("name", name.parse()) {
        Ok(name) => name,
        Err(errors) => {
            see_other_with(route::NEW_PASSKEY, Refused::invalid(errors).flash().keep("name", &name)).await;
            return Ok(());
        }
    };
    let outcome = match ceremony().await {
        Ok(ceremony) => services().passkeys.finish_registration(&actor(), ceremony, &answer, name).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(codes) => added(SecondFactor::Passkey, codes, "Your passkey is added.").await,
        Err(PasskeyError::Factor(error)) => refuse(error, route::NEW_PASSKEY).await,
        Err(error) => see_other_with(route::NEW_PASSKEY, Refused::from(error).flash()).await,
    }
    Ok(())
}

/// Removes a passkey.
#[server(prefix = "/form", endpoint = "second-factor/remove-passkey")]
pub async fn remove_passkey(#[server(default)] id: String) -> Result<(), ServerFnError> {
    let outcome = match id.parse() {
        Ok(id) => services().second_factors.remove_passkey(&actor(), id).await,
        Err(_) => actor().account().map_err(SecondFactorError::from).and(Err(SecondFactorError::NotFound)),
    };
    match outcome {
        Ok(()) => see_other_with(route::SECURITY, Flash::good("The passkey opens nothing here any more.")).await,
        Err(error) => refuse(error, route::SECURITY).await,
    }
    Ok(())
}

/// Takes a passkey from somebody who has shown the first factor.
#[server(prefix = "/form", endpoint = "second-factor/verify-passkey")]
pub async fn verify_passkey(#[server(default)] answer: String) -> Result<(), ServerFnError> {
    let Some(half) = half().await else { return Ok(()) };
    let outcome = match ceremony().await {
        Ok(ceremony) => services().passkeys.finish_second(half.account, ceremony, &answer).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => go_on(&half, SecondFactor::Passkey).await,
        Err(error) => see_other_with(route::SECOND_FACTOR, Refused::from(error).flash()).await,
    }
    Ok(())
}

/// Signs somebody in by a passkey alone.
#[server(prefix = "/form", endpoint = "account/passkey-sign-in")]
pub async fn passkey_sign_in(
    #[server(default)] answer: String,
    #[server(default)] next: String,
) -> Result<(), ServerFnError> {
    let outcome = match ceremony().await {
        Ok(ceremony) => services().passkeys.finish_sign_in(ceremony, &answer).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(account) => enter(&account, SignInMethod::PASSKEY, &next, None).await,
        Err(error) => see_other_with(&route::passkey_sign_in(&next), Refused::from(error).flash()).await,
    }
    Ok(())
}
