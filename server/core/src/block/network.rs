//! What can be kept out.

use crate::api_key::network_of_text;
use ipnet::IpNet;
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// An address or a network that may be kept out: not so large that it is half the world, and not this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockedNetwork(IpNet);

/// Why a text is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseBlockedNetworkError {
    /// It is no network.
    #[error("Enter an address or a network, such as 203.0.113.9, 203.0.113.0/24 or 2001:db8::/48")]
    NotANetwork,
    /// It is too large.
    #[error(
        "That is too many addresses at once: a network has at least {} bits, or {} for IPv6",
        BlockedNetwork::V4_BITS,
        BlockedNetwork::V6_BITS
    )]
    TooLarge,
    /// It is this machine, which may be a proxy for everybody.
    #[error("This machine's own address may stand for everybody who comes through a proxy")]
    ThisMachine,
}

impl BlockedNetwork {
    const V4_BITS: u8 = 16;
    const V6_BITS: u8 = 32;

    /// Whether an address is in it. An IPv4 address in IPv6 clothes counts as the IPv4 address.
    pub fn contains(self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for BlockedNetwork {
    type Err = ParseBlockedNetworkError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let network = network_of_text(text.trim()).ok_or(ParseBlockedNetworkError::NotANetwork)?;
        let least = match network {
            IpNet::V4(_) => Self::V4_BITS,
            IpNet::V6(_) => Self::V6_BITS,
        };
        if network.prefix_len() < least {
            return Err(ParseBlockedNetworkError::TooLarge);
        }
        let own = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
        if network.addr().is_loopback() || own.iter().any(|own| network.contains(own)) {
            return Err(ParseBlockedNetworkError::ThisMachine);
        }
        Ok(Self(network))
    }
}

impl fmt::Display for BlockedNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() { self.0.addr().fmt(f) } else { self.0.fmt(f) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_and_written_back() {
        for (text, written) in [
            ("203.0.113.9", "203.0.113.9"),
            (" 203.0.113.9/24 ", "203.0.113.0/24"),
            ("2001:db8::1/48", "2001:db8::/48"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
        ] {
            assert_eq!(text.parse::<BlockedNetwork>().unwrap().to_string(), written);
        }
        let network: BlockedNetwork = "203.0.113.0/24".parse().unwrap();
        assert!(network.contains("203.0.113.200".parse().unwrap()));
        assert!(network.contains("::ffff:203.0.113.200".parse().unwrap()));
        assert!(!network.contains("203.0.114.1".parse().unwrap()));
    }

    #[test]
    fn nobody_keeps_out_the_world_or_this_machine() {
        use ParseBlockedNetworkError::{NotANetwork, ThisMachine, TooLarge};
        for (text, why) in [
            ("", NotANetwork),
            ("everybody", NotANetwork),
            ("203.0.113.9/33", NotANetwork),
            ("0.0.0.0/0", TooLarge),
            ("10.0.0.0/8", TooLarge),
            ("::/0", TooLarge),
            ("127.0.0.1", ThisMachine),
            ("::1", ThisMachine),
            ("::/64", ThisMachine),
            ("::ffff:127.0.0.1", ThisMachine),
        ] {
            assert_eq!(text.parse::<BlockedNetwork>(), Err(why), "{text}");
        }
    }
}
