//! What an operator can set: each thing by a flag, an environment variable or a line in a file, in this order of weight.

use clap::{Args, ValueEnum};
use latchkey_core::leak::github::PUBLIC_KEYS_URL;
use serde::Deserialize;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    path::{Path, PathBuf},
};
use time::Duration;
use tracing_subscriber::EnvFilter;
use url::Url;

/// The settings as they were given; what is missing takes its default in [`Config`].
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::doc_markdown, reason = "these lines are the text of --help")]
pub struct Given {
    /// Address to listen on [default: 127.0.0.1:4000]
    #[arg(long, env = "LATCHKEY_LISTEN")]
    pub listen: Option<SocketAddr>,
    /// Address to listen on with TLS, for everybody [default: none; a proxy with TLS stands before this server]
    #[arg(long, env = "LATCHKEY_TLS_LISTEN")]
    pub tls_listen: Option<SocketAddr>,
    /// Address to listen on with TLS for programs that have a client certificate [default: none]
    #[arg(long, env = "LATCHKEY_MTLS_LISTEN")]
    pub mtls_listen: Option<SocketAddr>,
    /// Address that programs with a client certificate use [default: the public one, with the port of mtls_listen]
    #[arg(long, env = "LATCHKEY_MTLS_URL")]
    pub mtls_url: Option<Url>,
    /// The certificate and those that lead to it, as PEM; read anew when it changes [default: one that is made in the data folder]
    #[arg(long, env = "LATCHKEY_TLS_CERTIFICATE")]
    pub tls_certificate: Option<PathBuf>,
    /// The certificate's key, as PEM
    #[arg(long, env = "LATCHKEY_TLS_KEY")]
    pub tls_key: Option<PathBuf>,
    /// Authorities whose client certificates are trusted, as PEM [default: none]
    #[arg(long, env = "LATCHKEY_CLIENT_CA")]
    pub client_ca: Option<PathBuf>,
    /// Address that people and programs use, such as <https://keys.example.org> [default: the listening address]
    #[arg(long, env = "LATCHKEY_PUBLIC_URL")]
    pub public_url: Option<Url>,
    /// Folder for the database and the server's own secret [default: ./data]
    #[arg(long, env = "LATCHKEY_DATA")]
    pub data: Option<PathBuf>,
    /// Database: sqlite://path or postgres://… [default: SQLite in the data folder]
    #[arg(long, env = "LATCHKEY_DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// The server's own secret, 64 hexadecimal digits [default: made on first start, in the data folder]
    #[arg(long, env = "LATCHKEY_SECRET_KEY", hide_env_values = true)]
    #[serde(skip)]
    pub secret_key: Option<String>,
    /// Whether strangers may create accounts [default: open]
    #[arg(long, env = "LATCHKEY_SIGN_UP")]
    pub sign_up: Option<SignUpPolicy>,
    /// Refuse credentials that come over plain HTTP from another machine [default: true]
    #[arg(long, env = "LATCHKEY_REQUIRE_TLS")]
    pub require_tls: Option<bool>,
    /// Requests that each API key may make in a minute [default: 600]
    #[arg(long, env = "LATCHKEY_REQUESTS_PER_MINUTE")]
    pub requests_per_minute: Option<NonZeroU32>,
    /// Requests that all keys of one team, or of one person, may make in a minute together [default: 6000]
    #[arg(long, env = "LATCHKEY_TEAM_REQUESTS_PER_MINUTE")]
    pub team_requests_per_minute: Option<NonZeroU32>,
    /// Keys that nobody has, which each network may try in a minute before it has to wait [default: 60]
    #[arg(long, env = "LATCHKEY_UNKNOWN_KEYS_PER_MINUTE")]
    pub unknown_keys_per_minute: Option<NonZeroU32>,
    /// Reports of leaked keys that each network may send in a minute [default: 30]
    #[arg(long, env = "LATCHKEY_REPORTS_PER_MINUTE")]
    pub reports_per_minute: Option<NonZeroU32>,
    /// Tries to sign up or in that each address has in a minute [default: 20]
    #[arg(long, env = "LATCHKEY_ATTEMPTS_PER_MINUTE")]
    pub attempts_per_minute: Option<NonZeroU32>,
    /// Hours after which a session ends if nobody comes back [default: 72]
    #[arg(long, env = "LATCHKEY_SESSION_IDLE_HOURS")]
    pub session_idle_hours: Option<NonZeroU32>,
    /// Days after which a session ends in any case [default: 30]
    #[arg(long, env = "LATCHKEY_SESSION_DAYS")]
    pub session_days: Option<NonZeroU32>,
    /// Days for which single requests are kept [default: 30]
    #[arg(long, env = "LATCHKEY_LOG_DAYS")]
    pub log_days: Option<NonZeroU32>,
    /// Single requests that get a row of their own in a second; five times as many of those that are refused [default: 200]
    #[arg(long, env = "LATCHKEY_LOG_ROWS_PER_SECOND")]
    pub log_rows_per_second: Option<NonZeroU32>,
    /// Address of the keys with which GitHub signs its reports of leaked keys
    /// [default: <https://api.github.com/meta/public_keys/secret_scanning>]
    #[arg(long, env = "LATCHKEY_GITHUB_KEYS_URL")]
    pub github_keys_url: Option<Url>,
    /// Let apps name addresses of private networks for their keys and for sign-outs [default: false]
    #[arg(long, env = "LATCHKEY_PRIVATE_NETWORKS")]
    pub private_networks: Option<bool>,
    /// What is written to the log, such as info or info,latchkey_storage=debug [default: info]
    #[arg(long, env = "LATCHKEY_LOG_FILTER")]
    pub log_filter: Option<String>,
    /// How it is written [default: text]
    #[arg(long, env = "LATCHKEY_LOG_FORMAT")]
    pub log_format: Option<LogFormat>,
    /// Folder of scripts and styles, where the binary does not carry them inside
    #[arg(long, env = "LEPTOS_SITE_ROOT", hide = true)]
    #[serde(skip)]
    pub site_root: Option<PathBuf>,
    /// Set while `make dev` watches the files
    #[arg(long, env = "LEPTOS_WATCH", hide = true)]
    #[serde(skip)]
    pub watch: Option<String>,
}

