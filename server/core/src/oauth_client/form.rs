//! What a person fills in about a client or a service account, and what it becomes when every field is good.

use super::{ClientAuthMethod, ClientKind, GrantType, RedirectUris};
use crate::{
    api_key::check_scopes,
    jose::SigningAlgorithm,
    leak::finder,
    port::{api::ApiScope, oauth_client::ClientSettings},
};
use latchkey_model::{FieldErrors, Name};
use time::Duration;

/// What a person fills in about a client or a service account.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClientForm<'a> {
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
    /// Where people are led back to, one address in each line; for a client that people let act for them.
    pub redirect_uris: &'a str,
    /// Whether such a client may go on without the person.
    pub refresh: bool,
}

/// Minutes that an access token may live, and what is proposed.
pub const TOKEN_MINUTES: [i64; 4] = [5, 15, 30, 60];
/// What is proposed.
pub const DEFAULT_TOKEN_MINUTES: i64 = 15;

impl ClientForm<'_> {
    /// Reads every field, and says of all that are wrong why.
    pub(super) fn check(&self, kind: ClientKind, known: &[ApiScope]) -> Result<ClientSettings, FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = errors.check("name", self.name.parse::<Name>());
        if finder::find(self.name.as_bytes()).next().is_some() {
            errors.add("name", "This is a secret. Names are shown to everybody in the team: choose another");
        }
        let scopes = check_scopes(&mut errors, self.scopes, known);
        let auth_method = self.auth_method.parse().ok();
        // A machine that cannot prove to be itself is anybody.
        let auth_method =
            auth_method.filter(|method| kind == ClientKind::ThirdParty || *method != ClientAuthMethod::None);
        if auth_method.is_none() {
            errors.add("auth_method", "Choose how it proves that it is itself");
        }
        let signing_algorithm = errors.check("signing_algorithm", self.signing_algorithm.parse::<SigningAlgorithm>());
        let minutes = self.token_minutes.parse().ok().filter(|minutes| TOKEN_MINUTES.contains(minutes));
        if minutes.is_none() {
            errors.add("token_minutes", "Choose how long its tokens live");
        }
        let (grants, redirect_uris) = match kind {
            ClientKind::ServiceAccount => (vec![GrantType::ClientCredentials], Some(RedirectUris::default())),
            ClientKind::ThirdParty => {
                let uris = errors.check("redirect_uris", self.redirect_uris.parse::<RedirectUris>());
                if uris.as_ref().is_some_and(RedirectUris::is_empty) {
                    errors.add("redirect_uris", "Write at least one address that people are led back to");
                }
                let refresh = self.refresh.then_some(GrantType::RefreshToken);
                ([GrantType::AuthorizationCode].into_iter().chain(refresh).collect(), uris)
            }
        };
        match (name, scopes, auth_method, signing_algorithm, minutes, redirect_uris) {
            (
                Some(name),
                Some(scopes),
                Some(auth_method),
                Some(signing_algorithm),
                Some(minutes),
                Some(redirect_uris),
            ) if errors.is_empty() => Ok(ClientSettings {
                name,
                auth_method,
                grants: grants.into_iter().collect(),
                redirect_uris,
                scopes,
                signing_algorithm,
                access_token_life: Duration::minutes(minutes),
            }),
            _ => Err(errors),
        }
    }
}
