//! Refusals that are alike: the first of a minute have rows, the others are counted at the last of those rows.
//!
//! So a flood from one place takes a few rows a minute, however wide it is, and drops nobody else's. Where so many kinds come that
//! there is no room to tell them apart, the places are told apart no longer: each credential, reason and route still has its row.

use super::RouteName;
use crate::{
    api_key::format::PublicId,
    authn::{Refusal, Verdict},
    limit::network_of,
    port::{request_log::Folded, rollup::Period},
};
use latchkey_model::RequestId;
use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    net::IpAddr,
    sync::{Mutex, PoisonError},
};
use time::OffsetDateTime;
use uuid::Uuid;

/// How many that are alike have rows of their own in a minute.
const ROWS: u32 = 10;
/// How many ids of mistyped keys are told apart for a network in a minute.
const CLAIMS: u32 = 16;
/// How many kinds are told apart in a minute.
const KINDS: usize = 4_096;

/// What is alike in refusals that are folded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    reason: &'static str,
    method: &'static str,
    route: RouteName,
    credential: Option<Uuid>,
    /// The id that a mistyped key names. None where places are not told apart: whoever makes keys up has many.
    claimed: Option<PublicId>,
    /// From which household or machine. None where places are not told apart.
    network: Option<IpAddr>,
}

impl Kind {
    pub(super) fn new(verdict: &Verdict, refusal: &Refusal, method: &'static str, route: &RouteName) -> Self {
        Self {
            reason: refusal.reason(),
            method,
            route: route.clone(),
            credential: verdict.known.as_ref().map(|entry| entry.credential_id().as_uuid()),
            // Whose it is otherwise was found out already, or does not matter.
            claimed: match refusal {
                Refusal::Malformed { .. } if verdict.known.is_none() => verdict.claimed_public_id,
                _ => None,
            },
            network: Some(network_of(verdict.facts.address)),
        }
    }

    /// The same from anywhere.
    fn anywhere(self) -> Self {
        Self { claimed: None, network: None, ..self }
    }
}

/// Of where a row tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Of the place that its request came from.
    One,
    /// Of many, which were not told apart.
    Many,
}

/// What came of one kind.
#[derive(Debug, Clone, Copy)]
struct Fold {
    /// How many have rows.
    rows: u32,
    /// The last that has one.
    row: RequestId,
    /// How many came since that have none, and when the last of them did.
    more: u64,
    last_at: OffsetDateTime,
}

