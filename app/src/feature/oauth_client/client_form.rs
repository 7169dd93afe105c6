//! The fields about a client.

use super::words::Words;
use crate::{
    feature::api_key::scope_groups,
    ssr::flash::Flash,
    ui::{Checkbox, CheckboxGroups, Choice, Field, RadioList, TextArea},
};
use latchkey_core::{
    jose::SigningAlgorithm,
    oauth_client::{
        ClientAuthMethod, ClientForm, ClientKind, DEFAULT_TOKEN_MINUTES, GrantType, TOKEN_MINUTES, TokenForm,
    },
    openid::SubjectType,
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
    keys: String,
    token_form: String,
    dpop: bool,
    high_security: bool,
    exchange: bool,
    device: bool,
    subject_type: String,
    pushed: bool,
    without_pkce: bool,
    post_logout_redirect_uris: String,
    backchannel_logout_uri: String,
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
            token_form: TokenForm::Jwt.as_str().to_owned(),
            subject_type: SubjectType::Public.as_str().to_owned(),
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
            keys: settings.keys.as_ref().map(ToString::to_string).unwrap_or_default(),
            token_form: settings.token_form.as_str().to_owned(),
            dpop: settings.dpop_required,
            high_security: settings.high_security,
            exchange: settings.grants.contains(GrantType::TokenExchange),
            device: settings.grants.contains(GrantType::DeviceCode),
            subject_type: settings.subject_type.as_str().to_owned(),
            pushed: settings.pushed_only,
            without_pkce: !settings.pkce_required,
            post_logout_redirect_uris: settings.post_logout_redirect_uris.to_string(),
            backchannel_logout_uri: settings
                .backchannel_logout_uri
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
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
            keys: typed("keys"),
            token_form: typed("token_form"),
            dpop: !typed("dpop").is_empty(),
            high_security: !typed("high_security").is_empty(),
            exchange: !typed("exchange").is_empty(),
            device: !typed("device").is_empty(),
            subject_type: typed("subject_type"),
            pushed: !typed("pushed").is_empty(),
            without_pkce: !typed("without_pkce").is_empty(),
            post_logout_redirect_uris: typed("post_logout_redirect_uris"),
            backchannel_logout_uri: typed("backchannel_logout_uri"),
            errors: flash.errors.clone(),
        }
    }
}

/// Keeps what was typed for the page that the form goes back to.
pub(super) fn keep_typed(flash: Flash, form: &ClientForm<'_>) -> Flash {
    let yes = |ticked: bool| if ticked { "yes" } else { "" };
    flash
        .keep("name", form.name)
        .keep("scopes", &form.scopes.join(" "))
        .keep("auth_method", form.auth_method)
        .keep("signing_algorithm", form.signing_algorithm)
        .keep("token_minutes", form.token_minutes)
        .keep("redirect_uris", form.redirect_uris)
        .keep("refresh", yes(form.refresh))
        .keep("keys", form.keys)
        .keep("token_form", form.token_form)
        .keep("dpop", yes(form.dpop))
        .keep("high_security", yes(form.high_security))
        .keep("exchange", yes(form.exchange))
        .keep("device", yes(form.device))
        .keep("subject_type", form.subject_type)
        .keep("pushed", yes(form.pushed))
        .keep("without_pkce", yes(form.without_pkce))
        .keep("post_logout_redirect_uris", form.post_logout_redirect_uris)
        .keep("backchannel_logout_uri", form.backchannel_logout_uri)
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
        ClientKind::ThirdParty => ClientAuthMethod::ALL,
        ClientKind::ServiceAccount => &ClientAuthMethod::PROVEN,
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
                ClientAuthMethod::PrivateKeyJwt => (
                    "A key of its own",
                    "It signs a short assertion (private_key_jwt): nothing secret is ever sent. Give its public keys below.",
                ),
                ClientAuthMethod::None => {
                    ("No secret", "An app on people's own machines or in their browsers, which can keep none.")
                }
            };
            (text.0.to_owned(), text.1.to_owned())
        },
    )
}

