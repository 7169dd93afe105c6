//! Scopes: what a credential may do (RFC 6749 section 3.3).

use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, str::FromStr};

/// One permission of an API, such as `read:posts`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope(String);

/// The text is not a `scope-token`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a scope is 1 to 64 printable characters without space, quote or backslash")]
pub struct ParseScopeError;

impl Scope {
    /// Reads posts of the demo API.
    pub const READ_POSTS: &'static str = "read:posts";
    /// Creates, changes and deletes posts of the demo API.
    pub const WRITE_POSTS: &'static str = "write:posts";
    /// Deletes all of the caller's data in the demo API.
    pub const DELETE_ACCOUNT: &'static str = "delete:account";

    const MAX_LENGTH: usize = 64;

    /// The scope as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Scope {
    type Err = ParseScopeError;

    /// Follows the `scope-token` of RFC 6749 section 3.3: `%x21 / %x23-5B / %x5D-7E`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let legal = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        if text.is_empty() || text.len() > Self::MAX_LENGTH || !text.bytes().all(legal) {
            return Err(ParseScopeError);
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Scope {
    type Error = ParseScopeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The scopes that a credential holds, each once, in order. They are few, and lie side by side.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "BTreeSet<Scope>")]
pub struct ScopeSet(Box<[Scope]>);

impl ScopeSet {
    /// Whether the set holds this scope, to the letter.
    pub fn contains(&self, scope: &str) -> bool {
        self.0.binary_search_by(|held| held.as_str().cmp(scope)).is_ok()
    }

    /// Whether the set holds nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The scopes in order.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }

    /// The scopes that are in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.iter().filter(|scope| other.contains(scope.as_str())).cloned().collect())
    }

    /// Whether every scope of this set is in the other.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.iter().all(|scope| other.contains(scope.as_str()))
    }
}

impl From<BTreeSet<Scope>> for ScopeSet {
    fn from(scopes: BTreeSet<Scope>) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        scopes.into_iter().collect::<BTreeSet<_>>().into()
    }
}

impl FromStr for ScopeSet {
    type Err = ParseScopeError;

    /// Reads the space-separated form of RFC 6749 section 3.3.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split(' ').filter(|part| !part.is_empty()).map(str::parse).collect()
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rfc6749_3_3_scope_token_grammar() {
        for bad in ["", "read posts", "read\"posts", "read\\posts", "läsen", "a\n", &"x".repeat(65)] {
            assert_eq!(bad.parse::<Scope>(), Err(ParseScopeError), "{bad:?}");
        }
        assert!("read:posts".parse::<Scope>().is_ok());
    }

    #[test]
    fn a_scope_is_held_to_the_letter() {
        let held: ScopeSet = "read:posts".parse().unwrap();
        assert!(held.contains("read:posts"));
        assert!(!held.contains("read:post"));
        assert!(!held.contains("READ:POSTS"));
    }

    proptest! {
        #[test]
        fn a_set_survives_text(parts in proptest::collection::vec("[a-z:]{1,12}", 0..6)) {
            let set: ScopeSet = parts.join(" ").parse().unwrap();
            prop_assert_eq!(set.to_string().parse::<ScopeSet>().unwrap(), set);
        }

        #[test]
        fn sets_are_those_of_mathematics(
            some in proptest::collection::vec("[a-c]{1,2}", 0..8),
            others in proptest::collection::vec("[a-c]{1,2}", 0..8),
        ) {
            let read = |parts: &[String]| serde_json::from_value::<ScopeSet>(serde_json::json!(parts)).unwrap();
            let plain = |parts: &[String]| parts.iter().cloned().collect::<BTreeSet<_>>();
            let words = |set: &ScopeSet| set.iter().map(|scope| scope.as_str().to_owned()).collect::<Vec<_>>();
            let (one, other, plain_one, plain_other) = (read(&some), read(&others), plain(&some), plain(&others));
            prop_assert_eq!(words(&one), plain_one.iter().cloned().collect::<Vec<_>>());
            let both: Vec<_> = plain_one.intersection(&plain_other).cloned().collect();
            prop_assert_eq!(words(&one.intersection(&other)), both);
            prop_assert_eq!(one.is_subset(&other), plain_one.is_subset(&plain_other));
        }
    }
}
