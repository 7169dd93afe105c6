//! Our own TLS listeners: one for everybody, and one that asks for client certificates (RFC 8705).

mod acceptor;
mod authorities;
mod certificates;
mod client_certificates;
mod connection;
mod handed_on;
mod plain;
mod self_made;

pub use authorities::Authorities;
pub use certificates::{Certificates, TlsError};
pub use connection::{TlsConnection, TlsListener};
pub use handed_on::{CertificateField, HandedOn};
pub use plain::lead_to_pages;
pub use self_made::AUTHORITY;

use crate::plain_http::LAST_REQUESTS;
use acceptor::Acceptor;
use axum::Router;
use axum_server::Handle;
use http::{HeaderValue, header};
use std::{
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};
use tower_http::set_header::SetResponseHeaderLayer;

/// How long a connection may take to send its first request.
const FIRST_REQUEST: Duration = Duration::from_secs(30);

/// RFC 6797 section 7.2: over TLS only; a year.
pub const STRICT_TRANSPORT: HeaderValue = HeaderValue::from_static("max-age=31536000; includeSubDomains");

/// Serves by TLS until it is told to stop.
///
/// # Errors
/// What the system says of the listener.
pub async fn serve(
    listener: TcpListener,
    kind: TlsListener,
    certificates: Certificates,
    app: Router,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let handle = Handle::new();
    let stopping = tokio::spawn({
        let handle = handle.clone();
        async move {
            stopped.await;
            handle.graceful_shutdown(Some(LAST_REQUESTS));
        }
    });
    // A certificate that is made here is for whoever tries this out: their other servers on this machine need not have one.
    let strict = certificates
        .are_the_operators()
        .then(|| SetResponseHeaderLayer::if_not_present(header::STRICT_TRANSPORT_SECURITY, STRICT_TRANSPORT));
    let app = match strict {
        Some(strict) => app.layer(strict),
        None => app,
    };
    let served = axum_server::from_tcp(listener)?
        .acceptor(Acceptor::new(kind, &certificates))
        .handle(handle)
        .first_request_timeout(FIRST_REQUEST)
        .serve(app.into_make_service_with_connect_info::<SocketAddr>())
        .await;
    stopping.abort();
    served
}
