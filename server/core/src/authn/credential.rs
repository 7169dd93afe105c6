//! What a request carries to say who it is.

use super::basic::Basic;
use crate::{
    api_key::format::{MARK, MalformedKey, PlainApiKey, PresentedKey},
    certificate::ClientCertificate,
    port::session::SessionDigest,
    split::split_once,
};
use std::{borrow::Cow, fmt};
use zeroize::Zeroizing;

/// Where a credential was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// `Authorization: Bearer …` (RFC 6750 section 2.1).
    Bearer,
    /// `X-API-Key: …`.
    ApiKeyHeader,
    /// `Authorization: DPoP …`, with a proof beside it (RFC 9449 section 7.1).
    Dpop,
    /// `Authorization: Basic …`, with a key for its user name (RFC 7617).
    Basic,
    /// The cookie of the portal's own pages.
    Session,
    /// The certificate of the connection (RFC 8705).
    Certificate,
    /// `Authorization` with another scheme.
    OtherScheme,
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bearer => "Authorization: Bearer",
            Self::ApiKeyHeader => "X-API-Key",
            Self::Dpop => "Authorization: DPoP",
            Self::Basic => "Authorization: Basic",
            Self::Session => "the portal's cookie",
            Self::Certificate => "the client certificate",
            Self::OtherScheme => "Authorization",
        })
    }
}

/// The parts of a request in which credentials travel, as they arrived.
#[derive(Clone, Copy, Default)]
pub struct Carried<'a> {
    /// The first two `Authorization` fields: more than one is one too many.
    pub authorization: [Option<&'a [u8]>; 2],
    /// The first two `X-API-Key` fields.
    pub api_key: [Option<&'a [u8]>; 2],
    /// What [`Basic::read`] makes of `Authorization`: whoever decoded it keeps it.
    pub basic: Option<&'a Basic>,
    /// The session that the portal's cookie names. A browser sends it by itself, so it counts only where nothing else came.
    pub session: Option<CarriedSession>,
    /// The certificate of the connection. It goes with every request of it, so it counts by itself only where nothing else came.
    pub certificate: Option<&'a ClientCertificate>,
    /// The query string, undecoded.
    pub query: Option<&'a str>,
}

/// A session of the portal, as a cookie names it.
#[derive(Clone, Copy)]
pub struct CarriedSession {
    /// Which.
    pub digest: SessionDigest,
    /// Whether the request was sent by a page of ours, as far as the browser says and the page proves.
    pub by_our_page: bool,
}

/// What the request carries, read but not believed.
pub enum Credential<'a> {
    /// Nothing.
    Missing,
    /// A well-formed API key.
    ApiKey {
        /// Where it was.
        via: Via,
        /// The key.
        key: PresentedKey<'a>,
    },
    /// Something written like an access token of ours, signed (RFC 7515) or opaque, as it was sent.
    AccessToken {
        /// Where it was: with a proof beside it, or alone.
        via: Via,
        /// The whole text: bearer tokens are secrets.
        text: &'a str,
    },
    /// An address and a password.
    Password(&'a Basic),
    /// A browser in which somebody is signed in.
    Session(CarriedSession),
    /// A certificate, whose key the caller holds.
    Certificate(&'a ClientCertificate),
    /// Something at the place of a key that is none.
    Malformed {
        /// Where it was.
        via: Via,
        /// What is wrong with it.
        why: MalformedKey,
    },
    /// A scheme that this door does not know.
    UnknownScheme,
    /// Two of them: never "the first wins" (RFC 6750 section 2).
    Ambiguous {
        /// One.
        first: Via,
        /// The other.
        second: Via,
    },
    /// A secret in the query string, where logs and histories keep it.
    InQuery {
        /// The parameter's name.
        parameter: String,
        /// The key, if it is written as ours are: it has been exposed.
        key: Option<PlainApiKey>,
        /// The whole text, if it is written like an access token: so has that.
        token: Option<Zeroizing<String>>,
    },
}

/// The token's text stays out of what is printed.
impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "Missing",
            Self::ApiKey { .. } => "ApiKey",
            Self::AccessToken { .. } => "AccessToken",
            Self::Password(_) => "Password",
            Self::Session(_) => "Session",
            Self::Certificate(_) => "Certificate",
            Self::Malformed { .. } => "Malformed",
            Self::UnknownScheme => "UnknownScheme",
            Self::Ambiguous { .. } => "Ambiguous",
            Self::InQuery { .. } => "InQuery",
        })
    }
}

