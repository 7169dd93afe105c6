//! The fields about a provider.

use crate::{
    ssr::flash::Flash,
    ui::{Choice, Field, RadioList},
};
use latchkey_core::{
    identity_provider::{Protocol, ProtocolKind, ProviderForm},
    port::identity_provider::ProviderSettings,
};
use latchkey_model::FieldErrors;
use leptos::prelude::*;

/// What stands in the fields, and what is wrong with it.
#[derive(Clone, Default)]
pub(super) struct ProviderValues {
    name: String,
    kind: String,
    address: String,
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: String,
    subject: String,
    client_id: String,
    scopes: String,
    reason: String,
    errors: FieldErrors,
}

impl ProviderValues {
    /// What is proposed for a new one.
    pub(super) fn new() -> Self {
        Self { kind: ProtocolKind::Openid.as_str().to_owned(), ..Self::default() }
    }

    /// What is set.
    pub(super) fn of(settings: &ProviderSettings) -> Self {
        let values = Self {
            name: settings.name.as_str().to_owned(),
            kind: settings.protocol.kind().as_str().to_owned(),
            client_id: settings.client_id.clone(),
            scopes: settings.scopes.clone(),
            ..Self::default()
        };
        match &settings.protocol {
            Protocol::Openid { issuer } => Self { address: issuer.clone(), ..values },
            Protocol::Github { url } => Self { address: url.to_string(), ..values },
            Protocol::Oauth2(endpoints) => Self {
                authorization_endpoint: endpoints.authorization.to_string(),
                token_endpoint: endpoints.token.to_string(),
                userinfo_endpoint: endpoints.userinfo.to_string(),
                subject: endpoints.subject.clone(),
                ..values
            },
        }
    }

    /// What was typed, if a form came back. A secret is typed again.
    pub(super) fn or_typed(self, flash: Option<&Flash>) -> Self {
        let Some(flash) = flash.filter(|flash| flash.value("kind").is_some()) else { return self };
        let typed = |field: &str| flash.value(field).unwrap_or_default().to_owned();
        Self {
            name: typed("name"),
            kind: typed("kind"),
            address: typed("address"),
            authorization_endpoint: typed("authorization_endpoint"),
            token_endpoint: typed("token_endpoint"),
            userinfo_endpoint: typed("userinfo_endpoint"),
            subject: typed("subject"),
            client_id: typed("client_id"),
            scopes: typed("scopes"),
            reason: typed("reason"),
            errors: flash.errors.clone(),
        }
    }

    fn error(&self, field: &str) -> Option<String> {
        self.errors.get(field).map(str::to_owned)
    }
}

/// Keeps what was typed for the page that the form goes back to, but for the secret.
pub(super) fn keep_typed(flash: Flash, form: &ProviderForm<'_>) -> Flash {
    flash
        .keep("name", form.name)
        .keep("kind", form.kind)
        .keep("address", form.address)
        .keep("authorization_endpoint", form.authorization_endpoint)
        .keep("token_endpoint", form.token_endpoint)
        .keep("userinfo_endpoint", form.userinfo_endpoint)
        .keep("subject", form.subject)
        .keep("client_id", form.client_id)
        .keep("scopes", form.scopes)
        .keep("reason", form.reason)
}

fn kinds(chosen: &str) -> Vec<Choice> {
    ProtocolKind::ALL
        .map(|kind| {
            let (label, description) = match kind {
                ProtocolKind::Openid => {
                    ("OpenID Connect", "Google, Microsoft, Keycloak, another Latchkey: the issuer is enough.")
                }
                ProtocolKind::Github => ("GitHub", "github.com, or a GitHub Enterprise server."),
                ProtocolKind::Oauth2 => ("OAuth 2", "Any other, with the endpoints below."),
            };
            Choice {
                chosen: kind.as_str() == chosen,
                value: kind.as_str().to_owned(),
                label: label.to_owned(),
                description: description.to_owned(),
            }
        })
        .into()
}

/// Every field about a provider.
#[component]
pub(super) fn ProviderFields(
    values: ProviderValues,
    /// Whether there is a secret already, which stays if none is typed.
    has_secret: bool,
) -> impl IntoView {
    let secret_hint = if has_secret { "Leave it empty to keep the one that there is." } else { "It is kept sealed." };
    let error = |field: &str| values.error(field);
    view! {
        <Field name="name" label="Name" value=values.name.clone() autocomplete="off" hint="What stands on the button.".to_owned() error=error("name") required=true/>
        <RadioList name="kind" legend="How it is spoken to" items=kinds(&values.kind) error=error("kind")/>
        <Field
            name="address"
            label="Issuer or server"
            value=values.address.clone()
            autocomplete="off"
            hint="For OpenID Connect the issuer, to the letter. For a GitHub Enterprise server its address; empty for github.com.".to_owned()
            error=error("address")
        />
        <Field name="client_id" label="Client id" value=values.client_id.clone() autocomplete="off" error=error("client_id") required=true/>
        <Field name="client_secret" label="Client secret" kind="password" autocomplete="off" hint=secret_hint.to_owned() error=error("client_secret")/>
        <Field name="scopes" label="Scopes" value=values.scopes.clone() autocomplete="off" hint="With spaces between. Empty for the usual ones: openid profile email, or read:user at GitHub.".to_owned() error=error("scopes")/>
        <details class="more" open=values.kind == ProtocolKind::Oauth2.as_str()>
            <summary>"For OAuth 2"</summary>
            <Field name="authorization_endpoint" label="Authorization endpoint" value=values.authorization_endpoint.clone() autocomplete="off" error=error("authorization_endpoint")/>
            <Field name="token_endpoint" label="Token endpoint" value=values.token_endpoint.clone() autocomplete="off" error=error("token_endpoint")/>
            <Field name="userinfo_endpoint" label="Userinfo endpoint" value=values.userinfo_endpoint.clone() autocomplete="off" error=error("userinfo_endpoint")/>
            <Field
                name="subject"
                label="Subject member"
                value=values.subject.clone()
                autocomplete="off"
                hint="The member of its answer that names a person for good, such as id or sub.".to_owned()
                error=error("subject")
            />
        </details>
        <Field name="reason" label="Why" value=values.reason.clone() autocomplete="off" hint="Kept in the audit log.".to_owned() error=error("reason") required=true/>
    }
}
