//! Why a run ended early.

use crate::answer::AnswerFault;
use std::{io, net::SocketAddr};

/// Why there is no measurement. A run never goes on after a fault: what it measured would be of something else.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Load is for this machine alone.
    #[error("{0} is not a loopback address: load is sent to this machine only")]
    NotLoopback(SocketAddr),
    /// The server does not take connections.
    #[error("cannot connect to {address}: {source}")]
    Connect {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// A connection failed in the middle.
    #[error("a connection failed: {0}")]
    Connection(#[source] io::Error),
    /// The server hung up.
    #[error("the server closed a connection in the middle of a run")]
    Closed,
    /// The system cannot tell which connections are ready.
    #[error("cannot wait for connections: {0}")]
    Poll(#[source] io::Error),
    /// An answer that cannot be read.
    #[error("an answer cannot be read: {0}")]
    Answer(#[from] AnswerFault),
    /// Nobody answered while it was measured.
    #[error("no answer came while it was measured")]
    Silent,
    /// There is nothing to choose from.
    #[error("there are no requests to choose from")]
    NoRequests,
    /// More requests than a mix holds.
    #[error("a mix holds at most {} requests", u32::MAX)]
    TooManyRequests,
    /// A share or an exponent that makes no sense.
    #[error("{0} is not a share between 0 and 1")]
    NotAShare(f64),
    /// An exponent that makes no sense.
    #[error("{0} is not an exponent: it must be 0 or more")]
    NotAnExponent(f64),
    /// The latencies have no place to go.
    #[error("no histogram can be made: {0}")]
    Histogram(#[from] hdrhistogram::CreationError),
}
