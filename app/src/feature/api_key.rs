//! API keys of an environment, and the pages of one key, which serve personal access tokens too.

mod advice;
mod end_key_page;
mod key_form;
mod key_in_view;
mod key_page;
mod key_state;
mod key_table;
mod keys_page;
mod lifecycle_fn;
mod new_key_page;
mod new_secret;
mod radius;
mod revoke_key_page;
mod rotate_key_page;
mod rotation_card;
mod rotation_fn;
mod settings_fn;
mod settings_page;

pub use advice::AdviceCard;
pub use end_key_page::EndKeyPage;
pub use key_form::{KeyFields, KeyFormValues, days_of, expiries};
pub(in crate::feature) use key_form::{capitalised, scope_groups};
pub use key_page::KeyPage;
pub use key_state::KeyStateBadge;
pub use key_table::KeyTable;
pub use keys_page::{KeyBanners, KeysPage, LeakBanner, Unlisted};
pub(in crate::feature) use lifecycle_fn::keep_typed;
pub use lifecycle_fn::{CreateKey, DisableKey, EnableKey, RevokeKey, ShrinkKey};
pub use new_key_page::NewKeyPage;
pub use new_secret::NewSecret;
pub use radius::Radius;
pub use revoke_key_page::RevokeKeyPage;
pub use rotate_key_page::RotateKeyPage;
pub use rotation_card::{Pair, Rotations};
pub use rotation_fn::{CancelRotation, EndOverlap, RotateKey};
pub use settings_fn::{SetPolicy, UpdateKey};
pub use settings_page::SettingsPage;

use crate::{
    page::{InView, PageError, param},
    route,
    ssr::{actor, services},
    ui::{Crumb, Tab},
};
use latchkey_model::{ApplicationId, Environment};

/// The application and environment that the path names.
///
/// # Errors
/// [`PageError::NotFound`] for another team's application too.
pub async fn in_view() -> Result<InView, PageError> {
    let (application, environment) = (param::<ApplicationId>("app")?, param::<Environment>("environment")?);
    let application = services().applications.get(&actor(), application).await?;
    Ok(InView { application, environment })
}

/// The way to a page of an environment.
pub fn crumbs(in_view: &InView) -> Vec<Crumb> {
    vec![
        Crumb { label: "Applications".to_owned(), href: Some(route::APPLICATIONS.to_owned()) },
        Crumb {
            label: in_view.application.application.name.as_str().to_owned(),
            href: Some(route::keys(in_view.application.application.id, in_view.environment)),
        },
        Crumb { label: in_view.environment.label().to_owned(), href: None },
    ]
}

/// The same page in each environment, and before those one of all of them together; that one is the page itself where `all` says so.
pub fn tabs_with_all(
    in_view: &InView,
    of_all: fn(ApplicationId) -> String,
    path: fn(ApplicationId, Environment) -> String,
    all: bool,
) -> Vec<Tab> {
    let href = of_all(in_view.application.application.id);
    let of_each = environment_tabs(in_view, path).into_iter().map(|tab| Tab { current: tab.current && !all, ..tab });
    std::iter::once(Tab { label: "All environments".to_owned(), href, current: all }).chain(of_each).collect()
}

/// The same page in each environment.
pub fn environment_tabs(in_view: &InView, path: fn(ApplicationId, Environment) -> String) -> Vec<Tab> {
    Environment::ALL
        .into_iter()
        .map(|environment| Tab {
            label: environment.label().to_owned(),
            href: path(in_view.application.application.id, environment),
            current: environment == in_view.environment,
        })
        .collect()
}
