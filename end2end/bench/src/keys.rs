//! Keys that follow from a number: whoever seeds them and whoever calls with them need not tell one another.

use latchkey_core::{api_key::PlainApiKey, random::Random};
use latchkey_model::{Environment, KeyKind};
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that follow from a number (splitmix64): the opposite of what a real key is made of.
struct Numbered(AtomicU64);

impl Random for Numbered {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let mut mixed = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^= mixed >> 31;
            chunk.copy_from_slice(&mixed.to_le_bytes()[..chunk.len()]);
        }
    }
}

/// What a key of the benchmark is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Seeded, and used up to the limit of every key, which is far away.
    Valid,
    /// Seeded with a limit of one request in a month.
    Limited,
    /// Never seeded.
    Unknown,
}

/// The key with this number.
pub(crate) fn key(purpose: Purpose, number: u32) -> PlainApiKey {
    let seed = (purpose as u64 + 1) << 40 | u64::from(number) << 4;
    PlainApiKey::generate(
        &Numbered(AtomicU64::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d))),
        KeyKind::Api(Environment::Production),
    )
}
