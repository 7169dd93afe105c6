//! Certificates of clients whose TLS ends at a proxy, in the field by which it hands them on.
//!
//! The proxy has seen that its caller holds the key (it need not know any authority); whose the certificate is, is judged here.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use clap::ValueEnum;
use http::{HeaderMap, HeaderName};
use percent_encoding::percent_decode;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use serde::Deserialize;

const CLIENT_CERT: HeaderName = HeaderName::from_static("client-cert");
const CLIENT_CERT_CHAIN: HeaderName = HeaderName::from_static("client-cert-chain");
const X_SSL_CLIENT_CERT: HeaderName = HeaderName::from_static("x-ssl-client-cert");

/// The longest certificate, and the longest chain to its authority, as they are written; in bytes.
const OWN_LIMIT: usize = 16 * 1024;
const CHAIN_LIMIT: usize = 32 * 1024;

/// Bytes in structured fields (RFC 8941 section 4.2.7): senders should pad, and need not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// By which field an operator's proxies hand on the certificate of whoever asks through them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateField {
    /// `Client-Cert`, and `Client-Cert-Chain` beside it (RFC 9440).
    ClientCert,
    /// `X-SSL-Client-Cert`: PEM, percent-encoded, as in nginx's `$ssl_client_escaped_cert`.
    XSslClientCert,
}

/// What a proxy hands on of its caller's certificate, as it is written.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct HandedOn {
    field: CertificateField,
    own: Box<[u8]>,
    others: Box<[u8]>,
}

impl HandedOn {
    /// What stands in the fields. None where the caller showed no certificate; and where the field is there twice, or longer than
    /// any certificate: then the proxy has not put its own in place of its caller's.
    pub fn read(field: CertificateField, headers: &HeaderMap) -> Option<Self> {
        let name = match field {
            CertificateField::ClientCert => &CLIENT_CERT,
            CertificateField::XSslClientCert => &X_SSL_CLIENT_CERT,
        };
        let mut lines = headers.get_all(name).iter();
        let own = match (lines.next(), lines.next()) {
            (Some(own), None) => own.as_bytes().trim_ascii(),
            (None, _) => return None,
            (Some(_), Some(_)) => {
                tracing::warn!(field = %name, "a proxy handed on two certificates: it must replace what its caller sent");
                return None;
            }
        };
        let others = match field {
            CertificateField::ClientCert => {
                let lines: Vec<_> =
                    headers.get_all(CLIENT_CERT_CHAIN).iter().map(http::HeaderValue::as_bytes).collect();
                lines.join(&b","[..])
            }
            CertificateField::XSslClientCert => Vec::new(),
        };
        // HAProxy writes an empty one for callers without.
        let shows_one = !own.is_empty() && own != b"::";
        (shows_one && own.len() <= OWN_LIMIT && others.len() <= CHAIN_LIMIT).then(|| Self {
            field,
            own: own.into(),
            others: others.into(),
        })
    }

    /// What a server that asks about a request tells of its caller's certificate: PEM, or the base64 of its DER encoding. None where it
    /// is not one certificate so written.
    pub fn told(text: &str) -> Option<Self> {
        let text = text.trim();
        // Each is the value of a field, but for what that puts around it: PEM has no sign that is escaped.
        let (field, own) = if text.starts_with("-----BEGIN") && !text.contains('%') {
            (CertificateField::XSslClientCert, text.to_owned())
        } else {
            (CertificateField::ClientCert, format!(":{text}:"))
        };
        let told = Self { field, own: own.into_bytes().into(), others: Box::default() };
        let fits = !text.is_empty() && told.own.len() <= OWN_LIMIT;
        (fits && told.chain().is_some()).then_some(told)
    }

    /// The caller's own certificate, and those that lead to its authority. None where they are not written as they must be.
    pub(super) fn chain(&self) -> Option<Vec<CertificateDer<'static>>> {
        match self.field {
            CertificateField::ClientCert => {
                let others = self.others.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
                let others = others.filter(|item| !item.is_empty());
                std::iter::once(&*self.own).chain(others).map(byte_sequence).collect()
            }
            CertificateField::XSslClientCert => {
                let pem: Vec<u8> = percent_decode(&self.own).collect();
                let mut found = CertificateDer::pem_slice_iter(&pem);
                match (found.next(), found.next()) {
                    (Some(Ok(own)), None) => Some(vec![own]),
                    _ => None,
                }
            }
        }
    }
}

