//! Client certificates (RFC 5280), as OAuth 2.0 Mutual-TLS uses them (RFC 8705).
//!
//! The connection has proven that whoever holds it holds the certificate's key; everything else about a certificate is judged here
//! and by those who use it.

mod distinguished_name;
mod pinned;
mod subject;
mod thumbprint;

pub use distinguished_name::{DistinguishedName, ParseDistinguishedNameError};
pub use pinned::{ParsePinnedError, PinnedCertificates};
pub use subject::{CertificateSubject, CertificateSubjectKind, ParseCertificateSubjectError};
pub use thumbprint::{CertificateThumbprint, ParseThumbprintError};

use std::net::IpAddr;
use time::OffsetDateTime;
use x509_cert::{
    Certificate,
    der::Decode,
    ext::pkix::{SubjectAltName, name::GeneralName},
};

/// A certificate that a caller showed, and whose key it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// What tokens are bound to.
    pub thumbprint: CertificateThumbprint,
    /// Whose it is, as whoever signed it says.
    pub subject: DistinguishedName,
    /// Its other names.
    pub names: Vec<AlternativeName>,
    /// From when it holds.
    pub not_before: OffsetDateTime,
    /// Until when.
    pub not_after: OffsetDateTime,
    /// Whether an authority that the operator trusts signed it: only then do its names say anything.
    pub trusted: bool,
}

/// A name of a certificate besides its subject (RFC 5280 section 4.2.1.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlternativeName {
    /// A host.
    Dns(String),
    /// An address of a resource.
    Uri(String),
    /// An address of a network.
    Ip(IpAddr),
    /// An address of a person.
    Email(String),
}

/// The bytes are no certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no X.509 certificate")]
pub struct NotACertificate;

impl ClientCertificate {
    /// Reads a certificate; `trusted` is what whoever knows the operator's authorities says of it.
    ///
    /// # Errors
    /// [`NotACertificate`].
    pub fn read(der: &[u8], trusted: bool) -> Result<Self, NotACertificate> {
        let certificate = Certificate::from_der(der).map_err(|_| NotACertificate)?;
        let certificate = certificate.tbs_certificate();
        let names = certificate.get_extension::<SubjectAltName>().map_err(|_| NotACertificate)?;
        let at = |time: x509_cert::time::Time| {
            let seconds = i64::try_from(time.to_unix_duration().as_secs()).map_err(|_| NotACertificate)?;
            OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| NotACertificate)
        };
        let validity = certificate.validity();
        Ok(Self {
            thumbprint: CertificateThumbprint::of(der),
            subject: certificate.subject().into(),
            names: names.map(|(_, names)| names.0.iter().filter_map(AlternativeName::of).collect()).unwrap_or_default(),
            not_before: at(validity.not_before)?,
            not_after: at(validity.not_after)?,
            trusted,
        })
    }

    /// Whether it holds at this time. A connection can outlive its certificate.
    pub fn is_valid_at(&self, now: OffsetDateTime) -> bool {
        self.not_before <= now && now <= self.not_after
    }
}

impl AlternativeName {
    /// Names of kinds that no client is registered by are left out.
    fn of(name: &GeneralName) -> Option<Self> {
        match name {
            GeneralName::DnsName(host) => Some(Self::Dns(host.to_string())),
            GeneralName::UniformResourceIdentifier(uri) => Some(Self::Uri(uri.to_string())),
            GeneralName::Rfc822Name(address) => Some(Self::Email(address.to_string())),
            GeneralName::IpAddress(bytes) => {
                let bytes = bytes.as_bytes();
                let v4 = || <[u8; 4]>::try_from(bytes).map(IpAddr::from);
                v4().or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok().map(Self::Ip)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};
    use time::macros::datetime;

    /// A certificate that signs itself, with names of every kind.
    pub(crate) fn der() -> Vec<u8> {
        let mut params =
            CertificateParams::new(vec!["machine.example.org".to_owned(), "192.0.2.7".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "Machine 7");
        params.distinguished_name.push(DnType::OrganizationName, "Example, Inc.");
        params.distinguished_name.push(DnType::CountryName, "CH");
        params.subject_alt_names.push(SanType::URI("spiffe://example.org/machine".try_into().unwrap()));
        params.subject_alt_names.push(SanType::Rfc822Name("ops@example.org".try_into().unwrap()));
        params.subject_alt_names.push(SanType::IpAddress("2001:db8::7".parse().unwrap()));
        params.not_before = datetime!(2026-01-01 0:00 UTC);
        params.not_after = datetime!(2027-01-01 0:00 UTC);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn a_certificate_says_who_it_is_of_and_when_it_holds() {
        let certificate = ClientCertificate::read(&der(), false).unwrap();
        assert!(!certificate.trusted);
        assert_eq!(certificate.names.len(), 5, "{:?}", certificate.names);
        assert!(certificate.names.contains(&AlternativeName::Ip("2001:db8::7".parse().unwrap())));
        assert!(certificate.is_valid_at(datetime!(2026-06-01 0:00 UTC)));
        assert!(!certificate.is_valid_at(datetime!(2025-12-31 23:59:59 UTC)));
        assert!(!certificate.is_valid_at(datetime!(2027-01-01 0:00:01 UTC)));
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        let whole = der();
        for bad in [&[][..], b"certificate", &whole[..whole.len() - 1]] {
            assert_eq!(ClientCertificate::read(bad, true), Err(NotACertificate));
        }
    }
}
