//! The forms about codes: an app's, and those to recover with.

use super::totp_page::BegunEnrolment;
use crate::{
    route,
    ssr::{
        actor,
        again::sign_in_again,
        enter::enter,
        flash::Flash,
        kept::{look, take},
        respond::{Refused, see_other, see_other_with, session},
        reveal, services,
        session::{HalfSignIn, add_factor, peer, visitor},
    },
};
use latchkey_core::{
    Actor,
    account::SecondFactor,
    second_factor::{RecoveryCodes, SecondFactorError},
};
use latchkey_model::{AccountRole, FieldErrors};
use leptos::{prelude::*, server};

impl From<SecondFactorError> for Refused {
    fn from(error: SecondFactorError) -> Self {
        match error {
            SecondFactorError::NotSignedIn(_) => Self::new("Sign in first."),
            SecondFactorError::ProveFirst => Self::new("Sign in once more before you do this."),
            SecondFactorError::Forbidden | SecondFactorError::NotFound => Self::new("There is no such thing any more."),
            SecondFactorError::WrongCode => Self::invalid(FieldErrors::one(
                "code",
                "This code is not right, was used before, or is too old. Wait for the next one.",
            )),
            SecondFactorError::Try(error) => error.into(),
            SecondFactorError::SetUpAlready => Self::new("It is set up already."),
            SecondFactorError::MustKeepOne => {
                Self::new("Your role asks for a second factor. Set up another one before you remove this.")
            }
            SecondFactorError::BeginAgain => Self::new("That was begun too long ago. Begin again."),
            SecondFactorError::Seal(_) | SecondFactorError::Store(_) => Self::fault(&error),
        }
    }
}

pub(super) async fn refuse(error: SecondFactorError, page: &str) {
    match error {
        SecondFactorError::NotSignedIn(_) => see_other(&route::sign_in_then(page)),
        SecondFactorError::ProveFirst => sign_in_again(page, Refused::from(error).flash()).await,
        error => see_other_with(page, Refused::from(error).flash()).await,
    }
}

/// Notes that the second factor was shown with its set-up, and shows the recovery codes that come with the first one.
pub(super) async fn added(second: SecondFactor, codes: Option<RecoveryCodes>, message: &str) {
    let actor = actor();
    if let (Some(session), Actor::Account { account, signed_in_by, .. }) = (session(), &actor) {
        if let Err(error) = add_factor(&session, *signed_in_by, second).await {
            tracing::warn!(%error, "how a person signed in could not be noted");
        }
        if let Some(codes) = codes {
            reveal::put(&session, account.id.as_uuid(), &codes.written()).await;
        }
    }
    see_other_with(route::SECURITY, Flash::good(message)).await;
}

/// Sets the app up, with its first code.
#[server(prefix = "/form", endpoint = "second-factor/confirm-totp")]
pub async fn confirm_totp(#[server(default)] code: String) -> Result<(), ServerFnError> {
    let BegunEnrolment(sealed) = look().await.unwrap_or_default();
    match services().second_factors.confirm_totp(&actor(), &sealed, &code, peer()).await {
        Ok(codes) => {
            take::<BegunEnrolment>().await;
            added(SecondFactor::Totp, codes, "Your app is set up. Its codes are asked for from now on.").await;
        }
        Err(error @ SecondFactorError::SetUpAlready) => refuse(error, route::SECURITY).await,
        Err(error) => refuse(error, route::NEW_TOTP).await,
    }
    Ok(())
}

/// Removes the app.
#[server(prefix = "/form", endpoint = "second-factor/remove-totp")]
pub async fn remove_totp() -> Result<(), ServerFnError> {
    match services().second_factors.remove_totp(&actor()).await {
        Ok(()) => see_other_with(route::SECURITY, Flash::good("The app is not asked for any more.")).await,
        Err(error) => refuse(error, route::SECURITY).await,
    }
    Ok(())
}

/// Makes new recovery codes.
#[server(prefix = "/form", endpoint = "second-factor/new-recovery-codes")]
pub async fn new_recovery_codes() -> Result<(), ServerFnError> {
    let actor = actor();
    match (services().second_factors.new_recovery_codes(&actor).await, session(), actor.account()) {
        (Ok(codes), Some(session), Ok(account)) => {
            reveal::put(&session, account.id.as_uuid(), &codes.written()).await;
            see_other_with(route::SECURITY, Flash::good("These are your new codes. The ones before have ended.")).await;
        }
        (Err(error), ..) => refuse(error, route::SECURITY).await,
        _ => see_other(&route::sign_in_then(route::SECURITY)),
    }
    Ok(())
}

/// Takes a code from somebody who has shown the first factor.
#[server(prefix = "/form", endpoint = "second-factor/verify")]
pub async fn verify_code(#[server(default)] code: String) -> Result<(), ServerFnError> {
    let Some(half) = half().await else { return Ok(()) };
    match services().second_factors.take_code(half.account, &code, &visitor()).await {
        Ok(second) => go_on(&half, second).await,
        Err(error) => see_other_with(route::SECOND_FACTOR, Refused::from(error).flash()).await,
    }
    Ok(())
}

/// Whoever has shown the first factor; anybody else is led to sign in.
pub(super) async fn half() -> Option<HalfSignIn> {
    let half = HalfSignIn::here().await;
    if half.is_none() {
        see_other_with(route::SIGN_IN, Flash::bad("That was begun too long ago. Sign in once more.")).await;
    }
    half
}

/// Lets somebody in who has shown both factors; not if the password was changed between them.
pub(super) async fn go_on(half: &HalfSignIn, second: SecondFactor) {
    let account = match services().accounts.account(half.account).await {
        Ok(account) => account.filter(|account| account.password_version == half.password_version),
        Err(error) => return see_other_with(route::SECOND_FACTOR, Refused::fault(&error).flash()).await,
    };
    match account {
        Some(account) => enter(&account, half.by().and(second), &half.next, None).await,
        None => see_other(route::SIGN_IN),
    }
}

/// Says whose people must have a second factor.
#[server(prefix = "/form", endpoint = "second-factor/require")]
pub async fn require_second_factor(
    #[server(default)] admins: String,
    #[server(default)] developers: String,
) -> Result<(), ServerFnError> {
    let roles: Vec<_> = [(AccountRole::Admin, admins), (AccountRole::Developer, developers)]
        .into_iter()
        .filter(|(_, ticked)| !ticked.is_empty())
        .map(|(role, _)| role)
        .collect();
    match services().second_factors.set_roles(&actor(), &roles).await {
        Ok(()) => see_other_with(route::ADMIN_SETTINGS, Flash::good("Saved. It is in force at once.")).await,
        Err(error) => refuse(error, route::ADMIN_SETTINGS).await,
    }
    Ok(())
}
