//! Leaked keys: recognised offline by their checksum, told to their owners, and revoked where their settings ask for it.
//!
//! [`finder`] finds our secrets in any bytes; [`rules`] tells other scanners how; [`github`] reads what GitHub's secret scanning
//! sends; [`LeakDesk`] does what a report asks for.

use std::borrow::Cow;

mod desk;
pub mod finder;
pub mod github;
pub mod rules;

pub use desk::{LeakDesk, LeakPlace};

/// A text without our secrets: in the place of each stands how a person recognises it.
pub fn redacted(text: &str) -> Cow<'_, str> {
    let mut clean = Cow::Borrowed(text);
    for found in finder::find(text.as_bytes()) {
        clean = Cow::Owned(clean.replace(found.key.expose(), &found.key.hint()));
    }
    clean
}

/// Whether a character would break a line of a log, a mail or a list, or turn its direction.
pub fn breaks_a_line(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
