//! The length rules of a password. How hard it is to guess is judged on the server.
//!
//! NIST SP 800-63B-4 section 3.1.1.2: a length, no composition rules, every character allowed.

/// The length of the shortest password, in characters, where an operator sets no other.
pub const DEFAULT_MIN_LENGTH: usize = 12;
/// The longest password, in characters: room for any pass phrase, a bound on the work of hashing.
pub const MAX_LENGTH: usize = 128;

/// Checks the length, counting each character once; `shortest` is what this portal asks for.
///
/// # Errors
/// The sentence to show at the field.
pub fn check_length(password: &str, shortest: usize) -> Result<(), String> {
    match password.chars().count() {
        length if length < shortest => {
            Err(format!("Use at least {shortest} characters; this one has {length}. A few unrelated words work well."))
        }
        length if length > MAX_LENGTH => Err(format!("Use at most {MAX_LENGTH} characters; this one has {length}.")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_characters_not_bytes() {
        assert!(check_length(&"é".repeat(11), 12).is_err());
        assert!(check_length(&"é".repeat(12), 12).is_ok());
        assert!(check_length(&"é".repeat(128), 12).is_ok());
        assert!(check_length(&"é".repeat(129), 12).is_err());
    }
}
