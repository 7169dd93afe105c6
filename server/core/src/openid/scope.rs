//! The scopes that are about the person, not about an API (OpenID Connect Core sections 3.1.2.1, 5.4 and 11).

use crate::port::api::ApiScope;
use latchkey_model::Scope;

/// Makes a request one of OpenID Connect.
pub const OPENID: &str = "openid";
/// What the person is called.
pub const PROFILE: &str = "profile";
/// The person's e-mail address.
pub const EMAIL: &str = "email";
/// Goes on while the person is away.
pub const OFFLINE_ACCESS: &str = "offline_access";

/// All of them, with what each means to the person who is asked. Only an app that acts for people can have them: a machine has nobody
/// to tell of.
pub fn identity_scopes() -> Vec<ApiScope> {
    [
        (OPENID, "Know that it is you, each time you sign in"),
        (PROFILE, "Know your name"),
        (EMAIL, "Know your e-mail address"),
        (OFFLINE_ACCESS, "Go on while you are away"),
    ]
    .into_iter()
    .filter_map(|(scope, description)| {
        Some(ApiScope { scope: scope.parse::<Scope>().ok()?, description: description.to_owned(), api: None })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_identity_scope_is_a_scope() {
        let scopes: Vec<_> = identity_scopes().into_iter().map(|one| one.scope.to_string()).collect();
        assert_eq!(scopes, [OPENID, PROFILE, EMAIL, OFFLINE_ACCESS]);
    }
}
