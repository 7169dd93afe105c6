//! What a client asks a person for, by way of a browser (RFC 6749 section 4.1.1, RFC 7636, OAuth 2.1).

use crate::oauth_client::{ClientEntry, GrantType};
use latchkey_model::ScopeSet;
use std::collections::HashMap;

/// The parameters of a request, as they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    /// In the order in which they came: each is there once.
    pairs: Vec<(String, String)>,
    repeated: bool,
}

impl Parameters {
    /// The names that mean something here; others are ignored (RFC 6749 section 3.1).
    pub const KNOWN: [&'static str; 10] = [
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "code_challenge",
        "code_challenge_method",
        "prompt",
        "request",
        "request_uri",
    ];

    /// Keeps what is known; an empty value is as good as none.
    pub fn of<N: AsRef<str>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut seen: HashMap<String, String> = HashMap::new();
        let mut repeated = false;
        let mut kept = Vec::new();
        for (name, value) in pairs {
            let (name, value) = (name.as_ref(), value.into());
            if seen.insert(name.to_owned(), value.clone()).is_some() {
                repeated = true;
            } else if Self::KNOWN.contains(&name) && !value.is_empty() {
                kept.push((name.to_owned(), value));
            }
        }
        Self { pairs: kept, repeated }
    }

    /// A parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// All that are known, to be sent again with a form.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Why nobody is led anywhere: whoever made this request is not known, or not where it says (RFC 6749 section 4.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// No client of this name.
    #[error("The app that sent you here is not known. Go back to it, and ask whoever runs it.")]
    Client,
    /// The address is none that the client registered.
    #[error("The app that sent you here asks to lead you to an address that it has not registered.")]
    RedirectUri,
}

/// What the client is told instead of a code, at its registered address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AuthorizationError {
    /// The word for programs.
    pub code: &'static str,
    /// What is wrong, for developers.
    pub description: &'static str,
}

/// A good request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AuthorizationRequest {
    /// Where the person is led back to.
    pub redirect_uri: String,
    /// What the client wants.
    pub scopes: ScopeSet,
    /// What the code's verifier must hash to.
    pub challenge: String,
    /// Whether the person may not be asked anything.
    pub silent: bool,
    /// Whether the person must be asked again.
    pub ask_again: bool,
}

/// The address that a request may be answered at: known before anything else is judged.
pub(super) fn trusted_redirect(parameters: &Parameters, client: &ClientEntry) -> Result<String, Untrusted> {
    let registered = &client.client().settings.redirect_uris;
    let sent = parameters.get("redirect_uri").ok_or(Untrusted::RedirectUri)?;
    if parameters.repeated || !registered.contain(sent) {
        return Err(Untrusted::RedirectUri);
    }
    Ok(sent.to_owned())
}

/// Judges a request whose address is trusted.
pub(super) fn judge(
    parameters: &Parameters,
    client: &ClientEntry,
    redirect_uri: String,
) -> Result<AuthorizationRequest, AuthorizationError> {
    let wrong = |code, description| Err(AuthorizationError { code, description });
    let settings = &client.client().settings;
    if parameters.get("request").is_some() {
        return wrong("request_not_supported", "signed requests are not taken");
    }
    if parameters.get("request_uri").is_some() {
        return wrong("request_uri_not_supported", "requests are not fetched");
    }
    match parameters.get("response_type") {
        Some("code") => {}
        Some(_) => return wrong("unsupported_response_type", "only response_type=code is supported"),
        None => return wrong("invalid_request", "response_type is missing"),
    }
    if !settings.grants.contains(GrantType::AuthorizationCode) {
        return wrong("unauthorized_client", "this client may not use the authorization code grant");
    }
    // RFC 7636 section 4.3, OAuth 2.1 section 4.1.1: S256 alone, for every kind of client. Absent means plain.
    if parameters.get("code_challenge_method") != Some("S256") {
        return wrong("invalid_request", "code_challenge_method must be S256");
    }
    let challenge = parameters.get("code_challenge").unwrap_or_default();
    let written = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if challenge.len() != 43 || !challenge.bytes().all(written) {
        return wrong("invalid_request", "code_challenge must be the base64url of a SHA-256");
    }
    let Ok(scopes) = super::token::granted(parameters.get("scope"), &settings.scopes) else {
        return wrong("invalid_scope", "a scope is unknown, or more than this client may ask for");
    };
    let (mut silent, mut ask_again) = (false, false);
    for word in parameters.get("prompt").unwrap_or_default().split(' ').filter(|word| !word.is_empty()) {
        match word {
            "none" => silent = true,
            "consent" => ask_again = true,
            _ => return wrong("invalid_request", "prompt may be none or consent"),
        }
    }
    if silent && ask_again {
        return wrong("invalid_request", "prompt=none allows no other prompt");
    }
    Ok(AuthorizationRequest { redirect_uri, scopes, challenge: challenge.to_owned(), silent, ask_again })
}
