//! What an operator can set: each thing by a flag, an environment variable or a line in a file, in this order of weight.

mod given;
mod otlp;

pub use given::{Given, LogFormat, SignUpPolicy};
pub use otlp::OtlpSettings;

use crate::{
    connection::ProxyFields,
    smtp::{SmtpError, SmtpSettings},
    this_machine,
    tls::CertificateField,
};
use app::ssr::SignUpMode;
use latchkey_core::{
    api_key::{AllowList, ParseAllowListError},
    leak::github::PUBLIC_KEYS_URL,
};
use latchkey_model::password::DEFAULT_MIN_LENGTH;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    path::PathBuf,
};
use time::Duration;
use tracing_subscriber::EnvFilter;
use url::Url;

/// What is wrong with the settings; each text names the setting.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration file {file} cannot be read: {source}")]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not what it must be.
    #[error("the configuration file {file} is wrong: {message}")]
    Parse {
        /// The file.
        file: PathBuf,
        /// Where, and what was expected.
        message: String,
    },
    /// The public address is not one that can be linked to.
    #[error("public_url must be an http:// or https:// address without a path, for example https://keys.example.org")]
    PublicUrl,
    /// The address for client certificates is not one.
    #[error("mtls_url must be an https:// address without a path, and needs mtls_listen or proxy_certificates")]
    MtlsUrl,
    /// A listener with TLS is announced by an address without.
    #[error("public_url must be an https:// address where tls_listen is set")]
    PlainPublicUrl,
    /// One of two files that belong together is missing.
    #[error("tls_certificate and tls_key belong together: give both, or neither")]
    TlsFiles,
    /// They are for no listener.
    #[error("tls_certificate and tls_key need tls_listen or mtls_listen")]
    FilesForNothing,
    /// Two settings contradict one another.
    #[error(
        "require_tls = false and tls_listen contradict one another: with tls_listen, plain HTTP takes no credential"
    )]
    PlainBesideTls,
    /// There is nowhere that they would be asked for.
    #[error("client_ca needs mtls_listen or proxy_certificates: nobody else is asked for a certificate")]
    ClientCa,
    /// The networks of proxies cannot be read.
    #[error("trusted_proxies: {0}")]
    TrustedProxies(ParseAllowListError),
    /// Whoever connects would be believed.
    #[error(
        "trusted_proxies covers every address: whoever connects could say that they are somebody else. Name the addresses of your proxies"
    )]
    EverybodyTrusted,
    /// There is nobody who would send them.
    #[error("proxy_fields needs trusted_proxies or socket: nobody else is believed")]
    FieldsOfNobody,
    /// There is nobody who would hand them on.
    #[error("proxy_certificates needs trusted_proxies or socket: nobody else is believed")]
    CertificatesOfNobody,
    /// There is nobody who would hand them on, or whose they could be.
    #[error(
        "gateway_certificates needs gateway_listen, trusted_proxies, and mtls_listen or proxy_certificates: no other proxy is \
         believed about checks, and without the last, nobody is known by a certificate"
    )]
    GatewayCertificates,
    /// The database URL is of no database that we speak to.
    #[error("database_url must begin with sqlite:// or postgres://")]
    DatabaseUrl,
    /// The address of GitHub's keys is not one that can be asked.
    #[error("github_keys_url must be an https:// address, or an http:// one on this machine")]
    GithubKeysUrl,
    /// Mails cannot be sent so.
    #[error(transparent)]
    Smtp(#[from] SmtpError),
    /// A sender of mails that are not sent.
    #[error("mail_from and smtp_ca need smtp_url: without it, mails stay in the outbox")]
    MailOfNobody,
    /// Traces cannot be sent there.
    #[error(
        "otlp_endpoint must be an http:// or https:// address without a name, a password or a query, such as http://127.0.0.1:4318"
    )]
    OtlpEndpoint,
    /// What is sent beside them cannot be read. Its text is not repeated: it may hold a token.
    #[error("otlp_headers must be written as name=value,name=value")]
    OtlpHeaders,
    /// Whoever is on the way would read it.
    #[error("otlp_headers needs an otlp_endpoint with https://, or one on this machine")]
    OtlpInTheClear,
    /// More than all, or less than nothing.
    #[error("otlp_sample must be from 0 to 1: 0.01 traces one request in a hundred")]
    OtlpSample,
    /// Settings for traces that go nowhere.
    #[error("otlp_headers, otlp_sample and otlp_service need otlp_endpoint: without it, nothing is traced")]
    OtlpOfNobody,
    /// Shorter than any password should be.
    #[error("password_length must be between 8 and 64")]
    PasswordLength,
    /// The log's filter is not one.
    #[error("log_filter cannot be read: {0}. Try info, or info,latchkey_storage=debug")]
    LogFilter(String),
}

