//! Cheap randomness that is the same in every run.

/// Marsaglia's xorshift, with a multiplication at the end (xorshift64*).
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// The same seed, the same numbers. The generator cannot leave zero, so zero stands for another seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(if seed == 0 { 0x9E37_79B9_7F4A_7C15 } else { seed })
    }

    /// Thirty-two random bits: the upper half, which is the better one.
    pub(crate) fn bits(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D);
        u32::try_from(number >> 32).unwrap_or_default()
    }

    /// A number below `bound`; zero for zero.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        let number = (u64::from(self.bits()) * u64::from(bound)) >> 32;
        u32::try_from(number).unwrap_or_default()
    }

    /// True in such a share of the calls.
    pub(crate) fn happens(&mut self, chance: Chance) -> bool {
        self.bits() < chance.0
    }
}

/// A share of all cases, to be compared with random bits without any floating point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chance(u32);

impl Chance {
    /// A share; what lies outside 0 to 1 is taken as the nearer of the two.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, which is what is meant"
    )]
    pub(crate) fn new(share: f64) -> Self {
        Self((share * 4_294_967_296.0) as u32)
    }
}
