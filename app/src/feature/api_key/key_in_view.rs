//! The key that a page or a form is about, and where its pages are.

use crate::{
    page::{InView, Page, PageError, param},
    route,
    ssr::{actor, services},
    ui::Crumb,
};
use latchkey_core::port::api_key::{ApiKey, Holder, KeyOwner};
use latchkey_model::{ApiKeyId, ApplicationId, Environment};
use leptos::prelude::*;

/// Where the pages of a key are: below its environment, or on the account's page.
pub(super) struct KeyPaths {
    /// The key's own page.
    pub(super) key: String,
    /// The list that it is in.
    pub(super) list: String,
}

impl KeyPaths {
    pub(super) fn of(key: &ApiKey) -> Self {
        match &key.owner {
            KeyOwner::Environment { application_id, environment, .. } => Self {
                key: route::key(*application_id, *environment, key.id),
                list: route::keys(*application_id, *environment),
            },
            KeyOwner::Account { .. } => Self { key: route::token(key.id), list: route::TOKENS.to_owned() },
        }
    }
}

/// A key, where it is, and whether its viewer may change it.
pub(super) struct KeyInView {
    pub(super) key: ApiKey,
    pub(super) paths: KeyPaths,
    /// None for a personal access token.
    pub(super) in_view: Option<InView>,
    pub(super) can_write: bool,
}

impl KeyInView {
    /// The key that the path names; the rest of the path must be its own.
    pub(super) async fn load() -> Result<Self, PageError> {
        let (services, actor) = (services(), actor());
        let key = services.api_keys.get(&actor, param::<ApiKeyId>("key")?).await?;
        let paths = KeyPaths::of(&key);
        let named = (param::<ApplicationId>("app").ok(), param::<Environment>("environment").ok());
        match &key.owner {
            KeyOwner::Environment { application_id, environment, .. } => {
                if named != (Some(*application_id), Some(*environment)) {
                    return Err(PageError::NotFound);
                }
                let application = services.applications.get(&actor, *application_id).await?;
                let can_write = application.role.may_write();
                let in_view = Some(InView { application, environment: *environment });
                Ok(Self { key, paths, in_view, can_write })
            }
            KeyOwner::Account { account_id, .. } => {
                if named != (None, None) || key.owner.holder() != Holder::Account(actor.account()?.id) {
                    return Err(PageError::NotFound);
                }
                let can_write = *account_id == actor.account()?.id;
                Ok(Self { key, paths, in_view: None, can_write })
            }
        }
    }

    pub(super) fn environment(&self) -> Option<Environment> {
        self.in_view.as_ref().map(|in_view| in_view.environment)
    }

    /// The way to a page below the key's own.
    pub(super) fn crumbs(&self, below: bool) -> Vec<Crumb> {
        let mut crumbs = match &self.in_view {
            Some(in_view) => super::crumbs(in_view),
            None => vec![Crumb { label: "Personal access tokens".to_owned(), href: Some(route::TOKENS.to_owned()) }],
        };
        if let (Some(in_view), Some(last)) = (&self.in_view, crumbs.last_mut()) {
            last.href = Some(route::keys(in_view.application.application.id, in_view.environment));
        }
        let href = below.then(|| self.paths.key.clone());
        crumbs.push(Crumb { label: self.key.settings.name.as_str().to_owned(), href });
        crumbs
    }

    /// A page about the key.
    pub(super) fn page(self, title: impl Into<String>, body: impl IntoView + 'static) -> Page {
        match self.in_view {
            Some(in_view) => Page::application(title, in_view, body),
            None => Page::portal(title, body),
        }
    }
}
