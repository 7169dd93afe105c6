//! The Zipf distribution: few are asked for often, many hardly ever.

use crate::{
    LoadError,
    random::{Chance, Random},
};

/// Ranks from 0, where rank `r` is drawn in proportion to `1 / (r + 1)^exponent`.
///
/// It is Walker's and Vose's alias table: a draw looks at one random column and then takes the column's own rank or its
/// alias, so it costs the same for ten ranks and for a million.
#[derive(Debug, Clone)]
pub(crate) struct Zipf {
    columns: Vec<Column>,
    count: u32,
}

#[derive(Debug, Clone, Copy)]
struct Column {
    /// How often the column's own rank is taken.
    own: Chance,
    /// The rank that is taken otherwise.
    alias: u32,
}

impl Zipf {
    pub(crate) fn new(count: usize, exponent: f64) -> Result<Self, LoadError> {
        let count = u32::try_from(count).map_err(|_| LoadError::TooManyRequests)?;
        if count == 0 {
            return Err(LoadError::NoRequests);
        }
        if !exponent.is_finite() || exponent < 0.0 {
            return Err(LoadError::NotAnExponent(exponent));
        }
        let weights: Vec<f64> = (1..=count).map(|rank| f64::from(rank).powf(-exponent)).collect();
        let mean = weights.iter().sum::<f64>() / f64::from(count);
        Ok(Self { columns: columns(&weights, mean), count })
    }

    /// Draws a rank.
    pub(crate) fn draw(&self, random: &mut Random) -> u32 {
        let rank = random.below(self.count);
        match self.columns.get(place(rank)) {
            Some(column) if !random.happens(column.own) => column.alias,
            _ => rank,
        }
    }
}

/// Weights fall with the rank, so the light ranks are all behind the heavy ones: two cursors are enough to pair them.
fn columns(weights: &[f64], mean: f64) -> Vec<Column> {
    let mut left: Vec<(u32, f64)> = (0..).zip(weights.iter().map(|weight| weight / mean)).collect();
    let mut columns: Vec<Column> =
        left.iter().map(|(rank, _)| Column { own: Chance::new(1.0), alias: *rank }).collect();
    let first_light = left.partition_point(|(_, weight)| *weight >= 1.0);
    let mut light = left.split_off(first_light);
    let mut heavy = left;
    // A heavy rank fills up a light one's column, and becomes light itself when little of it is left.
    while let (Some((rank, weight)), Some((giver, rest))) = (light.pop(), heavy.last_mut()) {
        if let Some(column) = columns.get_mut(place(rank)) {
            *column = Column { own: Chance::new(weight), alias: *giver };
        }
        *rest -= 1.0 - weight;
        if *rest < 1.0 {
            light.extend(heavy.pop());
        }
    }
    columns
}

fn place(rank: u32) -> usize {
    usize::try_from(rank).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: u32 = 2_000_000;

    fn shares(count: usize, exponent: f64) -> Vec<f64> {
        let (zipf, mut random) = (Zipf::new(count, exponent).unwrap(), Random::new(7));
        let mut counts = vec![0_u32; count];
        for _ in 0..DRAWS {
            counts[place(zipf.draw(&mut random))] += 1;
        }
        counts.into_iter().map(|count| f64::from(count) / f64::from(DRAWS)).collect()
    }

    #[test]
    fn each_rank_has_its_share() {
        for (count, exponent) in [(1_u32, 1.0), (2, 1.0), (1000, 1.0), (1000, 0.8), (50, 2.0), (10, 0.0)] {
            let total: f64 = (1..=count).map(|rank| f64::from(rank).powf(-exponent)).sum();
            let shares = shares(place(count), exponent);
            for (rank, share) in (1..=count).zip(shares) {
                let expected = f64::from(rank).powf(-exponent) / total;
                // Five standard deviations.
                let tolerance = 5.0 * (expected / f64::from(DRAWS)).sqrt();
                assert!((share - expected).abs() <= tolerance, "{count}, {exponent}: rank {rank} {share} {expected}");
            }
        }
    }

    #[test]
    fn many_ranks_keep_the_shape() {
        let shares = shares(100_000, 1.0);
        let head: f64 = shares.iter().take(100).sum();
        // The harmonic numbers of 100 and 100,000: 5.187 and 12.090.
        assert!((head - 5.187 / 12.090).abs() < 0.002, "{head}");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert!(matches!(Zipf::new(0, 1.0), Err(LoadError::NoRequests)));
        assert!(matches!(Zipf::new(1, -1.0), Err(LoadError::NotAnExponent(_))));
        assert!(matches!(Zipf::new(1, f64::NAN), Err(LoadError::NotAnExponent(_))));
    }
}
