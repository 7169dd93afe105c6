//! Connections by plain HTTP, over TCP or a Unix socket, each served until it ends or the server does.

use crate::{connection::Peer, front::Front, patience::Patient, socket::Proxies};
use axum::serve::{Listener, ListenerExt};
use http::Request;
use hyper::{
    body::Incoming,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
};
use std::{
    io,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::net::{TcpListener, TcpStream};

/// How long requests that are being answered may take when the server stops.
pub(crate) const LAST_REQUESTS: Duration = Duration::from_secs(30);

/// Serves whoever connects, until it is told to stop; then answers what was asked before.
pub async fn serve(listener: TcpListener, front: Front, stopped: impl Future<Output = ()>) {
    serve_all(listener.tap_io(send_at_once), front, stopped).await;
}

/// Serves the proxies that connect to a Unix socket, likewise.
pub(crate) async fn serve_socket(listener: Proxies, front: Front, stopped: impl Future<Output = ()>) {
    serve_all(listener, front, stopped).await;
}

/// Serves the proxies that ask about requests to guarded APIs, likewise.
pub async fn serve_gateway(listener: TcpListener, front: Front, stopped: impl Future<Output = ()>) {
    serve_all(AtGateway(listener.tap_io(send_at_once)), front, stopped).await;
}

/// A listener for checks and nothing else.
struct AtGateway<L>(L);

/// The address of whoever asks there.
struct Asking(SocketAddr);

impl From<Asking> for Peer {
    fn from(Asking(address): Asking) -> Self {
        Self::Gateway(address)
    }
}

impl<L: Listener<Addr = SocketAddr>> Listener for AtGateway<L> {
    type Io = L::Io;
    type Addr = Asking;

    async fn accept(&mut self) -> (Self::Io, Asking) {
        let (stream, address) = self.0.accept().await;
        (stream, Asking(address))
    }

    fn local_addr(&self) -> io::Result<Asking> {
        self.0.local_addr().map(Asking)
    }
}

/// Serves whoever comes by such a listener, likewise.
async fn serve_all<L>(mut listener: L, front: Front, stopped: impl Future<Output = ()>)
where
    L: Listener<Addr: Into<Peer>>,
{
    let builder = Builder::new(TokioExecutor::new());
    let serving = GracefulShutdown::new();
    let mut stopped = pin!(stopped);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stopped => break,
        };
        let asked = Arc::new(AtomicBool::new(false));
        let stream = TokioIo::new(Patient::until_asked(stream, Arc::clone(&asked)));
        let answering = front.of(peer.into());
        let service = service_fn(move |request: Request<Incoming>| {
            asked.store(true, Ordering::Relaxed);
            answering.call(request)
        });
        let connection = builder.serve_connection(stream, service).into_owned();
        let connection = serving.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = &*error, "a connection ended badly");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(LAST_REQUESTS, serving.shutdown()).await.is_err() {
        tracing::warn!("some requests took too long to be answered before the end");
    }
}

/// An answer is written whole: waiting for more would only hold it up.
fn send_at_once(stream: &mut TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps its delay");
    }
}
