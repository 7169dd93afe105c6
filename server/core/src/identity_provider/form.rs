//! What an admin fills in about a provider.

use super::protocol::{OauthEndpoints, Protocol, ProtocolKind};
use crate::{audit::Reason, oauth_client::is_askable, port::identity_provider::ProviderSettings};
use latchkey_model::{FieldErrors, Name};
use url::Url;

/// What an admin fills in.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProviderForm<'a> {
    /// What people read on the button.
    pub name: &'a str,
    /// The kind of protocol.
    pub kind: &'a str,
    /// The issuer, or where the GitHub server is.
    pub address: &'a str,
    /// For OAuth 2: where people are sent.
    pub authorization_endpoint: &'a str,
    /// Where codes are redeemed.
    pub token_endpoint: &'a str,
    /// What says whose a token is.
    pub userinfo_endpoint: &'a str,
    /// The member that names the person for good.
    pub subject: &'a str,
    /// Our name there.
    pub client_id: &'a str,
    /// Our secret there; nothing leaves the one that there is.
    pub client_secret: &'a str,
    /// What is asked for, with spaces between.
    pub scopes: &'a str,
    /// Why it is added, or changed.
    pub reason: &'a str,
}

impl ProviderForm<'_> {
    /// Where GitHub itself is.
    pub const GITHUB: &'static str = "https://github.com";
    const LONGEST: usize = 512;

    pub(super) fn check(&self, secret_needed: bool) -> Result<(ProviderSettings, Reason), FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = errors.check("name", self.name.parse::<Name>());
        let protocol = self.check_protocol(&mut errors);
        let reason = errors.check("reason", self.reason.parse::<Reason>());
        let client_id = self.client_id.trim();
        if client_id.is_empty() || client_id.len() > Self::LONGEST || client_id.contains(char::is_control) {
            errors.add("client_id", "Write the client id that the provider gave you");
        }
        let secret = self.client_secret.trim();
        if (secret_needed && secret.is_empty()) || secret.len() > Self::LONGEST || secret.contains(char::is_control) {
            errors.add("client_secret", "Write the client secret that the provider gave you");
        }
        let usual = match &protocol {
            Some(Protocol::Openid { .. }) => "openid profile email",
            Some(Protocol::Github { .. }) => "read:user",
            Some(Protocol::Oauth2(_)) | None => "",
        };
        let scopes = if self.scopes.trim().is_empty() { usual } else { self.scopes };
        let scopes: Vec<_> = scopes.split_whitespace().collect();
        let word = |scope: &&str| scope.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
        if !scopes.iter().all(word) || self.scopes.len() > Self::LONGEST {
            errors.add("scopes", "Write scopes with spaces between them");
        }
        let openid = matches!(protocol, Some(Protocol::Openid { .. }));
        if openid && !scopes.contains(&"openid") {
            errors.add("scopes", "OpenID Connect needs the scope openid");
        }
        match (name, protocol, reason) {
            (Some(name), Some(protocol), Some(reason)) if errors.is_empty() => {
                let client_id = client_id.to_owned();
                Ok((ProviderSettings { name, protocol, client_id, scopes: scopes.join(" ") }, reason))
            }
            _ => Err(errors),
        }
    }

    fn check_protocol(&self, errors: &mut FieldErrors) -> Option<Protocol> {
        let Some(kind) = ProtocolKind::ALL.into_iter().find(|kind| kind.as_str() == self.kind) else {
            errors.add("kind", "Choose how it is spoken to");
            return None;
        };
        match kind {
            ProtocolKind::Openid => {
                let issuer = self.address.trim();
                let url = check_url(errors, "address", issuer)?;
                // OpenID Connect Core section 2: an issuer has neither query nor fragment.
                if url.query().is_some() {
                    errors.add("address", "An issuer has no query");
                }
                Some(Protocol::Openid { issuer: issuer.to_owned() })
            }
            ProtocolKind::Github => {
                let address = if self.address.trim().is_empty() { Self::GITHUB } else { self.address };
                Some(Protocol::Github { url: check_url(errors, "address", address)? })
            }
            ProtocolKind::Oauth2 => {
                let authorization = check_url(errors, "authorization_endpoint", self.authorization_endpoint);
                let token = check_url(errors, "token_endpoint", self.token_endpoint);
                let userinfo = check_url(errors, "userinfo_endpoint", self.userinfo_endpoint);
                let subject = self.subject.trim();
                if subject.is_empty() || subject.len() > 64 {
                    errors.add("subject", "Name the member that stays the same for a person, such as id or sub");
                }
                if ["email", "name", "login", "username"].contains(&subject) {
                    errors.add("subject", "That may pass to somebody else. Name the member with the id");
                }
                Some(Protocol::Oauth2(OauthEndpoints {
                    authorization: authorization?,
                    token: token?,
                    userinfo: userinfo?,
                    subject: subject.to_owned(),
                }))
            }
        }
    }
}

