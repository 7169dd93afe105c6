//! What a person fills in about a client or a service account, and what it becomes when every field is good.

use super::{
    ClientAuthMethod, ClientCertificates, ClientKeys, ClientKind, GrantType, GrantTypes, RedirectUris, TokenForm,
    is_askable,
};
use crate::{
    api_key::check_scopes,
    certificate::CertificateSubject,
    jose::SigningAlgorithm,
    leak::finder,
    openid::{SubjectType, sectors},
    port::{api::ApiScope, oauth_client::ClientSettings},
};
use latchkey_model::{FieldErrors, Name};
use time::Duration;
use url::Url;

/// What a person fills in about a client or a service account.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a box that a person ticks")]
pub struct ClientForm<'a> {
    /// What to call it.
    pub name: &'a str,
    /// The scopes that were ticked.
    pub scopes: &'a [String],
    /// How it proves that it is itself.
    pub auth_method: &'a str,
    /// Its public keys, or where they are, or its certificates.
    pub keys: &'a str,
    /// Which name of its certificate is its own, where an authority signs that: the kind of name.
    pub certificate_subject_kind: &'a str,
    /// And the name.
    pub certificate_subject: &'a str,
    /// How its tokens are signed.
    pub signing_algorithm: &'a str,
    /// How its access tokens are written.
    pub token_form: &'a str,
    /// How many minutes its tokens live.
    pub token_minutes: &'a str,
    /// Whether its tokens must be bound to a key.
    pub dpop: bool,
    /// Whether its tokens must be bound to its certificate.
    pub certificate_bound: bool,
    /// Whether it keeps to the FAPI 2.0 Security Profile.
    pub high_security: bool,
    /// Whether it may exchange tokens that it was called with; for a service account.
    pub exchange: bool,
    /// Where people are led back to, one address in each line; this and the rest are for a client that people let act for them.
    pub redirect_uris: &'a str,
    /// Whether such a client may go on without the person.
    pub refresh: bool,
    /// Whether it also runs where nobody can sign in.
    pub device: bool,
    /// What people are called towards it.
    pub subject_type: &'a str,
    /// Whether it must send its requests before it sends the person.
    pub pushed: bool,
    /// Whether it may sign people in without a challenge.
    pub without_pkce: bool,
    /// Where people may be led after they signed out, one address in each line.
    pub post_logout_redirect_uris: &'a str,
    /// Where it is told that somebody signed out.
    pub backchannel_logout_uri: &'a str,
}

/// What clients can be given here.
#[derive(Debug, Clone)]
pub struct Possible {
    /// The scopes of this kind of client.
    pub scopes: Vec<ApiScope>,
    /// The certificates that can be known.
    pub certificates: ClientCertificates,
}

/// Minutes that an access token may live, and what is proposed.
pub const TOKEN_MINUTES: [i64; 4] = [5, 15, 30, 60];
/// What is proposed.
pub const DEFAULT_TOKEN_MINUTES: i64 = 15;

/// What only a client that acts for people has.
#[derive(Default)]
struct ForPeople {
    grants: GrantTypes,
    redirect_uris: RedirectUris,
    subject_type: SubjectType,
    post_logout_redirect_uris: RedirectUris,
    backchannel_logout_uri: Option<Url>,
}

