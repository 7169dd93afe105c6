//! A request to a guarded API, as a proxy tells it.

use crate::door::{API_KEY, DPOP, fields};
use http::{HeaderMap, HeaderName, header, request::Parts};
use latchkey_core::{
    authn::{Basic, credential::Carried},
    certificate::ClientCertificate,
    gateway::GuardedRequest,
};

const METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");
const URI: HeaderName = HeaderName::from_static("x-forwarded-uri");
/// How many other methods a request may name. One more is one more than any client sends.
const OTHER_METHODS: usize = 2;

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

/// The request that a check is about, with what its caller sent in the fields that are passed on, and the certificate that its caller
/// showed to the proxy.
pub(super) fn guarded<'a>(
    headers: &'a HeaderMap,
    basic: Option<&'a Basic>,
    certificate: Option<&'a ClientCertificate>,
    method: &'a str,
    target: &'a str,
) -> GuardedRequest<'a> {
    let (mut other_methods, mut names_other_path) = (Vec::new(), false);
    for (name, value) in headers {
        match name.as_str() {
            // By these some servers take it for one of another method.
            "x-http-method-override" | "x-http-method" | "x-method-override" => {
                // One that is no text is no method either, and fits nothing.
                other_methods.push(value.to_str().unwrap_or("?").trim());
            }
            // And by these for one of another path.
            "x-original-url" | "x-rewrite-url" => names_other_path = true,
            _ => {}
        }
    }
    GuardedRequest {
        method,
        names_other_path: names_other_path || other_methods.len() > OTHER_METHODS,
        other_methods,
        target,
        carried: Carried {
            authorization: fields(headers, &header::AUTHORIZATION),
            api_key: fields(headers, &API_KEY),
            basic,
            // A cookie is the portal's own.
            session: None,
            certificate,
            query: None,
        },
        proofs: fields(headers, &DPOP),
    }
}