/// What is said where [`Config::has_an_unnamed_proxy`].
pub(crate) const UNNAMED_PROXY: &str = "whoever comes by the proxy with TLS before this server has the proxy's \
     address here: address lists, blocks and limits by network see nobody else. Name it in trusted_proxies, or let it connect to a socket";

/// The settings in force.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where to listen with TLS.
    pub tls_listen: Option<SocketAddr>,
    /// Where to listen with TLS and ask for client certificates.
    pub mtls_listen: Option<SocketAddr>,
    /// What programs with a client certificate call.
    mtls_url: Option<Url>,
    /// The certificate and its key, if the operator has some.
    pub tls_files: Option<(PathBuf, PathBuf)>,
    /// The authorities of clients' certificates.
    pub client_ca: Option<PathBuf>,
    /// Where to listen for proxies that ask about requests to guarded APIs.
    pub gateway_listen: Option<SocketAddr>,
    /// Where those who watch over the server read its numbers.
    pub metrics_listen: Option<SocketAddr>,
    /// A Unix socket to listen on for proxies of this machine.
    pub socket: Option<PathBuf>,
    /// Where those are whose word counts for whom they ask; never everywhere.
    pub proxies: Option<AllowList>,
    /// How they say it.
    pub proxy_fields: ProxyFields,
    /// How they hand on their callers' certificates, if they do.
    pub proxy_certificates: Option<CertificateField>,
    /// How those that ask about requests to guarded APIs do.
    pub gateway_certificates: Option<CertificateField>,
    /// What people and programs call.
    pub public_url: Url,
    /// The data folder.
    pub data: PathBuf,
    /// The database; may hold a password.
    pub database_url: DatabaseUrl,
    /// The server's own secret, if it was given.
    pub secret_key: Option<SecretText>,
    /// Whether and how strangers may sign up.
    pub sign_up: SignUpMode,
    /// The server for mail, if there is one.
    pub smtp: Option<SmtpSettings>,
    /// The length of the shortest password, in characters.
    pub shortest_password: usize,
    /// Whether credentials must come over TLS.
    pub require_tls: bool,
    /// The quota of each key.
    pub requests_per_minute: NonZeroU32,
    /// The quota of all keys of a team together.
    pub team_requests_per_minute: NonZeroU32,
    /// The keys that nobody has, which each network may try.
    pub unknown_keys_per_minute: NonZeroU32,
    /// The reports of leaked keys of each network.
    pub reports_per_minute: NonZeroU32,
    /// The single requests that get a row of their own.
    pub log_rows_per_second: NonZeroU32,
    /// Where GitHub's keys are.
    pub github_keys_url: Url,
    /// Whether addresses that apps name may lead into private networks.
    pub private_networks: bool,
    /// The tries of each address.
    pub attempts_per_minute: NonZeroU32,
    /// How long a session lives without a visit.
    pub session_idle: Duration,
    /// How long a session lives at most.
    pub session_life: Duration,
    /// The most megabytes that rows of single requests may take.
    pub log_megabytes: u64,
    /// How long single requests are kept.
    pub log_life: Duration,
    /// The collector of traces, if there is one.
    pub otlp: Option<OtlpSettings>,
    /// What is logged.
    pub log_filter: String,
    /// How.
    pub log_format: LogFormat,
    /// The folder of scripts and styles.
    pub site_root: PathBuf,
    /// Whether files change while we serve, so that pages must reload: for those who build Latchkey.
    pub watch: bool,
}

