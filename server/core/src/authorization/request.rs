//! What a client asks a person for, by way of a browser (RFC 6749 section 4.1.1, RFC 7636, OAuth 2.1, OpenID Connect Core section
//! 3.1.2.1).

use super::{Parameters, response::ResponseMode};
use crate::{
    access_token::Binding,
    gateway::Catalog,
    oauth_client::{ClientEntry, GrantType},
    openid::{ACR, ClaimSet, ClaimsRequest, OFFLINE_ACCESS, OPENID, identity_scopes},
};
use latchkey_model::{Scope, ScopeSet};
use time::Duration;

/// Why nobody is led anywhere: whoever made this request is not known, or not where it says (RFC 6749 section 4.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// No client of this name.
    #[error("The app that sent you here is not known. Go back to it, and ask whoever runs it.")]
    Client,
    /// The address is none that the client registered.
    #[error("The app that sent you here asks to lead you to an address that it has not registered.")]
    RedirectUri,
    /// A parameter is there more than once: who knows which one the client meant (RFC 6749 section 3.1).
    #[error("The app that sent you here says one thing twice. Go back to it, and tell whoever runs it.")]
    Repeated,
    /// The request that the client had sent before is not there any more (RFC 9126 section 4).
    #[error("This request was answered before, or has waited too long. Go back to the app, and begin again.")]
    Pushed,
}

/// What the client is told instead of a code, at its registered address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AuthorizationError {
    /// The word for programs.
    pub code: &'static str,
    /// What is wrong, for developers.
    pub description: &'static str,
}

/// What may and must be asked of the person (OpenID Connect Core section 3.1.2.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Prompt {
    /// Nothing may be.
    pub silent: bool,
    /// The consent, again.
    pub consent: bool,
    /// The password, again.
    pub sign_in: bool,
}

/// A good request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AuthorizationRequest {
    /// Where the person is led back to.
    pub redirect_uri: String,
    /// How the answer travels.
    pub mode: ResponseMode,
    /// What the client wants.
    pub scopes: ScopeSet,
    /// What the code's verifier must hash to; none for a sign-in that the client may do without.
    pub challenge: Option<String>,
    /// What may and must be asked.
    pub prompt: Prompt,
    /// How long ago the person may have signed in.
    pub max_age: Option<Duration>,
    /// By what the client recognises its own request in the ID token.
    pub nonce: Option<String>,
    /// The claims that it asks for by name.
    pub claims: ClaimsRequest,
    /// The key that the code is bound to (RFC 9449 section 10).
    pub binding: Option<Binding>,
}

/// The address that a request may be answered at: known before anything else is judged.
pub(super) fn trusted_redirect(parameters: &Parameters, client: &ClientEntry) -> Result<String, Untrusted> {
    let registered = &client.client().settings.redirect_uris;
    if parameters.are_repeated() {
        return Err(Untrusted::Repeated);
    }
    let sent = parameters.get("redirect_uri").ok_or(Untrusted::RedirectUri)?;
    if !registered.contain(sent) {
        return Err(Untrusted::RedirectUri);
    }
    Ok(sent.to_owned())
}

/// How an answer to these parameters travels, an error too.
pub(super) fn response_mode(parameters: &Parameters) -> ResponseMode {
    parameters.get("response_mode").and_then(ResponseMode::of).unwrap_or_default()
}

const fn wrong(code: &'static str, description: &'static str) -> AuthorizationError {
    AuthorizationError { code, description }
}