/// Query parameters that people put secrets in.
const SECRET_PARAMETERS: [&str; 4] = ["access_token", "api_key", "apikey", "key"];

impl<'a> Credential<'a> {
    /// Reads the credential of a request.
    pub fn read(carried: Carried<'a>) -> Self {
        if let Some(found) = carried.query.and_then(find_in_query) {
            return found;
        }
        let via = |value| read_authorization(value).0;
        match (carried.authorization, carried.api_key) {
            ([None, _], [None, _]) => match (carried.session, carried.certificate) {
                (Some(session), _) => Self::Session(session),
                (None, Some(certificate)) => Self::Certificate(certificate),
                (None, None) => Self::Missing,
            },
            ([Some(_), None], [None, _]) if let Some(basic) = carried.basic => Self::read_basic(basic),
            ([Some(value), None], [None, _]) => Self::read_one(value),
            ([None, _], [Some(text), None]) => match Self::read_key(Via::ApiKeyHeader, text) {
                // Some proxies join fields of one name, with commas between (RFC 9110 section 5.3). No key has one.
                Self::Malformed { via, .. } if text.contains(&b',') => Self::Ambiguous { first: via, second: via },
                read => read,
            },
            ([Some(first), Some(second)], _) => Self::Ambiguous { first: via(first), second: via(second) },
            ([Some(first), None], [Some(_), _]) => Self::Ambiguous { first: via(first), second: Via::ApiKeyHeader },
            ([None, _], [Some(_), Some(_)]) => Self::Ambiguous { first: Via::ApiKeyHeader, second: Via::ApiKeyHeader },
        }
    }

    /// The only credential there is, in `Authorization`.
    fn read_one(value: &'a [u8]) -> Self {
        match read_authorization(value) {
            (via, Some(text)) => Self::read_token(via, text).unwrap_or_else(|| Self::read_key(via, text)),
            (_, None) => Self::UnknownScheme,
        }
    }

    fn read_basic(basic: &'a Basic) -> Self {
        match basic.name_alone() {
            Some(name) => Self::read_key(Via::Basic, name),
            None => match basic.name_and_password() {
                // A key at the wrong place is neither an address nor a password: no time is spent on it.
                Some((name, password)) if !name.starts_with(MARK) && !password.starts_with(MARK) => {
                    Self::Password(basic)
                }
                _ => Self::Malformed { via: Via::Basic, why: MalformedKey::NotOurs },
            },
        }
    }

    /// Whether a proof that the caller holds a key must be read beside it.
    pub fn needs_proof(&self) -> bool {
        matches!(self, Self::AccessToken { via: Via::Dpop, .. })
    }

    fn read_token(via: Via, text: &'a [u8]) -> Option<Self> {
        let text = is_written_as_token(text).then(|| std::str::from_utf8(text).ok()).flatten()?;
        Some(Self::AccessToken { via, text })
    }

    fn read_key(via: Via, text: &'a [u8]) -> Self {
        // A key is bound to nothing, so there is no proof to go with it.
        if via == Via::Dpop {
            return Self::Malformed { via, why: MalformedKey::NotOurs };
        }
        let parsed = std::str::from_utf8(text).map_err(|_| MalformedKey::NotOurs).and_then(PresentedKey::parse);
        match parsed {
            Ok(key) => Self::ApiKey { via, key },
            Err(why) => Self::Malformed { via, why },
        }
    }
}

/// Every signed token begins with the base64url of `{"`, every opaque one with its mark.
fn is_written_as_token(text: &[u8]) -> bool {
    const OPAQUE: &[u8] = b"lk_tok_";
    text.starts_with(b"eyJ") || text.starts_with(OPAQUE)
}

/// The token of `Bearer token` or `DPoP token`; scheme names are case-insensitive (RFC 9110 section 11.1).
fn read_authorization(value: &[u8]) -> (Via, Option<&[u8]>) {
    const SCHEMES: [(&[u8], Via); 2] = [(b"bearer ", Via::Bearer), (b"dpop ", Via::Dpop)];
    let read = SCHEMES.into_iter().find_map(|(name, via)| {
        let (scheme, token) = value.split_at_checked(name.len())?;
        scheme.eq_ignore_ascii_case(name).then(|| (via, Some(token.trim_ascii())))
    });
    read.unwrap_or((Via::OtherScheme, None))
}

