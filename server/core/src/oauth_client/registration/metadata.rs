//! What a client says of itself (RFC 7591 section 2, OpenID Connect Dynamic Client Registration section 2).

use crate::{
    certificate::{CertificateSubject, CertificateSubjectKind},
    oauth_client::{
        ClientAuthMethod, ClientForm, ClientKeys, ClientKind, DEFAULT_TOKEN_MINUTES, GrantType, Possible, TokenForm,
    },
    openid::SubjectType,
    port::{api::ApiScope, oauth_client::ClientSettings},
};
use latchkey_model::FieldErrors;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::{Host, Url};

/// The metadata of a client. What is not known here is ignored, as the RFC asks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClientMetadata {
    /// What people read when they are asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// Where people are led back to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub redirect_uris: Vec<String>,
    /// Which grants it uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_types: Option<Vec<String>>,
    /// What it asks the authorization endpoint for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_types: Option<Vec<String>>,
    /// How it proves to be itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_method: Option<String>,
    /// The scopes that it may ask for, with spaces between.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Its public keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// Where they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// What people are called towards it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_type: Option<String>,
    /// How its ID tokens are signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_signed_response_alg: Option<String>,
    /// The name of its certificate that is its own (RFC 8705 section 2.1.2): at most one of these five.
    #[serde(flatten)]
    pub certificate_subject: SubjectMetadata,
    /// Whether its tokens must be bound to its certificate (RFC 8705 section 3.4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_certificate_bound_access_tokens: Option<bool>,
    /// Whether its tokens must be bound to a key (RFC 9449 section 5.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dpop_bound_access_tokens: Option<bool>,
    /// Whether it must push its requests (RFC 9126 section 6).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_pushed_authorization_requests: Option<bool>,
    /// Where people may be led after they signed out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_logout_redirect_uris: Option<Vec<String>>,
    /// Where it is told of sign-outs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_uri: Option<String>,
    /// Its own page; this and the next three are looked at, never fetched, and not kept.
    #[serde(skip_serializing)]
    pub client_uri: Option<String>,
    /// Its picture.
    #[serde(skip_serializing)]
    pub logo_uri: Option<String>,
    /// Its privacy policy.
    #[serde(skip_serializing)]
    pub policy_uri: Option<String>,
    /// Its terms.
    #[serde(skip_serializing)]
    pub tos_uri: Option<String>,
}

/// Which name of a certificate counts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "the RFC's own")]
pub struct SubjectMetadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_client_auth_subject_dn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_client_auth_san_dns: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_client_auth_san_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_client_auth_san_ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_client_auth_san_email: Option<String>,
}

impl SubjectMetadata {
    fn names(&self) -> [(CertificateSubjectKind, &Option<String>); 5] {
        [
            (CertificateSubjectKind::DistinguishedName, &self.tls_client_auth_subject_dn),
            (CertificateSubjectKind::Dns, &self.tls_client_auth_san_dns),
            (CertificateSubjectKind::Uri, &self.tls_client_auth_san_uri),
            (CertificateSubjectKind::Ip, &self.tls_client_auth_san_ip),
            (CertificateSubjectKind::Email, &self.tls_client_auth_san_email),
        ]
    }

    /// The one name, as a form has it; none and several are no name.
    fn only(&self) -> Option<(&'static str, &str)> {
        let mut given = self.names().into_iter().filter_map(|(kind, name)| Some((kind.as_str(), name.as_deref()?)));
        given.next().filter(|_| given.next().is_none())
    }

    fn of(subject: &CertificateSubject) -> Self {
        let mut metadata = Self::default();
        let place = match subject.kind() {
            CertificateSubjectKind::DistinguishedName => &mut metadata.tls_client_auth_subject_dn,
            CertificateSubjectKind::Dns => &mut metadata.tls_client_auth_san_dns,
            CertificateSubjectKind::Uri => &mut metadata.tls_client_auth_san_uri,
            CertificateSubjectKind::Ip => &mut metadata.tls_client_auth_san_ip,
            CertificateSubjectKind::Email => &mut metadata.tls_client_auth_san_email,
        };
        *place = Some(subject.name());
        metadata
    }
}

/// The fields that become a form: texts that it borrows.
struct Texts {
    name: String,
    scopes: Vec<String>,
    keys: String,
    redirect_uris: String,
    post_logout_redirect_uris: String,
    minutes: String,
}

