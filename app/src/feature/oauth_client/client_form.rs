//! What stands in the fields about a client.

use crate::ssr::flash::Flash;
use latchkey_core::{
    certificate::{CertificateSubject, CertificateSubjectKind},
    jose::SigningAlgorithm,
    oauth_client::{ClientAuthMethod, ClientForm, DEFAULT_TOKEN_MINUTES, GrantType, TokenForm},
    openid::SubjectType,
    port::oauth_client::ClientSettings,
};
use latchkey_model::FieldErrors;

/// What stands in the fields, and what is wrong with it.
#[derive(Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a box that a person ticks")]
pub(super) struct ClientValues {
    pub(super) name: String,
    /// None until somebody ticked one.
    pub(super) scopes: Option<Vec<String>>,
    pub(super) auth_method: String,
    pub(super) signing_algorithm: String,
    pub(super) token_minutes: String,
    pub(super) redirect_uris: String,
    pub(super) refresh: bool,
    pub(super) keys: String,
    pub(super) certificate_subject_kind: String,
    pub(super) certificate_subject: String,
    pub(super) token_form: String,
    pub(super) dpop: bool,
    pub(super) certificate_bound: bool,
    pub(super) high_security: bool,
    pub(super) exchange: bool,
    pub(super) device: bool,
    pub(super) subject_type: String,
    pub(super) pushed: bool,
    pub(super) without_pkce: bool,
    pub(super) post_logout_redirect_uris: String,
    pub(super) backchannel_logout_uri: String,
    pub(super) errors: FieldErrors,
}

impl ClientValues {
    /// What is wrong with a field.
    pub(super) fn error(&self, field: &str) -> Option<String> {
        self.errors.get(field).map(str::to_owned)
    }

    /// What is proposed for a new one.
    pub(super) fn new() -> Self {
        Self {
            auth_method: ClientAuthMethod::SecretBasic.as_str().to_owned(),
            signing_algorithm: SigningAlgorithm::Es256.as_str().to_owned(),
            token_minutes: DEFAULT_TOKEN_MINUTES.to_string(),
            refresh: true,
            token_form: TokenForm::Jwt.as_str().to_owned(),
            certificate_subject_kind: CertificateSubjectKind::DistinguishedName.as_str().to_owned(),
            subject_type: SubjectType::Public.as_str().to_owned(),
            ..Self::default()
        }
    }

    /// What is set.
    pub(super) fn of(settings: &ClientSettings) -> Self {
        Self {
            name: settings.name.as_str().to_owned(),
            scopes: Some(settings.scopes.iter().map(ToString::to_string).collect()),
            auth_method: settings.auth_method.as_str().to_owned(),
            signing_algorithm: settings.signing_algorithm.as_str().to_owned(),
            token_minutes: settings.access_token_life.whole_minutes().to_string(),
            redirect_uris: settings.redirect_uris.to_string(),
            refresh: settings.grants.contains(GrantType::RefreshToken),
            keys: settings.keys.as_ref().map(ToString::to_string).unwrap_or_default(),
            certificate_subject_kind: settings
                .certificate_subject
                .as_ref()
                .map_or(CertificateSubjectKind::DistinguishedName, CertificateSubject::kind)
                .as_str()
                .to_owned(),
            certificate_subject: settings
                .certificate_subject
                .as_ref()
                .map(CertificateSubject::name)
                .unwrap_or_default(),
            token_form: settings.token_form.as_str().to_owned(),
            dpop: settings.dpop_required,
            certificate_bound: settings.certificate_bound,
            high_security: settings.high_security,
            exchange: settings.grants.contains(GrantType::TokenExchange),
            device: settings.grants.contains(GrantType::DeviceCode),
            subject_type: settings.subject_type.as_str().to_owned(),
            pushed: settings.pushed_only,
            without_pkce: !settings.pkce_required,
            post_logout_redirect_uris: settings.post_logout_redirect_uris.to_string(),
            backchannel_logout_uri: settings
                .backchannel_logout_uri
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            errors: FieldErrors::default(),
        }
    }

    /// What was typed, if a form came back.
    pub(super) fn or_typed(self, flash: Option<&Flash>) -> Self {
        let Some(flash) = flash.filter(|flash| flash.value("auth_method").is_some()) else { return self };
        let typed = |field: &str| flash.value(field).unwrap_or_default().to_owned();
        Self {
            name: typed("name"),
            scopes: Some(typed("scopes").split_whitespace().map(str::to_owned).collect()),
            auth_method: typed("auth_method"),
            signing_algorithm: typed("signing_algorithm"),
            token_minutes: typed("token_minutes"),
            redirect_uris: typed("redirect_uris"),
            refresh: !typed("refresh").is_empty(),
            keys: typed("keys"),
            certificate_subject_kind: typed("certificate_subject_kind"),
            certificate_subject: typed("certificate_subject"),
            token_form: typed("token_form"),
            dpop: !typed("dpop").is_empty(),
            certificate_bound: !typed("certificate_bound").is_empty(),
            high_security: !typed("high_security").is_empty(),
            exchange: !typed("exchange").is_empty(),
            device: !typed("device").is_empty(),
            subject_type: typed("subject_type"),
            pushed: !typed("pushed").is_empty(),
            without_pkce: !typed("without_pkce").is_empty(),
            post_logout_redirect_uris: typed("post_logout_redirect_uris"),
            backchannel_logout_uri: typed("backchannel_logout_uri"),
            errors: flash.errors.clone(),
        }
    }
}

/// Keeps what was typed for the page that the form goes back to.
pub(super) fn keep_typed(flash: Flash, form: &ClientForm<'_>) -> Flash {
    let yes = |ticked: bool| if ticked { "yes" } else { "" };
    flash
        .keep("name", form.name)
        .keep("scopes", &form.scopes.join(" "))
        .keep("auth_method", form.auth_method)
        .keep("signing_algorithm", form.signing_algorithm)
        .keep("token_minutes", form.token_minutes)
        .keep("redirect_uris", form.redirect_uris)
        .keep("refresh", yes(form.refresh))
        .keep("keys", form.keys)
        .keep("certificate_subject_kind", form.certificate_subject_kind)
        .keep("certificate_subject", form.certificate_subject)
        .keep("token_form", form.token_form)
        .keep("dpop", yes(form.dpop))
        .keep("certificate_bound", yes(form.certificate_bound))
        .keep("high_security", yes(form.high_security))
        .keep("exchange", yes(form.exchange))
        .keep("device", yes(form.device))
        .keep("subject_type", form.subject_type)
        .keep("pushed", yes(form.pushed))
        .keep("without_pkce", yes(form.without_pkce))
        .keep("post_logout_redirect_uris", form.post_logout_redirect_uris)
        .keep("backchannel_logout_uri", form.backchannel_logout_uri)
}
