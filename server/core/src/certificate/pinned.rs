//! Certificates that are known one by one, whoever signed them (RFC 8705 section 2.2).

use super::{CertificateThumbprint, ClientCertificate};
use std::{fmt, str::FromStr};
use x509_cert::{
    Certificate,
    der::{Encode, EncodePem, pem::LineEnding},
};

/// The certificates of one client: one, or two while one takes over from the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedCertificates(Vec<Pinned>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pinned {
    certificate: ClientCertificate,
    pem: String,
}

/// Why a text is no list of certificates; the sentence is for who wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParsePinnedError {
    /// It is not PEM.
    #[error("Paste certificates as PEM: -----BEGIN CERTIFICATE----- and so on")]
    Shape,
    /// There is a private key in it.
    #[error("There is a private key in it: paste the certificate alone, and replace the key")]
    Private,
    /// There are too many.
    #[error("A client has at most five certificates")]
    TooMany,
}

impl PinnedCertificates {
    const AT_MOST: usize = 5;
    const LONGEST: usize = 64 * 1024;
    /// What a list of certificates begins with.
    pub const BEGIN: &str = "-----BEGIN ";

    /// Each of them, in the order in which they were written.
    pub fn iter(&self) -> impl Iterator<Item = &ClientCertificate> {
        self.0.iter().map(|pinned| &pinned.certificate)
    }

    /// Whether this is one of them.
    pub fn contains(&self, thumbprint: CertificateThumbprint) -> bool {
        self.iter().any(|certificate| certificate.thumbprint == thumbprint)
    }
}

impl FromStr for PinnedCertificates {
    type Err = ParsePinnedError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains("PRIVATE KEY") {
            return Err(ParsePinnedError::Private);
        }
        if text.len() > Self::LONGEST {
            return Err(ParsePinnedError::TooMany);
        }
        let certificates = Certificate::load_pem_chain(text.trim().as_bytes()).map_err(|_| ParsePinnedError::Shape)?;
        if certificates.is_empty() {
            return Err(ParsePinnedError::Shape);
        }
        if certificates.len() > Self::AT_MOST {
            return Err(ParsePinnedError::TooMany);
        }
        let read = |certificate: &Certificate| {
            let certificate_der = certificate.to_der().ok()?;
            Some(Pinned {
                certificate: ClientCertificate::read(&certificate_der, false).ok()?,
                pem: certificate.to_pem(LineEnding::LF).ok()?,
            })
        };
        certificates.iter().map(read).collect::<Option<_>>().map(Self).ok_or(ParsePinnedError::Shape)
    }
}

impl fmt::Display for PinnedCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|pinned| f.write_str(&pinned.pem))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::tests::der;
    use x509_cert::der::Decode;

    fn pem(der: &[u8]) -> String {
        Certificate::from_der(der).unwrap().to_pem(LineEnding::LF).unwrap()
    }

    #[test]
    fn rfc8705_2_2_certificates_are_known_by_all_of_their_bytes() {
        let (one, other, stranger) = (der(), der(), der());
        let pinned: PinnedCertificates = format!("{}\n{}", pem(&one), pem(&other)).parse().unwrap();
        assert!(pinned.contains(CertificateThumbprint::of(&one)) && pinned.contains(CertificateThumbprint::of(&other)));
        assert!(!pinned.contains(CertificateThumbprint::of(&stranger)), "of the same name, and another");
        assert_eq!(pinned.to_string().parse(), Ok(pinned));
    }

    #[test]
    fn what_is_no_list_of_certificates_is_refused() {
        let good = pem(&der());
        for (bad, why) in [
            (String::new(), ParsePinnedError::Shape),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned(), ParsePinnedError::Shape),
            (format!("{good}-----BEGIN PRIVATE KEY-----"), ParsePinnedError::Private),
            (good.repeat(6), ParsePinnedError::TooMany),
        ] {
            assert_eq!(bad.parse::<PinnedCertificates>(), Err(why));
        }
    }
}
