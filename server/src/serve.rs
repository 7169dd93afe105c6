//! Starting, serving and stopping.

use crate::{
    assets::Assets,
    config::{Config, UNNAMED_PROXY},
    data_folder::{self, DataFolderError},
    front::Front,
    health::Health,
    leaks::{GithubKeys, GithubKeysError},
    listeners::Listeners,
    oauth::resource_parameter,
    outside::{Outside, OutsideError, Providers, SitesOfClients, Webhooks},
    routes::needed_scope,
    smtp::{SmtpCarrier, SmtpError},
    state::{AppState, Parts},
    tls::{self, Authorities, TlsError},
    workers,
};
use app::ssr::session::Rotations;
use latchkey_core::{
    OutsidePorts, Ports, Services, Settings,
    account::SetupError,
    clock::SystemClock,
    limit::Quota,
    oauth_client::ClientCertificates,
    random::SystemRandom,
    sealing::SealError,
    usage::{Recording, RowBudget},
};
use latchkey_storage::{ConnectError, SeaStore};
use leptos::config::LeptosOptions;
use migrations::Migrator;
use sea_orm_migration::MigratorTrait;
use std::{io, net::SocketAddr, num::NonZeroU32, path::PathBuf, sync::Arc};
use tokio::{
    signal::unix::{self, SignalKind},
    sync::watch,
};

