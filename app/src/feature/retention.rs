//! How long things are kept.

use crate::{
    page::PageError,
    route,
    ssr::{
        actor,
        flash::{Flash, error_at},
        respond::{Refused, see_other, see_other_with},
        services,
    },
    ui::{Field, Form, SubmitButton},
};
use latchkey_core::retention::{Kept, RetentionError};
use leptos::{prelude::*, server, server_fn::ServerFn};
use std::collections::BTreeMap;

impl From<RetentionError> for PageError {
    fn from(error: RetentionError) -> Self {
        match error {
            RetentionError::NotSignedIn(_) => Self::NotSignedIn,
            RetentionError::Store(error) => Self::Store(error),
            RetentionError::Forbidden | RetentionError::Invalid(_) => Self::NotFound,
        }
    }
}

impl From<RetentionError> for Refused {
    fn from(error: RetentionError) -> Self {
        match error {
            RetentionError::NotSignedIn(_) => Self::new("Sign in first."),
            RetentionError::Forbidden => Self::new("Only an admin may set how long things are kept."),
            RetentionError::Invalid(errors) => Self::invalid(errors),
            RetentionError::Store(_) => Self::fault(&error),
        }
    }
}

/// The form that sets it.
///
/// # Errors
/// [`PageError`], for whoever may not.
pub async fn form(flash: Option<&Flash>) -> Result<AnyView, PageError> {
    let retention = services().retention.get(&actor()).await?;
    let value =
        |name: &str, otherwise: String| flash.and_then(|flash| flash.value(name)).map_or(otherwise, str::to_owned);
    let fields = Kept::ALL
        .into_iter()
        .map(|kept| {
            let (least, most) = kept.bounds();
            let hint = if kept.may_stay() {
                format!("{least} to {most} days, or 0 for ever")
            } else {
                format!("{least} to {most} days")
            };
            let days = value(kept.as_str(), retention.days(kept).to_string());
            let error = error_at(flash, kept.as_str());
            view! { <Field name=format!("days[{}]", kept.as_str()) label=kept.label() value=days hint error required=true/> }
        })
        .collect_view();
    let (reason, reason_error) = (value("reason", String::new()), error_at(flash, "reason"));
    Ok(view! {
        <Form action=SetRetention::PATH back=route::ADMIN_SETTINGS class="card form">
            <h2>"For how many days things are kept"</h2>
            <p>"What is older is removed within an hour, a little at a time. Of the audit log, as much goes as a daily seal vouches for."</p>
            <div class="fields-in-columns">{fields}</div>
            <Field
                name="reason"
                label="Why"
                value=reason
                hint="Kept in the audit log.".to_owned()
                error=reason_error
                required=true
            />
            <SubmitButton text="Save"/>
        </Form>
    }
    .into_any())
}

/// Sets how long things are kept.
#[server(prefix = "/form", endpoint = "retention/set")]
pub async fn set_retention(
    #[server(default)] days: BTreeMap<String, String>,
    #[server(default)] reason: String,
) -> Result<(), ServerFnError> {
    let typed = |kept: Kept| days.get(kept.as_str()).cloned().unwrap_or_default();
    match services().retention.set(&actor(), typed, &reason).await {
        Ok(()) => see_other_with(route::ADMIN_SETTINGS, Flash::good("Saved.")).await,
        Err(RetentionError::NotSignedIn(_)) => see_other(&route::sign_in_then(route::ADMIN_SETTINGS)),
        Err(error) => {
            let flash = Refused::from(error).flash().keep("reason", &reason);
            let flash = Kept::ALL.into_iter().fold(flash, |flash, kept| flash.keep(kept.as_str(), &typed(kept)));
            see_other_with(route::ADMIN_SETTINGS, flash).await;
        }
    }
    Ok(())
}