/// Whether strangers may create accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignUpPolicy {
    /// They may.
    Open,
    /// They may not.
    Closed,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: one object a line.
    Json,
}

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
    #[error("mtls_url must be an https:// address without a path, and needs mtls_listen")]
    MtlsUrl,
    /// A listener with TLS is announced by an address without.
    #[error("public_url must be an https:// address where tls_listen is set")]
    PlainPublicUrl,
    /// One of two files that belong together is missing.
    #[error("tls_certificate and tls_key belong together: give both, or neither")]
    TlsFiles,
    /// There is nowhere that they would be asked for.
    #[error("client_ca needs mtls_listen: nobody else is asked for a certificate")]
    ClientCa,
    /// The database URL is of no database that we speak to.
    #[error("database_url must begin with sqlite:// or postgres://")]
    DatabaseUrl,
    /// The address of GitHub's keys is not one that can be asked.
    #[error("github_keys_url must be an https:// address, or an http:// one on this machine")]
    GithubKeysUrl,
    /// The log's filter is not one.
    #[error("log_filter cannot be read: {0}. Try info, or info,latchkey_storage=debug")]
    LogFilter(String),
}

/// The settings in force.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
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
    /// What people and programs call.
    pub public_url: Url,
    /// The data folder.
    pub data: PathBuf,
    /// The database; may hold a password.
    pub database_url: DatabaseUrl,
    /// The server's own secret, if it was given.
    pub secret_key: Option<SecretText>,
    /// Whether strangers may sign up.
    pub sign_up_open: bool,
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
    /// How long single requests are kept.
    pub log_life: Duration,
    /// What is logged.
    pub log_filter: String,
    /// How.
    pub log_format: LogFormat,
    /// The folder of scripts and styles.
    pub site_root: PathBuf,
    /// Whether files change while we serve, so that pages must reload: for those who build Latchkey.
    pub watch: bool,
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