fn check_url(errors: &mut FieldErrors, field: &str, text: &str) -> Option<Url> {
    let url = text.trim().parse::<Url>().ok().filter(is_askable);
    if url.is_none() {
        errors.add(field, "Write an https:// address");
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPENID: ProviderForm<'static> = ProviderForm {
        name: "Example",
        kind: "openid",
        address: "https://id.example.org",
        authorization_endpoint: "",
        token_endpoint: "",
        userinfo_endpoint: "",
        subject: "",
        client_id: "latchkey",
        client_secret: "secret",
        scopes: "openid profile",
        reason: "our people sign in there",
    };

    fn wrong(form: &ProviderForm<'_>) -> String {
        let errors = form.check(true).unwrap_err();
        errors.iter().map(|(field, _)| field.to_owned()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn an_issuer_is_kept_to_the_letter() {
        let (settings, _) = OPENID.check(true).unwrap();
        assert_eq!(settings.protocol, Protocol::Openid { issuer: "https://id.example.org".to_owned() });
        assert!(ProviderForm { client_secret: "", ..OPENID }.check(false).is_ok(), "the secret that there is stays");
        let (github, _) =
            ProviderForm { kind: "github", address: "", scopes: "read:user", ..OPENID }.check(true).unwrap();
        let usual = |kind| ProviderForm { kind, scopes: " ", ..OPENID }.check(true).unwrap().0.scopes;
        assert_eq!((usual("openid").as_str(), usual("github").as_str()), ("openid profile email", "read:user"));
        assert_eq!(github.protocol, Protocol::Github { url: "https://github.com".parse().unwrap() });
    }

    #[test]
    fn what_cannot_be_asked_or_would_let_others_in_is_refused() {
        let oauth2 = ProviderForm {
            kind: "oauth2",
            authorization_endpoint: "https://a.example/authorize",
            token_endpoint: "https://a.example/token",
            userinfo_endpoint: "https://a.example/user",
            subject: "id",
            ..OPENID
        };
        assert!(oauth2.check(true).is_ok());
        for (form, fields) in [
            (ProviderForm { name: "", ..OPENID }, "name"),
            (ProviderForm { kind: "saml", ..OPENID }, "kind"),
            (ProviderForm { address: "http://id.example.org", ..OPENID }, "address"),
            (ProviderForm { address: "https://id.example.org?x=1", ..OPENID }, "address"),
            (ProviderForm { client_id: " ", ..OPENID }, "client_id"),
            (ProviderForm { client_secret: "", ..OPENID }, "client_secret"),
            (ProviderForm { scopes: "profile", ..OPENID }, "scopes"),
            (ProviderForm { reason: " ", ..OPENID }, "reason"),
            (ProviderForm { scopes: "openid \"", ..OPENID }, "scopes"),
            (ProviderForm { subject: "email", ..oauth2 }, "subject"),
            (ProviderForm { token_endpoint: "javascript:x", ..oauth2 }, "token_endpoint"),
        ] {
            assert_eq!(wrong(&form), fields);
        }
    }
}
