//! The portal's cookie as a credential: its own pages may ask the API on the same origin.

use super::guard::{form_seed, is_own_origin, proves_form};
use crate::state::AppState;
use app::ssr::{respond::find_cookie, session::digest_of};
use http::{HeaderMap, HeaderName, Method, header};
use latchkey_core::authn::credential::CarriedSession;
use tower_sessions::session::Id;

/// What every form of the portal carries in a field, in a field of the request.
const CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The name of the cookie: over TLS, one that no other host can set (RFC 6265bis section 4.1.3.2).
pub(crate) const fn session_cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-latchkey" } else { "latchkey" }
}

/// The session that a request's cookie names, if it has one.
///
/// A browser sends the cookie whoever made it send the request. So whatever changes something must come from a page of ours, as the
/// browser says, and carry what only such a page knows; and nothing is read for a page of somebody else.
pub(crate) fn session_of(state: &AppState, method: &Method, headers: &HeaderMap) -> Option<CarriedSession> {
    if !headers.contains_key(header::COOKIE) {
        return None;
    }
    let id: Id = find_cookie(headers, session_cookie_name(state.config.secure_cookies()))?.parse().ok()?;
    let by_our_page = if matches!(*method, Method::GET | Method::HEAD) {
        // Old browsers do not say; a person who opens the address themselves comes from nowhere.
        headers.get(SEC_FETCH_SITE).is_none_or(|site| site == "same-origin" || site == "none")
    } else {
        let token = headers.get(CSRF_TOKEN).and_then(|value| value.to_str().ok()).unwrap_or_default();
        is_own_origin(headers, state) && form_seed(state, headers).is_some_and(|seed| proves_form(state, seed, token))
    };
    Some(CarriedSession { digest: digest_of(id), by_our_page })
}
