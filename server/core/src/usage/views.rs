//! Views of a log that somebody keeps under a name.

use crate::{
    actor::{Actor, NotSignedIn},
    leak::redacted,
    port::{Consumed, StoreError, saved_view::SavedView},
    ports::Ports,
};
use latchkey_model::{AccountId, ApplicationId, Environment, FieldErrors, Name, SavedViewId};
use percent_encoding::percent_decode_str;

/// Why a view was not kept or shown.
#[derive(Debug, thiserror::Error)]
pub enum SavedViewError {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// Fields need another look.
    #[error("fields need another look")]
    Invalid(FieldErrors),
    /// There is no such view.
    #[error("no such view")]
    NotFound,
    /// So many are kept that there is no room.
    #[error("too many views")]
    TooMany,
    /// The store failed.
    #[error("views could not be reached")]
    Store(#[from] StoreError),
}

/// Keeps views, for each person their own.
#[derive(Clone)]
pub struct SavedViews {
    ports: Ports,
}

impl SavedViews {
    /// How many somebody keeps of one page.
    pub const ON_PAGE: usize = 20;
    /// The longest query that is kept, in bytes.
    const LONGEST: usize = 2_000;

    /// The service.
    pub fn new(ports: Ports) -> Self {
        Self { ports }
    }

    /// The views of a page, by name.
    ///
    /// # Errors
    /// [`SavedViewError`].
    pub async fn list(&self, actor: &Actor, page: &str) -> Result<Vec<SavedView>, SavedViewError> {
        Ok(self.ports.store.saved_views(actor.account()?.id, page).await?)
    }

    /// Keeps a view: the page of a log, and the query that filters it.
    ///
    /// # Errors
    /// [`SavedViewError`].
    pub async fn save(&self, actor: &Actor, page: &str, name: &str, query: &str) -> Result<(), SavedViewError> {
        let account = actor.account()?;
        let name = name.parse::<Name>().map_err(|error| at_name(error.to_string()))?;
        let decoded = percent_decode_str(query).decode_utf8_lossy();
        if redacted(&decoded) != decoded {
            return Err(at_name(
                "This view looks for a secret, which is not kept. Look for the name or the id of the credential"
                    .to_owned(),
            ));
        }
        // It becomes a link: it leads to a log of this portal, or nowhere.
        let is_log = matches!(page, "/admin/failures" | "/admin/logs") || self.is_log_of(account.id, page).await?;
        let is_query = query.len() <= Self::LONGEST && query.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_log || !is_query {
            return Err(SavedViewError::NotFound);
        }
        let view = SavedView {
            id: SavedViewId::from_uuid(self.ports.uuid()),
            page: page.to_owned(),
            name,
            query: query.to_owned(),
        };
        let mut work = self.ports.store.begin().await?;
        match work.saved_view_add(account.id, &view, self.ports.now(), Self::ON_PAGE as u64).await? {
            Consumed::Won => Ok(work.commit().await?),
            Consumed::Lost => Err(SavedViewError::TooMany),
        }
    }

    /// Whether a page is the log of an application that the account may see, or of one of its environments.
    async fn is_log_of(&self, account: AccountId, page: &str) -> Result<bool, StoreError> {
        let parts: Vec<_> = page.split('/').collect();
        let application = match parts[..] {
            ["", "apps", application, "logs"] => application,
            ["", "apps", application, environment, "logs"] if environment.parse::<Environment>().is_ok() => application,
            _ => return Ok(false),
        };
        let Ok(application) = application.parse::<ApplicationId>() else { return Ok(false) };
        Ok(self.ports.store.application(account, application, self.ports.now()).await?.is_some())
    }

    /// Forgets a view.
    ///
    /// # Errors
    /// [`SavedViewError`].
    pub async fn remove(&self, actor: &Actor, id: SavedViewId) -> Result<(), SavedViewError> {
        let account = actor.account()?;
        let mut work = self.ports.store.begin().await?;
        match work.saved_view_remove(account.id, id).await? {
            Consumed::Won => Ok(work.commit().await?),
            Consumed::Lost => Err(SavedViewError::NotFound),
        }
    }
}

/// What is wrong, at the only field that is typed into.
fn at_name(sentence: String) -> SavedViewError {
    let mut errors = FieldErrors::default();
    errors.add("name", sentence);
    SavedViewError::Invalid(errors)
}
