//! Forms with a file in them (RFC 7578): made into forms like all others before anybody reads them, so that every defence of those
//! holds for these too.

use axum::body::{Body, Bytes};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, header};
use latchkey_core::oauth_client::Logo;

/// The one form that takes a file.
const TAKES_A_FILE: &str = "/form/oauth-client/set-logo";
/// The field with the file, which becomes base64.
pub(super) const FILE: &str = "file";
/// The largest such form, in bytes: more than the largest file, so that whoever chose a larger one mostly reads why it is not taken.
pub(super) const LIMIT: usize = 4 * Logo::LARGEST;
/// More parts than this has no form of ours.
const PARTS: usize = 16;

/// Whether this form may come with a file.
pub(super) fn takes_a_file(path: &str) -> bool {
    path == TAKES_A_FILE
}

/// Whether it does.
pub(super) fn boundary(headers: &HeaderMap) -> Option<String> {
    let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    multer::parse_boundary(content_type).ok()
}

/// The fields of a form, or nothing where it is not what it says that it is.
pub(super) async fn fields(boundary: String, body: Bytes) -> Option<Vec<(String, String)>> {
    let mut parts = multer::Multipart::new(Body::from(body).into_data_stream(), boundary);
    let mut fields = Vec::new();
    while let Some(part) = parts.next_field().await.ok()? {
        if fields.len() == PARTS {
            return None;
        }
        let name = part.name()?.to_owned();
        let is_file = part.file_name().is_some();
        let content = part.bytes().await.ok()?;
        let value = match (is_file, name.as_str()) {
            (true, FILE) => STANDARD.encode(&content),
            (false, name) if name != FILE => String::from_utf8(content.into()).ok()?,
            _ => return None,
        };
        fields.push((name, value));
    }
    (!fields.is_empty()).then_some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(parts: &[(&str, &str)]) -> Bytes {
        let parts = parts
            .iter()
            .map(|(head, content)| format!("--x\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n"));
        (parts.collect::<String>() + "--x--\r\n").into()
    }

    #[tokio::test]
    async fn a_file_becomes_a_field_and_nothing_else_becomes_a_file() {
        let read = async |parts: &[(&str, &str)]| fields("x".to_owned(), form(parts)).await;
        let good = read(&[("name=\"id\"", "7"), ("name=\"file\"; filename=\"a.png\"", "PNG")]).await.unwrap();
        assert_eq!(good, [("id".to_owned(), "7".to_owned()), ("file".to_owned(), "UE5H".to_owned())]);
        assert_eq!(read(&[("name=\"id\"; filename=\"x\"", "7")]).await, None);
        assert_eq!(read(&[("name=\"file\"", "UE5H")]).await, None);
        assert_eq!(read(&[("filename=\"x\"", "7")]).await, None);
        assert_eq!(read(&[("name=\"a\"", "1"); 17]).await, None);
        assert_eq!(fields("x".to_owned(), Bytes::from_static(b"_csrf=7")).await, None);
    }
}
