//! Which request to send next.

use crate::{
    LoadError,
    random::{Chance, Random},
    request::Requests,
    zipf::Zipf,
};

/// Requests to choose from: wanted ones by a Zipf distribution, and a share of junk in between.
#[derive(Debug, Clone)]
pub struct Mix {
    wanted: Requests,
    zipf: Zipf,
    junk: Requests,
    junk_count: u32,
    junk_share: Chance,
    seed: u64,
}

impl Mix {
    /// A mix without junk. The first request is asked for most often: shuffle them if their order means anything.
    ///
    /// An exponent of 1 is what traffic usually looks like; 0 asks for all alike.
    ///
    /// # Errors
    /// When there are no requests, or the exponent makes no sense.
    pub fn new(wanted: Requests, exponent: f64, seed: u64) -> Result<Self, LoadError> {
        let zipf = Zipf::new(wanted.len(), exponent)?;
        Ok(Self { wanted, zipf, junk: Requests::new(), junk_count: 0, junk_share: Chance::new(0.0), seed })
    }

    /// A mix of one request.
    ///
    /// # Errors
    /// None in fact; the same as of [`Self::new`].
    pub fn of_one(request: &[u8]) -> Result<Self, LoadError> {
        Self::new([request].into_iter().collect(), 1.0, 1)
    }

    /// The same with junk: in such a share of all requests, one of these, each as often as another.
    ///
    /// # Errors
    /// When there is no junk, or the share makes no sense.
    pub fn with_junk(mut self, junk: Requests, share: f64) -> Result<Self, LoadError> {
        if !(0.0..=1.0).contains(&share) {
            return Err(LoadError::NotAShare(share));
        }
        if junk.is_empty() {
            return Err(LoadError::NoRequests);
        }
        self.junk_count = u32::try_from(junk.len()).map_err(|_| LoadError::TooManyRequests)?;
        self.junk_share = Chance::new(share);
        self.junk = junk;
        Ok(self)
    }

    /// The requests in their order, which is the same every time.
    pub fn picks(&self) -> Picks<'_> {
        Picks { mix: self, random: Random::new(self.seed) }
    }
}

/// An endless row of requests.
#[derive(Debug, Clone)]
pub struct Picks<'a> {
    mix: &'a Mix,
    random: Random,
}

impl<'a> Picks<'a> {
    /// The next request.
    pub fn pick(&mut self) -> &'a [u8] {
        let mix = self.mix;
        let (requests, place) = if self.random.happens(mix.junk_share) {
            (&mix.junk, self.random.below(mix.junk_count))
        } else {
            (&mix.wanted, mix.zipf.draw(&mut self.random))
        };
        requests.get(usize::try_from(place).unwrap_or(usize::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    const PICKS: u32 = 1_000_000;

    fn mix(junk_share: f64) -> Mix {
        let wanted = (0..100).map(|key| format!("wanted {key}")).collect();
        let junk = ["wrong checksum", "unknown"].into_iter().collect();
        Mix::new(wanted, 1.0, 42).unwrap().with_junk(junk, junk_share).unwrap()
    }

    fn shares(mix: &Mix) -> HashMap<&[u8], f64> {
        let (mut picks, mut shares) = (mix.picks(), HashMap::new());
        for _ in 0..PICKS {
            *shares.entry(picks.pick()).or_insert(0.0) += 1.0 / f64::from(PICKS);
        }
        shares
    }

    fn near(share: f64, expected: f64) -> bool {
        (share - expected).abs() < 0.002
    }

    #[test]
    fn junk_has_its_share_and_each_kind_its_half() {
        let mix = mix(0.1);
        let shares = shares(&mix);
        assert!(near(shares[b"wrong checksum".as_slice()], 0.05), "{shares:?}");
        assert!(near(shares[b"unknown".as_slice()], 0.05), "{shares:?}");
    }

    #[test]
    fn junk_leaves_the_shape_of_the_rest_alone() {
        let mix = mix(0.1);
        let shares = shares(&mix);
        // The harmonic number of 100 is 5.187.
        assert!(near(shares[b"wanted 0".as_slice()], 0.9 / 5.187), "{shares:?}");
        assert!(near(shares[b"wanted 1".as_slice()], 0.9 / 5.187 / 2.0), "{shares:?}");
        assert!(near(shares[b"wanted 9".as_slice()], 0.9 / 5.187 / 10.0), "{shares:?}");
    }

    #[test]
    fn junk_does_not_come_in_blocks() {
        let mix = mix(0.1);
        let mut picks = mix.picks();
        for _ in 0..100 {
            let junk = (0..1000).filter(|_| !picks.pick().starts_with(b"wanted")).count();
            // Five standard deviations around 100.
            assert!((52..=148).contains(&junk), "{junk}");
        }
    }

    #[test]
    fn no_junk_and_nothing_but_junk() {
        let is_junk = |share| {
            let mix = mix(share);
            let mut picks = mix.picks();
            (0..10_000).map(move |_| !picks.pick().starts_with(b"wanted")).collect::<Vec<_>>()
        };
        assert!(is_junk(0.0).iter().all(|junk| !junk));
        assert!(is_junk(1.0).iter().all(|junk| *junk));
    }

    #[test]
    fn the_order_is_the_same_every_time_and_the_seed_s_own() {
        let order = |mix: &Mix| {
            let mut picks = mix.picks();
            (0..1000).flat_map(|_| picks.pick().to_vec()).collect::<Vec<u8>>()
        };
        let (one, other) = (mix(0.1), Mix { seed: 43, ..mix(0.1) });
        assert_eq!(order(&one), order(&one));
        assert_ne!(order(&one), order(&other));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert!(matches!(Mix::new(Requests::new(), 1.0, 1), Err(LoadError::NoRequests)));
        let one = || Mix::of_one(b"GET").unwrap();
        assert!(matches!(one().with_junk(Requests::new(), 0.1), Err(LoadError::NoRequests)));
        for share in [-0.1, 1.1, f64::NAN] {
            let junk = ["junk"].into_iter().collect();
            assert!(matches!(one().with_junk(junk, share), Err(LoadError::NotAShare(_))));
        }
    }
}