/// Refusals that came by without a row: whose they claimed to be, and what their row is to say.
#[derive(Debug, Clone)]
pub(super) struct Unwritten {
    pub(super) folded: Folded,
    /// Where they may still turn out to be somebody's.
    pub(super) claimed: Option<(PublicId, &'static str, RouteName)>,
}

/// Those of one row together: a statement adds to a row once.
pub(super) fn by_row(unwritten: &[Unwritten]) -> Vec<Folded> {
    let mut rows = BTreeMap::<RequestId, Folded>::new();
    for Unwritten { folded, .. } in unwritten {
        let row = rows.entry(folded.row).or_insert(Folded { more: 0, ..*folded });
        row.more += folded.more;
        row.last_at = row.last_at.max(folded.last_at);
    }
    rows.into_values().collect()
}

#[derive(Debug, Default)]
struct State {
    minute: i64,
    kinds: HashMap<Kind, Fold>,
    /// Of minutes that are over, what was not fetched yet.
    over: Vec<Unwritten>,
    /// How many ids that mistyped keys name are told apart for each network in this minute: whoever makes keys up has many.
    claims: HashMap<IpAddr, u32>,
    /// Since the start, by reason.
    reasons: BTreeMap<&'static str, u64>,
}

/// The refusals of this minute, by kind.
#[derive(Debug, Default)]
pub(super) struct Folds(Mutex<State>);

impl Folds {
    /// Whether a refusal gets a row of its own, and of where that row tells; otherwise it is counted at one that is alike. `budget`
    /// is asked only where a row would be one of many.
    pub(super) fn owes_row(
        &self,
        mut kind: Kind,
        id: RequestId,
        at: OffsetDateTime,
        budget: impl FnOnce() -> bool,
    ) -> Option<Place> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *state.reasons.entry(kind.reason).or_default() += 1;
        let minute = Period::Minute.start_of(at);
        // What took long comes late: it belongs to the minute that it finds.
        if minute > state.minute {
            state.minute = minute;
            state.claims.clear();
            let ended: Vec<_> = state.kinds.drain().collect();
            state.over.extend(ended.into_iter().filter_map(|(kind, fold)| unwritten(&kind, &fold)));
        }
        if let (Some(_), Some(network), false) = (kind.claimed, kind.network, state.kinds.contains_key(&kind)) {
            let claims = state.claims.entry(network).or_default();
            if *claims >= CLAIMS {
                kind.claimed = None;
            } else {
                *claims += 1;
            }
        }
        let full = state.kinds.len() >= KINDS;
        let new = Fold { rows: 1, row: id, more: 0, last_at: at };
        let kind = match state.kinds.entry(kind) {
            Entry::Occupied(mut known) => return add(known.get_mut(), id, at, budget).then_some(Place::One),
            Entry::Vacant(unknown) if !full && budget() => {
                unknown.insert(new);
                return Some(Place::One);
            }
            Entry::Vacant(unknown) => unknown.into_key().anywhere(),
        };
        match state.kinds.entry(kind) {
            Entry::Occupied(mut known) => add(known.get_mut(), id, at, || false).then_some(Place::Many),
            Entry::Vacant(unknown) => {
                unknown.insert(new);
                Some(Place::Many)
            }
        }
    }

    /// Counts a refusal that was found out after its request had been let in.
    pub(super) fn count(&self, reason: &'static str) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *state.reasons.entry(reason).or_default() += 1;
    }

    /// How many refusals there were since the start, by the reason.
    pub(super) fn reasons(&self) -> BTreeMap<&'static str, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).reasons.clone()
    }

    /// What came by without a row since this was last asked.
    pub(super) fn fetch(&self) -> Vec<Unwritten> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut fetched = std::mem::take(&mut state.over);
        for (kind, fold) in &mut state.kinds {
            if let Some(unwritten) = unwritten(kind, fold) {
                fold.more = 0;
                fetched.push(unwritten);
            }
        }
        fetched
    }
}

fn add(fold: &mut Fold, id: RequestId, at: OffsetDateTime, budget: impl FnOnce() -> bool) -> bool {
    // Once some came without a row, the row that counts them stays the last.
    if fold.rows < ROWS && fold.more == 0 && budget() {
        *fold = Fold { rows: fold.rows + 1, row: id, more: 0, last_at: at };
        return true;
    }
    fold.rows = ROWS;
    fold.more += 1;
    fold.last_at = fold.last_at.max(at);
    false
}

