//! What an API takes of which request, as an operator writes it: one line for each policy.

use super::pattern::{ParsePatternError, PathPattern};
use crate::{
    leak::redacted,
    limit::{Quota, RateLimits},
};
use latchkey_model::{Environment, Scope, ScopeSet};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, str::FromStr};

/// For which methods a policy is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Methods {
    /// For all that no other policy of the same path names.
    Any,
    /// For these.
    These(BTreeSet<String>),
}

impl Methods {
    /// The longest name of a method.
    const LONGEST: usize = 20;

    /// Whether a method is named among them.
    pub(super) fn name(&self, method: &str) -> bool {
        matches!(self, Self::These(these) if these.contains(method))
    }

    /// Whether a method is one of them. What answers to GET answers to HEAD (RFC 9110 section 9.3.2).
    pub(super) fn contain(&self, method: &str) -> bool {
        match self {
            Self::Any => true,
            Self::These(these) => these.contains(method) || (method == "HEAD" && these.contains("GET")),
        }
    }
}

impl FromStr for Methods {
    type Err = ParsePolicyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let legal = |name: &str| {
            (1..=Self::LONGEST).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-')
        };
        let names: BTreeSet<_> = text.split(',').map(str::to_owned).collect();
        if names.iter().all(|name| legal(name)) { Ok(Self::These(names)) } else { Err(ParsePolicyError::Methods) }
    }
}

impl fmt::Display for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::These(these) => f.write_str(&these.iter().map(String::as_str).collect::<Vec<_>>().join(",")),
        }
    }
}

/// Whom a policy lets in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Access {
    /// Everybody, without a credential.
    Public,
    /// Whoever has a credential with all of these scopes; with none named, one that holds any scope of the API.
    Holders(ScopeSet),
}

/// What an API takes of some requests.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Policy {
    /// For which methods.
    pub methods: Methods,
    /// For which paths.
    pub path: PathPattern,
    /// From whom.
    pub access: Access,
    /// Of which environments; where none is named, of every one that the API takes.
    pub environments: BTreeSet<Environment>,
    /// How often from each of them, beside their own limits.
    pub limit: Option<Quota>,
}

/// Why a line is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParsePolicyError {
    /// It has too few words.
    #[error("a policy is: methods, path, and public, any or scopes")]
    Words,
    /// Its methods cannot be read.
    #[error("methods are * or names such as GET,POST")]
    Methods,
    /// Its path cannot be read.
    #[error(transparent)]
    Path(#[from] ParsePatternError),
    /// A scope cannot be read.
    #[error("{0} is no scope")]
    Scope(String),
    /// A word after the scopes that is none of what may stand there.
    #[error("{0} is no environment, and no limit such as 60/1m")]
    Word(String),
    /// Something is said twice.
    #[error("{0} is said twice")]
    Twice(&'static str),
    /// Environments of those who have none.
    #[error("what is public is for no environment")]
    PublicEnvironment,
}

impl FromStr for Policy {
    type Err = ParsePolicyError;

    /// Reads `GET,POST /v1/orders/{id} orders:read,orders:write production 60/1m`.
    fn from_str(line: &str) -> Result<Self, Self::Err> {
        let mut words = line.split_ascii_whitespace();
        let (Some(methods), Some(path), Some(access)) = (words.next(), words.next(), words.next()) else {
            return Err(ParsePolicyError::Words);
        };
        let scope =
            |text: &str| text.parse::<Scope>().map_err(|_| ParsePolicyError::Scope(redacted(text).into_owned()));
        let mut policy = Self {
            methods: methods.parse()?,
            path: path.parse()?,
            access: match access {
                "public" => Access::Public,
                "any" => Access::Holders(ScopeSet::default()),
                scopes => Access::Holders(scopes.split(',').map(scope).collect::<Result<_, _>>()?),
            },
            environments: BTreeSet::new(),
            limit: None,
        };
        for word in words {
            if let Ok(environment) = word.parse() {
                if !policy.environments.insert(environment) {
                    return Err(ParsePolicyError::Twice("an environment"));
                }
            } else if let Ok([quota]) = word.parse::<RateLimits>().as_ref().map(RateLimits::quotas) {
                if policy.limit.replace(*quota).is_some() {
                    return Err(ParsePolicyError::Twice("a limit"));
                }
            } else {
                return Err(ParsePolicyError::Word(redacted(word).into_owned()));
            }
        }
        if policy.access == Access::Public && !policy.environments.is_empty() {
            return Err(ParsePolicyError::PublicEnvironment);
        }
        Ok(policy)
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.methods, self.path)?;
        match &self.access {
            Access::Public => f.write_str("public")?,
            Access::Holders(scopes) if scopes.is_empty() => f.write_str("any")?,
            Access::Holders(scopes) => {
                f.write_str(&scopes.iter().map(Scope::as_str).collect::<Vec<_>>().join(","))?;
            }
        }
        for environment in &self.environments {
            write!(f, " {environment}")?;
        }
        match self.limit {
            Some(limit) => write!(f, " {limit}"),
            None => Ok(()),
        }
    }
}

