//! What is known of the connection that a request came by.

use crate::{
    config::Config,
    tls::{TlsConnection, TlsListener},
};
use axum::extract::ConnectInfo;
use http::Extensions;
use latchkey_core::certificate::ClientCertificate;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};
use time::OffsetDateTime;

/// From where a request came: the peer of its connection.
pub fn peer(extensions: &Extensions) -> IpAddr {
    extensions.get::<ConnectInfo<SocketAddr>>().map_or(
        // A request without a peer is one that no listener of ours took: it counts as a stranger's, never as our own.
        IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        |ConnectInfo(peer)| peer.ip().to_canonical(),
    )
}

/// Whether nobody on the way could read it.
pub fn is_secure(config: &Config, extensions: &Extensions, peer: IpAddr) -> bool {
    config.trusts_plain_http(peer) || extensions.get::<TlsConnection>().is_some()
}

/// The certificate that its other end showed, while it holds: a connection may live longer.
pub fn certificate(extensions: &Extensions, now: OffsetDateTime) -> Option<Arc<ClientCertificate>> {
    extensions.get::<TlsConnection>()?.certificate().filter(|shown| shown.is_valid_at(now))
}

/// What its caller calls this server: proofs of keys name the address that they were sent to (RFC 9449 section 4.3, item 9).
pub fn called_url<'a>(config: &'a Config, extensions: &Extensions) -> &'a str {
    match (extensions.get::<TlsConnection>(), config.mutual_tls_url()) {
        (Some(TlsConnection { listener: TlsListener::MutualTls, .. }), Some(url)) => url,
        _ => config.base_url(),
    }
}
