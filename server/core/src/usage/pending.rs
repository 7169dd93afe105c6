//! Counts that are not written yet.

use super::{
    tally::{Slot, Sums},
    totals::Totals,
};
use crate::port::{
    request_log::CredentialId,
    rollup::{AddressCounts, AddressKey, Period, RollupCounts, RollupKey},
};
use latchkey_model::OwnerId;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    net::IpAddr,
};
use uuid::Uuid;

/// How many addresses are counted apart for an owner in an hour.
const ADDRESSES_AN_HOUR: usize = 1_000;

/// What is to be added to stored counts.
#[derive(Default)]
pub(super) struct Pending {
    /// By what requests asked for.
    pub(super) counts: BTreeMap<RollupKey, RollupCounts>,
    /// By where they came from.
    pub(super) addresses: BTreeMap<AddressKey, AddressCounts>,
    /// The addresses of this hour that are counted apart, for each owner.
    known_addresses: (i64, HashMap<Option<OwnerId>, HashSet<IpAddr>>),
}

impl Pending {
    /// Adds to the counts of the credential, and to those of all of its owner, by the minute, the hour and the day.
    pub(super) fn add(&mut self, owner_id: OwnerId, credential: CredentialId, slot: &Slot, sums: &RollupCounts) {
        for credential in [Some(credential.as_uuid()), None] {
            self.add_to(Some(owner_id), credential, slot, sums);
        }
    }

    /// Adds to the counts of everybody and nobody, and to what was counted since the start.
    pub(super) fn add_to_portal(&mut self, totals: &Totals, slot: &Slot, sums: &Sums) {
        totals.add(slot, sums);
        self.add_to(None, None, slot, &sums.counts);
    }

    fn add_to(&mut self, owner_id: Option<OwnerId>, credential: Option<Uuid>, slot: &Slot, sums: &RollupCounts) {
        let route = format!("{} {}", slot.method, slot.route);
        for period in Period::ALL {
            let key = RollupKey {
                period,
                start: slot.minute - slot.minute.rem_euclid(period.seconds()),
                owner_id,
                credential,
                route: route.clone(),
                status: slot.status,
                refused: slot.refused,
            };
            *self.counts.entry(key).or_default() += *sums;
        }
    }

    /// Adds to the counts by address: of the credential, of all of its owner, and of the portal.
    pub(super) fn add_address(
        &mut self,
        whose: Option<(OwnerId, CredentialId)>,
        hour: i64,
        address: Option<IpAddr>,
        sums: AddressCounts,
    ) {
        let of_owner = whose.map(|(owner, id)| [(Some(owner), Some(id.as_uuid())), (Some(owner), None)]);
        for (owner_id, credential) in of_owner.into_iter().flatten().chain([(None, None)]) {
            let address = address.filter(|address| self.has_room(owner_id, hour, *address));
            for period in [Period::Hour, Period::Day] {
                let start = hour - hour.rem_euclid(period.seconds());
                let key = AddressKey { period, start, owner_id, credential, address };
                *self.addresses.entry(key).or_default() += sums;
            }
        }
    }

    /// Adds counts by address that were drawn already.
    pub(super) fn add_addresses(&mut self, drawn: Vec<(AddressKey, AddressCounts)>) {
        for (key, sums) in drawn {
            *self.addresses.entry(key).or_default() += sums;
        }
    }

    /// Whether an address is counted apart for an owner, in an hour.
    fn has_room(&mut self, owner: Option<OwnerId>, hour: i64, address: IpAddr) -> bool {
        if self.known_addresses.0 < hour {
            self.known_addresses = (hour, HashMap::new());
        }
        let known = self.known_addresses.1.entry(owner).or_default();
        known.contains(&address) || (known.len() < ADDRESSES_AN_HOUR && known.insert(address))
    }
}