/// Why the server did not start, or stopped; each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The data folder cannot be used.
    #[error(transparent)]
    Data(#[from] DataFolderError),
    /// The database cannot be opened.
    #[error("{}", in_one_line(.0))]
    Connect(#[from] ConnectError),
    /// The database belongs to a newer version.
    #[error(
        "the database was made by a newer version of Latchkey (it has the step {step}): run that version, or restore a backup"
    )]
    NewerDatabase {
        /// The step that this binary does not know.
        step: String,
    },
    /// The database cannot be brought up to date.
    #[error("the database cannot be brought up to date: {0}")]
    Migrate(sea_orm_migration::DbErr),
    /// Who is kept out is not known: then nobody is let in.
    #[error("who is kept out cannot be read from the database: {0}")]
    Blocks(latchkey_core::port::StoreError),
    /// The assets are missing.
    #[error(transparent)]
    Assets(#[from] crate::assets::AssetsError),
    /// The system gives no thread.
    #[error("the thread that records requests cannot be started: {0}")]
    Thread(io::Error),
    /// The server's secret cannot seal anything.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// No client for GitHub's keys can be made.
    #[error("no client for GitHub's keys can be made on this machine")]
    Github(#[from] GithubKeysError),
    /// No mail can be sent.
    #[error(transparent)]
    Smtp(#[from] SmtpError),
    /// No client for what apps publish can be made.
    #[error("no client for the addresses of apps can be made on this machine")]
    Outside(#[from] OutsideError),
    /// The port is in use, or not ours to use.
    #[error("cannot listen on {address}: {source}. Choose another with --{setting}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Where it was set.
        setting: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// The socket cannot be had.
    #[error("cannot listen on the socket {}: {source}. Choose another path with --socket", path.display())]
    Socket {
        /// Where.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// TLS cannot be had.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The listener failed.
    #[error("the server stopped")]
    Serve(#[source] io::Error),
}

/// An error with what caused it, as one line.
pub(crate) fn in_one_line(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}

/// Opens the database and brings it up to date.
///
/// # Errors
/// [`ServeError`].
pub async fn open_database(config: &Config) -> Result<SeaStore, ServeError> {
    let store = SeaStore::connect(&config.database_url.0).await?;
    match migrations::state(store.writer()).await.map_err(ServeError::Migrate)? {
        migrations::State::Current => {}
        migrations::State::Newer(step) => return Err(ServeError::NewerDatabase { step }),
        migrations::State::Behind(steps) => {
            tracing::info!(steps, "bringing the database up to date");
            Migrator::up(store.writer(), None).await.map_err(ServeError::Migrate)?;
        }
    }
    Ok(store)
}

/// Everything that serving needs, and the writer to wait for at the end.
pub struct Server {
    /// What handlers share.
    pub state: AppState,
    recording: Recording,
}

impl Server {
    /// Writes down what was asked so far, and ends.
    pub async fn finish(self) {
        drop(self.state);
        self.recording.finish().await;
    }
}

/// How many times as many rows refused requests get: they are what people look for.
const REFUSED_ROWS: NonZeroU32 = NonZeroU32::MIN.saturating_add(4);

/// What the operator set, in the words of the rules.
pub fn settings_of(config: &Config) -> Settings {
    Settings {
        key_quota: Quota::per_minute(config.requests_per_minute),
        owner_quota: Quota::per_minute(config.team_requests_per_minute),
        unknown_quota: Quota::per_minute(config.unknown_keys_per_minute),
        attempt_quota: Quota::per_minute(config.attempts_per_minute),
        report_quota: Quota::per_minute(config.reports_per_minute),
        shortest_password: config.shortest_password,
        hashes_at_once: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        needed_scope,
        client_certificates: match (config.sees_client_certificates(), &config.client_ca) {
            (false, _) => ClientCertificates::None,
            (true, None) => ClientCertificates::Pinned,
            (true, Some(_)) => ClientCertificates::Signed,
        },
        public_url: config.base_url().to_owned(),
        request_days: u16::try_from(config.log_life.whole_days()).unwrap_or(u16::MAX),
        request_bytes: config.log_megabytes.saturating_mul(1_000_000),
        plain_webhooks: config.private_networks,
    }
}

/// By which way others are spoken to beyond this server.
///
/// # Errors
/// [`ServeError`].
pub fn outside_ports(config: &Config) -> Result<OutsidePorts, ServeError> {
    let outside = Outside::new(config.private_networks)?;
    Ok(OutsidePorts {
        client_sites: Arc::new(SitesOfClients::new(outside.clone())),
        providers: Arc::new(Providers::new(outside.clone())),
        webhooks: Arc::new(Webhooks::new(outside)),
        mail: match &config.smtp {
            Some(smtp) => Some(Arc::new(SmtpCarrier::new(smtp)?)),
            None => None,
        },
    })
}

/// Builds the services on a store.
///
/// # Errors
/// [`ServeError`].
pub fn build(config: Config, store: SeaStore, ports: Ports, assets: Assets) -> Result<Server, ServeError> {
    let key = config.secret_key.as_ref().map(|secret| secret.0.as_str());
    let master = data_folder::master_key(&config.data, key, ports.random())?;
    let settings = settings_of(&config);
    let budget = RowBudget {
        served_per_second: config.log_rows_per_second,
        refused_per_second: config.log_rows_per_second.saturating_mul(REFUSED_ROWS),
    };
    let (recorder, recording) = Recording::start(Arc::new(store.clone()), budget).map_err(ServeError::Thread)?;
    let services = Arc::new(Services::new(ports, &master, &settings, &outside_ports(&config)?)?);
    let changes = services.ports.store.changes();
    tokio::spawn(services.memories.clone().listen(changes));
    let state = AppState::from(Parts {
        services,
        recorder,
        authorities: Authorities::load(config.client_ca.clone())?,
        assets,
        github: GithubKeys::new(config.github_keys_url.clone())?,
        rotations: Rotations::default(),
        leptos_options: LeptosOptions::builder()
            .output_name("latchkey")
            .site_root("site")
            .site_pkg_dir("pkg")
            .site_addr(config.listen)
            .build(),
        database: store,
        health: Health::default(),
        started: std::time::Instant::now(),
        live_lines: Arc::default(),
        stopping: watch::Sender::new(false),
        form_key: master.derive("form"),
        resource_parameter: resource_parameter(&settings.public_url),
        config,
    });
    Ok(Server { state, recording })
}

/// Serves until it is told to stop.
///
/// # Errors
/// [`ServeError`].
pub async fn serve(config: Config) -> Result<(), ServeError> {
    data_folder::prepare(&config.data)?;
    let store = open_database(&config).await?;
    let ports = Ports::new(Arc::new(store.clone()), Arc::new(SystemClock), Arc::new(SystemRandom));
    let assets = load_assets(&config)?;
    let server = build(config, store.clone(), ports, assets)?;
    if let Err(error) = server.state.services.lockouts.load().await {
        tracing::warn!(error = &error as &dyn std::error::Error, "what was locked is not known yet");
    }
    let now = server.state.services.ports.now();
    server.state.services.memories.blocks.load(now).await.map_err(ServeError::Blocks)?;
    let listeners = Listeners::bind(&server.state)?;
    // Before anybody is told that we are here: who stops us at once must find us listening, or the last records are lost.
    let told_to_stop = told_to_stop();
    let stopping = server.state.stopping.clone();
    let told_to_stop = async move {
        told_to_stop.await;
        stopping.send_replace(true);
    };
    greet(&server.state).await;

    let working = workers::start(&server.state);
    let outcome = listeners.serve(Front::new(server.state.clone()), told_to_stop).await;
    tracing::info!("stopping: writing what is left");
    workers::end(working).await;
    server.state.services.leaks.finish().await;
    server.finish().await;
    if let Err(error) = store.close().await {
        tracing::warn!(%error, "the database did not close well");
    }
    outcome
}

#[cfg(feature = "embed-assets")]
#[expect(clippy::unnecessary_wraps, reason = "the other build reads a folder, which can fail")]
fn load_assets(_: &Config) -> Result<Assets, ServeError> {
    Ok(Assets::embedded())
}

#[cfg(not(feature = "embed-assets"))]
fn load_assets(config: &Config) -> Result<Assets, ServeError> {
    let assets = Assets::from_folder(&config.site_root)?;
    Ok(if config.watch { assets.read_anew(&config.site_root) } else { assets })
}

/// Says where the portal is and, while there is no admin, how to make the first one.
#[expect(clippy::print_stdout, reason = "this is for the person who started the server")]
async fn greet(state: &AppState) {
    let url = state.config.base_url();
    println!("Latchkey is at {url}");
    if let Some(mutual) = state.config.mutual_tls_url() {
        println!("Programs with a client certificate find it at {mutual}");
    }
    if state.config.makes_its_certificate() {
        let authority = state.config.data.join(tls::AUTHORITY);
        println!("Its certificate is self-made: trust {}, as with curl --cacert", authority.display());
    }
    match state.services.accounts.setup_link().await {
        Ok(token) => println!("Create the first admin, once, within 24 hours: {url}/setup?token={}", token.expose()),
        Err(SetupError::HasAdmin) => {}
        Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "no link for the first admin"),
    }
    if state.config.has_an_unnamed_proxy() {
        tracing::warn!("{UNNAMED_PROXY}");
    }
    let has_proxies = state.config.proxies.is_some() || state.config.socket.is_some();
    let plain_alone = state.config.require_tls && state.config.tls_listen.is_none() && !has_proxies;
    if plain_alone && !state.config.listen.ip().is_loopback() {
        tracing::warn!(
            "listening beyond this machine without TLS: credentials from other machines are refused. Set tls_listen, or put a proxy with TLS before this server and name it in trusted_proxies"
        );
    }
}

/// Listens from here on for the signals that ask for a stop, and is done when one comes. A signal that cannot be listened for never
/// comes this way.
fn told_to_stop() -> impl Future<Output = ()> + Send + use<> {
    let listen = |kind| {
        let signal = unix::signal(kind);
        async move {
            match signal {
                Ok(mut signal) => drop(signal.recv().await),
                Err(_) => std::future::pending().await,
            }
        }
    };
    let (interrupt, terminate) = (listen(SignalKind::interrupt()), listen(SignalKind::terminate()));
    async move {
        tokio::select! {
            () = interrupt => {}
            () = terminate => {}
        }
    }
}
