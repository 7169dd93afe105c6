//! For which APIs a token is.

use serde::{Deserialize, Serialize};

/// The names of APIs, as the `aud` of a token: one as a text, several as a list (RFC 7519 section 4.1.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "OneOrMany", into = "OneOrMany")]
pub struct Audiences(Vec<String>);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Audiences {
    /// These.
    pub const fn new(names: Vec<String>) -> Self {
        Self(names)
    }

    /// Their names.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether one of them has this name.
    pub fn contain(&self, name: &str) -> bool {
        self.0.iter().any(|one| one == name)
    }
}

impl From<OneOrMany> for Audiences {
    fn from(names: OneOrMany) -> Self {
        match names {
            OneOrMany::One(name) => Self(vec![name]),
            OneOrMany::Many(names) => Self(names),
        }
    }
}

impl From<Audiences> for OneOrMany {
    fn from(Audiences(mut names): Audiences) -> Self {
        match names.len() {
            1 => Self::One(names.remove(0)),
            _ => Self::Many(names),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc7519_4_1_3_one_is_a_text_and_several_are_a_list() {
        for text in [r#""a""#, r#"["a","b"]"#] {
            let read: Audiences = serde_json::from_str(text).unwrap();
            assert!(read.contain("a") && !read.contain("c"));
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
        }
        assert_eq!(serde_json::from_str::<Audiences>(r#"["a"]"#).unwrap(), Audiences::new(vec!["a".to_owned()]));
        assert!(!serde_json::from_str::<Audiences>("[]").unwrap().contain(""));
    }
}
