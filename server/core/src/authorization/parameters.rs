//! The parameters of an authorization request, as they came (RFC 6749 section 3.1), and of one to sign out.

use std::collections::HashSet;

/// The parameters of a request, as they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    /// In the order in which they came.
    pairs: Vec<(String, String)>,
    repeated: bool,
}

impl Parameters {
    /// The names that mean something here; others are ignored.
    pub const KNOWN: [&'static str; 21] = [
        "response_type",
        "response_mode",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "prompt",
        "max_age",
        "login_hint",
        "id_token_hint",
        "acr_values",
        "claims",
        "resource",
        "dpop_jkt",
        "post_logout_redirect_uri",
        "request",
        "request_uri",
        Self::SIGNED_IN_SINCE,
    ];
    /// Ours: when this request sent the person to sign in anew.
    pub(super) const SIGNED_IN_SINCE: &'static str = "signed_in_since";
    /// The one that may be there more than once (RFC 8707 section 2).
    const MANY: &'static str = "resource";

    /// Keeps what is known; an empty value is as good as none.
    pub fn of<N: AsRef<str>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut seen = HashSet::new();
        let mut repeated = false;
        let mut kept = Vec::new();
        for (name, value) in pairs {
            let (name, value) = (name.as_ref(), value.into());
            if name != Self::MANY && !seen.insert(name.to_owned()) {
                repeated = true;
            } else if Self::KNOWN.contains(&name) && !value.is_empty() {
                kept.push((name.to_owned(), value));
            }
        }
        Self { pairs: kept, repeated }
    }

    /// Reads what [`Parameters::to_query`] wrote, or a browser did (RFC 6749 appendix B).
    pub fn of_query(query: &str) -> Self {
        Self::of(url::form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name, value.into_owned())))
    }

    /// All that are known, as a query.
    pub fn to_query(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.pairs).finish()
    }

    /// A parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a parameter.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Whether one is there twice that may be there once.
    pub(super) fn are_repeated(&self) -> bool {
        self.repeated
    }

    /// The same without one of them.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        let pairs = self.pairs.iter().filter(|(found, _)| found != name).cloned().collect();
        Self { pairs, repeated: self.repeated }
    }

    /// The same with one more.
    #[must_use]
    pub(super) fn with(&self, name: &str, value: String) -> Self {
        let mut changed = self.without(name);
        changed.pairs.push((name.to_owned(), value));
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc6749_3_1_unknown_is_ignored_empty_is_absent_and_twice_is_noticed() {
        let read = |query: &str| Parameters::of_query(query);
        let parameters = read("client_id=a&state=&unknown=1&scope=x+y%20z");
        assert_eq!(parameters.to_query(), "client_id=a&scope=x+y+z");
        assert!(!parameters.are_repeated());
        for twice in ["state=1&state=1", "state=&state=1", "unknown=1&unknown=2"] {
            assert!(read(twice).are_repeated(), "{twice}");
        }
        let many = read("resource=a&resource=b");
        assert!(!many.are_repeated(), "rfc8707_2");
        assert_eq!(many.all("resource").collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn rfc6749_4_1_2_state_comes_back_to_the_byte() {
        for state in ["x", "a state&with=signs", "é\u{202e}\u{0}", &"s".repeat(2_048)] {
            let sent = Parameters::of([("state", state)]);
            assert_eq!(Parameters::of_query(&sent.to_query()).get("state"), Some(state));
        }
    }
}
