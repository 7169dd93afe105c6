//! Requests, rendered before a run and kept as bytes.

use crate::Target;

/// One request as it goes over the wire. `Host`, and `Content-Length` where there is a body, are added to the headers.
pub fn render(target: Target, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {target}\r\n");
    for (name, value) in headers {
        text.push_str(name);
        text.push_str(": ");
        text.push_str(value);
        text.push_str("\r\n");
    }
    if !body.is_empty() {
        text.push_str("content-length: ");
        text.push_str(&body.len().to_string());
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// A `GET` with an API key, as most of the API's callers send it.
pub fn get_with_key(target: Target, path: &str, key: &str) -> Vec<u8> {
    render(target, "GET", path, &[("authorization", &format!("Bearer {key}"))], b"")
}

/// Many requests, one behind the other in memory: no pointer to follow, no allocation for each.
#[derive(Debug, Clone, Default)]
pub struct Requests {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Requests {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, request: &[u8]) {
        self.bytes.extend_from_slice(request);
        self.ends.push(self.bytes.len());
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The request at a place; empty where there is none.
    pub fn get(&self, place: usize) -> &[u8] {
        let start = place.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(place).copied().unwrap_or(start);
        self.bytes.get(start..end).unwrap_or_default()
    }
}

impl<B: AsRef<[u8]>> FromIterator<B> for Requests {
    fn from_iter<I: IntoIterator<Item = B>>(requests: I) -> Self {
        let mut all = Self::new();
        for request in requests {
            all.push(request.as_ref());
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        Target::new("127.0.0.1:4000".parse().unwrap()).unwrap()
    }

    #[test]
    fn a_get_has_no_length() {
        let bytes = get_with_key(target(), "/api/v1/whoami", "lk_dev_1");
        let text = "GET /api/v1/whoami HTTP/1.1\r\nhost: 127.0.0.1:4000\r\nauthorization: Bearer lk_dev_1\r\n\r\n";
        assert_eq!(String::from_utf8(bytes).unwrap(), text);
    }

    #[test]
    fn a_post_has_one() {
        let bytes = render(target(), "POST", "/x", &[("content-type", "application/json")], b"{}");
        let text =
            "POST /x HTTP/1.1\r\nhost: 127.0.0.1:4000\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(String::from_utf8(bytes).unwrap(), text);
    }

    #[test]
    fn each_request_is_found_again() {
        let all: Requests = ["one", "", "three"].into_iter().collect();
        assert_eq!(all.len(), 3);
        assert_eq!([all.get(0), all.get(1), all.get(2), all.get(3)], [b"one".as_slice(), b"", b"three", b""]);
    }
}
