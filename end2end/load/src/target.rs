//! Where load may go.

use crate::LoadError;
use std::{fmt, net::SocketAddr};

/// A server on this machine. There is no other way to name a server to this crate, so load cannot leave the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target(SocketAddr);

impl Target {
    /// A server at this address.
    ///
    /// # Errors
    /// [`LoadError::NotLoopback`].
    pub fn new(address: SocketAddr) -> Result<Self, LoadError> {
        if address.ip().to_canonical().is_loopback() { Ok(Self(address)) } else { Err(LoadError::NotLoopback(address)) }
    }

    /// Its address.
    pub fn address(self) -> SocketAddr {
        self.0
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine() {
        for address in ["127.0.0.1:80", "127.9.9.9:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
            assert!(Target::new(address.parse().unwrap()).is_ok(), "{address}");
        }
        for address in
            ["0.0.0.0:80", "[::]:80", "10.0.0.1:80", "192.0.2.1:80", "[2001:db8::1]:80", "[::ffff:10.0.0.1]:80"]
        {
            assert!(matches!(Target::new(address.parse().unwrap()), Err(LoadError::NotLoopback(_))), "{address}");
        }
    }
}
