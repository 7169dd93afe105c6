//! The tokens of the links in our mails.

use crate::page::query;

/// The token of the link that led here, as far as it can be one.
pub fn token() -> String {
    token_in(&query("token").unwrap_or_default())
}

/// Only what a token can be made of goes back into a page or an address.
pub fn token_in(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).take(64).collect()
}
