//! Where people are led back to: compared to the letter, never matched (RFC 9700 section 2.1).

use std::{fmt, str::FromStr};
use url::{Host, Url};

/// One registered address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RedirectUri(String);

/// Why an address cannot be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseRedirectUriError {
    /// It is no absolute URI, or is written in a way that reads as another one.
    #[error("Write the whole address, as your app will send it")]
    NotAbsolute,
    /// It is longer than any browser will keep.
    #[error("An address has at most 512 characters")]
    TooLong,
    /// It has a fragment (RFC 6749 section 3.1.2).
    #[error("Leave out the part from # on")]
    Fragment,
    /// It has a name or a password in it.
    #[error("Leave out the part before @")]
    UserInfo,
    /// It is plain HTTP beyond this machine.
    #[error("Use https, or http with 127.0.0.1 or [::1] for an app on the person's own machine")]
    PlainHttp,
    /// Its scheme is not one that leads back to one app.
    #[error("Use https, or a scheme with a dot in it that is your own, such as com.example.app")]
    Scheme,
    /// It carries a parameter that our answer has.
    #[error("Leave out parameters called code, state, iss, error or response: the answer has its own")]
    Parameter,
}

/// Parameters of the answer: an address that brings its own would shadow them.
const ANSWERED: [&str; 5] = ["code", "state", "iss", "error", "response"];

impl RedirectUri {
    /// The address to the letter.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether what was sent is this address: to the letter, but for the port of an app on the person's own machine, which it cannot
    /// choose (RFC 8252 section 7.3).
    pub fn matches(&self, sent: &str) -> bool {
        if self.0 == sent {
            return true;
        }
        let (Some(registered), Some(sent)) = (loopback_without_port(&self.0), loopback_without_port(sent)) else {
            return false;
        };
        registered == sent
    }
}

/// `http://127.0.0.1/…` without its port, if that is what it is, written as it should be.
fn loopback_without_port(text: &str) -> Option<String> {
    let mut url = text.parse::<Url>().ok().filter(|url| is_written(url, text))?;
    let loopback = match url.host()? {
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
        Host::Domain(_) => false,
    };
    (url.scheme() == "http" && loopback && url.set_port(None).is_ok()).then(|| url.to_string())
}

/// Whether a text is what a browser would make of it: nothing to decode, to fold or to resolve, so that it reads alike everywhere.
fn is_written(url: &Url, text: &str) -> bool {
    let written = url.as_str();
    written == text || (url.path() == "/" && url.query().is_none() && written.strip_suffix('/') == Some(text))
}

impl FromStr for RedirectUri {
    type Err = ParseRedirectUriError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        type Error = ParseRedirectUriError;
        if text.len() > 512 {
            return Err(Error::TooLong);
        }
        let url: Url = text.parse().map_err(|_| Error::NotAbsolute)?;
        if url.fragment().is_some() {
            return Err(Error::Fragment);
        }
        if !url.username().is_empty() || url.password().is_some() || text.contains('@') {
            return Err(Error::UserInfo);
        }
        match url.scheme() {
            "https" => {}
            "http" if loopback_without_port(text).is_some() => {}
            "http" => return Err(Error::PlainHttp),
            // RFC 8252 section 7.1: named after a domain, so that it is one app's own.
            scheme if scheme.contains('.') => {}
            _ => return Err(Error::Scheme),
        }
        if !is_written(&url, text) {
            return Err(Error::NotAbsolute);
        }
        if url.query_pairs().any(|(name, _)| ANSWERED.contains(&&*name)) {
            return Err(Error::Parameter);
        }
        Ok(Self(text.to_owned()))
    }
}

/// Every registered address of a client.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RedirectUris(Vec<RedirectUri>);

impl RedirectUris {
    /// More than this are not registered for one client.
    pub const AT_MOST: usize = 20;

    /// The addresses.
    pub fn iter(&self) -> impl Iterator<Item = &RedirectUri> {
        self.0.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether what was sent is one of them.
    pub fn contain(&self, sent: &str) -> bool {
        self.0.iter().any(|registered| registered.matches(sent))
    }
}

/// Why a list of addresses cannot be registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseRedirectUrisError {
    /// One of them cannot.
    #[error("{0}: {1}")]
    One(String, ParseRedirectUriError),
    /// There are too many.
    #[error("A client has at most {} addresses", RedirectUris::AT_MOST)]
    TooMany,
}