/// A certificate as a byte sequence of a structured field (RFC 8941 section 3.3.5).
fn byte_sequence(item: &[u8]) -> Option<CertificateDer<'static>> {
    let encoded = item.strip_prefix(b":")?.strip_suffix(b":")?;
    BASE64.decode(encoded).ok().map(CertificateDer::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn chain(field: CertificateField, lines: &[(&'static str, &str)]) -> Option<Vec<Vec<u8>>> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let chain = HandedOn::read(field, &headers)?.chain()?;
        Some(chain.iter().map(|certificate| certificate.to_vec()).collect())
    }

    fn standard(lines: &[(&'static str, &str)]) -> Option<Vec<Vec<u8>>> {
        chain(CertificateField::ClientCert, lines)
    }

    #[test]
    fn rfc9440_2_the_certificate_and_its_chain_are_byte_sequences() {
        assert_eq!(standard(&[("client-cert", ":YWJj:")]), Some(vec![b"abc".to_vec()]));
        assert_eq!(standard(&[("client-cert", " :YQ: ")]), Some(vec![b"a".to_vec()]), "padded or not");
        let all = Some(vec![b"abc".to_vec(), b"def".to_vec(), b"g".to_vec(), b"hij".to_vec()]);
        let lines =
            [("client-cert", ":YWJj:"), ("client-cert-chain", ":ZGVm:, :Zw==:"), ("client-cert-chain", ":aGlq:")];
        assert_eq!(standard(&lines), all, "a list may go over several lines");
        assert_eq!(standard(&[("client-cert-chain", ":YWJj:")]), None, "a chain to nobody");
    }

    #[test]
    fn what_is_not_said_once_and_well_is_nobodys() {
        for own in [
            "",
            "::",
            "YWJj",
            ":YWJj",
            ":!:",
            ":YWJj:;a=b",
            ":YWJj:, :ZGVm:",
            "\"abc\"",
            &format!(":{}:", "YWJj".repeat(5000)),
        ] {
            assert_eq!(standard(&[("client-cert", own)]), None, "{own}");
        }
        assert_eq!(standard(&[("client-cert", ":YWJj:"), ("client-cert", ":YWJj:")]), None);
        assert_eq!(standard(&[("client-cert", ":YWJj:"), ("client-cert-chain", ":YWJj")]), None);
        // Fields that the operator's proxies do not replace are their callers'.
        assert_eq!(standard(&[("x-ssl-client-cert", ":YWJj:")]), None);
        assert_eq!(chain(CertificateField::XSslClientCert, &[("client-cert", ":YWJj:")]), None);
    }

    #[test]
    fn a_server_tells_of_one_certificate_in_either_form() {
        let told = |text: &str| Some(HandedOn::told(text)?.chain()?.iter().map(|one| one.to_vec()).collect::<Vec<_>>());
        let pem = "-----BEGIN CERTIFICATE-----\nYWI+\n-----END CERTIFICATE-----\n";
        assert_eq!(told(pem), Some(vec![b"ab>".to_vec()]));
        assert_eq!((told("YWI+"), told(" YQ==\n")), (Some(vec![b"ab>".to_vec()]), Some(vec![b"a".to_vec()])));
        let long = "YWJj".repeat(5000);
        let (two, other) = (pem.repeat(2), pem.replace("CERTIFICATE", "PUBLIC KEY"));
        for bad in ["", two.as_str(), other.as_str(), "YWI+:, :YWI+", ":YWI+:", "!", long.as_str()] {
            assert_eq!(told(bad), None, "{bad}");
        }
    }

    #[test]
    fn nginx_writes_pem_in_percent_encoding() {
        let pem = |body: &str| format!("-----BEGIN%20CERTIFICATE-----%0A{body}%0A-----END%20CERTIFICATE-----%0A");
        let read = |text: &str| chain(CertificateField::XSslClientCert, &[("x-ssl-client-cert", text)]);
        assert_eq!(read(&pem("YWJj")), Some(vec![b"abc".to_vec()]));
        assert_eq!(read(&pem("YWI%2B")), Some(vec![b"ab>".to_vec()]));
        for bad in [
            String::new(),
            "YWJj".to_owned(),
            pem("YWJj").repeat(2),
            pem("!"),
            pem("YWJj").replace("CERTIFICATE", "PUBLIC%20KEY"),
        ] {
            assert_eq!(read(&bad), None, "{bad}");
        }
    }
}
