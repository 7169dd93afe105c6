//! Patterns of paths, as a policy names them.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A path in which `{name}` stands for one segment, and `{*name}` at the end for any number of them, none too.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathPattern(String);

/// Why a text is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParsePatternError {
    /// It begins with something else than a slash, or is too long.
    #[error("a path begins with / and has at most {} characters", PathPattern::MAX_LENGTH)]
    Path,
    /// Signs that a path as it is matched cannot have.
    #[error("a path is of letters, digits and -._~/, with no empty or dotted segment, and no slash at its end")]
    Sign,
    /// A segment with braces that is not one whole name.
    #[error("write {{name}} for one whole segment, and {{*name}} for all that follow, at the end")]
    Placeholder,
}

impl PathPattern {
    /// In characters.
    pub const MAX_LENGTH: usize = 200;

    /// The pattern as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before a placeholder for everything that follows, without the slash at its end.
    pub(super) fn before_rest(&self) -> Option<&str> {
        self.0.rfind("/{*").map(|at| &self.0[..at])
    }
}

impl FromStr for PathPattern {
    type Err = ParsePatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !text.starts_with('/') || text.len() > Self::MAX_LENGTH {
            return Err(ParsePatternError::Path);
        }
        let named =
            |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let mut segments = text[1..].split('/').peekable();
        while let Some(segment) = segments.next() {
            let last = segments.peek().is_none();
            if segment.contains(['{', '}']) {
                let inner = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
                let fits = inner.is_some_and(|inner| match inner.strip_prefix('*') {
                    Some(name) => last && named(name),
                    None => named(inner),
                });
                if !fits {
                    return Err(ParsePatternError::Placeholder);
                }
                continue;
            }
            let plain = segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
            let root = text == "/";
            if !plain || segment == "." || segment == ".." || (segment.is_empty() && !root) {
                return Err(ParsePatternError::Sign);
            }
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for PathPattern {
    type Error = ParsePatternError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<PathPattern> for String {
    fn from(pattern: PathPattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        ParsePatternError::{Path, Placeholder, Sign},
        *,
    };

    #[test]
    fn a_pattern_says_what_it_covers_in_one_way_only() {
        for good in ["/", "/v1/orders", "/v1/orders/{id}", "/v1/{*rest}", "/{*rest}", "/a/{b}/c.json", "/Admin"] {
            assert_eq!(good.parse::<PathPattern>().unwrap().to_string(), good);
        }
        for (bad, why) in [
            ("", Path),
            ("v1", Path),
            (&format!("/{}", "a".repeat(200)), Path),
            ("//", Sign),
            ("/v1/", Sign),
            ("/v1//a", Sign),
            ("/v1/../a", Sign),
            ("/a b", Sign),
            ("/a%2fb", Sign),
            ("/ä", Sign),
            ("/a?b", Sign),
            ("/a;b", Sign),
            ("/a{b}", Placeholder),
            ("/{}", Placeholder),
            ("/{a-b}", Placeholder),
            ("/{*rest}/a", Placeholder),
            ("/{*}", Placeholder),
            ("/{a", Placeholder),
        ] {
            assert_eq!(bad.parse::<PathPattern>(), Err(why), "{bad}");
        }
    }

    #[test]
    fn what_stands_before_the_rest() {
        let before = |text: &str| text.parse::<PathPattern>().unwrap().before_rest().map(str::to_owned);
        assert_eq!(before("/v1/{*rest}"), Some("/v1".to_owned()));
        assert_eq!(before("/{*rest}"), Some(String::new()));
        assert_eq!(before("/v1/{id}"), None);
    }
}