fn unwritten(kind: &Kind, fold: &Fold) -> Option<Unwritten> {
    let folded = Folded { row: fold.row, more: fold.more, last_at: fold.last_at };
    let claimed = kind.claimed.map(|claimed| (claimed, kind.method, kind.route.clone()));
    (fold.more > 0).then_some(Unwritten { folded, claimed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;
    use time::{Duration, macros::datetime};

    const NOON: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

    fn kind(network: u32) -> Kind {
        Kind {
            reason: "unknown",
            method: "GET",
            route: RouteName::Own("/api/v1/whoami"),
            credential: None,
            claimed: None,
            network: Some(Ipv4Addr::from_bits(network).into()),
        }
    }

    fn id(number: u128) -> RequestId {
        RequestId::from_uuid(Uuid::from_u128(number))
    }

    #[test]
    fn a_flood_from_one_place_has_ten_rows_a_minute_and_an_exact_count() {
        let folds = Folds::default();
        let rows = |from: u128, at| {
            (0..100_000).filter(|n| folds.owes_row(kind(1), id(from + n), at, || true).is_some()).count()
        };
        assert_eq!(rows(0, NOON), 10);
        let fetched = folds.fetch();
        let expected = Folded { row: id(9), more: 99_990, last_at: NOON };
        assert_eq!(fetched.iter().map(|one| one.folded).collect::<Vec<_>>(), [expected]);
        assert!(folds.fetch().is_empty(), "what was fetched is not told twice");
        assert_eq!(folds.owes_row(kind(1), id(1 << 40), NOON, || true), None);
        assert_eq!(rows(1 << 50, NOON + Duration::MINUTE), 10, "a new minute has rows of its own");
        let more: Vec<_> = folds.fetch().iter().map(|one| one.folded.more).collect();
        assert_eq!(more.iter().sum::<u64>(), 1 + 99_990, "and forgets nothing of the one before");
    }

    #[test]
    fn what_was_fetched_at_several_times_is_added_to_its_row_at_once() {
        let folds = Folds::default();
        let mut fetched = Vec::new();
        for (visit, times) in [110, 200, 300].into_iter().enumerate() {
            let at = NOON + Duration::seconds(i64::try_from(visit).unwrap());
            for number in 0..times {
                folds.owes_row(kind(1), id(u128::try_from(visit * 1_000 + number).unwrap()), at, || true);
            }
            fetched.extend(folds.fetch());
        }
        assert_eq!(fetched.len(), 3);
        let later = NOON + Duration::seconds(2);
        assert_eq!(by_row(&fetched), [Folded { row: id(9), more: 100 + 200 + 300, last_at: later }]);
    }

    #[test]
    fn nobodys_rows_are_dropped_for_those_of_a_thousand_places() {
        let folds = Folds::default();
        for place in 0..10_000 {
            folds.owes_row(kind(place), id(place.into()), NOON, || true);
        }
        assert!(folds.0.lock().unwrap().kinds.len() <= KINDS + 1);
        let more: u64 = folds.fetch().iter().map(|one| one.folded.more).sum();
        assert_eq!(more, 10_000 - KINDS as u64 - 1, "what found no room is counted at one row");
        let owner = Kind { credential: Some(Uuid::from_u128(7)), ..kind(3) };
        let own = folds.owes_row(owner.clone(), id(1 << 60), NOON, || true);
        assert_eq!(own, Some(Place::Many), "somebody else's refusal still has its row, which blames no place");
        assert_eq!(folds.owes_row(owner, id(1 << 61), NOON, || true), None);
    }

    #[test]
    fn beyond_the_budget_every_kind_still_has_one_row() {
        let folds = Folds::default();
        assert_eq!(folds.owes_row(kind(1), id(1), NOON, || false), Some(Place::Many));
        assert_eq!(folds.owes_row(kind(1), id(2), NOON, || false), None);
        assert_eq!(folds.owes_row(kind(2), id(3), NOON, || false), None);
        assert_eq!(folds.fetch()[0].folded, Folded { row: id(1), more: 2, last_at: NOON });
    }

    #[test]
    fn whoever_makes_keys_up_has_few_kinds_and_no_minute_comes_back() {
        let folds = Folds::default();
        let claiming = |number: u32| Kind { claimed: format!("{number:012}").parse().ok(), ..kind(1) };
        let rows =
            (0..1_000).filter(|n| folds.owes_row(claiming(*n), id((*n).into()), NOON, || true).is_some()).count();
        assert_eq!(rows, usize::try_from(CLAIMS + ROWS).unwrap(), "each of a few, and what is alike in the rest");
        let later = NOON + Duration::MINUTE;
        assert!(folds.owes_row(kind(2), id(1 << 40), later, || true).is_some());
        let late = (0..20).filter(|n| folds.owes_row(kind(2), id((1 << 41) + n), NOON, || true).is_some()).count();
        assert_eq!(late, 9, "what comes late belongs to the minute that it finds");
    }
}
