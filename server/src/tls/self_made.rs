//! A certificate for whoever has none yet: made once, kept in the data folder, and made anew before it ends, also while it serves.
//!
//! An authority of its own signs it, whose key is forgotten at once: who trusts that authority trusts this one certificate.

use super::TlsError;
use crate::config::Config;
use latchkey_core::{
    certificate::{AlternativeName, ClientCertificate},
    clock::{Clock, SystemClock},
};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

/// The file with the authority, in the data folder: what clients are told to trust.
pub const AUTHORITY: &str = "tls/authority.pem";

/// Where a certificate is made, and for which names.
pub(super) struct Making {
    folder: PathBuf,
    authority: PathBuf,
    names: Vec<String>,
}

impl Making {
    /// For every name that people on this machine may call the server by, and those of its addresses.
    pub(super) fn of(config: &Config) -> Self {
        let mut names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
        for url in [Some(&config.public_url), config.mutual_tls_address()].into_iter().flatten() {
            if let Some(host) = url.host_str() {
                let host = host.trim_matches(['[', ']']).to_owned();
                if !names.contains(&host) {
                    names.push(host);
                }
            }
        }
        Self { folder: config.data.join("tls"), authority: config.data.join(AUTHORITY), names }
    }

    /// The files of the certificate that was made before, and its key, if it is good for some days yet and for all names; of a new one
    /// otherwise, whose authority must be trusted anew.
    pub(super) fn certificate(&self) -> Result<(PathBuf, PathBuf), TlsError> {
        let (certificate, key) = (self.folder.join("certificate.pem"), self.folder.join("key.pem"));
        let now = SystemClock.now();
        if !(key.exists() && is_good(&certificate, &self.names, now)) {
            let failed = |message: String| TlsError::SelfMade { folder: self.folder.clone(), message };
            let made = make(&self.names, now).map_err(|error| failed(error.to_string()))?;
            let written = DirBuilder::new().recursive(true).mode(0o700).create(&self.folder).and_then(|()| {
                write(&self.authority, made.authority.as_bytes())?;
                write(&key, made.key.as_bytes())?;
                write(&certificate, made.certificate.as_bytes())
            });
            written.map_err(|error| failed(error.to_string()))?;
            tracing::warn!(authority = %self.authority.display(), "a certificate was made: whoever connects must trust its authority");
        }
        Ok((certificate, key))
    }
}

fn is_good(file: &Path, names: &[String], now: OffsetDateTime) -> bool {
    /// It is made anew when there is less left.
    const LEFT: Duration = Duration::days(14);
    let Ok(der) = CertificateDer::from_pem_file(file) else { return false };
    let Ok(certificate) = ClientCertificate::read(&der, false) else { return false };
    let has = |name: &String| {
        certificate.names.iter().any(|one| match one {
            AlternativeName::Dns(host) => host == name,
            AlternativeName::Ip(address) => address.to_string() == *name,
            AlternativeName::Uri(_) | AlternativeName::Email(_) => false,
        })
    };
    certificate.is_valid_at(now) && certificate.is_valid_at(now + LEFT) && names.iter().all(has)
}

struct Made {
    authority: String,
    certificate: String,
    key: Zeroizing<String>,
}

fn make(names: &[String], now: OffsetDateTime) -> Result<Made, rcgen::Error> {
    const LIFE: Duration = Duration::days(365);
    let within = |mut params: CertificateParams| {
        // Clocks of other machines may be a little behind.
        params.not_before = now - Duration::hours(1);
        params.not_after = now + LIFE;
        params
    };
    let mut authority = within(CertificateParams::new(Vec::new())?);
    authority.distinguished_name.push(DnType::CommonName, "Latchkey, self-made");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority_key = KeyPair::generate()?;
    let signed = authority.self_signed(&authority_key)?;

    let mut server = within(CertificateParams::new(names.to_vec())?);
    server.distinguished_name.push(DnType::CommonName, "Latchkey");
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = server.signed_by(&key, &Issuer::from_params(&authority, &authority_key))?;
    Ok(Made { authority: signed.pem(), certificate: certificate.pem(), key: Zeroizing::new(key.serialize_pem()) })
}

/// Writes a file for its owner alone, whole or not at all.
fn write(file: &Path, content: &[u8]) -> io::Result<()> {
    let beside = file.with_extension("new");
    let mut opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    opened.write_all(content)?;
    opened.sync_all()?;
    fs::rename(&beside, file)
}

/// The settings of a server that makes its own certificate in this folder, for tests.
#[cfg(test)]
pub(super) fn settings(folder: &Path, url: &str) -> Config {
    let given = crate::config::Given {
        data: Some(folder.to_owned()),
        public_url: url.parse().ok(),
        tls_listen: "127.0.0.1:4443".parse().ok(),
        ..crate::config::Given::default()
    };
    Config::new(given).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn it_is_made_once_and_anew_for_another_name_or_before_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let config = |url: &str| settings(folder.path(), url);
        let make_for = |url: &str| Making::of(&config(url)).certificate().unwrap();
        let (kept, key) = make_for("https://localhost:4443");
        assert_eq!(fs::metadata(&key).unwrap().mode() & 0o777, 0o600);
        let content = || fs::read(&kept).unwrap();
        let before = content();
        make_for("https://localhost:4443");
        assert_eq!(content(), before, "it is kept");
        make_for("https://keys.example.org");
        let after = content();
        assert_ne!(after, before, "it did not have that name");
        let (names, now) = (Making::of(&config("https://keys.example.org")).names, SystemClock.now());
        assert!(is_good(&kept, &names, now));
        assert!(!is_good(&kept, &names, now + Duration::days(355)));
    }
}
