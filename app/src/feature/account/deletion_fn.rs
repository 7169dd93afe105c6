//! The form that deletes an account.

use crate::{
    route,
    ssr::{
        actor,
        again::sign_in_again,
        respond::{Refused, see_other, see_other_with, session},
        services,
        session::sign_out,
    },
};
use latchkey_core::{account::DeletionError, actor::NotProven};
use leptos::{prelude::*, server};

impl From<DeletionError> for Refused {
    fn from(error: DeletionError) -> Self {
        match error {
            DeletionError::NotProven(NotProven::NotSignedIn(_)) => Self::new("Sign in first."),
            DeletionError::NotProven(NotProven::TooLongAgo) => Self::new("Sign in once more before you do this."),
            DeletionError::Invalid(errors) => Self::invalid(errors),
            DeletionError::LastOwner => Self::new("A team of yours would have no owner. See below."),
            DeletionError::LastAdmin => Self::new("The portal would have no admin. See below."),
            DeletionError::Store(_) => Self::fault(&error),
        }
    }
}

/// Deletes the account of whoever is signed in.
#[server(prefix = "/form", endpoint = "account/delete")]
pub async fn delete_account(#[server(default)] email: String) -> Result<(), ServerFnError> {
    match services().deletions.delete(&actor(), &email).await {
        Ok(()) => {
            // The session has ended with the account; the browser forgets it.
            if let Some(session) = session()
                && let Err(error) = sign_out(&session).await
            {
                tracing::warn!(%error, "the session of a deleted account could not be cleared");
            }
            see_other(route::ACCOUNT_DELETED);
        }
        Err(DeletionError::NotProven(NotProven::NotSignedIn(_))) => {
            see_other(&route::sign_in_then(route::DELETE_ACCOUNT));
        }
        Err(error @ DeletionError::NotProven(NotProven::TooLongAgo)) => {
            sign_in_again(route::DELETE_ACCOUNT, Refused::from(error).flash().keep("email", &email)).await;
        }
        Err(error) => see_other_with(route::DELETE_ACCOUNT, Refused::from(error).flash().keep("email", &email)).await,
    }
    Ok(())
}