impl Given {
    /// Fills what is missing from a file.
    ///
    /// # Errors
    /// [`ConfigError`], with the place in the file.
    pub fn or_file(self, file: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(file) = file else { return Ok(self) };
        let text =
            std::fs::read_to_string(file).map_err(|source| ConfigError::Read { file: file.to_owned(), source })?;
        let other: Self = toml::from_str(&text).map_err(|error| ConfigError::Parse {
            file: file.to_owned(),
            message: error.message().to_owned() + &place(&text, error.span()),
        })?;
        Ok(Self {
            listen: self.listen.or(other.listen),
            tls_listen: self.tls_listen.or(other.tls_listen),
            mtls_listen: self.mtls_listen.or(other.mtls_listen),
            mtls_url: self.mtls_url.or(other.mtls_url),
            tls_certificate: self.tls_certificate.or(other.tls_certificate),
            tls_key: self.tls_key.or(other.tls_key),
            client_ca: self.client_ca.or(other.client_ca),
            public_url: self.public_url.or(other.public_url),
            data: self.data.or(other.data),
            database_url: self.database_url.or(other.database_url),
            secret_key: self.secret_key,
            sign_up: self.sign_up.or(other.sign_up),
            require_tls: self.require_tls.or(other.require_tls),
            requests_per_minute: self.requests_per_minute.or(other.requests_per_minute),
            team_requests_per_minute: self.team_requests_per_minute.or(other.team_requests_per_minute),
            unknown_keys_per_minute: self.unknown_keys_per_minute.or(other.unknown_keys_per_minute),
            reports_per_minute: self.reports_per_minute.or(other.reports_per_minute),
            log_rows_per_second: self.log_rows_per_second.or(other.log_rows_per_second),
            github_keys_url: self.github_keys_url.or(other.github_keys_url),
            private_networks: self.private_networks.or(other.private_networks),
            attempts_per_minute: self.attempts_per_minute.or(other.attempts_per_minute),
            session_idle_hours: self.session_idle_hours.or(other.session_idle_hours),
            session_days: self.session_days.or(other.session_days),
            log_days: self.log_days.or(other.log_days),
            log_filter: self.log_filter.or(other.log_filter),
            log_format: self.log_format.or(other.log_format),
            site_root: self.site_root,
            watch: self.watch,
        })
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

fn mtls_url(given: Option<Url>, listen: Option<SocketAddr>, public_url: &Url) -> Result<Option<Url>, ConfigError> {
    match (given, listen) {
        (None, None) => Ok(None),
        (Some(url), Some(_)) if url.scheme() == "https" && is_origin(&url) => Ok(Some(url)),
        (Some(_), _) => Err(ConfigError::MtlsUrl),
        (None, Some(listen)) => {
            let mut url = public_url.clone();
            let changed = url.set_scheme("https").and_then(|()| url.set_port(Some(listen.port())).map_err(drop));
            changed.map(|()| Some(url)).map_err(|()| ConfigError::MtlsUrl)
        }
    }
}

/// The line of a fault in a file.
fn place(text: &str, span: Option<std::ops::Range<usize>>) -> String {
    span.and_then(|span| text.get(..span.start))
        .map(|before| format!(" (line {})", before.matches('\n').count() + 1))
        .unwrap_or_default()
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
    pub fn new(given: Given) -> Result<Self, ConfigError> {
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
        let mtls_url = mtls_url(given.mtls_url, given.mtls_listen, &public_url)?;
        let tls_files = match (given.tls_certificate, given.tls_key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err(ConfigError::TlsFiles),
        };
        if given.client_ca.is_some() && given.mtls_listen.is_none() {
            return Err(ConfigError::ClientCa);
        }
        let database_url =
            given.database_url.unwrap_or_else(|| format!("sqlite://{}", data.join("latchkey.db").display()));
        if !["sqlite://", "postgres://", "postgresql://"].iter().any(|scheme| database_url.starts_with(scheme)) {
            return Err(ConfigError::DatabaseUrl);
        }
        let log_filter = given.log_filter.unwrap_or_else(|| "info".to_owned());
        EnvFilter::try_new(&log_filter).map_err(|error| ConfigError::LogFilter(error.to_string()))?;
        let github_keys_url = match given.github_keys_url {
            Some(url) => url,
            None => Url::parse(PUBLIC_KEYS_URL).map_err(|_| ConfigError::GithubKeysUrl)?,
        };
        let on_this_machine = matches!(github_keys_url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        if github_keys_url.scheme() != "https" && !(github_keys_url.scheme() == "http" && on_this_machine) {
            return Err(ConfigError::GithubKeysUrl);
        }
        let number = |given: Option<NonZeroU32>, default: u32| i64::from(given.map_or(default, NonZeroU32::get));
        let or =
            |given: Option<NonZeroU32>, default: u32| given.or(NonZeroU32::new(default)).unwrap_or(NonZeroU32::MIN);
        Ok(Self {
            listen,
            tls_listen: given.tls_listen,
            mtls_listen: given.mtls_listen,
            mtls_url,
            tls_files,
            client_ca: given.client_ca,
            public_url,
            data,
            database_url: DatabaseUrl(database_url),
            secret_key: given.secret_key.map(SecretText),
            sign_up_open: given.sign_up.unwrap_or(SignUpPolicy::Open) == SignUpPolicy::Open,
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
            log_life: Duration::days(number(given.log_days, 30)),
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

    /// Whether cookies may travel over TLS only.
    pub fn secure_cookies(&self) -> bool {
        self.public_url.scheme() == "https"
    }

    /// The origins (RFC 6454) whose forms are taken: the public one, and this machine's names for a portal on it.
    pub fn origins(&self) -> Vec<String> {
        let mut origins = vec![self.public_url.origin().ascii_serialization()];
        let host = self.public_url.host_str().unwrap_or_default();
        if self.public_url.scheme() == "http" && matches!(host, "127.0.0.1" | "localhost" | "[::1]") {
            let port = self.public_url.port_or_known_default().unwrap_or(80);
            origins.extend(["127.0.0.1", "localhost", "[::1]"].map(|name| format!("http://{name}:{port}")));
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
        assert!(config.require_tls && config.sign_up_open && !config.secure_cookies());
        assert!(config.origins().contains(&"http://localhost:4000".to_owned()));
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