impl ClientForm<'_> {
    /// Reads every field, and says of all that are wrong why.
    pub(super) fn check(&self, kind: ClientKind, possible: &Possible) -> Result<ClientSettings, FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = errors.check("name", self.name.parse::<Name>());
        if finder::find(self.name.as_bytes()).next().is_some() {
            errors.add("name", "This is a secret. Names are shown to everybody in the team: choose another");
        }
        let scopes = check_scopes(&mut errors, self.scopes, &possible.scopes);
        let auth_method = self.check_auth_method(&mut errors, kind, possible.certificates);
        let keys = self.check_keys(&mut errors, auth_method);
        let certificate_subject = self.check_certificate_subject(&mut errors, auth_method);
        if self.certificate_bound && possible.certificates == ClientCertificates::None {
            errors.add("certificate_bound", "This server asks nobody for a certificate");
        }
        if self.dpop && self.certificate_bound {
            errors.add("certificate_bound", "Its tokens are bound to one thing: a key, or its certificate");
        }
        let signing_algorithm = errors.check("signing_algorithm", self.signing_algorithm.parse::<SigningAlgorithm>());
        let token_form = self.token_form.parse::<TokenForm>().ok();
        if token_form.is_none() {
            errors.add("token_form", "Choose how its tokens are written");
        }
        let minutes = self.token_minutes.parse().ok().filter(|minutes| TOKEN_MINUTES.contains(minutes));
        if minutes.is_none() {
            errors.add("token_minutes", "Choose how long its tokens live");
        }
        let for_people = match kind {
            ClientKind::ServiceAccount => {
                let exchange = self.exchange.then_some(GrantType::TokenExchange);
                let grants = [GrantType::ClientCredentials].into_iter().chain(exchange).collect();
                ForPeople { grants, ..ForPeople::default() }
            }
            ClientKind::ThirdParty => self.check_for_people(&mut errors),
        };
        if self.without_pkce && (auth_method == Some(ClientAuthMethod::None) || self.high_security) {
            errors.add(
                "without_pkce",
                "Only a client that proves to be itself, outside of high security, may do without",
            );
        }
        if self.high_security {
            high_security(&mut errors, auth_method, signing_algorithm, &for_people.redirect_uris);
        }
        match (name, scopes, auth_method, signing_algorithm, token_form, minutes) {
            (Some(name), Some(scopes), Some(auth_method), Some(signing_algorithm), Some(token_form), Some(minutes))
                if errors.is_empty() =>
            {
                Ok(ClientSettings {
                    name,
                    auth_method,
                    grants: for_people.grants,
                    redirect_uris: for_people.redirect_uris,
                    scopes,
                    signing_algorithm,
                    access_token_life: Duration::minutes(minutes),
                    token_form,
                    subject_type: for_people.subject_type,
                    keys,
                    certificate_subject,
                    dpop_required: self.dpop || (self.high_security && !self.certificate_bound),
                    certificate_bound: self.certificate_bound,
                    pushed_only: kind == ClientKind::ThirdParty && (self.pushed || self.high_security),
                    pkce_required: !self.without_pkce,
                    high_security: self.high_security,
                    post_logout_redirect_uris: for_people.post_logout_redirect_uris,
                    backchannel_logout_uri: for_people.backchannel_logout_uri,
                })
            }
            _ => Err(errors),
        }
    }

    fn check_auth_method(
        &self,
        errors: &mut FieldErrors,
        kind: ClientKind,
        certificates: ClientCertificates,
    ) -> Option<ClientAuthMethod> {
        let auth_method: Option<ClientAuthMethod> = self.auth_method.parse().ok();
        // A machine that cannot prove to be itself is anybody.
        let auth_method = auth_method.filter(|method| {
            method.works_with(certificates) && (kind == ClientKind::ThirdParty || *method != ClientAuthMethod::None)
        });
        if auth_method.is_none() {
            errors.add("auth_method", "Choose how it proves that it is itself");
        }
        auth_method
    }

    fn check_keys(&self, errors: &mut FieldErrors, method: Option<ClientAuthMethod>) -> Option<ClientKeys> {
        let by_certificate = method == Some(ClientAuthMethod::SelfSignedTls);
        // Keys of a client that uses none would only be forgotten there.
        if method != Some(ClientAuthMethod::PrivateKeyJwt) && !by_certificate {
            return None;
        }
        let keys = errors.check("keys", self.keys.parse::<ClientKeys>())?;
        let fault = match &keys {
            ClientKeys::Certificates(_) if !by_certificate => {
                Some("A certificate does not verify assertions here: give a JWK Set, or the address of one")
            }
            ClientKeys::Inline(keys) if by_certificate && !keys.has_certificates() => {
                Some("No key in it has a certificate (x5c): paste the certificate itself")
            }
            _ => None,
        };
        if let Some(sentence) = fault {
            errors.add("keys", sentence);
        }
        Some(keys)
    }

    fn check_certificate_subject(
        &self,
        errors: &mut FieldErrors,
        method: Option<ClientAuthMethod>,
    ) -> Option<CertificateSubject> {
        if method != Some(ClientAuthMethod::Tls) {
            return None;
        }
        let subject = CertificateSubject::new(self.certificate_subject_kind, self.certificate_subject);
        errors.check("certificate_subject", subject)
    }

    fn check_for_people(&self, errors: &mut FieldErrors) -> ForPeople {
        let redirect_uris = errors.check("redirect_uris", self.redirect_uris.parse::<RedirectUris>());
        if redirect_uris.as_ref().is_some_and(RedirectUris::is_empty) {
            errors.add("redirect_uris", "Write at least one address that people are led back to");
        }
        let redirect_uris = redirect_uris.unwrap_or_default();
        let subject_type = errors.check("subject_type", self.subject_type.parse::<SubjectType>()).unwrap_or_default();
        if subject_type == SubjectType::Pairwise && sectors(&redirect_uris).len() > 1 {
            // OpenID Connect Core section 8.1: one sector, or there is no one name.
            errors.add("subject_type", "A name of its own needs addresses on one host");
        }
        let after = errors.check("post_logout_redirect_uris", self.post_logout_redirect_uris.parse::<RedirectUris>());
        let backchannel_logout_uri = match self.backchannel_logout_uri.trim() {
            "" => None,
            text => {
                let url = text.parse::<Url>().ok().filter(is_askable);
                if url.is_none() {
                    errors.add("backchannel_logout_uri", "Write an https:// address");
                }
                url
            }
        };
        let refresh = self.refresh.then_some(GrantType::RefreshToken);
        let device = self.device.then_some(GrantType::DeviceCode);
        if self.device && self.high_security {
            // FAPI 2.0 section 5.3.2.1 knows the authorization code alone.
            errors.add("device", "High security has no place for devices on which nobody can sign in");
        }
        ForPeople {
            grants: [GrantType::AuthorizationCode].into_iter().chain(refresh).chain(device).collect(),
            redirect_uris,
            subject_type,
            post_logout_redirect_uris: after.unwrap_or_default(),
            backchannel_logout_uri,
        }
    }
}

/// What the FAPI 2.0 Security Profile demands of a client (sections 5.3.2 and 5.4.1).
fn high_security(
    errors: &mut FieldErrors,
    method: Option<ClientAuthMethod>,
    algorithm: Option<SigningAlgorithm>,
    redirect_uris: &RedirectUris,
) {
    if !method.is_some_and(ClientAuthMethod::keeps_its_key) {
        errors.add("auth_method", "High security needs a key of its own, or a certificate");
    }
    if algorithm == Some(SigningAlgorithm::Rs256) {
        errors.add("signing_algorithm", "High security needs ES256, EdDSA or PS256");
    }
    if redirect_uris.iter().any(|uri| !uri.as_str().starts_with("https://")) {
        errors.add("redirect_uris", "High security needs https for every address");
    }
}
