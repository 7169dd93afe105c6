//! What a person fills in about a service account, and what it becomes when every field is good.

use super::{ClientAuthMethod, GrantType, GrantTypes, RedirectUris};
use crate::{
    jose::SigningAlgorithm,
    leak::finder,
    port::{api::ApiScope, oauth_client::ClientSettings},
};
use latchkey_model::{FieldErrors, Name, ScopeSet};
use time::Duration;

/// What a person fills in about a service account.
#[derive(Debug, Clone, Copy, Default)]
pub struct ServiceAccountForm<'a> {
    /// What to call it.
    pub name: &'a str,
    /// The scopes that were ticked.
    pub scopes: &'a [String],
    /// How it proves that it is itself.
    pub auth_method: &'a str,
    /// How its tokens are signed.
    pub signing_algorithm: &'a str,
    /// How many minutes its tokens live.
    pub token_minutes: &'a str,
}

/// Minutes that an access token may live, and what is proposed.
pub const TOKEN_MINUTES: [i64; 4] = [5, 15, 30, 60];
/// What is proposed.
pub const DEFAULT_TOKEN_MINUTES: i64 = 15;

impl ServiceAccountForm<'_> {
    /// Reads every field, and says of all that are wrong why.
    pub(super) fn check(&self, known: &[ApiScope]) -> Result<ClientSettings, FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = errors.check("name", self.name.parse::<Name>());
        if finder::find(self.name.as_bytes()).next().is_some() {
            errors.add("name", "This is a secret. Names are shown to everybody in the team: choose another");
        }
        let scopes: Option<ScopeSet> =
            errors.check("scopes", self.scopes.iter().map(|text| text.parse()).collect::<Result<_, _>>());
        if let Some(scopes) = &scopes {
            if scopes.is_empty() {
                errors.add("scopes", "Choose at least one scope");
            }
            if let Some(unknown) = scopes.iter().find(|scope| !known.iter().any(|one| one.scope == **scope)) {
                errors.add("scopes", format!("There is no scope {unknown}"));
            }
        }
        let auth_method = self.auth_method.parse().ok().filter(|method| *method != ClientAuthMethod::None);
        if auth_method.is_none() {
            errors.add("auth_method", "Choose how it proves that it is itself");
        }
        let signing_algorithm = errors.check("signing_algorithm", self.signing_algorithm.parse::<SigningAlgorithm>());
        let minutes = self.token_minutes.parse().ok().filter(|minutes| TOKEN_MINUTES.contains(minutes));
        if minutes.is_none() {
            errors.add("token_minutes", "Choose how long its tokens live");
        }
        match (name, scopes, auth_method, signing_algorithm, minutes) {
            (Some(name), Some(scopes), Some(auth_method), Some(signing_algorithm), Some(minutes))
                if errors.is_empty() =>
            {
                Ok(ClientSettings {
                    name,
                    auth_method,
                    grants: GrantTypes::from_iter([GrantType::ClientCredentials]),
                    redirect_uris: RedirectUris::default(),
                    scopes,
                    signing_algorithm,
                    access_token_life: Duration::minutes(minutes),
                })
            }
            _ => Err(errors),
        }
    }
}
