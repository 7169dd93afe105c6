//! The fields about a service account.

use crate::{
    feature::api_key::scope_groups,
    ssr::flash::Flash,
    ui::{CheckboxGroups, Choice, Field, RadioList},
};
use latchkey_core::{
    jose::SigningAlgorithm,
    oauth_client::{ClientAuthMethod, DEFAULT_TOKEN_MINUTES, ServiceAccountForm, TOKEN_MINUTES},
    port::{api::ApiScope, oauth_client::ClientSettings},
};
use latchkey_model::FieldErrors;
use leptos::prelude::*;

/// What stands in the fields, and what is wrong with it.
#[derive(Clone, Default)]
pub(super) struct AccountValues {
    name: String,
    /// None until somebody ticked one.
    scopes: Option<Vec<String>>,
    auth_method: String,
    signing_algorithm: String,
    token_minutes: String,
    errors: FieldErrors,
}

impl AccountValues {
    /// What is proposed for a new one.
    pub(super) fn new() -> Self {
        Self {
            auth_method: ClientAuthMethod::SecretBasic.as_str().to_owned(),
            signing_algorithm: SigningAlgorithm::Es256.as_str().to_owned(),
            token_minutes: DEFAULT_TOKEN_MINUTES.to_string(),
            ..Self::default()
        }
    }

    /// What is set.
    pub(super) fn of(settings: &ClientSettings) -> Self {
        Self {
            name: settings.name.as_str().to_owned(),
            scopes: Some(settings.scopes.iter().map(ToString::to_string).collect()),
            auth_method: settings.auth_method.as_str().to_owned(),
            signing_algorithm: settings.signing_algorithm.as_str().to_owned(),
            token_minutes: settings.access_token_life.whole_minutes().to_string(),
            errors: FieldErrors::default(),
        }
    }

    /// What was typed, if a form came back.
    pub(super) fn or_typed(self, flash: Option<&Flash>) -> Self {
        let Some(flash) = flash.filter(|flash| flash.value("auth_method").is_some()) else { return self };
        let typed = |field: &str| flash.value(field).unwrap_or_default().to_owned();
        Self {
            name: typed("name"),
            scopes: Some(typed("scopes").split_whitespace().map(str::to_owned).collect()),
            auth_method: typed("auth_method"),
            signing_algorithm: typed("signing_algorithm"),
            token_minutes: typed("token_minutes"),
            errors: flash.errors.clone(),
        }
    }
}

/// Keeps what was typed for the page that the form goes back to.
pub(super) fn keep_typed(flash: Flash, form: &ServiceAccountForm<'_>) -> Flash {
    flash
        .keep("name", form.name)
        .keep("scopes", &form.scopes.join(" "))
        .keep("auth_method", form.auth_method)
        .keep("signing_algorithm", form.signing_algorithm)
        .keep("token_minutes", form.token_minutes)
}

fn one_of<T: Copy>(all: &[T], chosen: &str, value: fn(T) -> String, label: fn(T) -> (String, String)) -> Vec<Choice> {
    all.iter()
        .map(|one| {
            let (value, (label, description)) = (value(*one), label(*one));
            Choice { chosen: value == chosen, value, label, description }
        })
        .collect()
}

fn methods(chosen: &str) -> Vec<Choice> {
    let all = [ClientAuthMethod::SecretBasic, ClientAuthMethod::SecretPost];
    one_of(
        &all,
        chosen,
        |one| one.as_str().to_owned(),
        |one| {
            let text = match one {
                ClientAuthMethod::SecretBasic => {
                    ("Authorization header", "HTTP Basic, as most libraries do by themselves.")
                }
                ClientAuthMethod::SecretPost => ("Request body", "client_secret among the parameters."),
                ClientAuthMethod::None => ("Not at all", ""),
            };
            (text.0.to_owned(), text.1.to_owned())
        },
    )
}

fn algorithms(chosen: &str) -> Vec<Choice> {
    one_of(
        &SigningAlgorithm::ALL,
        chosen,
        |one| one.as_str().to_owned(),
        |one| (one.as_str().to_owned(), String::new()),
    )
}

fn lives(chosen: &str) -> Vec<Choice> {
    one_of(&TOKEN_MINUTES, chosen, |one| one.to_string(), |one| (format!("{one} min"), String::new()))
}

/// Every field about a service account.
#[component]
pub(super) fn AccountFields(values: AccountValues, known: Vec<ApiScope>) -> impl IntoView {
    let error = |field: &str| values.errors.get(field).map(str::to_owned);
    let groups = scope_groups(known, values.scopes.as_deref());
    view! {
        <Field
            name="name"
            label="Name"
            value=values.name.clone()
            autocomplete="off"
            hint="The machine or job, for example Nightly import.".to_owned()
            error=error("name")
            required=true
        />
        <CheckboxGroups name="scopes" legend="What it may do at most" groups error=error("scopes")/>
        <RadioList name="auth_method" legend="How it sends its secret" items=methods(&values.auth_method) error=error("auth_method")/>
        <RadioList name="token_minutes" legend="How long its tokens live" items=lives(&values.token_minutes) error=error("token_minutes")/>
        <RadioList
            name="signing_algorithm"
            legend="How its tokens are signed"
            items=algorithms(&values.signing_algorithm)
            error=error("signing_algorithm")
        />
    }
}
