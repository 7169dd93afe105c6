//! Letting somebody in: by every way in alike, so that none of them forgets what is asked for beside the first proof.

use super::{
    flash::Flash,
    respond::{Refused, see_other, see_other_with, session},
    session::{Entered, sign_in},
};
use crate::route;
use latchkey_core::{account::SignInMethod, port::account::Account};
use tower_sessions::Session;

/// Signs the browser in and leads it on; or first to where the second factor is asked for.
pub async fn enter(account: &Account, by: SignInMethod, next: &str, message: Option<String>) {
    let Some(session) = session() else { return see_other(route::SIGN_IN) };
    match enter_by(&session, account, by, next, message).await {
        Ok(path) => see_other(&path),
        Err(error) => see_other_with(route::SIGN_IN, Refused::fault(&error).flash()).await,
    }
}

/// The same; where the browser is led on to.
///
/// # Errors
/// When the session cannot be stored.
pub async fn enter_by(
    session: &Session,
    account: &Account,
    by: SignInMethod,
    next: &str,
    message: Option<String>,
) -> Result<String, tower_sessions::session::Error> {
    // Nobody else learns it: whoever comes so far has shown that the account is theirs.
    if account.suspended.is_some() {
        let message = "This account is suspended. To have it reinstated, write to whoever runs this portal.";
        Flash::bad(message).put(session).await;
        return Ok(route::SIGN_IN.to_owned());
    }
    match sign_in(session, account, by, next).await? {
        Entered::In => {}
        Entered::Half => return Ok(route::SECOND_FACTOR.to_owned()),
    }
    match message {
        Some(message) => Flash::good(message).put(session).await,
        // Somebody who was asked to sign in once more finds again what they had typed.
        None => Flash::bring_back(session, account.id).await,
    }
    Ok(route::local(next, route::DASHBOARD))
}
