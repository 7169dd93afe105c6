//! What was counted since the start, for those who watch over the server: by route and status, never by key or owner.

use super::{
    RouteName,
    tally::{Slot, Sums},
};
use crate::port::rollup::LatencyCounts;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// What came to a route and was answered with a status, since the start.
#[derive(Debug, Clone)]
pub struct RouteTotals {
    /// The HTTP method.
    pub method: &'static str,
    /// The route's pattern.
    pub route: RouteName,
    /// The status of the answer.
    pub status: u16,
    /// Whether the door refused it.
    pub refused: bool,
    /// How many there were.
    pub requests: u64,
    /// By latency.
    pub latency: LatencyCounts,
    /// How long all of them took together, in microseconds.
    pub duration_us: u64,
}

/// What a total is counted by.
type Name = (&'static str, RouteName, u16, bool);

/// The totals: the writer of the request log adds to them, off the path of the requests.
#[derive(Debug, Default)]
pub(super) struct Totals(Mutex<HashMap<Name, RouteTotals>>);

impl Totals {
    pub(super) fn add(&self, slot: &Slot, sums: &Sums) {
        let mut totals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let name = (slot.method, slot.route.clone(), slot.status, slot.refused);
        let total = totals.entry(name).or_insert_with(|| RouteTotals {
            method: slot.method,
            route: slot.route.clone(),
            status: slot.status,
            refused: slot.refused,
            requests: 0,
            latency: LatencyCounts::default(),
            duration_us: 0,
        });
        total.requests += sums.counts.requests;
        total.duration_us += sums.duration_us;
        for (sum, new) in total.latency.iter_mut().zip(sums.counts.latency) {
            *sum += new;
        }
    }

    /// By route, method and status.
    pub(super) fn read(&self) -> Vec<RouteTotals> {
        let mut totals: Vec<_> = self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        totals.sort_by(|one, other| {
            let key = |total: &RouteTotals| (total.route.to_string(), total.method, total.status, total.refused);
            key(one).cmp(&key(other))
        });
        totals
    }
}
