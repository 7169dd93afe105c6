//! What a client can be told about a person (OpenID Connect Core section 5).

use super::scope::{EMAIL, PROFILE};
use crate::port::account::Account;
use latchkey_model::ScopeSet;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

/// Something that a client can be told about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Claim {
    /// What the person is called.
    Name,
    /// The e-mail address.
    Email,
    /// Whether somebody has shown that the address is theirs.
    EmailVerified,
}

impl Claim {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Name, Self::Email, Self::EmailVerified];

    /// The claim's name (section 5.1).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Email => "email",
            Self::EmailVerified => "email_verified",
        }
    }

    /// The scope that asks for it (section 5.4).
    const fn scope(self) -> &'static str {
        match self {
            Self::Name => PROFILE,
            Self::Email | Self::EmailVerified => EMAIL,
        }
    }
}

/// Claims, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimSet(BTreeSet<Claim>);

/// The stored text names a claim that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a claim that is known here")]
pub struct ParseClaimsError;

impl ClaimSet {
    /// What these scopes ask for.
    pub fn of_scopes(scopes: &ScopeSet) -> Self {
        Claim::ALL.into_iter().filter(|claim| scopes.contains(claim.scope())).collect()
    }

    /// The claims of both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        self.0.union(&other.0).copied().collect()
    }

    /// The claims that the person let the client know: those of scopes that they ticked. Asking for a claim by its name is not a way
    /// around a scope that they unticked.
    #[must_use]
    pub fn allowed_by(&self, scopes: &ScopeSet) -> Self {
        self.0.iter().copied().filter(|claim| scopes.contains(claim.scope())).collect()
    }
}

impl FromIterator<Claim> for ClaimSet {
    fn from_iter<I: IntoIterator<Item = Claim>>(claims: I) -> Self {
        Self(claims.into_iter().collect())
    }
}

impl FromStr for ClaimSet {
    type Err = ParseClaimsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = |word: &str| Claim::ALL.into_iter().find(|claim| claim.as_str() == word).ok_or(ParseClaimsError);
        text.split(' ').filter(|word| !word.is_empty()).map(known).collect()
    }
}

impl fmt::Display for ClaimSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.0.iter().map(|claim| claim.as_str()).collect();
        f.write_str(&words.join(" "))
    }
}

/// The claims of a person, as a token or the userinfo endpoint tells them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PersonClaims {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
}

impl PersonClaims {
    /// These claims of an account.
    pub fn of(account: &Account, claims: &ClaimSet) -> Self {
        let told = |claim| claims.0.contains(&claim);
        Self {
            name: told(Claim::Name).then(|| account.name.as_str().to_owned()),
            email: told(Claim::Email).then(|| account.email.as_str().to_owned()),
            email_verified: told(Claim::EmailVerified).then(|| account.email_verified_at.is_some()),
        }
    }
}

/// The parameter `claims` (section 5.5): single claims, and where the client wants them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimsRequest {
    /// In the ID token.
    pub id_token: ClaimSet,
    /// At the userinfo endpoint.
    pub userinfo: ClaimSet,
    /// The one person that it must be (section 5.5.1).
    pub subject: Option<String>,
    /// The classes of authentication of which one must have been met, where that is essential.
    pub essential_acr: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    id_token: Option<BTreeMap<String, Option<Wish>>>,
    #[serde(default)]
    userinfo: Option<BTreeMap<String, Option<Wish>>>,
}

#[derive(Deserialize, Default)]
struct Wish {
    #[serde(default)]
    essential: bool,
    #[serde(default)]
    value: Option<serde_json::Value>,
    #[serde(default)]
    values: Option<Vec<serde_json::Value>>,
}

impl FromStr for ClaimsRequest {
    type Err = ParseClaimsError;

    /// Reads the JSON of section 5.5. Claims that are not known are ignored, as it asks.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        /// Longer requests are no request of a client of ours.
        const LONGEST: usize = 4_096;
        // An array of values would be read as an object whose members have them in order.
        if text.len() > LONGEST || !text.trim_start().starts_with('{') {
            return Err(ParseClaimsError);
        }
        let wanted: Wanted = serde_json::from_str(text).map_err(|_| ParseClaimsError)?;
        let known = |wishes: &Option<BTreeMap<String, Option<Wish>>>| {
            let named = |claim: &Claim| wishes.as_ref().is_some_and(|wishes| wishes.contains_key(claim.as_str()));
            Claim::ALL.into_iter().filter(named).collect()
        };
        let words = |wish: &Wish| {
            let all = wish.value.iter().chain(wish.values.iter().flatten());
            all.filter_map(|value| value.as_str().map(str::to_owned)).collect::<Vec<_>>()
        };
        let wish = |name: &str| wanted.id_token.as_ref().and_then(|wishes| wishes.get(name)).and_then(Option::as_ref);
        Ok(Self {
            id_token: known(&wanted.id_token),
            userinfo: known(&wanted.userinfo),
            subject: wish("sub").and_then(|wish| words(wish).into_iter().next()),
            essential_acr: wish("acr").filter(|wish| wish.essential).map(words).filter(|words| !words.is_empty()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> ClaimsRequest {
        text.parse().unwrap()
    }

    #[test]
    fn oidc_core_5_5_single_claims_are_asked_for_by_name() {
        let request = read(
            r#"{"userinfo": {"name": null, "http://example.info/claims/groups": null, "email": {"essential": true}},
                "id_token": {"email": null, "sub": {"value": "248289761001"}, "acr": {"essential": true, "values": ["1", "2"]}}}"#,
        );
        assert_eq!((request.userinfo.to_string(), request.id_token.to_string()), ("name email".into(), "email".into()));
        assert_eq!(request.subject.as_deref(), Some("248289761001"));
        assert_eq!(request.essential_acr, Some(vec!["1".to_owned(), "2".to_owned()]));
        assert_eq!(read(r#"{"id_token": {"acr": {"value": "1"}}}"#).essential_acr, None, "a wish is no demand");
        assert_eq!(read("{}"), ClaimsRequest::default());
        for bad in ["", "[]", "null", r#"{"id_token": 1}"#, r#"{"id_token": {"name": 1}}"#, &" ".repeat(5_000)] {
            assert_eq!(bad.parse::<ClaimsRequest>(), Err(ParseClaimsError), "{bad}");
        }
    }

    #[test]
    fn oidc_core_5_4_a_claim_is_told_only_with_its_scope() {
        let scopes: ScopeSet = "openid email".parse().unwrap();
        assert_eq!(ClaimSet::of_scopes(&scopes).to_string(), "email email_verified");
        let all: ClaimSet = Claim::ALL.into_iter().collect();
        assert_eq!(all.allowed_by(&scopes).to_string(), "email email_verified");
        assert_eq!(all.to_string().parse::<ClaimSet>(), Ok(all));
    }
}
