//! The settings as an operator gives them: by a flag, an environment variable or a line in a file, in this order of weight.

use super::ConfigError;
use crate::{connection::ProxyFields, tls::CertificateField};
use clap::{Args, ValueEnum};
use serde::Deserialize;
use std::{
    net::SocketAddr,
    num::NonZeroU32,
    path::{Path, PathBuf},
};
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
    /// Address to listen on for proxies that ask about requests to guarded APIs; nobody else may reach it [default: none]
    #[arg(long, env = "LATCHKEY_GATEWAY_LISTEN")]
    pub gateway_listen: Option<SocketAddr>,
    /// Address for metrics and health alone, such as 127.0.0.1:9464: nobody else is let in there, so keep it from the world
    /// [default: none]
    #[arg(long, env = "LATCHKEY_METRICS_LISTEN")]
    pub metrics_listen: Option<SocketAddr>,
    /// Unix socket to listen on, for proxies of this machine, which say for whom they ask [default: none]
    #[arg(long, env = "LATCHKEY_SOCKET")]
    pub socket: Option<PathBuf>,
    /// Networks of proxies that say for whom they ask, such as "10.0.0.0/8 192.0.2.7" [default: none; what others say does not count]
    #[arg(long, env = "LATCHKEY_TRUSTED_PROXIES")]
    pub trusted_proxies: Option<String>,
    /// Fields by which they say so, which they must replace or add to [default: x-forwarded]
    #[arg(long, env = "LATCHKEY_PROXY_FIELDS")]
    pub proxy_fields: Option<ProxyFields>,
    /// Field by which they hand on a client certificate, which they must replace or remove [default: none; what stands there does not count]
    #[arg(long, env = "LATCHKEY_PROXY_CERTIFICATES")]
    pub proxy_certificates: Option<CertificateField>,
    /// The same for those of them that ask about requests to guarded APIs, at gateway_listen [default: none; what stands there does not count]
    #[arg(long, env = "LATCHKEY_GATEWAY_CERTIFICATES")]
    pub gateway_certificates: Option<CertificateField>,
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
    /// Whether strangers may create accounts; confirmed: once they have opened a link that is mailed to them, so that nobody learns which addresses have one [default: confirmed with smtp_url, else open]
    #[arg(long, env = "LATCHKEY_SIGN_UP")]
    pub sign_up: Option<SignUpPolicy>,
    /// Refuse credentials that come over plain HTTP from another machine [default: true]
    #[arg(long, env = "LATCHKEY_REQUIRE_TLS")]
    pub require_tls: Option<bool>,
    /// The length of the shortest password, in characters; NIST SP 800-63B-4 asks for 15 where a password alone lets people in [default: 12]
    #[arg(long, env = "LATCHKEY_PASSWORD_LENGTH", value_parser = clap::value_parser!(u8).range(8..=64))]
    pub password_length: Option<u8>,
    /// Server that takes mails: smtps://name:password@host, or smtp:// for one with STARTTLS [default: none; mails stay in the outbox]
    #[arg(long, env = "LATCHKEY_SMTP_URL", hide_env_values = true)]
    pub smtp_url: Option<Url>,
    /// Who writes mails, such as "Latchkey <keys@example.org>"; needed with smtp_url
    #[arg(long, env = "LATCHKEY_MAIL_FROM")]
    pub mail_from: Option<String>,
    /// Authority of that server's certificate, as PEM, beside those that browsers trust
    #[arg(long, env = "LATCHKEY_SMTP_CA")]
    pub smtp_ca: Option<PathBuf>,
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
    /// Megabytes that rows of single requests may take; beyond it, the oldest go before their time [default: 2000]
    #[arg(long, env = "LATCHKEY_LOG_MEGABYTES")]
    pub log_megabytes: Option<NonZeroU32>,
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
    /// Collector that takes traces of requests by OTLP over HTTP, such as <http://127.0.0.1:4318> [default: none; nothing is traced]
    #[arg(long, env = "LATCHKEY_OTLP_ENDPOINT")]
    pub otlp_endpoint: Option<Url>,
    /// What it wants to be sent with them, such as "authorization=Bearer 1234"
    #[arg(long, env = "LATCHKEY_OTLP_HEADERS", hide_env_values = true)]
    pub otlp_headers: Option<String>,
    /// The part of the requests that is traced, from 0 to 1, unless a proxy that is named in trusted_proxies has decided it [default: 0.01]
    #[arg(long, env = "LATCHKEY_OTLP_SAMPLE")]
    pub otlp_sample: Option<f64>,
    /// What this server is called there [default: latchkey]
    #[arg(long, env = "LATCHKEY_OTLP_SERVICE")]
    pub otlp_service: Option<String>,
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
    /// They may, at once.
    Open,
    /// They may, once they have shown that the address is theirs.
    Confirmed,
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
            gateway_listen: self.gateway_listen.or(other.gateway_listen),
            metrics_listen: self.metrics_listen.or(other.metrics_listen),
            mtls_url: self.mtls_url.or(other.mtls_url),
            tls_certificate: self.tls_certificate.or(other.tls_certificate),
            tls_key: self.tls_key.or(other.tls_key),
            client_ca: self.client_ca.or(other.client_ca),
            socket: self.socket.or(other.socket),
            trusted_proxies: self.trusted_proxies.or(other.trusted_proxies),
            proxy_fields: self.proxy_fields.or(other.proxy_fields),
            proxy_certificates: self.proxy_certificates.or(other.proxy_certificates),
            gateway_certificates: self.gateway_certificates.or(other.gateway_certificates),
            public_url: self.public_url.or(other.public_url),
            data: self.data.or(other.data),
            database_url: self.database_url.or(other.database_url),
            secret_key: self.secret_key,
            sign_up: self.sign_up.or(other.sign_up),
            password_length: self.password_length.or(other.password_length),
            smtp_url: self.smtp_url.or(other.smtp_url),
            mail_from: self.mail_from.or(other.mail_from),
            smtp_ca: self.smtp_ca.or(other.smtp_ca),
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
            log_megabytes: self.log_megabytes.or(other.log_megabytes),
            otlp_endpoint: self.otlp_endpoint.or(other.otlp_endpoint),
            otlp_headers: self.otlp_headers.or(other.otlp_headers),
            otlp_sample: self.otlp_sample.or(other.otlp_sample),
            otlp_service: self.otlp_service.or(other.otlp_service),
            log_filter: self.log_filter.or(other.log_filter),
            log_format: self.log_format.or(other.log_format),
            site_root: self.site_root,
            watch: self.watch,
        })
    }
}

/// The line of a fault in a file.
fn place(text: &str, span: Option<std::ops::Range<usize>>) -> String {
    span.and_then(|span| text.get(..span.start))
        .map(|before| format!(" (line {})", before.matches('\n').count() + 1))
        .unwrap_or_default()
}
