//! Answering: redirects after forms, cookies, and the statuses of errors.

use super::flash::Flash;
use http::{HeaderValue, StatusCode, header, request::Parts};
use latchkey_core::lockout::TryError;
use latchkey_model::FieldErrors;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use tower_sessions::{Session, cookie::SameSite};

/// What a form tells its person when it could not be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The sentence at the head of the page.
    pub message: String,
    /// Sentences at fields.
    pub errors: FieldErrors,
}

impl Refused {
    /// A refusal with one sentence.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), errors: FieldErrors::default() }
    }

    /// Fields that need another look.
    pub fn invalid(errors: FieldErrors) -> Self {
        let message = "Some fields need another look. What you typed is still here.".to_owned();
        Self { message, errors }
    }

    /// Somebody else changed what the form is about after it was shown. It comes back as it was typed, and now stands for what holds.
    pub fn changed_meanwhile(what: &str) -> Self {
        Self::new(format!(
            "Somebody else changed {what} meanwhile, and nothing was saved. What you typed is still here. Open this page in another window to see what holds now; then save again, if yours is right."
        ))
    }

    /// Nobody said why, where that is kept.
    pub fn without_reason() -> Self {
        Self::new("Say why, in a few words: it is kept in the audit log.")
    }

    /// Too many tries.
    pub fn too_many(retry_after: time::Duration) -> Self {
        let seconds = retry_after.whole_seconds() + 1;
        Self::new(format!("Too many tries from your address. Wait {seconds} s, then try again."))
    }

    /// A fault of ours: the whole chain goes to the log, a plain sentence to the person.
    pub fn fault(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error, "a form could not be taken");
        Self::new("That did not work, and nothing was changed. Try again in a moment.")
    }

    /// The message for the next page.
    pub fn flash(self) -> Flash {
        Flash::bad(self.message).with_errors(self.errors)
    }
}

impl From<TryError> for Refused {
    fn from(error: TryError) -> Self {
        match error {
            TryError::Locked { retry_after } => Self::too_many(retry_after),
            TryError::Store(_) => Self::fault(&error),
        }
    }
}

/// Answers a form with 303 (RFC 9110 section 15.4.4), never 302 or 307: what was posted is not posted again.
pub fn see_other(path: &str) {
    let Some(response) = use_context::<ResponseOptions>() else { return };
    let Ok(location) = HeaderValue::from_str(path) else { return };
    response.insert_header(header::LOCATION, location);
    response.set_status(StatusCode::SEE_OTHER);
}

/// Answers a form with a redirect and a message.
pub async fn see_other_with(path: &str, flash: Flash) {
    if let Some(session) = session() {
        flash.put(&session).await;
    }
    see_other(path);
}

/// Sets the status of a page.
pub fn set_status(status: StatusCode) {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(status);
    }
}

/// Adds a cookie for every page to the answer, out of the reach of scripts; over TLS only, where the portal is. `same_site` says
/// with which requests from elsewhere it comes along.
pub fn set_cookie(name: &str, value: &str, life_seconds: u32, same_site: SameSite) {
    let secure = if super::portal().secure_cookies { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path=/; Max-Age={life_seconds}; HttpOnly; SameSite={same_site}{secure}");
    if let (Some(response), Ok(value)) = (use_context::<ResponseOptions>(), HeaderValue::from_str(&cookie)) {
        response.append_header(header::SET_COOKIE, value);
    }
}

/// The value of a cookie that the request carries, if it carries it once: of two with one name, neither is believed.
pub fn cookie_value(name: &str) -> Option<String> {
    let parts = use_context::<Parts>()?;
    find_cookie(&parts.headers, name).map(str::to_owned)
}

/// The value of a cookie among a request's headers.
pub fn find_cookie<'a>(headers: &'a http::HeaderMap, name: &str) -> Option<&'a str> {
    let mut found = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(found, _)| *found == name)
        .map(|(_, value)| value);
    match (found.next(), found.next()) {
        (Some(value), None) => Some(value),
        _ => None,
    }
}

/// The session of this request.
pub fn session() -> Option<Session> {
    super::extension::<Session>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_cookies_with_one_name_neither_is_believed() {
        let mut headers = http::HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; b=2"));
        assert_eq!(find_cookie(&headers, "a"), Some("1"));
        assert_eq!(find_cookie(&headers, "c"), None);
        headers.append(header::COOKIE, HeaderValue::from_static("b=3"));
        assert_eq!(find_cookie(&headers, "b"), None);
    }
}
