//! The fields about a client.

use super::words::Words;
use crate::{
    feature::api_key::scope_groups,
    ssr::flash::Flash,
    ui::{Checkbox, CheckboxGroups, Choice, Field, RadioList, TextArea},
};
use latchkey_core::{
    jose::SigningAlgorithm,
    oauth_client::{ClientAuthMethod, ClientForm, ClientKind, DEFAULT_TOKEN_MINUTES, GrantType, TOKEN_MINUTES},
    port::{api::ApiScope, oauth_client::ClientSettings},
};
use latchkey_model::FieldErrors;
use leptos::prelude::*;

/// What stands in the fields, and what is wrong with it.
#[derive(Clone, Default)]
pub(super) struct ClientValues {
    name: String,
    /// None until somebody ticked one.
    scopes: Option<Vec<String>>,
    auth_method: String,
    signing_algorithm: String,
    token_minutes: String,
    redirect_uris: String,
    refresh: bool,
    errors: FieldErrors,
}

impl ClientValues {
    /// What is proposed for a new one.
    pub(super) fn new() -> Self {
        Self {
            auth_method: ClientAuthMethod::SecretBasic.as_str().to_owned(),
            signing_algorithm: SigningAlgorithm::Es256.as_str().to_owned(),
            token_minutes: DEFAULT_TOKEN_MINUTES.to_string(),
            refresh: true,
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
            redirect_uris: settings.redirect_uris.to_string(),
            refresh: settings.grants.contains(GrantType::RefreshToken),
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
            redirect_uris: typed("redirect_uris"),
            refresh: !typed("refresh").is_empty(),
            errors: flash.errors.clone(),
        }
    }
}

/// Keeps what was typed for the page that the form goes back to.
pub(super) fn keep_typed(flash: Flash, form: &ClientForm<'_>) -> Flash {
    flash
        .keep("name", form.name)
        .keep("scopes", &form.scopes.join(" "))
        .keep("auth_method", form.auth_method)
        .keep("signing_algorithm", form.signing_algorithm)
        .keep("token_minutes", form.token_minutes)
        .keep("redirect_uris", form.redirect_uris)
        .keep("refresh", if form.refresh { "yes" } else { "" })
}

fn one_of<T: Copy>(all: &[T], chosen: &str, value: fn(T) -> String, label: fn(T) -> (String, String)) -> Vec<Choice> {
    all.iter()
        .map(|one| {
            let (value, (label, description)) = (value(*one), label(*one));
            Choice { chosen: value == chosen, value, label, description }
        })
        .collect()
}

fn methods(kind: ClientKind, chosen: &str) -> Vec<Choice> {
    let all: &[_] = match kind {
        ClientKind::ThirdParty => {
            &[ClientAuthMethod::SecretBasic, ClientAuthMethod::SecretPost, ClientAuthMethod::None]
        }
        ClientKind::ServiceAccount => &[ClientAuthMethod::SecretBasic, ClientAuthMethod::SecretPost],
    };
    one_of(
        all,
        chosen,
        |one| one.as_str().to_owned(),
        |one| {
            let text = match one {
                ClientAuthMethod::SecretBasic => {
                    ("Secret in the header", "HTTP Basic, as most libraries do by themselves.")
                }
                ClientAuthMethod::SecretPost => ("Secret in the body", "client_secret among the parameters."),
                ClientAuthMethod::None => {
                    ("No secret", "An app on people's own machines or in their browsers, which can keep none.")
                }
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

/// Every field about a client.
#[component]
pub(super) fn ClientFields(kind: ClientKind, values: ClientValues, known: Vec<ApiScope>) -> impl IntoView {
    let words = Words::of(kind);
    let error = |field: &str| values.errors.get(field).map(str::to_owned);
    let groups = scope_groups(known, values.scopes.as_deref());
    let for_people = (kind == ClientKind::ThirdParty).then(|| {
        view! {
            <TextArea
                name="redirect_uris"
                label="Where people are led back to"
                value=values.redirect_uris.clone()
                hint="One address in each line, to the letter: https, or http://127.0.0.1/… for an app on the person's own machine.".to_owned()
                error=error("redirect_uris")
            />
            <Checkbox
                name="refresh"
                label="Goes on without the person"
                checked=values.refresh
                hint="It gets a refresh token, and new access tokens for it until the person takes back what they allowed.".to_owned()
            />
        }
    });
    view! {
        <Field
            name="name"
            label="Name"
            value=values.name.clone()
            autocomplete="off"
            hint=words.name_hint.to_owned()
            error=error("name")
            required=true
        />
        {for_people}
        <CheckboxGroups name="scopes" legend=words.scopes groups error=error("scopes")/>
        <RadioList name="auth_method" legend="How it proves that it is itself" items=methods(kind, &values.auth_method) error=error("auth_method")/>
        <RadioList name="token_minutes" legend="How long its tokens live" items=lives(&values.token_minutes) error=error("token_minutes")/>
        <RadioList
            name="signing_algorithm"
            legend="How its tokens are signed"
            items=algorithms(&values.signing_algorithm)
            error=error("signing_algorithm")
        />
    }
}