/// Judges a request whose address is trusted.
pub(super) fn judge(
    parameters: &Parameters,
    client: &ClientEntry,
    redirect_uri: String,
    catalog: &Catalog,
) -> Result<AuthorizationRequest, AuthorizationError> {
    let settings = &client.client().settings;
    if parameters.get("request").is_some() {
        return Err(wrong("request_not_supported", "signed requests are not taken"));
    }
    if parameters.get("request_uri").is_some() {
        return Err(wrong("request_uri_not_supported", "requests are not fetched"));
    }
    match parameters.get("response_type") {
        Some("code") => {}
        Some(_) => return Err(wrong("unsupported_response_type", "only response_type=code is supported")),
        None => return Err(wrong("invalid_request", "response_type is missing")),
    }
    if parameters.get("response_mode").is_some_and(|word| ResponseMode::of(word).is_none()) {
        return Err(wrong("invalid_request", "response_mode may be query or form_post"));
    }
    if !settings.grants.contains(GrantType::AuthorizationCode) {
        return Err(wrong("unauthorized_client", "this client may not use the authorization code grant"));
    }
    let claims: ClaimsRequest = match parameters.get("claims").map(str::parse) {
        None => ClaimsRequest::default(),
        Some(Ok(claims)) => claims,
        Some(Err(_)) => return Err(wrong("invalid_request", "claims cannot be read")),
    };
    if claims.essential_acr.as_ref().is_some_and(|wanted| !wanted.iter().any(|acr| acr == ACR)) {
        return Err(wrong("unmet_authentication_requirements", "people sign in with a password here: acr is 1"));
    }
    let asked = parameters.get("scope");
    let Ok(scopes) = super::token::granted(asked, &settings.scopes) else {
        return Err(wrong("invalid_scope", "a scope is unknown, or more than this client may ask for"));
    };
    // RFC 8707 section 2: every one of them must be an API that tokens are made for.
    let Some(scopes) = catalog.narrowed(&scopes, parameters.all("resource")) else {
        return Err(wrong("invalid_target", "resource names no API that tokens are made for"));
    };
    if scopes.is_empty() && parameters.all("resource").next().is_some() {
        return Err(wrong("invalid_scope", "no scope that is asked for is one of the API that resource names"));
    }
    let refreshes = settings.grants.contains(GrantType::RefreshToken);
    let scopes = with_named_claims(&scopes, &claims, &settings.scopes, refreshes)?;
    let challenge = challenge(parameters, settings.pkce_required, &scopes)?;
    let binding = match parameters.get("dpop_jkt") {
        None => None,
        Some(thumbprint) if is_hash(thumbprint) => Some(Binding::Dpop(thumbprint.to_owned())),
        Some(_) => return Err(wrong("invalid_request", "dpop_jkt must be the base64url of a SHA-256")),
    };
    let max_age = match parameters.get("max_age").map(str::parse::<u32>) {
        None => None,
        Some(Ok(seconds)) => Some(Duration::seconds(seconds.into())),
        Some(Err(_)) => return Err(wrong("invalid_request", "max_age is a number of seconds")),
    };
    Ok(AuthorizationRequest {
        redirect_uri,
        mode: response_mode(parameters),
        scopes,
        challenge,
        prompt: prompt(parameters)?,
        max_age,
        nonce: parameters.get("nonce").map(str::to_owned),
        claims,
        binding,
    })
}

/// RFC 7636 section 4.3, OAuth 2.1 section 4.1.1: S256 alone, for every kind of client; absent means plain. The one exception is the
/// one of OAuth 2.1 section 7.5.1: a confidential client that was let off, for a sign-in with a nonce.
fn challenge(parameters: &Parameters, required: bool, scopes: &ScopeSet) -> Result<Option<String>, AuthorizationError> {
    let (challenge, method) = (parameters.get("code_challenge"), parameters.get("code_challenge_method"));
    if challenge.is_none() && method.is_none() && !required && scopes.contains(OPENID) {
        return Ok(None);
    }
    if method != Some("S256") {
        return Err(wrong("invalid_request", "code_challenge_method must be S256"));
    }
    match challenge.filter(|text| is_hash(text)) {
        Some(challenge) => Ok(Some(challenge.to_owned())),
        None => Err(wrong("invalid_request", "code_challenge must be the base64url of a SHA-256")),
    }
}

/// Whether this is written as the base64url of 32 bytes is.
fn is_hash(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn prompt(parameters: &Parameters) -> Result<Prompt, AuthorizationError> {
    let mut prompt = Prompt::default();
    for word in parameters.get("prompt").unwrap_or_default().split(' ').filter(|word| !word.is_empty()) {
        match word {
            "none" => prompt.silent = true,
            "consent" => prompt.consent = true,
            // Whoever wants to be somebody else signs in as them.
            "login" | "select_account" => prompt.sign_in = true,
            _ => return Err(wrong("invalid_request", "prompt may be none, consent, login or select_account")),
        }
    }
    if prompt.silent && (prompt.consent || prompt.sign_in) {
        return Err(wrong("invalid_request", "prompt=none allows no other prompt"));
    }
    Ok(prompt)
}

/// A claim that is asked for by name is asked for like its scope: the person reads it, and can untick it. Going on alone is for clients
/// that may.
fn with_named_claims(
    scopes: &ScopeSet,
    claims: &ClaimsRequest,
    ceiling: &ScopeSet,
    refreshes: bool,
) -> Result<ScopeSet, AuthorizationError> {
    let named = claims.id_token.and(&claims.userinfo);
    let asks_for = |scope: &Scope| named.allowed_by(&std::iter::once(scope.clone()).collect()) != ClaimSet::default();
    let implied = identity_scopes()
        .into_iter()
        .map(|one| one.scope)
        .filter(|scope| scopes.contains(OPENID) && ceiling.contains(scope.as_str()) && asks_for(scope));
    let all: ScopeSet =
        scopes.iter().cloned().chain(implied).filter(|scope| refreshes || scope.as_str() != OFFLINE_ACCESS).collect();
    if all.is_empty() { Err(wrong("invalid_scope", "this client may not go on alone")) } else { Ok(all) }
}