impl ClientMetadata {
    /// The settings that it asks for, judged like a person's form; what is said nothing about takes the RFCs' defaults.
    ///
    /// # Errors
    /// Sentences by field.
    pub(super) fn settings(&self, possible: &Possible) -> Result<ClientSettings, FieldErrors> {
        let mut errors = FieldErrors::default();
        let method = self.token_endpoint_auth_method.as_deref().unwrap_or(ClientAuthMethod::SecretBasic.as_str());
        let grants = self.grants(&mut errors);
        if self.response_types.as_ref().is_some_and(|types| types != &["code"]) {
            errors.add("response_types", "Only code is supported");
        }
        if self.jwks.is_some() && self.jwks_uri.is_some() {
            errors.add("jwks", "Send the keys or their address, not both");
        }
        self.check_addresses(&mut errors);
        let texts = self.texts(&possible.scopes);
        let (certificate_subject_kind, certificate_subject) = self.certificate_subject.only().unwrap_or_default();
        let form = ClientForm {
            name: &texts.name,
            scopes: &texts.scopes,
            auth_method: method,
            keys: &texts.keys,
            certificate_subject_kind,
            certificate_subject,
            certificate_bound: self.tls_client_certificate_bound_access_tokens.unwrap_or_default(),
            // Section 2 of OpenID Connect Dynamic Client Registration: the default is RS256.
            signing_algorithm: self.id_token_signed_response_alg.as_deref().unwrap_or("RS256"),
            token_form: TokenForm::Jwt.as_str(),
            token_minutes: &texts.minutes,
            dpop: self.dpop_bound_access_tokens.unwrap_or_default(),
            redirect_uris: &texts.redirect_uris,
            refresh: grants.contains(&GrantType::RefreshToken),
            device: grants.contains(&GrantType::DeviceCode),
            subject_type: self.subject_type.as_deref().unwrap_or(SubjectType::Public.as_str()),
            pushed: self.require_pushed_authorization_requests.unwrap_or_default(),
            post_logout_redirect_uris: &texts.post_logout_redirect_uris,
            backchannel_logout_uri: self.backchannel_logout_uri.as_deref().unwrap_or_default(),
            ..ClientForm::default()
        };
        match form.check(ClientKind::ThirdParty, possible) {
            Ok(settings) if errors.is_empty() => Ok(settings),
            Ok(_) => Err(errors),
            Err(more) => {
                for (field, sentence) in more.iter() {
                    errors.add(field, sentence);
                }
                Err(errors)
            }
        }
    }

    fn grants(&self, errors: &mut FieldErrors) -> Vec<GrantType> {
        let Some(words) = &self.grant_types else { return vec![GrantType::AuthorizationCode] };
        let grants: Result<Vec<GrantType>, _> = words.iter().map(|word| word.parse()).collect();
        let allowed = [GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::DeviceCode];
        match grants {
            Ok(grants)
                if grants.contains(&GrantType::AuthorizationCode)
                    && grants.iter().all(|grant| allowed.contains(grant)) =>
            {
                grants
            }
            _ => {
                errors.add(
                    "grant_types",
                    "authorization_code, and with it refresh_token and the device code, can be registered",
                );
                Vec::new()
            }
        }
    }

    /// RFC 7591 section 5: an app cannot claim the pages of another.
    fn check_addresses(&self, errors: &mut FieldErrors) {
        let origin = |text: &str| text.parse::<Url>().ok().map(|url| url.origin());
        let own: Vec<_> = self.redirect_uris.iter().filter_map(|uri| origin(uri)).collect();
        for (field, uri) in [
            ("client_uri", &self.client_uri),
            ("logo_uri", &self.logo_uri),
            ("policy_uri", &self.policy_uri),
            ("tos_uri", &self.tos_uri),
        ] {
            let Some(uri) = uri else { continue };
            if !origin(uri).is_some_and(|origin| origin.is_tuple() && own.contains(&origin)) {
                errors.add(field, "It must be on the host of a redirect address");
            }
        }
        let lines = self.redirect_uris.iter().chain(self.post_logout_redirect_uris.iter().flatten());
        // An address with a line break in it would be read as two.
        if lines.clone().any(|uri| uri.contains(char::is_whitespace) || uri.is_empty()) {
            errors.add("redirect_uris", "An address has no spaces");
        }
    }

    fn texts(&self, known: &[ApiScope]) -> Texts {
        let scopes = match &self.scope {
            Some(scope) => scope.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect(),
            // What an app did not ask for by name is no API of an operator's.
            None => known.iter().filter(|one| one.api.is_none()).map(|one| one.scope.to_string()).collect(),
        };
        let host = |uri: &String| {
            let url = uri.parse::<Url>().ok()?;
            url.host().map(|host: Host<&str>| host.to_string())
        };
        let name = self.client_name.clone().or_else(|| self.redirect_uris.first().and_then(host));
        Texts {
            name: name.unwrap_or_else(|| "An app without a name".to_owned()),
            scopes,
            keys: match (&self.jwks, &self.jwks_uri) {
                (Some(keys), _) => keys.to_string(),
                (None, Some(uri)) => uri.clone(),
                (None, None) => String::new(),
            },
            redirect_uris: self.redirect_uris.join("\n"),
            post_logout_redirect_uris: self.post_logout_redirect_uris.clone().unwrap_or_default().join("\n"),
            minutes: DEFAULT_TOKEN_MINUTES.to_string(),
        }
    }

