//! What a form showed of something that others may change before it is sent.

use crate::secret::{hex, sha256};
use std::fmt;

/// What a form showed of something, in a few characters that it carries along: whoever sends it after somebody else's change is told, and
/// overwrites nothing that they have not seen. It is compared, and means nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown(String);

impl Shown {
    /// Bytes of the digest.
    const LENGTH: usize = 16;

    /// What is shown of this: everything that it is written with for whoever looks for faults.
    pub fn of(what: &impl fmt::Debug) -> Self {
        Self(hex(&sha256(format!("{what:?}").as_bytes())[..Self::LENGTH]))
    }

    /// Whether a form that carries this showed the same. Whoever fills in no form carries nothing, and saw what they saw.
    pub fn is(&self, carried: &str) -> bool {
        carried.is_empty() || carried == self.0
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_knows_what_it_showed() {
        let before = Shown::of(&("Web backend", ["read:posts"]));
        assert!(before.is(&before.to_string()));
        assert!(before.is(""), "whoever fills in no form says so");
        for other in [Shown::of(&("Web backend", ["write:posts"])), Shown::of(&("Web front", ["read:posts"]))] {
            assert!(!before.is(&other.to_string()));
        }
        assert!(!before.is("x"), "what was made up was not shown");
    }
}
