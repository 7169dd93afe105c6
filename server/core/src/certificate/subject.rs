//! The one name by which a certificate's holder is known (RFC 8705 section 2.1.2).

use super::{AlternativeName, ClientCertificate, DistinguishedName};
use std::{fmt, net::IpAddr, str::FromStr};

/// Which name of a certificate counts. A client has exactly one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateSubject {
    /// `tls_client_auth_subject_dn`.
    DistinguishedName(DistinguishedName),
    /// `tls_client_auth_san_dns`.
    Dns(String),
    /// `tls_client_auth_san_uri`.
    Uri(String),
    /// `tls_client_auth_san_ip`.
    Ip(IpAddr),
    /// `tls_client_auth_san_email`.
    Email(String),
}

/// The kinds of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateSubjectKind {
    /// The subject.
    DistinguishedName,
    /// A host among the other names.
    Dns,
    /// A URI.
    Uri,
    /// An address of a network.
    Ip,
    /// An address of a person.
    Email,
}

impl CertificateSubjectKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::DistinguishedName, Self::Dns, Self::Uri, Self::Ip, Self::Email];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DistinguishedName => "subject_dn",
            Self::Dns => "san_dns",
            Self::Uri => "san_uri",
            Self::Ip => "san_ip",
            Self::Email => "san_email",
        }
    }
}

/// Why a text names no holder of a certificate; the sentence is for who wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseCertificateSubjectError {
    /// The kind of name is not known.
    #[error("Choose which name of the certificate counts")]
    Kind,
    /// It is no distinguished name.
    #[error("Write the subject as in CN=Machine 7,O=Example,C=CH")]
    DistinguishedName,
    /// It is no host.
    #[error("Write one host, as in machine.example.org")]
    Dns,
    /// It is no URI.
    #[error("Write one URI, as in spiffe://example.org/machine")]
    Uri,
    /// It is no address of a network.
    #[error("Write one IP address")]
    Ip,
    /// It is no address of a person.
    #[error("Write one e-mail address")]
    Email,
}

impl CertificateSubject {
    const LONGEST: usize = 512;

    /// The name of this kind that the text is.
    ///
    /// # Errors
    /// [`ParseCertificateSubjectError`].
    pub fn new(kind: &str, text: &str) -> Result<Self, ParseCertificateSubjectError> {
        use ParseCertificateSubjectError as Error;
        let kind = CertificateSubjectKind::ALL.into_iter().find(|one| one.as_str() == kind).ok_or(Error::Kind)?;
        let text = text.trim();
        let fits = !text.is_empty() && text.len() <= Self::LONGEST;
        let one_word = fits && text.chars().all(|character| character.is_ascii_graphic());
        match kind {
            CertificateSubjectKind::DistinguishedName => {
                let name = text.parse().ok().filter(|_| fits && !text.contains(char::is_control));
                name.map(Self::DistinguishedName).ok_or(Error::DistinguishedName)
            }
            CertificateSubjectKind::Dns => {
                // A certificate for every host of a domain names none of them.
                let host = one_word && !text.contains(['*', '/', '@', ':']);
                host.then(|| Self::Dns(text.to_ascii_lowercase())).ok_or(Error::Dns)
            }
            CertificateSubjectKind::Uri => {
                (one_word && text.contains(':')).then(|| Self::Uri(text.to_owned())).ok_or(Error::Uri)
            }
            CertificateSubjectKind::Ip => text.parse().map(Self::Ip).map_err(|_| Error::Ip),
            CertificateSubjectKind::Email => {
                (one_word && text.contains('@')).then(|| Self::Email(text.to_owned())).ok_or(Error::Email)
            }
        }
    }

    /// Its kind.
    pub const fn kind(&self) -> CertificateSubjectKind {
        match self {
            Self::DistinguishedName(_) => CertificateSubjectKind::DistinguishedName,
            Self::Dns(_) => CertificateSubjectKind::Dns,
            Self::Uri(_) => CertificateSubjectKind::Uri,
            Self::Ip(_) => CertificateSubjectKind::Ip,
            Self::Email(_) => CertificateSubjectKind::Email,
        }
    }

    /// The name itself.
    pub fn name(&self) -> String {
        match self {
            Self::DistinguishedName(name) => name.to_string(),
            Self::Dns(name) | Self::Uri(name) | Self::Email(name) => name.clone(),
            Self::Ip(address) => address.to_string(),
        }
    }

    /// Whether the certificate has this name. Hosts have no case; an address of a person has one before its `@`.
    pub fn is_of(&self, certificate: &ClientCertificate) -> bool {
        if let Self::DistinguishedName(subject) = self {
            return !subject.is_empty() && *subject == certificate.subject;
        }
        certificate.names.iter().any(|name| match (self, name) {
            (Self::Dns(host), AlternativeName::Dns(other)) => host.eq_ignore_ascii_case(other),
            (Self::Uri(uri), AlternativeName::Uri(other)) => uri == other,
            (Self::Ip(address), AlternativeName::Ip(other)) => address == other,
            (Self::Email(address), AlternativeName::Email(other)) => same_mailbox(address, other),
            _ => false,
        })
    }
}

fn same_mailbox(one: &str, other: &str) -> bool {
    match (one.rsplit_once('@'), other.rsplit_once('@')) {
        (Some((name, host)), Some((other_name, other_host))) => {
            name == other_name && host.eq_ignore_ascii_case(other_host)
        }
        _ => false,
    }
}

/// As it is stored: the kind, a colon, the name.
impl fmt::Display for CertificateSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind().as_str(), self.name())
    }
}

impl FromStr for CertificateSubject {
    type Err = ParseCertificateSubjectError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, name) = text.split_once(':').ok_or(ParseCertificateSubjectError::Kind)?;
        Self::new(kind, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::tests::der;

    #[test]
    fn rfc8705_2_1_one_name_of_the_certificate_must_be_the_registered_one() {
        let certificate = ClientCertificate::read(&der(), true).unwrap();
        for (kind, good, bad) in [
            ("subject_dn", r"C=CH,O=Example\, Inc.,CN=Machine 7", "CN=Machine 7"),
            ("san_dns", "MACHINE.example.org", "example.org"),
            ("san_uri", "spiffe://example.org/machine", "spiffe://example.org/machine/"),
            ("san_ip", "2001:DB8::7", "192.0.2.8"),
            ("san_email", "ops@EXAMPLE.org", "Ops@example.org"),
        ] {
            let subject = CertificateSubject::new(kind, good).unwrap();
            assert!(subject.is_of(&certificate), "{subject}");
            assert!(!CertificateSubject::new(kind, bad).unwrap().is_of(&certificate), "{bad}");
            assert_eq!(subject.to_string().parse(), Ok(subject));
        }
        let elsewhere = CertificateSubject::new("san_uri", "dns:machine.example.org").unwrap();
        assert!(!elsewhere.is_of(&certificate), "a name of one kind is none of another");
    }

    #[test]
    fn what_names_nobody_is_refused() {
        for (kind, text) in [
            ("", "CN=x"),
            ("subject_dn", ""),
            ("san_dns", "*.example.org"),
            ("san_dns", "two hosts"),
            ("san_uri", "machine"),
            ("san_ip", "192.0.2.0/24"),
            ("san_email", "ops"),
        ] {
            assert!(CertificateSubject::new(kind, text).is_err(), "{kind} {text}");
        }
    }
}