fn forms(chosen: &str) -> Vec<Choice> {
    one_of(
        TokenForm::ALL,
        chosen,
        |one| one.as_str().to_owned(),
        |one| {
            let text = match one {
                TokenForm::Jwt => ("Signed", "A JWT that any API can verify by itself."),
                TokenForm::Opaque => {
                    ("Opaque", "A random text that says nothing to whoever finds it; APIs ask what it is.")
                }
            };
            (text.0.to_owned(), text.1.to_owned())
        },
    )
}

fn subject_types(chosen: &str) -> Vec<Choice> {
    one_of(
        &SubjectType::ALL,
        chosen,
        |one| one.as_str().to_owned(),
        |one| {
            let text = match one {
                SubjectType::Public => ("The same as everybody's", "All apps know a person by one id."),
                SubjectType::Pairwise => {
                    ("One of its own", "Two apps cannot find out together that it is the same person.")
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
    let people = kind == ClientKind::ThirdParty;
    let for_people = people.then(|| {
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
    let for_machines = (!people).then(|| {
        view! {
            <Checkbox
                name="exchange"
                label="May exchange tokens"
                checked=values.exchange
                hint="It gets a narrower token for one that it was called with, to go on in the caller's name (RFC 8693).".to_owned()
            />
        }
    });
    let of_sign_in = people.then(|| {
        view! {
            <RadioList
                name="subject_type"
                legend="The id that people have towards it"
                items=subject_types(&values.subject_type)
                error=error("subject_type")
            />
            <Checkbox
                name="device"
                label="Also runs where nobody can sign in"
                checked=values.device
                hint="On a television or in a terminal: the person types in a short code on this portal (device code).".to_owned()
                error=error("device")
            />
            <Checkbox
                name="pushed"
                label="Pushes its requests"
                checked=values.pushed
                hint="It sends what it asks for to this server itself (PAR), so that nobody on the way reads or changes it.".to_owned()
            />
            <Checkbox
                name="without_pkce"
                label="May sign people in without PKCE"
                checked=values.without_pkce
                hint="Only for older OpenID Connect libraries, and never for a client without proof of itself.".to_owned()
                error=error("without_pkce")
            />
            <TextArea
                name="post_logout_redirect_uris"
                label="Where people are led after they sign out"
                value=values.post_logout_redirect_uris.clone()
                hint="One address in each line; may be empty.".to_owned()
                error=error("post_logout_redirect_uris")
            />
            <Field
                name="backchannel_logout_uri"
                label="Where it is told that somebody signed out"
                value=values.backchannel_logout_uri.clone()
                autocomplete="off"
                hint="An https:// address that takes a signed logout token; may be empty.".to_owned()
                error=error("backchannel_logout_uri")
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
        <TextArea
            name="keys"
            label="Its public keys"
            value=values.keys.clone()
            hint="For a key of its own: a JWK Set, or the https:// address of one.".to_owned()
            error=error("keys")
        />
        <RadioList name="token_minutes" legend="How long its tokens live" items=lives(&values.token_minutes) error=error("token_minutes")/>
        <RadioList
            name="signing_algorithm"
            legend="How its tokens are signed"
            items=algorithms(&values.signing_algorithm)
            error=error("signing_algorithm")
        />
        <RadioList name="token_form" legend="How its access tokens are written" items=forms(&values.token_form) error=error("token_form")/>
        <Checkbox
            name="dpop"
            label="Binds its tokens to a key"
            checked=values.dpop
            hint="Every token is worth something only with a proof that the caller holds the key (DPoP): a stolen one is worth nothing.".to_owned()
        />
        <Checkbox
            name="high_security"
            label="High security"
            checked=values.high_security
            hint="Keeps to the FAPI 2.0 profile: a key of its own, pushed requests, bound tokens, no RS256. Refresh tokens are not rotated.".to_owned()
        />
        {for_machines}
        {of_sign_in}
    }
}
