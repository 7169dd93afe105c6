//! What the forms of admins do.

use crate::{
    page::PageError,
    route,
    ssr::{
        actor,
        again::{form_page, sign_in_again},
        flash::Flash,
        respond::{Refused, see_other, see_other_with},
        services,
    },
};
use latchkey_core::{
    directory::{CredentialSearch, DirectoryError},
    port::suspension::SuspendableId,
};
use leptos::{prelude::*, server};

impl From<DirectoryError> for PageError {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::NotSignedIn(_) => Self::NotSignedIn,
            DirectoryError::Store(error) => Self::Store(error),
            DirectoryError::ProveFirst
            | DirectoryError::Forbidden
            | DirectoryError::Invalid(_)
            | DirectoryError::NotFound
            | DirectoryError::NothingToChange
            | DirectoryError::Yourself
            | DirectoryError::LastAdmin => Self::NotFound,
        }
    }
}

impl From<DirectoryError> for Refused {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::NotSignedIn(_) => Self::new("Sign in first."),
            DirectoryError::ProveFirst => Self::new("Sign in once more before you do this."),
            DirectoryError::Forbidden => Self::new("Only an admin may do this."),
            DirectoryError::Invalid(errors) => Self::invalid(errors),
            DirectoryError::NotFound => Self::new("There is no such thing any more."),
            DirectoryError::NothingToChange => Self::new("It is like that already. Nothing was changed."),
            DirectoryError::Yourself => Self::new("You cannot suspend yourself. Ask another admin."),
            DirectoryError::LastAdmin => Self::new("Nobody else could look after the portal. Nothing was changed."),
            DirectoryError::Store(_) => Self::fault(&error),
        }
    }
}

/// What kind of thing is acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ActOn {
    Account,
    Application,
    Client,
    Key,
}

impl ActOn {
    const ALL: [Self; 4] = [Self::Account, Self::Application, Self::Client, Self::Key];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Application => "application",
            Self::Client => "client",
            Self::Key => "key",
        }
    }
}

/// Does what the form says; what is told when it is done.
async fn act_on(on: &str, id: &str, act: &str, reason: &str) -> Result<&'static str, DirectoryError> {
    let (actor, services) = (actor(), services());
    let directory = &services.directory;
    actor.admin()?;
    let on = ActOn::ALL.into_iter().find(|one| one.as_str() == on).ok_or(DirectoryError::NotFound)?;
    let unknown = |_| DirectoryError::NotFound;
    let what = match on {
        ActOn::Account => SuspendableId::Account(id.parse().map_err(unknown)?),
        ActOn::Application => SuspendableId::Application(id.parse().map_err(unknown)?),
        ActOn::Client if act == "revoke" => {
            directory.revoke_client(&actor, id.parse().map_err(unknown)?, reason).await?;
            return Ok("It is revoked, and every token that it held. Its people are told.");
        }
        ActOn::Client => SuspendableId::Client(id.parse().map_err(unknown)?),
        ActOn::Key if act == "revoke" => {
            directory.revoke_key(&actor, id.parse().map_err(unknown)?, reason).await?;
            return Ok("It is revoked. Its people are told.");
        }
        ActOn::Key => return Err(DirectoryError::NotFound),
    };
    match act {
        "suspend" => {
            directory.suspend(&actor, what, reason).await?;
            Ok("Suspended from now on. Whom it concerns is told.")
        }
        "reinstate" => {
            directory.reinstate(&actor, what, reason).await?;
            Ok("Reinstated. It works as it did before.")
        }
        _ => Err(DirectoryError::NotFound),
    }
}

/// Suspends, reinstates or revokes something.
#[server(prefix = "/form", endpoint = "directory/act")]
pub async fn act_on_thing(
    #[server(default)] on: String,
    #[server(default)] id: String,
    #[server(default)] act: String,
    #[server(default)] reason: String,
) -> Result<(), ServerFnError> {
    let page = form_page(route::ADMIN_CREDENTIALS);
    match act_on(&on, &id, &act, &reason).await {
        Ok(message) => see_other_with(&page, Flash::good(message)).await,
        Err(DirectoryError::NotSignedIn(_)) => see_other(&route::sign_in_then(&page)),
        Err(error) => {
            let again = matches!(error, DirectoryError::ProveFirst);
            let flash = Refused::from(error).flash().keep("id", &id).keep("reason", &reason);
            if again {
                sign_in_again(&page, flash).await;
            } else {
                see_other_with(&page, flash).await;
            }
        }
    }
    Ok(())
}

/// Leads to what was sought. What was typed may be a whole key, which must get into no address: only what may be written anywhere
/// goes on.
#[server(prefix = "/form", endpoint = "directory/find")]
pub async fn find_credential(#[server(default)] credential: String) -> Result<(), ServerFnError> {
    match actor().admin().map_err(DirectoryError::from) {
        Ok(_) => {
            let search = CredentialSearch::read(&credential);
            if search.is_empty() {
                let message = "Type a name, a client id, or the beginning of a key.";
                see_other_with(route::ADMIN_CREDENTIALS, Flash::bad(message)).await;
            } else {
                see_other(&route::found_credentials(search.as_str()));
            }
        }
        Err(DirectoryError::NotSignedIn(_)) => see_other(&route::sign_in_then(route::ADMIN_CREDENTIALS)),
        Err(error) => see_other_with(route::ADMIN_CREDENTIALS, Refused::from(error).flash()).await,
    }
    Ok(())
}
