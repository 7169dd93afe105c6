//! The fields about a client.

use super::{client_form::ClientValues, words::Words};
use crate::{
    feature::api_key::scope_groups,
    ui::{Checkbox, CheckboxGroups, Choice, Field, RadioList, TextArea},
};
use latchkey_core::{
    jose::SigningAlgorithm,
    oauth_client::{ClientAuthMethod, ClientKind, TOKEN_MINUTES, TokenForm},
    openid::SubjectType,
    port::api::ApiScope,
};
use leptos::prelude::*;

/// Choices with a label and a sentence each.
fn one_of<T: Copy>(
    all: &[T],
    chosen: &str,
    value: fn(T) -> String,
    text: fn(T) -> (String, &'static str),
) -> Vec<Choice> {
    all.iter()
        .map(|one| {
            let (value, (label, description)) = (value(*one), text(*one));
            Choice { chosen: value == chosen, value, label, description: description.to_owned() }
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
        |one| one.to_string(),
        |one| {
            let (label, description) = match one {
                ClientAuthMethod::SecretBasic => {
                    ("Secret in the header", "HTTP Basic, as most libraries do by themselves.")
                }
                ClientAuthMethod::SecretPost => ("Secret in the body", "client_secret among the parameters."),
                ClientAuthMethod::PrivateKeyJwt => (
                    "A key of its own",
                    "It signs a short assertion (private_key_jwt): nothing secret is ever sent. Give the public half below.",
                ),
                ClientAuthMethod::None => {
                    ("No secret", "An app on people's own machines or in their browsers, which can keep none.")
                }
            };
            (label.to_owned(), description)
        },
    )
}

fn forms(chosen: &str) -> Vec<Choice> {
    one_of(
        TokenForm::ALL,
        chosen,
        |one| one.to_string(),
        |one| match one {
            TokenForm::Jwt => ("Signed".to_owned(), "A JWT that any API can verify by itself."),
            TokenForm::Opaque => {
                ("Opaque".to_owned(), "A random text that says nothing to whoever finds it; APIs ask what it is.")
            }
        },
    )
}

fn subject_types(chosen: &str) -> Vec<Choice> {
    one_of(
        &SubjectType::ALL,
        chosen,
        |one| one.to_string(),
        |one| match one {
            SubjectType::Public => ("The same as everybody's".to_owned(), "All apps know a person by one id."),
            SubjectType::Pairwise => {
                ("One of its own".to_owned(), "Two apps cannot find out together that it is the same person.")
            }
        },
    )
}

fn algorithms(chosen: &str) -> Vec<Choice> {
    one_of(&SigningAlgorithm::ALL, chosen, |one| one.to_string(), |one| (one.to_string(), ""))
}

fn lives(chosen: &str) -> Vec<Choice> {
    one_of(&TOKEN_MINUTES, chosen, |one| one.to_string(), |one| (format!("{one} min"), ""))
}

/// Every field about a client.
#[component]
pub(super) fn ClientFields(kind: ClientKind, values: ClientValues, known: Vec<ApiScope>) -> impl IntoView {
    /// What most clients never need.
    const RARE: [&str; 7] = [
        "token_form",
        "subject_type",
        "device",
        "without_pkce",
        "post_logout_redirect_uris",
        "backchannel_logout_uri",
        "signing_algorithm",
    ];
    let words = Words::of(kind);
    let groups = scope_groups(known, values.scopes.as_deref());
    let people = kind == ClientKind::ThirdParty;
    let opened = RARE.iter().any(|field| values.error(field).is_some());
    let error = |field: &str| values.error(field);
    let again = values.clone();
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
        {people.then(|| view! { <WhereTo values=values.clone()/> })}
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
        <details class="more" open=opened>
            <summary>"More settings"</summary>
            <RareTokenFields values=again.clone()/>
            {if people {
                view! { <RareSignInFields values=again/> }.into_any()
            } else {
                view! {
                    <Checkbox
                        name="exchange"
                        label="May exchange tokens"
                        checked=again.exchange
                        hint="It gets a narrower token for one that it was called with, to go on in the caller's name (RFC 8693).".to_owned()
                    />
                }
                .into_any()
            }}
        </details>
    }
}

/// Where people are led, and whether the app goes on without them.
#[component]
fn WhereTo(values: ClientValues) -> impl IntoView {
    view! {
        <TextArea
            name="redirect_uris"
            label="Where people are led back to"
            value=values.redirect_uris.clone()
            hint="One address in each line, to the letter: https, or http://127.0.0.1/… for an app on the person's own machine.".to_owned()
            error=values.error("redirect_uris")
        />
        <Checkbox
            name="refresh"
            label="Goes on without the person"
            checked=values.refresh
            hint="It gets a refresh token, and new access tokens for it until the person takes back what they allowed.".to_owned()
        />
    }
}

/// How tokens are made.
#[component]
fn RareTokenFields(values: ClientValues) -> impl IntoView {
    view! {
        <RadioList
            name="signing_algorithm"
            legend="How its tokens are signed"
            items=algorithms(&values.signing_algorithm)
            error=values.error("signing_algorithm")
        />
        <RadioList
            name="token_form"
            legend="How its access tokens are written"
            items=forms(&values.token_form)
            error=values.error("token_form")
        />
    }
}

/// How people sign in and out with it.
#[component]
fn RareSignInFields(values: ClientValues) -> impl IntoView {
    view! {
        <RadioList
            name="subject_type"
            legend="The id that people have towards it"
            items=subject_types(&values.subject_type)
            error=values.error("subject_type")
        />
        <Checkbox
            name="device"
            label="Also runs where nobody can sign in"
            checked=values.device
            hint="On a television or in a terminal: the person types in a short code on this portal (device code).".to_owned()
            error=values.error("device")
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
            error=values.error("without_pkce")
        />
        <TextArea
            name="post_logout_redirect_uris"
            label="Where people are led after they sign out"
            value=values.post_logout_redirect_uris.clone()
            hint="One address in each line; may be empty.".to_owned()
            error=values.error("post_logout_redirect_uris")
        />
        <Field
            name="backchannel_logout_uri"
            label="Where it is told that somebody signed out"
            value=values.backchannel_logout_uri.clone()
            autocomplete="off"
            hint="An https:// address that takes a signed logout token; may be empty.".to_owned()
            error=values.error("backchannel_logout_uri")
        />
    }
}
