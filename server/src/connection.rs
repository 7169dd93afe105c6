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

/// How a request arrived.
#[derive(Clone)]
pub struct Arrival {
    peer: IpAddr,
    tls: Option<TlsConnection>,
}

impl Arrival {
    /// By plain HTTP, from here.
    pub fn plain(peer: SocketAddr) -> Self {
        Self { peer: peer.ip().to_canonical(), tls: None }
    }

    /// As its listener noted it.
    pub fn of(extensions: &Extensions) -> Self {
        Self { peer: peer(extensions), tls: extensions.get::<TlsConnection>().cloned() }
    }

    /// From where: the peer of its connection.
    pub fn peer(&self) -> IpAddr {
        self.peer
    }

    /// Whether nobody on the way could read it.
    pub fn is_secure(&self, config: &Config) -> bool {
        self.tls.is_some() || config.trusts_plain_http(self.peer)
    }

    /// The certificate that its other end showed, while it holds: a connection may live longer.
    pub fn certificate(&self, now: OffsetDateTime) -> Option<Arc<ClientCertificate>> {
        self.tls.as_ref()?.certificate().filter(|shown| shown.is_valid_at(now))
    }

    /// What its caller calls this server: proofs of keys name the address that they were sent to (RFC 9449 section 4.3, item 9).
    pub fn called_url<'a>(&self, config: &'a Config) -> &'a str {
        match (&self.tls, config.mutual_tls_url()) {
            (Some(TlsConnection { listener: TlsListener::MutualTls, .. }), Some(url)) => url,
            _ => config.base_url(),
        }
    }
}

/// From where a request came: the peer of its connection.
pub fn peer(extensions: &Extensions) -> IpAddr {
    extensions.get::<ConnectInfo<SocketAddr>>().map_or(
        // A request without a peer is one that no listener of ours took: it counts as a stranger's, never as our own.
        IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        |ConnectInfo(peer)| peer.ip().to_canonical(),
    )
}
