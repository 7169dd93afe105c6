//! What is known of the connection that a request came by.

mod forwarded;

pub use forwarded::ProxyFields;

use crate::{
    config::Config,
    tls::{TlsConnection, TlsListener},
};
use axum::extract::ConnectInfo;
use http::{HeaderMap, Request};
use latchkey_core::certificate::ClientCertificate;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};
use time::OffsetDateTime;
use tokio::net::unix;

/// Who is at the other end of a connection without TLS.
#[derive(Debug, Clone, Copy)]
pub enum Peer {
    /// Whoever has this address.
    Address(SocketAddr),
    /// A proxy on this machine that may open our socket.
    Socket,
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Self {
        Self::Address(address)
    }
}

/// What connects to a Unix socket mostly has no name of its own.
impl From<unix::SocketAddr> for Peer {
    fn from(_: unix::SocketAddr) -> Self {
        Self::Socket
    }
}

/// How a request arrived.
#[derive(Clone)]
pub struct Arrival {
    address: IpAddr,
    channel: Channel,
}

/// By what it came.
#[derive(Clone)]
enum Channel {
    /// By plain HTTP.
    Plain,
    /// By a listener of ours with TLS.
    Tls(TlsConnection),
    /// By a proxy that the operator trusts, which says whether TLS reached as far as it.
    Proxy { secure: bool },
}

/// Nobody's address: a request that no listener of ours took, or whose proxy does not say for whom it asks, counts as a stranger's,
/// never as our own.
const NOBODY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

impl Arrival {
    /// By plain HTTP, from here.
    pub fn plain(config: &Config, peer: Peer, headers: &HeaderMap) -> Self {
        Self::new(config, Some(peer), None, headers)
    }

    /// As its listener noted it.
    pub fn of<B>(config: &Config, request: &Request<B>) -> Self {
        let extensions = request.extensions();
        let by_tls = extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| Peer::Address(*peer));
        let peer = extensions.get::<Peer>().copied().or(by_tls);
        Self::new(config, peer, extensions.get::<TlsConnection>(), request.headers())
    }

    fn new(config: &Config, peer: Option<Peer>, tls: Option<&TlsConnection>, headers: &HeaderMap) -> Self {
        let proxies = config.proxies.as_ref();
        let is_proxy = |address| proxies.is_some_and(|proxies| proxies.admits(address));
        let (address, is_trusted) = match peer {
            None => (NOBODY, false),
            Some(Peer::Address(peer)) => (peer.ip().to_canonical(), is_proxy(peer.ip())),
            Some(Peer::Socket) => (NOBODY, true),
        };
        if is_trusted {
            let claimed = forwarded::claimed(config.proxy_fields, headers, is_proxy);
            let channel = Channel::Proxy { secure: claimed.secure };
            return Self { address: claimed.address.unwrap_or(NOBODY), channel };
        }
        Self { address, channel: tls.cloned().map_or(Channel::Plain, Channel::Tls) }
    }

    /// From where: the peer of its connection, or whom a trusted proxy asks for.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Whether nobody on the way could read it.
    pub fn is_secure(&self, config: &Config) -> bool {
        match &self.channel {
            Channel::Tls(_) => true,
            Channel::Proxy { secure } => *secure || !config.require_tls,
            Channel::Plain => config.trusts_plain_http(self.address),
        }
    }

    /// Whether pages are served where it came. Browsers would ask their people for a certificate where one is asked for, and plain
    /// HTTP is for nobody where there is TLS.
    pub fn is_for_pages(&self, config: &Config) -> bool {
        match &self.channel {
            Channel::Tls(connection) => connection.listener == TlsListener::Ordinary,
            Channel::Proxy { secure } => *secure || config.tls_listen.is_none(),
            Channel::Plain => config.tls_listen.is_none(),
        }
    }

    /// The certificate that its other end showed, while it holds: a connection may live longer. A proxy's own is nobody's who asks
    /// through it.
    pub fn certificate(&self, now: OffsetDateTime) -> Option<Arc<ClientCertificate>> {
        let Channel::Tls(connection) = &self.channel else { return None };
        connection.certificate().filter(|shown| shown.is_valid_at(now))
    }

    /// What its caller calls this server: proofs of keys name the address that they were sent to (RFC 9449 section 4.3, item 9).
    pub fn called_url<'a>(&self, config: &'a Config) -> &'a str {
        match (&self.channel, config.mutual_tls_url()) {
            (Channel::Tls(TlsConnection { listener: TlsListener::MutualTls, .. }), Some(url)) => url,
            _ => config.base_url(),
        }
    }
}
