//! API keys of an environment: the list, creating one, revoking one.

mod keys_page;
mod new_key_page;
mod revoke_key_page;
mod server_fn;

pub use keys_page::KeysPage;
pub use new_key_page::NewKeyPage;
pub use revoke_key_page::RevokeKeyPage;
pub use server_fn::{CreateKey, RevokeKey};

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