/// Every policy of an API, in the order in which they were written. The order means nothing: of two that cover a path, the more exact
/// one counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Policies(Vec<Policy>);

impl Policies {
    /// How many an API may have.
    pub const MOST: usize = 500;

    /// The policies.
    pub fn iter(&self) -> impl Iterator<Item = &Policy> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is covered.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Policy> for Policies {
    fn from_iter<I: IntoIterator<Item = Policy>>(policies: I) -> Self {
        Self(policies.into_iter().collect())
    }
}

impl TryFrom<Vec<String>> for Policies {
    type Error = ParsePolicyError;

    fn try_from(lines: Vec<String>) -> Result<Self, Self::Error> {
        lines.iter().map(|line| line.parse()).collect()
    }
}

impl From<Policies> for Vec<String> {
    fn from(policies: Policies) -> Self {
        policies.0.iter().map(Policy::to_string).collect()
    }
}

/// One line for each.
impl fmt::Display for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|policy| writeln!(f, "{policy}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api_key::PlainApiKey, random::SystemRandom};
    use latchkey_model::KeyKind;

    #[test]
    fn r53_a_key_that_is_typed_into_a_policy_is_not_repeated() {
        let key = PlainApiKey::generate(&SystemRandom, KeyKind::Personal);
        for line in [format!("GET /v1 a,{}\"", key.expose()), format!("GET /v1 any {}", key.expose())] {
            let told = line.parse::<Policy>().unwrap_err().to_string();
            assert!(told.contains(&key.hint()) && !told.contains(key.expose()), "{told}");
        }
    }

    #[test]
    fn a_policy_reads_and_writes_as_a_line() {
        for line in [
            "GET /v1/orders orders:read",
            "GET,POST /v1/orders/{id} orders:read,orders:write production 60/1m",
            "* /{*rest} any",
            "GET /health public 10/1s",
            "DELETE /v1/orders/{id} orders:write staging production",
        ] {
            assert_eq!(line.parse::<Policy>().unwrap().to_string(), line);
        }
        let loose: Policy = "  POST,GET   /a\tany   60/60s production development ".parse().unwrap();
        assert_eq!(loose.to_string(), "GET,POST /a any development production 60/1m");
    }

    #[test]
    fn what_is_no_policy_says_why() {
        for (line, why) in [
            ("", "a policy is: methods, path, and public, any or scopes"),
            ("GET /v1", "a policy is: methods, path, and public, any or scopes"),
            ("get /v1 any", "methods are * or names such as GET,POST"),
            ("GET,, /v1 any", "methods are * or names such as GET,POST"),
            ("GET v1 any", "a path begins with / and has at most 200 characters"),
            ("GET /v1 a,,b", " is no scope"),
            ("GET /v1 any prod", "prod is no environment, and no limit such as 60/1m"),
            ("GET /v1 any 1/1s,2/1m", "1/1s,2/1m is no environment, and no limit such as 60/1m"),
            ("GET /v1 any 1/1s 2/1m", "a limit is said twice"),
            ("GET /v1 any staging staging", "an environment is said twice"),
            ("GET /v1 public staging", "what is public is for no environment"),
        ] {
            assert_eq!(line.parse::<Policy>().unwrap_err().to_string(), why, "{line}");
        }
    }

    #[test]
    fn what_answers_to_get_answers_to_head() {
        let these: Methods = "GET,DELETE".parse().unwrap();
        assert!(these.contain("HEAD") && these.contain("GET") && !these.contain("POST") && !these.contain("get"));
    }
}
