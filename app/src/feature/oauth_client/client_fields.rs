//! The fields about a client.

use super::{client_form::ClientValues, words::Words};
use crate::{
    feature::api_key::scope_groups,
    ui::{Checkbox, CheckboxGroups, Choice, Field, RadioList, TextArea},
};
use latchkey_core::{
    certificate::CertificateSubjectKind,
    jose::SigningAlgorithm,
    oauth_client::{ClientAuthMethod, ClientCertificates, ClientKind, Possible, TOKEN_MINUTES, TokenForm},
    openid::SubjectType,
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

/// The methods that work here, and the one that is chosen, also where it works no more.
fn methods(kind: ClientKind, certificates: ClientCertificates, chosen: &str) -> Vec<Choice> {
    let all: &[_] = match kind {
        ClientKind::ThirdParty => ClientAuthMethod::ALL,
        ClientKind::ServiceAccount => &ClientAuthMethod::PROVEN,
    };
    let shown: Vec<_> =
        all.iter().copied().filter(|one| one.works_with(certificates) || one.as_str() == chosen).collect();
    one_of(
        &shown,
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
                ClientAuthMethod::Tls => (
                    "A certificate of an authority",
                    "It connects with a client certificate that an authority of the operator's signed (tls_client_auth). Give its name below.",
                ),
                ClientAuthMethod::SelfSignedTls => (
                    "A certificate of its own",
                    "It connects with a client certificate that is known here itself (self_signed_tls_client_auth). Paste it below.",
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

fn subject_kinds(chosen: &str) -> Vec<Choice> {
    one_of(
        &CertificateSubjectKind::ALL,
        chosen,
        |one| one.as_str().to_owned(),
        |one| {
            let (label, description) = match one {
                CertificateSubjectKind::DistinguishedName => ("Subject", "As in CN=Machine 7,O=Example,C=CH."),
                CertificateSubjectKind::Dns => ("Host", ""),
                CertificateSubjectKind::Uri => ("URI", "As in spiffe://example.org/machine."),
                CertificateSubjectKind::Ip => ("IP address", ""),
                CertificateSubjectKind::Email => ("E-mail address", ""),
            };
            (label.to_owned(), description)
        },
    )
}

fn lives(chosen: &str) -> Vec<Choice> {
    one_of(&TOKEN_MINUTES, chosen, |one| one.to_string(), |one| (format!("{one} min"), ""))
}

/// Every field about a client.
#[component]
pub(super) fn ClientFields(kind: ClientKind, values: ClientValues, possible: Possible) -> impl IntoView {
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
    let groups = scope_groups(possible.scopes, values.scopes.as_deref());
    let certificates = possible.certificates;
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
        <RadioList name="auth_method" legend="How it proves that it is itself" items=methods(kind, certificates, &values.auth_method) error=error("auth_method")/>
        <TextArea
            name="keys"
            label="Its public keys"
            value=values.keys.clone()
            hint=keys_hint(certificates).to_owned()
            error=error("keys")
        />
        {(certificates == ClientCertificates::Signed).then(|| view! { <CertificateName values=values.clone()/> })}
        <RadioList name="token_minutes" legend="How long its tokens live" items=lives(&values.token_minutes) error=error("token_minutes")/>
        <Checkbox
            name="dpop"
            label="Binds its tokens to a key"
            checked=values.dpop
            hint="Every token is worth something only with a proof that the caller holds the key (DPoP): a stolen one is worth nothing.".to_owned()
        />
        {(certificates != ClientCertificates::None || values.certificate_bound).then(|| view! {
            <Checkbox
                name="certificate_bound"
                label="Binds its tokens to its certificate"
                checked=values.certificate_bound
                hint="Every token is worth something only over a connection with the client certificate that it was asked for with.".to_owned()
                error=values.error("certificate_bound")
            />
        })}
        <Checkbox
            name="high_security"
            label="High security"
            checked=values.high_security
            hint="Keeps to the FAPI 2.0 profile: a key or a certificate of its own, pushed requests, bound tokens, no RS256. Refresh tokens are not rotated.".to_owned()
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

fn keys_hint(certificates: ClientCertificates) -> &'static str {
    match certificates {
        ClientCertificates::None => "For a key of its own: a JWK Set, or the https:// address of one.",
        ClientCertificates::Pinned | ClientCertificates::Signed => {
            "For a key of its own: a JWK Set, or the https:// address of one. For a certificate of its own: the certificate as PEM, or two while one takes over from the other."
        }
    }
}

/// Which name of a certificate that an authority signed is the client's.
#[component]
fn CertificateName(values: ClientValues) -> impl IntoView {
    view! {
        <RadioList
            name="certificate_subject_kind"
            legend="Which name of its certificate counts"
            items=subject_kinds(&values.certificate_subject_kind)
        />
        <Field
            name="certificate_subject"
            label="That name"
            value=values.certificate_subject.clone()
            autocomplete="off"
            hint="For a certificate of an authority.".to_owned()
            error=values.error("certificate_subject")
        />
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
