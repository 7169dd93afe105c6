//! A request to a guarded API, as a proxy tells it.

use crate::door::{API_KEY, DPOP, fields};
use http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts};
use latchkey_core::{
    authn::{Basic, credential::Carried},
    gateway::GuardedRequest,
};

const METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");
const URI: HeaderName = HeaderName::from_static("x-forwarded-uri");
/// Fields by which some servers take a request for one of another method.
const OTHER_METHODS: [HeaderName; 3] = [
    HeaderName::from_static("x-http-method-override"),
    HeaderName::from_static("x-http-method"),
    HeaderName::from_static("x-method-override"),
];
/// Fields by which some servers take a request for one of another path.
const OTHER_PATHS: [HeaderName; 2] =
    [HeaderName::from_static("x-original-url"), HeaderName::from_static("x-rewrite-url")];

/// Where a check says which request it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told<'a> {
    /// In fields of its own, `X-Forwarded-Method` and `X-Forwarded-Uri`.
    InFields,
    /// It is the request itself, behind a prefix (as Envoy asks).
    AsItself(&'a str),
}

/// The method and target that a check is about. None where they are missing, there twice, or no text.
pub(super) fn method_and_target<'a>(parts: &'a Parts, told: Told<'a>) -> Option<(&'a str, &'a str)> {
    match told {
        Told::AsItself(target) => Some((parts.method.as_str(), target)),
        Told::InFields => {
            let only = |name| match fields(&parts.headers, name) {
                [Some(value), None] => std::str::from_utf8(value).ok(),
                _ => None,
            };
            Some((only(&METHOD)?, only(&URI)?))
        }
    }
}

/// The request that a check is about, with what its caller sent in the fields that are passed on.
pub(super) fn guarded<'a>(
    headers: &'a HeaderMap,
    basic: Option<&'a Basic>,
    method: &'a str,
    target: &'a str,
) -> GuardedRequest<'a> {
    // Two of them are one more than any client sends.
    let several = OTHER_METHODS.iter().flat_map(|name| headers.get_all(name)).nth(2).is_some();
    // One that is no text is no method either, and fits nothing.
    let text = |value: &'a HeaderValue| value.to_str().unwrap_or("?").trim();
    GuardedRequest {
        method,
        other_methods: OTHER_METHODS.iter().flat_map(|name| headers.get_all(name)).take(2).map(text).collect(),
        names_other_path: several || OTHER_PATHS.iter().any(|name| headers.contains_key(name)),
        target,
        carried: Carried {
            authorization: fields(headers, &header::AUTHORIZATION),
            api_key: fields(headers, &API_KEY),
            basic,
            // A cookie is the portal\'s own.
            session: None,
            certificate: None,
            query: None,
        },
        proofs: fields(headers, &DPOP),
    }
}
