//! Answers of the API whose body is put together here, because every request of a kind pays for it.

use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// Fields that an answer has when it leaves, at most in most cases: the map need not grow on the way. (It has room for three
/// quarters of a power of two.)
const TYPICAL_FIELDS: usize = 6;

/// An answer that nobody keeps.
pub fn answer(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Response {
    let mut headers = HeaderMap::with_capacity(TYPICAL_FIELDS);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// Writes a text as a JSON string (RFC 8259 section 7). Most need no escape, and are copied.
pub fn push_json(out: &mut Vec<u8>, text: &str) {
    if text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else if serde_json::to_writer(&mut *out, text).is_err() {
        // A vector takes everything.
        out.extend_from_slice(b"\"\"");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rfc8259_7_every_text_reads_back(text in any::<String>()) {
            let mut out = Vec::new();
            push_json(&mut out, &text);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }
}
