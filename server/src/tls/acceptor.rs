//! Connections by TLS, with what their other end showed.

use super::{
    authorities::Authorities,
    certificates::Certificates,
    connection::{TlsConnection, TlsListener},
};
use crate::patience::Patient;
use axum::{Extension, middleware::AddExtension};
use axum_server::{
    accept::{Accept, NoDelayAcceptor},
    tls_rustls::RustlsAcceptor,
};
use std::{io, pin::Pin};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tower::Layer;

/// Takes connections, and tells every request of one what is known of it.
#[derive(Clone)]
pub(super) struct Acceptor {
    tls: RustlsAcceptor<NoDelayAcceptor>,
    listener: TlsListener,
    authorities: Authorities,
}

impl Acceptor {
    pub(super) fn new(listener: TlsListener, certificates: &Certificates) -> Self {
        let tls = RustlsAcceptor::new(certificates.of(listener)).acceptor(NoDelayAcceptor::new());
        Self { tls, listener, authorities: certificates.authorities().clone() }
    }
}

impl<S: Send + 'static> Accept<TcpStream, S> for Acceptor {
    type Stream = Patient<TlsStream<TcpStream>>;
    type Service = AddExtension<S, TlsConnection>;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let (listener, authorities) = (self.listener, self.authorities.clone());
        let accepting = self.tls.accept(stream, ());
        Box::pin(async move {
            let (stream, _) = accepting.await?;
            let shown = stream.get_ref().1.peer_certificates().unwrap_or_default();
            let connection = TlsConnection::new(listener, shown, &authorities);
            Ok((Patient::new(stream), Extension(connection).layer(service)))
        })
    }
}
