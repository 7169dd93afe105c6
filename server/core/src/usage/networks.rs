//! The networks that credentials are used from, to be told of the first time.

use crate::port::request_log::{NetworkUse, network_of_request};
use latchkey_model::OwnerId;
use std::{collections::HashSet, net::IpAddr};
use uuid::Uuid;

/// Networks of the day that were noted, and those that are still to be written.
#[derive(Default)]
pub(super) struct Networks {
    day: i64,
    noted: HashSet<(Uuid, IpAddr)>,
    unwritten: Vec<NetworkUse>,
}

impl Networks {
    const DAY: i64 = 86_400;
    /// More of a day than this are noted anew now and then: that costs a write, and tells nobody anything twice.
    const MOST: usize = 50_000;

    /// Notes that a credential was let in from an address, within an hour that begins at this time, in Unix seconds.
    pub(super) fn note(&mut self, owner: OwnerId, credential: Uuid, address: IpAddr, hour: i64) {
        let day = hour - hour.rem_euclid(Self::DAY);
        if day > self.day || self.noted.len() >= Self::MOST {
            self.day = day.max(self.day);
            self.noted.clear();
        }
        // What cannot be written for long is not kept for ever.
        if self.noted.insert((credential, network_of_request(address))) && self.unwritten.len() < Self::MOST {
            self.unwritten.push(NetworkUse { owner, credential, address, hour });
        }
    }

    /// What is to be written.
    pub(super) fn unwritten(&self) -> &[NetworkUse] {
        &self.unwritten
    }

    /// It is written.
    pub(super) fn written(&mut self) {
        self.unwritten.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_noted_once_a_day() {
        let (mut networks, owner, key) = (Networks::default(), OwnerId::from_uuid(Uuid::nil()), Uuid::from_u128(1));
        let note = |networks: &mut Networks, key, address: &str, hour| {
            networks.note(owner, key, address.parse().unwrap(), hour);
            networks.unwritten().len()
        };
        assert_eq!(note(&mut networks, key, "203.0.113.7", 86_400), 1);
        assert_eq!(note(&mut networks, key, "203.0.113.8", 90_000), 1, "the same network");
        assert_eq!(note(&mut networks, key, "198.51.100.1", 90_000), 2);
        assert_eq!(note(&mut networks, Uuid::from_u128(2), "198.51.100.1", 90_000), 3, "another credential");
        networks.written();
        assert_eq!(note(&mut networks, key, "203.0.113.7", 90_000), 0);
        assert_eq!(note(&mut networks, key, "203.0.113.7", 172_800), 1, "the next day");
    }
}
