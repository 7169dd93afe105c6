//! How an API key is written: `lk_{dev|stg|live}_{id}_{secret}{crc}`.
//!
//! - `id`: 12 base-62 digits, public: it names the row, so that a failure can be told to its owner;
//! - `secret`: 32 base-62 digits, 190 bits;
//! - `crc`: CRC-32/ISO-HDLC of everything before it as 6 base-62 digits, most significant first, so that a mistyped key and a
//!   leaked one are recognised without asking anybody.
//!
//! Never change this for keys that exist.

use crate::{
    random::{BASE62, Random, base62},
    secret::DigestKey,
};
use latchkey_model::Environment;
use std::fmt;
use zeroize::Zeroizing;

/// What every key begins with.
pub const MARK: &str = "lk_";
const ID_LENGTH: usize = 12;
const SECRET_LENGTH: usize = 32;
const CHECKSUM_LENGTH: usize = 6;

/// A whole API key. It exists when it is made, and while a request is decided; it cannot be printed.
#[derive(Clone)]
pub struct PlainApiKey {
    text: Zeroizing<String>,
    environment: Environment,
}

/// Why a text is no API key of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MalformedKey {
    /// It does not begin like one.
    NotOurs,
    /// It begins like one, and its parts are not what they must be: the length, the environment or a character.
    Shape,
    /// Its parts are right, the checksum is not: a character was changed. The public id, for its owner to be told, if the
    /// change is elsewhere.
    Checksum {
        /// The 12 characters at the place of the public id.
        public_id: String,
    },
}

impl PlainApiKey {
    /// Makes a key.
    pub fn generate(random: &dyn Random, environment: Environment) -> Self {
        let id = base62(random, ID_LENGTH);
        let secret = Zeroizing::new(base62(random, SECRET_LENGTH));
        let mut text = Zeroizing::new(format!("{MARK}{}_{id}_{}", environment.key_prefix(), secret.as_str()));
        let checksum = checksum(&text);
        text.push_str(&checksum);
        Self { text, environment }
    }

    /// Reads a key, with no query and no hash.
    ///
    /// # Errors
    /// [`MalformedKey`]: what is wrong, for the record; the caller is never told.
    pub fn parse(text: &str) -> Result<Self, MalformedKey> {
        let rest = text.strip_prefix(MARK).ok_or(MalformedKey::NotOurs)?;
        let (prefix, rest) = rest.split_once('_').ok_or(MalformedKey::Shape)?;
        let environment = Environment::from_key_prefix(prefix).ok_or(MalformedKey::Shape)?;
        let (id, rest) = rest.split_once('_').ok_or(MalformedKey::Shape)?;
        let digits_only = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if id.len() != ID_LENGTH
            || rest.len() != SECRET_LENGTH + CHECKSUM_LENGTH
            || !digits_only(id)
            || !digits_only(rest)
        {
            return Err(MalformedKey::Shape);
        }
        let (body, written) = text.split_at(text.len() - CHECKSUM_LENGTH);
        if checksum(body) != written {
            return Err(MalformedKey::Checksum { public_id: id.to_owned() });
        }
        Ok(Self { text: Zeroizing::new(text.to_owned()), environment })
    }

    /// The environment that the key names.
    pub fn environment(&self) -> Environment {
        self.environment
    }

    /// The public id.
    pub fn public_id(&self) -> &str {
        let start = MARK.len() + self.environment.key_prefix().len() + 1;
        &self.text[start..start + ID_LENGTH]
    }

    /// The last four characters: part of the checksum, nothing of the secret.
    pub fn last_four(&self) -> &str {
        &self.text[self.text.len() - 4..]
    }

    /// The digest under which the key is stored.
    pub fn digest(&self, pepper: &DigestKey) -> [u8; 32] {
        pepper.digest(self.text.as_bytes())
    }

    /// The key itself, to be shown once to the person who made it.
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for PlainApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainApiKey")
    }
}

/// CRC-32/ISO-HDLC in six base-62 digits.
fn checksum(text: &str) -> String {
    let mut value = crc32fast::hash(text.as_bytes()) as usize;
    let mut digits = [0; CHECKSUM_LENGTH];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[value % 62];
        value /= 62;
    }
    digits.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;
    use proptest::prelude::*;

    #[test]
    fn checksum_is_crc_32_iso_hdlc() {
        // The check value of the CRC catalogue for "123456789" is 0xCBF43926 = 3,421,780,262.
        assert_eq!(checksum("123456789"), "3jZRME");
    }

    #[test]
    fn a_key_reads_back() {
        for environment in Environment::ALL {
            let key = PlainApiKey::generate(&SystemRandom, environment);
            let read = PlainApiKey::parse(key.expose()).unwrap();
            assert_eq!(read.environment(), environment);
            assert_eq!(read.public_id(), key.public_id());
            assert_eq!(key.expose().split('_').nth(2), Some(key.public_id()));
            assert!(key.expose().ends_with(key.last_four()));
            assert_eq!(format!("{key:?}"), "PlainApiKey");
        }
    }

    #[test]
    fn r29_every_truncation_and_extension_is_refused() {
        let key = PlainApiKey::generate(&SystemRandom, Environment::Production);
        for length in 0..key.expose().len() {
            assert!(PlainApiKey::parse(&key.expose()[..length]).is_err(), "{length} characters");
        }
        for tail in ["0", " ", "\n", "=", "é"] {
            assert!(PlainApiKey::parse(&format!("{}{tail}", key.expose())).is_err());
        }
    }

    proptest! {
        #[test]
        fn r29_every_single_character_change_is_refused(place in 0_usize..58, with in "[ -~]") {
            let key = PlainApiKey::generate(&SystemRandom, Environment::Development);
            let place = place % key.expose().len();
            let mut changed = key.expose().to_owned();
            changed.replace_range(place..=place, &with);
            prop_assume!(changed != key.expose());
            prop_assert!(PlainApiKey::parse(&changed).is_err());
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC*") {
            let _ = PlainApiKey::parse(&text);
            let _ = PlainApiKey::parse(&format!("lk_dev_{text}"));
        }
    }
}