/// A parameter that is named like a secret, or whose value begins like one of ours.
fn find_in_query(query: &str) -> Option<Credential<'static>> {
    query.split('&').find_map(|pair| {
        let (name, value) = split_once(pair, b'=').unwrap_or((pair, ""));
        let name = percent_decoded(name);
        let value = percent_decoded(value);
        let secret = SECRET_PARAMETERS.iter().any(|known| name.eq_ignore_ascii_case(known));
        if !secret && !value.starts_with(MARK) {
            return None;
        }
        let parameter = if secret { name.into_owned() } else { "a parameter".to_owned() };
        if is_written_as_token(value.as_bytes()) {
            return Some(Credential::InQuery { parameter, key: None, token: Some(Zeroizing::new(value.into_owned())) });
        }
        Some(Credential::InQuery { parameter, key: PlainApiKey::parse(&value).ok(), token: None })
    })
}

/// Decodes `%41` and `+`; what cannot be decoded stays as it is.
fn percent_decoded(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    if !bytes.iter().any(|byte| b"%+".contains(byte)) {
        return text.into();
    }
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(&byte) = bytes.get(index) {
        let escaped = (byte == b'%')
            .then(|| bytes.get(index + 1..index + 3))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let Some(value) = escaped {
            decoded.push(value);
            index += 3;
        } else {
            decoded.push(if byte == b'+' { b' ' } else { byte });
            index += 1;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;
    use latchkey_model::{Environment, KeyKind};

    fn key() -> PlainApiKey {
        PlainApiKey::generate(&SystemRandom, KeyKind::Api(Environment::Development))
    }

    /// Whether what is read of these fields is what it should be.
    fn reads(authorization: &[&str], api_key: &[&str], query: Option<&str>, is: fn(&Credential<'_>) -> bool) -> bool {
        let fields = |values: &[&str]| [0, 1].map(|at| values.get(at).map(|value| value.as_bytes().to_vec()));
        let (authorization, api_key) = (fields(authorization), fields(api_key));
        let [authorization, api_key] =
            [&authorization, &api_key].map(|[one, other]| [one.as_deref(), other.as_deref()]);
        let basic = Basic::read(authorization);
        is(&Credential::read(Carried {
            authorization,
            api_key,
            basic: basic.as_ref(),
            session: None,
            certificate: None,
            query,
        }))
    }

    #[test]
    fn a_key_comes_by_either_header() {
        let key = key();
        for scheme in ["Bearer", "bearer", "BEARER"] {
            let value = format!("{scheme} {}", key.expose());
            let is = |found: &Credential<'_>| matches!(found, Credential::ApiKey { via: Via::Bearer, .. });
            assert!(reads(&[&value], &[], None, is), "{scheme}");
        }
        assert!(reads(&[], &[key.expose()], None, |found| matches!(
            found,
            Credential::ApiKey { via: Via::ApiKeyHeader, .. }
        )));
    }

    #[test]
    fn a_signed_token_comes_as_a_bearer_token_alone() {
        let is = |found: &Credential<'_>| {
            matches!(found, Credential::AccessToken { via: Via::Bearer, text: "eyJhbGciOi.e30.AA" })
        };
        assert!(reads(&["Bearer eyJhbGciOi.e30.AA"], &[], None, is));
        assert!(reads(&[], &["eyJhbGciOi.e30.AA"], None, |found| matches!(found, Credential::Malformed { .. })));
        let bound = |found: &Credential<'_>| {
            matches!(found, Credential::AccessToken { via: Via::Dpop, .. }) && found.needs_proof()
        };
        assert!(reads(&["DPoP eyJhbGciOi.e30.AA"], &[], None, bound));
        assert!(reads(&["dpop lk_tok_x"], &[], None, bound));
        let key = format!("DPoP {}", key().expose());
        assert!(reads(&[&key], &[], None, |found| matches!(found, Credential::Malformed { via: Via::Dpop, .. })));
        let token = Credential::AccessToken { via: Via::Bearer, text: "eyJ" };
        assert_eq!(format!("{token:?}"), "AccessToken");
    }

    #[test]
    fn rfc7617_2_a_key_may_be_the_name_of_whoever_has_no_password() {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let key = key();
        let basic = |text: String| format!("Basic {}", STANDARD.encode(text));
        let is = |found: &Credential<'_>| matches!(found, Credential::ApiKey { via: Via::Basic, .. });
        assert!(reads(&[&basic(format!("{}:", key.expose()))], &[], None, is));
        let malformed = |found: &Credential<'_>| matches!(found, Credential::Malformed { via: Via::Basic, .. });
        let password = |found: &Credential<'_>| matches!(found, Credential::Password(_));
        assert!(reads(&[&basic("ada@example.org:password".to_owned())], &[], None, password));
        for other in [format!("{}:x", key.expose()), format!("x:{}", key.expose()), ":password".to_owned()] {
            assert!(reads(&[&basic(other.clone())], &[], None, malformed), "{other}");
        }
        // A token that is not bound to a key is for Bearer alone (RFC 6750 section 2).
        assert!(reads(&[&basic("eyJhbGciOi.e30.AA:".to_owned())], &[], None, malformed));
        let both = |found: &Credential<'_>| matches!(found, Credential::Ambiguous { .. });
        assert!(reads(&[&basic(format!("{}:", key.expose()))], &[key.expose()], None, both));
    }

    #[test]
    fn rfc6750_2_two_credentials_are_ambiguous() {
        let key = key();
        let bearer = format!("Bearer {}", key.expose());
        assert!(reads(&[&bearer], &[key.expose()], None, |found| matches!(found, Credential::Ambiguous { .. })));
        assert!(reads(&[&bearer, &bearer], &[], None, |found| matches!(found, Credential::Ambiguous { .. })));
        assert!(reads(&[], &[key.expose(), key.expose()], None, |found| matches!(found, Credential::Ambiguous { .. })));
        for joined in [format!("{0}, {0}", key.expose()), format!("x,{}", key.expose())] {
            assert!(reads(&[], &[&joined], None, |found| matches!(found, Credential::Ambiguous { .. })), "{joined}");
        }
        assert!(reads(&["Basic eDp5", &bearer], &[], None, |found| matches!(found, Credential::Ambiguous { .. })));
    }

    #[test]
    fn a_secret_in_the_query_is_found_under_any_name_and_encoding() {
        let key = key();
        let escaped = key.expose().bytes().fold(String::new(), |text, byte| format!("{text}%{byte:02x}"));
        for query in [
            format!("api_key={}", key.expose()),
            format!("page=2&x={}", key.expose()),
            format!("x={escaped}"),
            "access_token=whatever".to_owned(),
            "API_KEY=".to_owned(),
            "%61pi_key=1".to_owned(),
        ] {
            let value = format!("Bearer {}", key.expose());
            let is = |found: &Credential<'_>| matches!(found, Credential::InQuery { .. });
            assert!(reads(&[&value], &[], Some(&query), is), "{query}");
        }
        assert!(reads(&[], &[], Some("limit=5&after=x"), |found| matches!(found, Credential::Missing)));
        for query in ["access_token=eyJhbGciOi.e30.AA", "key=eyJhbGciOi.e30.AA", "x=lk_tok_x", "x=lk%5Ftok_x"] {
            let is = |found: &Credential<'_>| matches!(found, Credential::InQuery { key: None, token: Some(_), .. });
            assert!(reads(&[], &[], Some(query), is), "{query}");
        }
        assert!(reads(&[], &[], Some("x=eyJhbGciOi.e30.AA"), |found| matches!(found, Credential::Missing)));
    }

    #[test]
    fn what_is_no_key_is_malformed_or_unknown() {
        assert!(reads(&[], &[], None, |found| matches!(found, Credential::Missing)));
        assert!(reads(&["Digest eDp5"], &[], None, |found| matches!(found, Credential::UnknownScheme)));
        assert!(reads(&["Bearer"], &[], None, |found| matches!(found, Credential::UnknownScheme)));
        assert!(reads(&["Bearer x"], &[], None, |found| matches!(found, Credential::Malformed { .. })));
        assert!(reads(&[], &[""], None, |found| matches!(found, Credential::Malformed { .. })));
    }
}
