//! What a person is called towards a client (OpenID Connect Core section 8).

use crate::{oauth_client::RedirectUris, port::oauth_client::ClientSettings, secret::DigestKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use latchkey_model::AccountId;
use std::{fmt, str::FromStr};
use url::Url;

/// Whether all clients know a person by one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SubjectType {
    /// They do.
    #[default]
    Public,
    /// Each client's sector has a name of its own, so that two of them cannot find out together that it is the same person.
    Pairwise,
}

/// The stored word is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a subject type is public or pairwise")]
pub struct ParseSubjectTypeError;

impl SubjectType {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Public, Self::Pairwise];

    /// The word of section 8.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Pairwise => "pairwise",
        }
    }
}

impl FromStr for SubjectType {
    type Err = ParseSubjectTypeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|one| one.as_str() == text).ok_or(ParseSubjectTypeError)
    }
}

impl fmt::Display for SubjectType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Names people towards clients.
#[derive(Clone)]
pub struct Subjects(DigestKey);

impl Subjects {
    /// Names that are drawn under this key.
    pub fn new(key: DigestKey) -> Self {
        Self(key)
    }

    /// The `sub` of an account towards a client with these settings.
    pub fn towards(&self, account: AccountId, settings: &ClientSettings) -> String {
        self.of(account, settings.subject_type, &settings.redirect_uris)
    }

    fn of(&self, account: AccountId, subject_type: SubjectType, redirect_uris: &RedirectUris) -> String {
        match subject_type {
            SubjectType::Public => account.to_string(),
            SubjectType::Pairwise => {
                let mut text = sector(redirect_uris).into_bytes();
                text.push(0);
                text.extend_from_slice(account.as_uuid().as_bytes());
                URL_SAFE_NO_PAD.encode(self.0.digest(&text))
            }
        }
    }
}

/// The sector that a client belongs to: the host of its addresses, of which a pairwise client has one (section 8.1).
fn sector(redirect_uris: &RedirectUris) -> String {
    sectors(redirect_uris).into_iter().next().unwrap_or_default()
}

/// The hosts of addresses, each once; an app's own scheme stands for its host.
pub(crate) fn sectors(redirect_uris: &RedirectUris) -> std::collections::BTreeSet<String> {
    let host = |uri: &str| {
        let url = uri.parse::<Url>().ok()?;
        Some(url.host_str().map_or_else(|| url.scheme().to_owned(), str::to_owned))
    };
    redirect_uris.iter().filter_map(|uri| host(uri.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::MasterKey;

    #[test]
    fn oidc_core_8_1_a_pairwise_name_is_one_sectors_own() {
        let subjects = Subjects::new(MasterKey::new([7; 32]).derive("subject"));
        let account = "01a20000-0000-7000-8000-000000000001".parse().unwrap();
        let other = "01a20000-0000-7000-8000-000000000002".parse().unwrap();
        let of = |account, uris: &str| subjects.of(account, SubjectType::Pairwise, &uris.parse().unwrap());
        let name = of(account, "https://a.example/one");
        assert_eq!(name, of(account, "https://a.example/two\nhttps://a.example/three"));
        assert_ne!(name, of(account, "https://b.example/one"));
        assert_ne!(name, of(other, "https://a.example/one"));
        assert!(!name.contains("01a2") && name.len() == 43, "{name}");
        let public = subjects.of(account, SubjectType::Public, &"https://a.example/".parse().unwrap());
        assert_eq!(public, account.to_string());
    }
}
