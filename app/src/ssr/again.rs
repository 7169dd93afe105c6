//! Asking somebody who is signed in to sign in once more, before they do what needs it.

use super::{
    actor, extension,
    flash::Flash,
    form::FormPage,
    respond::{see_other, session},
};
use crate::route;

/// Leads to the sign-in page, and back to `page` afterwards, where what was typed is found again.
pub async fn sign_in_again(page: &str, flash: Flash) {
    if let (Some(session), Ok(account)) = (session(), actor().account()) {
        flash.put_aside(&session, account.id).await;
    }
    see_other(&again_for(page));
}

/// The page that the form was on; another one, where that is not known.
pub fn form_page(otherwise: &str) -> String {
    extension::<FormPage>().map_or_else(|| otherwise.to_owned(), |page| page.0)
}

/// The page that asks for it.
pub fn again_for(page: &str) -> String {
    let email = actor().account().ok().map(|account| account.email.to_string());
    route::sign_in_as(page, true, email.as_deref())
}