/// The operator's own proxies: never everywhere, and never an empty list, which would let everybody in.
fn proxies(networks: Option<&str>) -> Result<Option<AllowList>, ConfigError> {
    let networks: AllowList = networks.unwrap_or_default().parse().map_err(ConfigError::TrustedProxies)?;
    match networks {
        none if none.is_empty() => Ok(None),
        all if all.is_for_everybody() => Err(ConfigError::EverybodyTrusted),
        networks => Ok(Some(networks)),
    }
}

/// A database URL, which does not print its password.
#[derive(Clone)]
pub struct DatabaseUrl(pub String);

impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.split(':').next().unwrap_or_default())
    }
}

/// A secret from the environment, which does not print.
#[derive(Clone)]
pub struct SecretText(pub String);

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretText")
    }
}

/// What people and programs call a server that listens there, where nobody said.
fn default_url(listen: SocketAddr, tls: Option<SocketAddr>) -> Option<Url> {
    let url = match tls {
        // Certificates are for names, and this one leads to every address of the machine itself.
        Some(tls) if tls.ip().is_loopback() || tls.ip().is_unspecified() => format!("https://localhost:{}", tls.port()),
        Some(tls) => format!("https://{tls}"),
        None => format!("http://{listen}"),
    };
    Url::parse(&url).ok()
}

/// Whether an address is one of a whole server.
fn is_origin(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some()
        && url.path() == "/"
        && url.query().is_none()
        && url.username().is_empty()
}

fn mtls_url(
    given: Option<Url>,
    listen: Option<SocketAddr>,
    is_by_proxy: bool,
    public_url: &Url,
) -> Result<Option<Url>, ConfigError> {
    match (given, listen) {
        (None, None) => Ok(None),
        (Some(url), listen) if (listen.is_some() || is_by_proxy) && url.scheme() == "https" && is_origin(&url) => {
            Ok(Some(url))
        }
        (Some(_), _) => Err(ConfigError::MtlsUrl),
        (None, Some(listen)) => {
            let mut url = public_url.clone();
            let changed = url.set_scheme("https").and_then(|()| url.set_port(Some(listen.port())).map_err(drop));
            changed.map(|()| Some(url)).map_err(|()| ConfigError::MtlsUrl)
        }
    }
}

/// The server for mail; a sender without one is a mistake.
fn smtp(url: Option<Url>, from: Option<&str>, authority: Option<PathBuf>) -> Result<Option<SmtpSettings>, ConfigError> {
    match url {
        Some(url) => Ok(Some(SmtpSettings::new(url, from, authority)?)),
        None if from.is_some() || authority.is_some() => Err(ConfigError::MailOfNobody),
        None => Ok(None),
    }
}

impl Config {
    /// Where people and programs find this server, without a slash at its end: its name in tokens, too.
    pub fn base_url(&self) -> &str {
        self.public_url.as_str().trim_end_matches('/')
    }

