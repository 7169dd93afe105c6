//! The fields about an API.

use crate::{
    ssr::flash::Flash,
    ui::{CheckboxList, Choice, Field, TextArea},
};
use latchkey_core::{
    gateway::{ApiForm, LONGEST_TEXT},
    port::api::{ApiScope, GuardedApi},
};
use latchkey_model::{Environment, FieldErrors};
use leptos::prelude::*;

/// What stands in the fields, and what is wrong with it.
#[derive(Clone, Default)]
pub(super) struct ApiValues {
    name: String,
    slug: String,
    base_url: String,
    scopes: String,
    environments: Vec<String>,
    policies: String,
    verifiers: String,
    editors: String,
    errors: FieldErrors,
}

impl ApiValues {
    /// What is proposed for a new one: nobody's development key opens what is in production.
    pub(super) fn new() -> Self {
        Self { environments: vec![Environment::Production.to_string()], ..Self::default() }
    }

    /// What is set.
    pub(super) fn of(api: &GuardedApi) -> Self {
        let settings = &api.settings;
        let line = |scope: &ApiScope| match scope.description.as_str() {
            same if same == scope.scope.as_str() => same.to_owned(),
            description => format!("{} {description}", scope.scope),
        };
        let names = |clients: &std::collections::BTreeSet<latchkey_core::oauth_client::ClientId>| {
            clients.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        Self {
            name: settings.name.to_string(),
            slug: api.slug.to_string(),
            base_url: settings.base_url.clone(),
            scopes: settings.scopes.iter().map(line).collect::<Vec<_>>().join("\n"),
            environments: settings.environments.iter().map(ToString::to_string).collect(),
            policies: api.policies.to_string(),
            verifiers: names(&settings.verifiers),
            editors: names(&settings.editors),
            errors: FieldErrors::default(),
        }
    }

    /// What was typed, if a form came back.
    pub(super) fn or_typed(self, flash: Option<&Flash>) -> Self {
        let Some(flash) = flash.filter(|flash| flash.value("base_url").is_some()) else { return self };
        let typed = |field: &str| flash.value(field).unwrap_or_default().to_owned();
        Self {
            name: typed("name"),
            slug: typed("slug"),
            base_url: typed("base_url"),
            scopes: typed("scopes"),
            environments: flash.values("environments[]").to_vec(),
            // A list that was too long to be kept is that which there is: cut short, it would say something else.
            policies: flash.value("policies").map_or(self.policies, str::to_owned),
            verifiers: typed("verifiers"),
            editors: typed("editors"),
            errors: flash.errors.clone(),
        }
    }

    fn error(&self, field: &str) -> Option<String> {
        self.errors.get(field).map(str::to_owned)
    }
}

/// Keeps what was typed for the page that the form goes back to.
pub(super) fn keep_typed(flash: Flash, form: &ApiForm<'_>) -> Flash {
    let flash = flash
        .keep("name", form.name)
        .keep("slug", form.slug)
        .keep("base_url", form.base_url)
        .keep("scopes", form.scopes)
        .keep("verifiers", form.verifiers)
        .keep("editors", form.editors);
    let fits = form.policies.chars().count() <= LONGEST_TEXT;
    let flash = if fits { flash.keep("policies", form.policies) } else { flash };
    form.environments.iter().fold(flash, |flash, environment| flash.keep("environments[]", environment))
}

/// Every field about an API.
#[component]
pub(super) fn ApiFields(
    values: ApiValues,
    /// Whether its short name is still to be chosen.
    new: bool,
) -> impl IntoView {
    let error = |field: &str| values.error(field);
    let environments = Environment::ALL
        .map(|environment| Choice {
            chosen: values.environments.iter().any(|word| word == environment.as_str()),
            value: environment.to_string(),
            label: environment.label().to_owned(),
            description: String::new(),
        })
        .into();
    view! {
        <Field name="name" label="Name" value=values.name.clone() autocomplete="off" hint="What developers read beside its scopes.".to_owned() error=error("name") required=true/>
        {new.then(|| view! {
            <Field name="slug" label="Short name" value=values.slug.clone() autocomplete="off" hint="For addresses and logs, such as orders. It does not change.".to_owned() error=error("slug") required=true/>
        })}
        <Field name="base_url" label="Address" value=values.base_url.clone() autocomplete="off" hint="Where its callers find it, such as https://api.example.org: the name in their tokens, too.".to_owned() error=error("base_url") required=true/>
        <CheckboxList name="environments" legend="Whose credentials it takes" items=environments error=error("environments")/>
        <TextArea
            name="scopes"
            label="Scopes"
            code=true
            value=values.scopes.clone()
            hint="One on each line, and what it allows: orders:read See orders. Developers choose among them.".to_owned()
            error=error("scopes")
        />
        <TextArea
            name="policies"
            label="Policies"
            code=true
            value=values.policies.clone()
            rows=10
            hint="One on each line: methods, path, then public, any or the scopes that are needed; then, if you like, environments and a limit for each caller. GET,POST /v1/orders/{id} orders:read production 60/1m. What no policy covers is refused.".to_owned()
            error=error("policies")
        />
        <details class="more" open=!(values.verifiers.is_empty() && values.editors.is_empty() && error("verifiers").is_none() && error("editors").is_none())>
            <summary>"For programs"</summary>
            <Field name="verifiers" label="May verify credentials" value=values.verifiers.clone() autocomplete="off" hint="Client ids of service accounts that may ask POST /gateway/verify, with spaces between.".to_owned() error=error("verifiers")/>
            <Field name="editors" label="May change policies" value=values.editors.clone() autocomplete="off" hint="Client ids of service accounts that may replace the policies by the API.".to_owned() error=error("editors")/>
        </details>
    }
}