    /// What is registered, as the client is told it (RFC 7591 section 3.2.1).
    pub(super) fn of(settings: &ClientSettings) -> Self {
        let grants = GrantType::ALL.iter().filter(|grant| settings.grants.contains(**grant));
        let (jwks, jwks_uri) = match &settings.keys {
            Some(ClientKeys::Inline(keys)) => (serde_json::to_value(keys).ok(), None),
            Some(ClientKeys::At(url)) => (None, Some(url.to_string())),
            // Certificates by themselves are only ever pasted by a person.
            Some(ClientKeys::Certificates(_)) | None => (None, None),
        };
        let after: Vec<_> = settings.post_logout_redirect_uris.iter().map(|uri| uri.as_str().to_owned()).collect();
        Self {
            client_name: Some(settings.name.as_str().to_owned()),
            redirect_uris: settings.redirect_uris.iter().map(|uri| uri.as_str().to_owned()).collect(),
            grant_types: Some(grants.map(|grant| grant.as_str().to_owned()).collect()),
            response_types: Some(vec!["code".to_owned()]),
            token_endpoint_auth_method: Some(settings.auth_method.as_str().to_owned()),
            scope: Some(settings.scopes.to_string()),
            jwks,
            jwks_uri,
            subject_type: Some(settings.subject_type.as_str().to_owned()),
            id_token_signed_response_alg: Some(settings.signing_algorithm.as_str().to_owned()),
            certificate_subject: settings.certificate_subject.as_ref().map(SubjectMetadata::of).unwrap_or_default(),
            tls_client_certificate_bound_access_tokens: Some(settings.certificate_bound),
            dpop_bound_access_tokens: Some(settings.dpop_required),
            require_pushed_authorization_requests: Some(settings.pushed_only),
            post_logout_redirect_uris: Some(after).filter(|uris| !uris.is_empty()),
            backchannel_logout_uri: settings.backchannel_logout_uri.as_ref().map(ToString::to_string),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{oauth_client::ClientCertificates, openid::identity_scopes};

    fn judge(json: &str) -> Result<ClientSettings, String> {
        let metadata: ClientMetadata = serde_json::from_str(json).map_err(|error| error.to_string())?;
        metadata
            .settings(&Possible { scopes: identity_scopes(), certificates: ClientCertificates::Signed })
            .map_err(|errors| errors.iter().map(|(field, _)| field.to_owned()).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn rfc7591_2_what_is_left_out_takes_its_default_and_unknown_is_ignored() {
        let settings = judge(r#"{"redirect_uris": ["https://a.example/cb"], "unknown": {"x": 1}}"#).unwrap();
        assert_eq!(settings.name.as_str(), "a.example");
        assert_eq!(settings.auth_method, ClientAuthMethod::SecretBasic);
        assert_eq!(settings.grants.to_string(), "authorization_code");
        assert_eq!(settings.signing_algorithm.as_str(), "RS256");
        assert!(settings.pkce_required && !settings.dpop_required);
        let again = serde_json::to_string(&ClientMetadata::of(&settings)).unwrap();
        assert_eq!(judge(&again), Ok(settings), "what is told is what is registered: {again}");
    }

    #[test]
    fn rfc7591_3_2_2_what_cannot_be_registered() {
        for (change, field) in [
            (r#""redirect_uris": []"#, "redirect_uris"),
            (r#""redirect_uris": ["http://a.example/"]"#, "redirect_uris"),
            (r#""redirect_uris": ["https://a.example/\nhttps://evil.test/"]"#, "redirect_uris"),
            (r#""grant_types": ["implicit"]"#, "grant_types"),
            (r#""grant_types": ["client_credentials"]"#, "grant_types"),
            (r#""grant_types": ["authorization_code", "password"]"#, "grant_types"),
            (r#""response_types": ["token"]"#, "response_types"),
            (r#""token_endpoint_auth_method": "client_secret_jwt""#, "auth_method"),
            (r#""id_token_signed_response_alg": "none""#, "signing_algorithm"),
            (r#""scope": "admin""#, "scopes"),
            (r#""jwks": {"keys": []}, "jwks_uri": "https://a.example/jwks""#, "jwks"),
            (r#""token_endpoint_auth_method": "private_key_jwt""#, "keys"),
            (r#""token_endpoint_auth_method": "tls_client_auth""#, "certificate_subject"),
            (
                r#""token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "a", "tls_client_auth_san_ip": "::1""#,
                "certificate_subject",
            ),
            (r#""token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "CN=a""#, ""),
            (r#""token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks": {"keys": []}"#, "keys"),
            (
                r#""dpop_bound_access_tokens": true, "tls_client_certificate_bound_access_tokens": true"#,
                "certificate_bound",
            ),
            (r#""subject_type": "both""#, "subject_type"),
            (r#""client_name": "lk_dev_""#, ""),
            (r#""logo_uri": "https://other.example/logo.png""#, "logo_uri"),
            (r#""tos_uri": "javascript:alert(1)""#, "tos_uri"),
            (r#""backchannel_logout_uri": "http://a.example/""#, "backchannel_logout_uri"),
        ] {
            let mut object = serde_json::json!({"redirect_uris": ["https://a.example/cb"]});
            let more: Value = serde_json::from_str(&format!("{{{change}}}")).unwrap();
            object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let judged = judge(&object.to_string());
            match field {
                "" => assert!(judged.is_ok(), "{change}"),
                field => assert_eq!(judged.as_ref().map(|_| ()), Err(&field.to_owned()), "{change}"),
            }
        }
    }
}
