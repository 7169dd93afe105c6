//! From where a key may be used: networks in CIDR notation.

use crate::leak::redacted;
use ipnet::IpNet;
use std::{fmt, net::IpAddr, str::FromStr};

/// Networks that may use a key (RFC 4632, RFC 4291 section 2.3), written with spaces between; an empty list lets every address in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowList(Vec<IpNet>);

/// Why a text is not such a list; each says which part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseAllowListError {
    /// This part is no network.
    #[error("{0} is not an address or a network such as 203.0.113.0/24 or 2001:db8::/32")]
    NotANetwork(String),
    /// More parts than a list may have.
    #[error("A list may have {} networks", AllowList::MAX_NETWORKS)]
    TooMany,
}

impl AllowList {
    /// How many networks a list may have: all of them are looked at for each request.
    pub const MAX_NETWORKS: usize = 32;
    /// What is repeated of a part that cannot be read.
    const SHOWN: usize = 64;

    /// Whether every address is let in.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it leaves out nobody of IPv4, or nobody of IPv6, however that is written.
    pub fn is_for_everybody(&self) -> bool {
        self.is_empty() || IpNet::aggregate(&self.0).iter().any(|network| network.prefix_len() == 0)
    }

    /// The networks, as they are written.
    pub fn iter(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(written)
    }

    /// Whether an address may use the key. An IPv4 address in IPv6 clothes (RFC 4291 section 2.5.5.2) counts as the IPv4 address.
    pub fn admits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.is_empty() || self.0.iter().any(|network| network.contains(&address))
    }
}

impl FromStr for AllowList {
    type Err = ParseAllowListError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut networks = Vec::new();
        for part in text.split([' ', ',', '\n', '\r', '\t']).filter(|part| !part.is_empty()) {
            if networks.len() == Self::MAX_NETWORKS {
                return Err(ParseAllowListError::TooMany);
            }
            networks.push(network(part)?);
        }
        networks.sort_unstable();
        networks.dedup();
        Ok(Self(networks))
    }
}

/// One part: a network, or an address by itself. The address is read by the standard library, which takes no `010.0.0.1`: some
/// read that as 8.0.0.1.
fn network(part: &str) -> Result<IpNet, ParseAllowListError> {
    // It may be a secret that was typed into the wrong field.
    read(part).ok_or_else(|| ParseAllowListError::NotANetwork(redacted(part).chars().take(AllowList::SHOWN).collect()))
}

/// An address or a network, with the bits that are not its own gone.
pub(crate) fn read(part: &str) -> Option<IpNet> {
    let Some((address, length)) = part.split_once('/') else {
        return part.parse::<IpAddr>().ok().map(|address| IpNet::from(address.to_canonical()));
    };
    let address: IpAddr = address.parse().ok()?;
    let network = IpNet::new(address, length.parse().ok()?).ok()?;
    // A network of IPv4 in IPv6 clothes would never match: addresses are compared without them.
    (address.to_canonical() == address).then(|| network.trunc())
}

fn written(network: &IpNet) -> String {
    if network.prefix_len() == network.max_prefix_len() { network.addr().to_string() } else { network.to_string() }
}

impl fmt::Display for AllowList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, network) in self.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{network}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api_key::PlainApiKey, random::SystemRandom};
    use latchkey_model::KeyKind;
    use proptest::prelude::*;

    fn list(text: &str) -> AllowList {
        text.parse().unwrap()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn admits_what_lies_in_a_network_and_nothing_beside_it() {
        let list = list("203.0.113.0/24, 2001:db8::/32\n198.51.100.7");
        for inside in ["203.0.113.0", "203.0.113.255", "::ffff:203.0.113.9", "2001:db8:ffff::1", "198.51.100.7"] {
            assert!(list.admits(address(inside)), "{inside}");
        }
        for outside in ["203.0.112.255", "203.0.114.0", "2001:db7::1", "198.51.100.8", "::1", "::203.0.113.9"] {
            assert!(!list.admits(address(outside)), "{outside}");
        }
        assert!(AllowList::default().admits(address("192.0.2.1")), "an empty list lets every address in");
    }

    #[test]
    fn everybody_is_everybody_in_parts_too() {
        for everybody in ["", "0.0.0.0/0", "192.0.2.1 ::/0", "0.0.0.0/1 128.0.0.0/1", "8000::/1 ::/2 4000::/2"] {
            assert!(list(everybody).is_for_everybody(), "{everybody}");
        }
        assert!(!list("10.0.0.0/8 127.0.0.1 ::1 0.0.0.0/1").is_for_everybody());
    }

    #[test]
    fn is_written_as_it_is_read() {
        assert_eq!(list("10.1.2.3/8 10.0.0.0/8  192.0.2.1/32").to_string(), "10.0.0.0/8 192.0.2.1");
        assert!(list(" \n, ").is_empty());
    }

    #[test]
    fn what_is_no_network_is_named() {
        for wrong in
            ["203.0.113.0/33", "203.0.113", "example.org", "2001:db8::/129", "::ffff:203.0.113.0/120", "010.0.0.1/8"]
        {
            let error = format!("192.0.2.1 {wrong}").parse::<AllowList>().unwrap_err();
            assert_eq!(error, ParseAllowListError::NotANetwork(wrong.to_owned()));
        }
        let many = "192.0.2.1 ".repeat(AllowList::MAX_NETWORKS + 1);
        assert_eq!(many.parse::<AllowList>(), Err(ParseAllowListError::TooMany));
    }

    #[test]
    fn r53_a_key_that_is_typed_as_a_network_is_not_repeated() {
        let key = PlainApiKey::generate(&SystemRandom, KeyKind::Personal);
        for typed in [key.expose().to_owned(), format!("192.0.2.1,{}", key.expose())] {
            assert_eq!(typed.parse::<AllowList>(), Err(ParseAllowListError::NotANetwork(key.hint())));
        }
    }

    proptest! {
        #[test]
        fn any_list_reads_back(addresses in proptest::collection::vec((any::<u32>(), 0_u8..=32), 0..20)) {
            let text: Vec<_> =
                addresses.iter().map(|(bits, prefix)| format!("{}/{prefix}", std::net::Ipv4Addr::from_bits(*bits))).collect();
            let once = list(&text.join(" "));
            prop_assert_eq!(&list(&once.to_string()), &once);
            for (bits, _) in addresses {
                prop_assert!(once.admits(std::net::Ipv4Addr::from_bits(bits).into()));
            }
        }
    }
}
