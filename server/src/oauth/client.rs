//! Which client an endpoint is asked by.

use crate::{connection::Arrival, exposed, state::AppState};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, header};
use latchkey_core::{
    authn::Transport,
    authorization::{OauthError, Whence},
};
use percent_encoding::{percent_decode, percent_decode_str};
use std::borrow::Cow;

/// From where and when a request came, and whether its channel is safe.
pub(super) fn whence(state: &AppState, arrival: &Arrival) -> Result<Whence, OauthError> {
    if arrival.transport(&state.config) != Transport::Private {
        return Err(OauthError::InvalidRequest(
            "use https: a credential that was sent over plain HTTP should be replaced",
        ));
    }
    let at = state.services.ports.now();
    Ok(Whence { at, address: arrival.address(), certificate: arrival.certificate(&state.authorities, at) })
}

/// Whoever owns what came over plain HTTP is told, and what can be ended ends. The answer says nothing of that.
pub(super) fn tell_of_refused(state: &AppState, arrival: &Arrival, path: &str, headers: &HeaderMap, body: &[u8]) {
    if arrival.transport(&state.config) != Transport::InTheClear {
        return;
    }
    let mut sent = percent_decode(body).decode_utf8_lossy().into_owned();
    for field in headers.get_all(header::AUTHORIZATION) {
        sent.push('\n');
        sent.push_str(field.to_str().unwrap_or_default());
    }
    if let Ok(Some((_, secret))) = basic(headers) {
        sent.push('\n');
        sent.push_str(&secret);
    }
    exposed::report(state, arrival.address(), &sent, &format!("{path}, to which it came over plain HTTP"));
}

/// The one `Authorization` field, if there is any.
pub(super) fn authorization(headers: &HeaderMap) -> Result<Option<&HeaderValue>, OauthError> {
    let mut fields = headers.get_all(header::AUTHORIZATION).iter();
    match (fields.next(), fields.next()) {
        (_, Some(_)) => Err(OauthError::InvalidRequest("there is more than one Authorization header")),
        (field, None) => Ok(field),
    }
}

/// The name and secret of `Authorization: Basic` (RFC 7617), each of which was form-encoded first (RFC 6749 section 2.3.1).
pub(super) fn basic(headers: &HeaderMap) -> Result<Option<(String, String)>, OauthError> {
    let Some(field) = authorization(headers)? else { return Ok(None) };
    let unread = || OauthError::InvalidClient { by_header: true };
    let text = field.to_str().map_err(|_| unread())?;
    let (scheme, encoded) = text.split_once(' ').ok_or_else(unread)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(unread());
    }
    let decoded = STANDARD.decode(encoded.trim()).map_err(|_| unread())?;
    let decoded = String::from_utf8(decoded).map_err(|_| unread())?;
    let (name, secret) = decoded.split_once(':').ok_or_else(unread)?;
    let part = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8().map(Cow::into_owned).map_err(|_| unread())
    };
    Ok(Some((part(name)?, part(secret)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<Option<(String, String)>, OauthError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::try_from(value).unwrap());
        basic(&headers)
    }

    #[test]
    fn rfc6749_2_3_1_both_parts_are_form_encoded() {
        let of = |text: &str| read(&format!("basic {}", STANDARD.encode(text))).unwrap().unwrap();
        assert_eq!(of("a:b"), ("a".to_owned(), "b".to_owned()));
        assert_eq!(of("a%3Ab:c%25+%2B:d"), ("a:b".to_owned(), "c% +:d".to_owned()));
    }

    #[test]
    fn what_is_no_basic_authentication_is_refused_as_such() {
        for bad in ["Bearer x", "Basic", "Basic !", &format!("Basic {}", STANDARD.encode("no colon"))] {
            assert!(matches!(read(bad), Err(OauthError::InvalidClient { by_header: true })), "{bad}");
        }
    }
}