impl FromStr for RedirectUris {
    type Err = ParseRedirectUrisError;

    /// Reads one address in each line.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut uris = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let shown = || line.chars().take(64).collect();
            let uri = line.parse().map_err(|error| ParseRedirectUrisError::One(shown(), error))?;
            if !uris.contains(&uri) {
                uris.push(uri);
            }
        }
        if uris.len() > Self::AT_MOST { Err(ParseRedirectUrisError::TooMany) } else { Ok(Self(uris)) }
    }
}

impl fmt::Display for RedirectUris {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(RedirectUri::as_str).collect();
        f.write_str(&lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> RedirectUri {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn what_apps_use_can_be_registered() {
        for fine in [
            "https://app.example.com",
            "https://app.example.com/",
            "https://app.example.com/callback?tenant=7",
            "http://127.0.0.1/callback",
            "http://127.0.0.1:8080/callback",
            "http://[::1]/callback",
            "com.example.app:/callback",
        ] {
            assert!(uri(fine).matches(fine), "{fine}");
        }
    }

    #[test]
    fn r02_r03_r04_what_leads_elsewhere_cannot_be_registered() {
        type Error = ParseRedirectUriError;
        for (bad, expected) in [
            ("", Error::NotAbsolute),
            ("/callback", Error::NotAbsolute),
            ("https://app.example.com/#x", Error::Fragment),
            ("https://ada@app.example.com/", Error::UserInfo),
            ("https://app.example.com/@x", Error::UserInfo),
            ("http://app.example.com/", Error::PlainHttp),
            ("http://localhost/callback", Error::PlainHttp),
            ("http://localhost.evil.test/", Error::PlainHttp),
            ("http://2130706433/", Error::PlainHttp),
            ("javascript:alert(1)", Error::Scheme),
            ("JaVaScRiPt:alert(1)", Error::Scheme),
            ("data:text/html,x", Error::Scheme),
            ("myapp:/callback", Error::Scheme),
            ("https://app.example.com/a/../b", Error::NotAbsolute),
            ("https://app.example.com/a/%2e%2e/b", Error::NotAbsolute),
            ("https://APP.example.com/", Error::NotAbsolute),
            ("https://app.example.com:443/", Error::NotAbsolute),
            ("https:/\\app.example.com/", Error::NotAbsolute),
            ("https://app.example.com/a\tb", Error::NotAbsolute),
            ("https://app.example.com/?code=x", Error::Parameter),
            ("https://app.example.com/?a=b&%73tate=x", Error::Parameter),
        ] {
            assert_eq!(bad.parse::<RedirectUri>(), Err(expected), "{bad}");
        }
        assert_eq!(format!("https://a.example/{}", "x".repeat(512)).parse::<RedirectUri>(), Err(Error::TooLong));
    }

    #[test]
    fn rfc9700_2_1_addresses_are_compared_to_the_letter() {
        let registered = uri("https://app.example.com/callback");
        for other in [
            "https://app.example.com/callback/",
            "https://app.example.com/callback?x",
            "https://app.example.com/CALLBACK",
            "https://app.example.com:443/callback",
            "https://app.example.com/callbac%6b",
            "https://app.example.com.evil.test/callback",
            "https://evil.test/https://app.example.com/callback",
            "https://app.example.com@evil.test/callback",
            "http://app.example.com/callback",
            "https://app.example.com/callback#x",
            " https://app.example.com/callback",
        ] {
            assert!(!registered.matches(other), "{other}");
        }
    }

    #[test]
    fn rfc8252_7_3_the_port_of_the_own_machine_is_free_and_nothing_else() {
        let registered = uri("http://127.0.0.1/callback");
        assert!(registered.matches("http://127.0.0.1:51004/callback"));
        for other in [
            "http://127.0.0.2:51004/callback",
            "http://localhost:51004/callback",
            "http://127.0.0.1:51004/other",
            "http://127.0.0.1:51004/callback?x",
            "https://127.0.0.1:51004/callback",
            "http://127.0.0.1:51004@evil.test/callback",
            "http://[::1]:51004/callback",
        ] {
            assert!(!registered.matches(other), "{other}");
        }
    }
}
