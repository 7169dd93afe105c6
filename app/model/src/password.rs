//! The length rules of a password. How hard it is to guess is judged on the server.
//!
//! NIST SP 800-63B-4 section 3.1.1.2: a length, no composition rules, every character allowed.

/// The shortest password, in characters.
pub const MIN_LENGTH: usize = 15;
/// The longest password, in characters: room for any pass phrase, a bound on the work of hashing.
pub const MAX_LENGTH: usize = 128;

/// Checks the length, counting each character once.
///
/// # Errors
/// The sentence to show at the field.
pub fn check_length(password: &str) -> Result<(), String> {
    match password.chars().count() {
        length if length < MIN_LENGTH => Err(format!(
            "Use at least {MIN_LENGTH} characters; this one has {length}. A few unrelated words work well."
        )),
        length if length > MAX_LENGTH => Err(format!("Use at most {MAX_LENGTH} characters; this one has {length}.")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_characters_not_bytes() {
        assert!(check_length(&"é".repeat(11)).is_err());
        assert!(check_length(&"é".repeat(15)).is_ok());
        assert!(check_length(&"é".repeat(128)).is_ok());
        assert!(check_length(&"é".repeat(129)).is_err());
    }
}
