//! A request to a guarded API, as a proxy tells it.

use http::{HeaderMap, request::Parts};
use latchkey_core::{
    authn::{Basic, credential::Carried},
    certificate::ClientCertificate,
    gateway::GuardedRequest,
};

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

/// The first two fields of a name: two of a kind say all that there is to say of three.
type FirstTwo<'a> = [Option<&'a [u8]>; 2];

/// What a check brings along, found in one pass over its fields: there are few, and each look by name takes as long as passing several.
#[derive(Default)]
pub(super) struct Brought<'a> {
    method: FirstTwo<'a>,
    target: FirstTwo<'a>,
    authorization: FirstTwo<'a>,
    api_key: FirstTwo<'a>,
    proofs: FirstTwo<'a>,
    other_methods: Vec<&'a str>,
    names_other_path: bool,
}

impl<'a> Brought<'a> {
    pub(super) fn read(headers: &'a HeaderMap) -> Self {
        let mut brought = Self::default();
        for (name, value) in headers {
            let named = match name.as_str() {
                "x-forwarded-method" => &mut brought.method,
                "x-forwarded-uri" => &mut brought.target,
                "authorization" => &mut brought.authorization,
                "x-api-key" => &mut brought.api_key,
                "dpop" => &mut brought.proofs,
                // By these some servers take it for one of another method.
                "x-http-method-override" | "x-http-method" | "x-method-override" => {
                    // One that is no text is no method either, and fits nothing.
                    brought.other_methods.push(value.to_str().unwrap_or("?").trim());
                    continue;
                }
                // And by these for one of another path.
                "x-original-url" | "x-rewrite-url" => {
                    brought.names_other_path = true;
                    continue;
                }
                _ => continue,
            };
            if let Some(free) = named.iter_mut().find(|place| place.is_none()) {
                *free = Some(value.as_bytes());
            }
        }
        brought
    }

    /// The method and target that a check is about. None where they are missing, there twice, or no text.
    pub(super) fn method_and_target(&self, parts: &'a Parts, told: Told<'a>) -> Option<(&'a str, &'a str)> {
        match told {
            Told::AsItself(target) => Some((parts.method.as_str(), target)),
            Told::InFields => {
                let only = |fields: FirstTwo<'a>| match fields {
                    [Some(value), None] => std::str::from_utf8(value).ok(),
                    _ => None,
                };
                Some((only(self.method)?, only(self.target)?))
            }
        }
    }

    /// An address and a password, or a key in their place.
    pub(super) fn basic(&self) -> Option<Basic> {
        Basic::read(self.authorization)
    }

    /// The request that a check is about, with what its caller sent in the fields that are passed on, and the certificate that its
    /// caller showed to the proxy.
    pub(super) fn guarded<'b>(
        &'b self,
        basic: Option<&'b Basic>,
        certificate: Option<&'b ClientCertificate>,
        method: &'b str,
        target: &'b str,
    ) -> GuardedRequest<'b> {
        GuardedRequest {
            method,
            names_other_path: self.names_other_path || self.other_methods.len() > OTHER_METHODS,
            other_methods: self.other_methods.clone(),
            target,
            carried: Carried {
                authorization: self.authorization,
                api_key: self.api_key,
                basic,
                // A cookie is the portal's own.
                session: None,
                certificate,
                query: None,
            },
            proofs: self.proofs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    #[test]
    fn the_first_two_of_each_field_are_found_and_no_others() {
        let names = [
            "x-forwarded-method",
            "x-forwarded-uri",
            "authorization",
            "x-api-key",
            "dpop",
            "x-other",
            "x-method-override",
        ];
        let mut headers = HeaderMap::new();
        for (name, number) in names.iter().flat_map(|name| (1..=3).map(move |number| (name, number))) {
            headers.append(HeaderName::from_static(name), HeaderValue::try_from(format!("{name} {number}")).unwrap());
        }
        let brought = Brought::read(&headers);
        let found = [brought.method, brought.target, brought.authorization, brought.api_key, brought.proofs]
            .map(|fields| fields.map(|field| String::from_utf8(field.unwrap().to_vec()).unwrap()));
        let expected = [0, 1, 2, 3, 4].map(|place| [1, 2].map(|number| format!("{} {number}", names[place])));
        assert_eq!(found, expected);
        let request = brought.guarded(None, None, "GET", "/");
        assert_eq!(request.other_methods.len(), 3);
        assert!(request.names_other_path, "nobody can say which of three methods counts");
    }
}