    /// Puts defaults where nothing was given, and checks what was.
    ///
    /// # Errors
    /// [`ConfigError`], naming the setting.
    #[expect(clippy::too_many_lines, reason = "a line or two for each setting")]
    pub fn new(given: Given) -> Result<Self, ConfigError> {
        let otlp = OtlpSettings::read(&given)?;
        let listen = given.listen.unwrap_or(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 4000));
        let data = given.data.unwrap_or_else(|| PathBuf::from("data"));
        let public_url = match given.public_url {
            Some(url) => url,
            None => default_url(listen, given.tls_listen).ok_or(ConfigError::PublicUrl)?,
        };
        if !is_origin(&public_url) {
            return Err(ConfigError::PublicUrl);
        }
        if given.tls_listen.is_some() && public_url.scheme() != "https" {
            return Err(ConfigError::PlainPublicUrl);
        }
        let mtls_url = mtls_url(given.mtls_url, given.mtls_listen, given.proxy_certificates.is_some(), &public_url)?;
        let tls_files = match (given.tls_certificate, given.tls_key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err(ConfigError::TlsFiles),
        };
        if tls_files.is_some() && given.tls_listen.is_none() && given.mtls_listen.is_none() {
            return Err(ConfigError::FilesForNothing);
        }
        if given.require_tls == Some(false) && given.tls_listen.is_some() {
            return Err(ConfigError::PlainBesideTls);
        }
        if given.client_ca.is_some() && given.mtls_listen.is_none() && given.proxy_certificates.is_none() {
            return Err(ConfigError::ClientCa);
        }
        let proxies = proxies(given.trusted_proxies.as_deref())?;
        if given.proxy_fields.is_some() && proxies.is_none() && given.socket.is_none() {
            return Err(ConfigError::FieldsOfNobody);
        }
        if given.proxy_certificates.is_some() && proxies.is_none() && given.socket.is_none() {
            return Err(ConfigError::CertificatesOfNobody);
        }
        let is_anybody_known = given.mtls_listen.is_some() || given.proxy_certificates.is_some();
        if given.gateway_certificates.is_some()
            && (given.gateway_listen.is_none() || proxies.is_none() || !is_anybody_known)
        {
            return Err(ConfigError::GatewayCertificates);
        }
        let database_url =
            given.database_url.unwrap_or_else(|| format!("sqlite://{}", data.join("latchkey.db").display()));
        if !["sqlite://", "postgres://", "postgresql://"].iter().any(|scheme| database_url.starts_with(scheme)) {
            return Err(ConfigError::DatabaseUrl);
        }
        let smtp = smtp(given.smtp_url, given.mail_from.as_deref(), given.smtp_ca)?;
        let sign_up = match given.sign_up {
            Some(SignUpPolicy::Closed) => SignUpMode::Closed,
            Some(SignUpPolicy::Confirmed) => SignUpMode::Confirmed,
            None if smtp.is_some() => SignUpMode::Confirmed,
            Some(SignUpPolicy::Open) | None => SignUpMode::Open,
        };
        let shortest_password = given.password_length.map_or(DEFAULT_MIN_LENGTH, usize::from);
        if !(8..=64).contains(&shortest_password) {
            return Err(ConfigError::PasswordLength);
        }
        let log_filter = given.log_filter.unwrap_or_else(|| "info".to_owned());
        EnvFilter::try_new(&log_filter).map_err(|error| ConfigError::LogFilter(error.to_string()))?;
        let github_keys_url = match given.github_keys_url {
            Some(url) => url,
            None => Url::parse(PUBLIC_KEYS_URL).map_err(|_| ConfigError::GithubKeysUrl)?,
        };
        if github_keys_url.scheme() != "https"
            && !(github_keys_url.scheme() == "http" && this_machine::has(&github_keys_url))
        {
            return Err(ConfigError::GithubKeysUrl);
        }
        let number = |given: Option<NonZeroU32>, default: u32| i64::from(given.map_or(default, NonZeroU32::get));
        let or =
            |given: Option<NonZeroU32>, default: u32| given.or(NonZeroU32::new(default)).unwrap_or(NonZeroU32::MIN);
        Ok(Self {
            listen,
            tls_listen: given.tls_listen,
            mtls_listen: given.mtls_listen,
            gateway_listen: given.gateway_listen,
            metrics_listen: given.metrics_listen,
            mtls_url,
            tls_files,
            client_ca: given.client_ca,
            proxies,
            proxy_fields: given.proxy_fields.unwrap_or_default(),
            proxy_certificates: given.proxy_certificates,
            gateway_certificates: given.gateway_certificates,
            socket: given.socket,
            public_url,
            data,
            database_url: DatabaseUrl(database_url),
            secret_key: given.secret_key.map(SecretText),
            sign_up,
            smtp,
            shortest_password,
            require_tls: given.require_tls.unwrap_or(true),
            requests_per_minute: or(given.requests_per_minute, 600),
            team_requests_per_minute: or(given.team_requests_per_minute, 6_000),
            unknown_keys_per_minute: or(given.unknown_keys_per_minute, 60),
            reports_per_minute: or(given.reports_per_minute, 30),
            log_rows_per_second: or(given.log_rows_per_second, 200),
            github_keys_url,
            private_networks: given.private_networks.unwrap_or(false),
            attempts_per_minute: or(given.attempts_per_minute, 20),
            session_idle: Duration::hours(number(given.session_idle_hours, 72)),
            session_life: Duration::days(number(given.session_days, 30)),
            log_megabytes: or(given.log_megabytes, 2_000).get().into(),
            log_life: Duration::days(number(given.log_days, 30)),
            otlp,
            log_filter,
            log_format: given.log_format.unwrap_or(LogFormat::Text),
            site_root: given.site_root.unwrap_or_else(|| PathBuf::from("target/site")),
            watch: given.watch.is_some(),
        })
    }

    /// Whether a request without TLS from this address came over a channel that nobody else can read. Only this machine's own can be
    /// so, by way of a proxy or for whoever builds something; where there is a listener with TLS, none is.
    pub fn trusts_plain_http(&self, peer: IpAddr) -> bool {
        !self.require_tls || (peer.is_loopback() && self.tls_listen.is_none())
    }

    /// Whether there is a way by which clients can show a certificate.
    pub fn sees_client_certificates(&self) -> bool {
        self.mtls_listen.is_some() || self.proxy_certificates.is_some()
    }

    /// Whether it listens with TLS and has no certificate of the operator's.
    pub fn makes_its_certificate(&self) -> bool {
        self.tls_files.is_none() && (self.tls_listen.is_some() || self.mtls_listen.is_some())
    }

    /// Where programs with a client certificate find this server, if they do.
    pub fn mutual_tls_url(&self) -> Option<&str> {
        self.mtls_url.as_ref().map(|url| url.as_str().trim_end_matches('/'))
    }

    /// The same, in its parts.
    pub fn mutual_tls_address(&self) -> Option<&Url> {
        self.mtls_url.as_ref()
    }

    /// Whether people come by TLS, which nothing here speaks, to a server that only this machine reaches, and no proxy is named: one
    /// stands before it all the same.
    pub fn has_an_unnamed_proxy(&self) -> bool {
        let is_named = self.proxies.is_some() || self.socket.is_some();
        self.secure_cookies() && self.tls_listen.is_none() && self.listen.ip().is_loopback() && !is_named
    }

    /// Whether cookies may travel over TLS only.
    pub fn secure_cookies(&self) -> bool {
        self.public_url.scheme() == "https"
    }

    /// The origins (RFC 6454) whose forms are taken: the public one, and this machine's names for a portal on it.
    pub fn origins(&self) -> Vec<String> {
        let mut origins = vec![self.public_url.origin().ascii_serialization()];
        if self.public_url.scheme() == "http" && this_machine::has(&self.public_url) {
            let port = self.public_url.port_or_known_default().unwrap_or(80);
            origins.extend(this_machine::NAMES.map(|name| format!("http://{name}:{port}")));
        }
        origins
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_given_is_a_portal_on_this_machine() {
        let config = Config::new(Given::default()).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:4000");
        assert_eq!(config.public_url.as_str(), "http://127.0.0.1:4000/");
        assert_eq!(config.database_url.0, "sqlite://data/latchkey.db");
        assert!(config.require_tls && config.sign_up == SignUpMode::Open && !config.secure_cookies());
        assert!(config.origins().contains(&"http://localhost:4000".to_owned()));
    }

    #[test]
    fn r48_a_setup_that_would_believe_everybody_does_not_start() {
        let with = |networks: &str, proxy_fields| {
            Config::new(Given { trusted_proxies: Some(networks.to_owned()), proxy_fields, ..Given::default() })
        };
        for everybody in ["0.0.0.0/0", "::/0", "10.0.0.0/8 0.0.0.0/1 128.0.0.0/1"] {
            assert!(matches!(with(everybody, None), Err(ConfigError::EverybodyTrusted)), "{everybody}");
        }
        assert!(matches!(with("proxy.example.org", None), Err(ConfigError::TrustedProxies(_))));
        assert!(matches!(with(" ", Some(ProxyFields::Forwarded)), Err(ConfigError::FieldsOfNobody)));
        assert!(with("", None).unwrap().proxies.is_none());
        assert_eq!(with("10.0.0.0/8", None).unwrap().proxy_fields, ProxyFields::XForwarded);
    }

    #[test]
    fn r60_certificates_of_checks_count_from_proxies_that_are_named_alone() {
        let certificates = Some(CertificateField::ClientCert);
        let whole = Given {
            gateway_listen: "127.0.0.1:4001".parse().ok(),
            trusted_proxies: Some("10.0.0.0/8".to_owned()),
            socket: Some(PathBuf::from("latchkey.sock")),
            proxy_certificates: certificates,
            gateway_certificates: certificates,
            ..Given::default()
        };
        assert_eq!(Config::new(whole.clone()).unwrap().gateway_certificates, certificates);
        for part in [
            Given { gateway_listen: None, ..whole.clone() },
            Given { trusted_proxies: None, ..whole.clone() },
            Given { proxy_certificates: None, ..whole },
        ] {
            assert!(matches!(Config::new(part.clone()), Err(ConfigError::GatewayCertificates)), "{part:?}");
        }
    }

    #[test]
    fn r48_a_setup_that_takes_every_stranger_for_its_proxy_is_told_of() {
        let with = |given: Given| {
            let public_url = Url::parse("https://keys.example.org").ok();
            Config::new(Given { public_url, ..given }).unwrap().has_an_unnamed_proxy()
        };
        assert!(with(Given::default()));
        for sound in [
            Given { trusted_proxies: Some("127.0.0.1".to_owned()), ..Given::default() },
            Given { socket: Some(PathBuf::from("latchkey.sock")), ..Given::default() },
            Given { tls_listen: "127.0.0.1:4443".parse().ok(), ..Given::default() },
            Given { listen: "10.0.0.9:4000".parse().ok(), ..Given::default() },
        ] {
            assert!(!with(sound.clone()), "{sound:?}");
        }
        assert!(!Config::new(Given::default()).unwrap().has_an_unnamed_proxy(), "a portal on this machine");
    }

    #[test]
    fn a_flag_wins_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("latchkey.toml");
        std::fs::write(&file, "listen = \"127.0.0.1:5000\"\nlog_days = 7\n").unwrap();
        let given = Given { listen: "127.0.0.1:6000".parse().ok(), ..Given::default() };
        let config = Config::new(given.or_file(Some(&file)).unwrap()).unwrap();
        assert_eq!(config.listen.port(), 6000);
        assert_eq!(config.log_life, Duration::days(7));
    }

    #[test]
    fn a_wrong_file_names_the_place() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("latchkey.toml");
        for (text, part) in [("log_days = 7\nlog_dayz = 1\n", "log_dayz"), ("\nlog_days = 0\n", "line 2")] {
            std::fs::write(&file, text).unwrap();
            let error = Given::default().or_file(Some(&file)).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn wrong_addresses_are_refused_and_passwords_do_not_print() {
        for bad in ["ftp://example.org", "https://example.org/path", "https://example.org/?x", "data:text/html,x"] {
            let given = Given { public_url: Url::parse(bad).ok(), ..Given::default() };
            assert!(matches!(Config::new(given), Err(ConfigError::PublicUrl)), "{bad}");
        }
        let given =
            Given { database_url: Some("postgres://latchkey:hunter2@db/latchkey".to_owned()), ..Given::default() };
        assert!(!format!("{:?}", Config::new(given).unwrap()).contains("hunter2"));
        let given = Given { log_filter: Some("info,[".to_owned()), ..Given::default() };
        assert!(matches!(Config::new(given), Err(ConfigError::LogFilter(_))));
        for bad in ["http://example.org/keys", "file:///etc/passwd"] {
            let given = Given { github_keys_url: Url::parse(bad).ok(), ..Given::default() };
            assert!(matches!(Config::new(given), Err(ConfigError::GithubKeysUrl)), "{bad}");
        }
        let given = Given { database_url: Some("mysql://x".to_owned()), ..Given::default() };
        assert!(matches!(Config::new(given), Err(ConfigError::DatabaseUrl)));
    }
}
