//! What is known of the connection that a request came by.

mod forwarded;

pub use forwarded::ProxyFields;

use crate::{
    config::Config,
    tls::{Authorities, HandedOn, TlsConnection, TlsListener},
};
use axum::extract::ConnectInfo;
use http::{HeaderMap, Request};
use latchkey_core::{authn::Transport, certificate::ClientCertificate};
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
    /// Whoever has this address, at the listener that is for checks of guarded APIs and nothing else.
    Gateway(SocketAddr),
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
    /// By a proxy that the operator trusts, which says whether TLS reached as far as it, or forgets to, and may hand on a certificate.
    Proxy { by_tls: Option<bool>, handed_on: Option<Arc<HandedOn>> },
}

/// Where pages are served to whoever asks so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pages {
    /// Here.
    Here,
    /// At the public address.
    Elsewhere,
    /// Nobody knows whether it came by the public address: its proxy does not say.
    Unsaid,
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
            // Programs of this machine could open that listener for themselves.
            Some(Peer::Gateway(peer)) => {
                let address = peer.ip().to_canonical();
                (address, address.is_loopback() || is_proxy(address))
            }
        };
        if is_trusted {
            let claimed = forwarded::claimed(config.proxy_fields, headers, is_proxy);
            // Those who ask about requests to other APIs mostly pass on what their callers sent, and every program of this machine may
            // ask: a certificate that stands there is no proof, but from proxies that are named, where the operator says that it is.
            let field = match peer {
                Some(Peer::Gateway(peer)) => config.gateway_certificates.filter(|_| is_proxy(peer.ip().to_canonical())),
                _ => config.proxy_certificates,
            };
            let handed_on = field.and_then(|field| HandedOn::read(field, headers)).map(Arc::new);
            let channel = Channel::Proxy { by_tls: claimed.by_tls, handed_on };
            return Self { address: claimed.address.unwrap_or(NOBODY), channel };
        }
        Self { address, channel: tls.cloned().map_or(Channel::Plain, Channel::Tls) }
    }

    /// From where: the peer of its connection, or whom a trusted proxy asks for.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Whether a proxy brought it that the operator trusts.
    pub fn is_by_proxy(&self) -> bool {
        matches!(self.channel, Channel::Proxy { .. })
    }

    /// Who could have read it on its way.
    pub fn transport(&self, config: &Config) -> Transport {
        match &self.channel {
            Channel::Tls(_) | Channel::Proxy { by_tls: Some(true), .. } => Transport::Private,
            Channel::Proxy { .. } if !config.require_tls => Transport::Private,
            Channel::Plain if config.trusts_plain_http(self.address) => Transport::Private,
            Channel::Proxy { by_tls: None, .. } => Transport::Unsaid,
            Channel::Proxy { by_tls: Some(false), .. } | Channel::Plain => Transport::InTheClear,
        }
    }

    /// Whether pages are served where it came. Browsers would ask their people for a certificate where one is asked for, and plain
    /// HTTP is for nobody where there is TLS.
    pub fn pages(&self, config: &Config) -> Pages {
        match &self.channel {
            Channel::Tls(connection) if connection.listener == TlsListener::Ordinary => Pages::Here,
            Channel::Plain if config.tls_listen.is_none() => Pages::Here,
            Channel::Proxy { by_tls, .. } if *by_tls == Some(true) || !config.secure_cookies() => Pages::Here,
            // Leading elsewhere would lead here again, for ever.
            Channel::Proxy { by_tls: None, .. } => Pages::Unsaid,
            _ => Pages::Elsewhere,
        }
    }

    /// The certificate that its other end showed, while it holds: a connection may live longer. A proxy's own is nobody's who asks
    /// through it; what it hands on is its caller's, if that came to it by TLS.
    pub fn certificate(&self, authorities: &Authorities, now: OffsetDateTime) -> Option<Arc<ClientCertificate>> {
        let shown = match &self.channel {
            Channel::Tls(connection) => connection.certificate(),
            Channel::Proxy { by_tls: Some(true), handed_on: Some(shown) } => authorities.judge_handed_on(shown, now),
            Channel::Plain | Channel::Proxy { .. } => None,
        };
        shown.filter(|shown| shown.is_valid_at(now))
    }

    /// What its caller calls this server: proofs of keys name the address that they were sent to (RFC 9449 section 4.3, item 9).
    pub fn called_url<'a>(&self, config: &'a Config) -> &'a str {
        match (&self.channel, config.mutual_tls_url()) {
            (
                Channel::Tls(TlsConnection { listener: TlsListener::MutualTls, .. })
                | Channel::Proxy { handed_on: Some(_), .. },
                Some(url),
            ) => url,
            _ => config.base_url(),
        }
    }
}
