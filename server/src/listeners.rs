//! Where the server listens: by plain HTTP, and with TLS where the operator wants it.

use crate::{
    config::Config,
    front::Front,
    plain_http,
    serve::ServeError,
    socket::Socket,
    state::AppState,
    tls::{self, Certificates, TlsListener},
};
use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
};
use tokio::{sync::watch, task::JoinSet};

/// The setting of the listener for checks.
const GATEWAY: &str = "gateway-listen";
/// The setting of the listener for metrics.
const METRICS: &str = "metrics-listen";

/// Every address that is listened on, before anybody is told of it.
pub(crate) struct Listeners {
    plain: TcpListener,
    gateway: Option<TcpListener>,
    metrics: Option<TcpListener>,
    socket: Option<Socket>,
    tls: Option<(Certificates, Vec<(TlsListener, TcpListener)>)>,
}

impl Listeners {
    /// Takes the addresses of the settings.
    ///
    /// # Errors
    /// [`ServeError::Listen`] and [`ServeError::Tls`].
    pub(crate) fn bind(state: &AppState) -> Result<Self, ServeError> {
        let config = &state.config;
        let plain = listen(config.listen, "listen")?;
        let gateway = config.gateway_listen.map(|address| listen(address, GATEWAY)).transpose()?;
        let metrics = config.metrics_listen.map(|address| listen(address, METRICS)).transpose()?;
        let socket = config.socket.as_deref().map(bind).transpose()?;
        let wanted = [
            (TlsListener::Ordinary, config.tls_listen, "tls-listen"),
            (TlsListener::MutualTls, config.mtls_listen, "mtls-listen"),
        ];
        let mut tls = Vec::new();
        for (kind, address, setting) in wanted {
            if let Some(address) = address {
                tls.push((kind, listen(address, setting)?));
            }
        }
        let tls =
            if tls.is_empty() { None } else { Some((Certificates::load(config, state.authorities.clone())?, tls)) };
        Ok(Self { plain, gateway, metrics, socket, tls })
    }

    /// Whether all of that could be had now. Nothing is kept, and nothing is made.
    ///
    /// # Errors
    /// [`ServeError::Listen`] and [`ServeError::Tls`].
    pub(crate) fn check(config: &Config) -> Result<(), ServeError> {
        listen(config.listen, "listen")?;
        if let Some(path) = &config.socket {
            Socket::check(path).map_err(|source| ServeError::Socket { path: path.clone(), source })?;
        }
        let others = [
            (config.tls_listen, "tls-listen"),
            (config.mtls_listen, "mtls-listen"),
            (config.gateway_listen, GATEWAY),
            (config.metrics_listen, METRICS),
        ];
        for (address, setting) in others {
            if let Some(address) = address {
                listen(address, setting)?;
            }
        }
        Ok(Certificates::check(config)?)
    }

    /// Serves on all of them until it is told to stop, or one of them fails.
    ///
    /// # Errors
    /// [`ServeError::Serve`].
    pub(crate) async fn serve(
        mut self,
        front: Front,
        told_to_stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        let (stop, stopped) = watch::channel(());
        let until_stopped = || {
            let mut stopped = stopped.clone();
            // A sender that is gone is as good as one that says so.
            async move { drop(stopped.changed().await) }
        };
        let mut helping = JoinSet::new();
        helping.spawn({
            let stop = stop.clone();
            async move {
                told_to_stop.await;
                // Nobody listens any more where everything has ended already.
                let _ = stop.send(());
            }
        });
        let mut serving = JoinSet::new();
        for (kind, listener, certificates) in self.tls.into_iter().flat_map(|(certificates, listeners)| {
            helping.spawn(certificates.clone().watch());
            listeners.into_iter().map(move |(kind, listener)| (kind, listener, certificates.clone()))
        }) {
            serving.spawn(tls::serve(listener, kind, certificates, front.router(), until_stopped()));
        }
        if let Some(socket) = &mut self.socket {
            let listener = socket.listener().map_err(ServeError::Serve)?;
            let (front, stopped) = (front.clone(), until_stopped());
            serving.spawn(async move {
                plain_http::serve_socket(listener, front, stopped).await;
                Ok(())
            });
        }
        if let Some(gateway) = self.gateway {
            let listener = tokio::net::TcpListener::from_std(gateway).map_err(ServeError::Serve)?;
            let (front, stopped) = (front.clone(), until_stopped());
            serving.spawn(async move {
                plain_http::serve_gateway(listener, front, stopped).await;
                Ok(())
            });
        }
        if let Some(metrics) = self.metrics {
            let listener = tokio::net::TcpListener::from_std(metrics).map_err(ServeError::Serve)?;
            let numbers = axum::serve(listener, crate::metrics::router(front.state().clone()));
            let stopped = until_stopped();
            serving.spawn(async move { numbers.with_graceful_shutdown(stopped).await });
        }
        let plain = tokio::net::TcpListener::from_std(self.plain).map_err(ServeError::Serve)?;
        let stopped = until_stopped();
        serving.spawn(async move {
            plain_http::serve(plain, front, stopped).await;
            Ok(())
        });
        let mut outcome = Ok(());
        while let Some(ended) = serving.join_next().await {
            outcome = outcome.and(ended.unwrap_or_else(|died| Err(std::io::Error::other(died))));
            let _ = stop.send(());
        }
        outcome.map_err(ServeError::Serve)
    }
}

fn bind(path: &Path) -> Result<Socket, ServeError> {
    Socket::bind(path).map_err(|source| ServeError::Socket { path: path.to_owned(), source })
}

fn listen(address: SocketAddr, setting: &'static str) -> Result<TcpListener, ServeError> {
    let bound = std::net::TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    bound.map_err(|source| ServeError::Listen { address, setting, source })
}
