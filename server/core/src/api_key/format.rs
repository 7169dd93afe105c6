//! How a key is written: `lk_{dev|stg|live|pat}_{id}_{secret}{crc}`.
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
    split::split_once,
};
use latchkey_model::KeyKind;
use std::fmt;
use zeroize::Zeroizing;

/// What every key begins with.
pub const MARK: &str = "lk_";
/// Digits of the public id.
pub const ID_LENGTH: usize = 12;
/// Digits of the secret.
pub const SECRET_LENGTH: usize = 32;
/// Digits of the checksum.
pub const CHECKSUM_LENGTH: usize = 6;

/// The public id of a key: its name in the store, the cache and the log.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicId([u8; ID_LENGTH]);

/// The text is no public id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a public id is {ID_LENGTH} base-62 digits")]
pub struct ParsePublicIdError;

impl PublicId {
    /// The id as it is written.
    pub fn as_str(&self) -> &str {
        // Only digits get in.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl std::str::FromStr for PublicId {
    type Err = ParsePublicIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match <[u8; ID_LENGTH]>::try_from(text.as_bytes()) {
            Ok(digits) if digits.iter().all(u8::is_ascii_alphanumeric) => Ok(Self(digits)),
            _ => Err(ParsePublicIdError),
        }
    }
}

impl fmt::Display for PublicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for PublicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a person recognises a key: `lk_dev_7Gq2…x4Tb`. Tells nothing of the secret but its last four characters, which belong to
/// the checksum.
pub fn hint(kind: KeyKind, public_id: PublicId, last_four: &str) -> String {
    format!("{MARK}{}_{}…{last_four}", kind.prefix(), &public_id.as_str()[..4])
}

/// A whole API key. It exists when it is made, and while a request is decided; it cannot be printed.
#[derive(Clone)]
pub struct PlainApiKey {
    text: Zeroizing<String>,
    kind: KeyKind,
    public_id: PublicId,
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
        public_id: PublicId,
    },
}

impl PlainApiKey {
    /// Makes a key.
    pub fn generate(random: &dyn Random, kind: KeyKind) -> Self {
        let mut text = Zeroizing::new(format!("{MARK}{}_{}_", kind.prefix(), base62(random, ID_LENGTH)));
        let mut public_id = [0; ID_LENGTH];
        public_id.copy_from_slice(&text.as_bytes()[text.len() - 1 - ID_LENGTH..text.len() - 1]);
        text.push_str(&Zeroizing::new(base62(random, SECRET_LENGTH)));
        let checksum = checksum(text.as_bytes());
        text.extend(checksum.into_iter().map(char::from));
        Self { text, kind, public_id: PublicId(public_id) }
    }

    /// Reads a key, and keeps it.
    ///
    /// # Errors
    /// [`MalformedKey`].
    pub fn parse(text: &str) -> Result<Self, MalformedKey> {
        PresentedKey::parse(text).map(PresentedKey::kept)
    }

    /// The key as a request would carry it.
    pub fn presented(&self) -> PresentedKey<'_> {
        PresentedKey { text: &self.text, kind: self.kind, public_id: self.public_id }
    }

    /// Whom the key stands for.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The public id.
    pub fn public_id(&self) -> PublicId {
        self.public_id
    }

    /// How a person recognises the key.
    pub fn hint(&self) -> String {
        hint(self.kind, self.public_id, self.last_four())
    }

    /// The last four characters: part of the checksum, nothing of the secret.
    pub fn last_four(&self) -> &str {
        &self.text[self.text.len() - 4..]
    }

    /// The digest under which the key is stored.
    pub fn digest(&self, pepper: &DigestKey) -> [u8; 32] {
        self.presented().digest(pepper)
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

/// A key as a request carries it: it lies where the request lies, and goes with it. It cannot be printed.
#[derive(Clone, Copy)]
pub struct PresentedKey<'a> {
    text: &'a str,
    kind: KeyKind,
    public_id: PublicId,
}

impl<'a> PresentedKey<'a> {
    /// Reads a key, with no query and no hash.
    ///
    /// # Errors
    /// [`MalformedKey`]: what is wrong, for the record; the caller is never told.
    pub fn parse(text: &'a str) -> Result<Self, MalformedKey> {
        let rest = text.strip_prefix(MARK).ok_or(MalformedKey::NotOurs)?;
        let (prefix, rest) = split_once(rest, b'_').ok_or(MalformedKey::Shape)?;
        let kind = KeyKind::from_prefix(prefix).ok_or(MalformedKey::Shape)?;
        let (id, rest) = split_once(rest, b'_').ok_or(MalformedKey::Shape)?;
        let public_id = id.parse::<PublicId>().map_err(|_| MalformedKey::Shape)?;
        if rest.len() != SECRET_LENGTH + CHECKSUM_LENGTH || !is_alphanumeric(rest) {
            return Err(MalformedKey::Shape);
        }
        let (body, written) = text.as_bytes().split_at(text.len() - CHECKSUM_LENGTH);
        if checksum(body) != written {
            return Err(MalformedKey::Checksum { public_id });
        }
        Ok(Self { text, kind, public_id })
    }

    /// Whom it stands for.
    pub fn kind(self) -> KeyKind {
        self.kind
    }

    /// The public id.
    pub fn public_id(self) -> PublicId {
        self.public_id
    }

    /// The digest under which the key is stored.
    pub fn digest(self, pepper: &DigestKey) -> [u8; 32] {
        pepper.digest(self.text.as_bytes())
    }

    /// The key beyond the request.
    pub fn kept(self) -> PlainApiKey {
        PlainApiKey { text: Zeroizing::new(self.text.to_owned()), kind: self.kind, public_id: self.public_id }
    }
}

impl fmt::Debug for PresentedKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PresentedKey")
    }
}

/// Looks at every byte, wrong ones before it or not: so many of them are looked at together.
fn is_alphanumeric(text: &str) -> bool {
    text.bytes().fold(true, |so_far, byte| so_far & byte.is_ascii_alphanumeric())
}

/// CRC-32/ISO-HDLC in six base-62 digits.
fn checksum(text: &[u8]) -> [u8; CHECKSUM_LENGTH] {
    let mut value = crc32fast::hash(text) as usize;
    let mut digits = [0; CHECKSUM_LENGTH];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[value % 62];
        value /= 62;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;
    use latchkey_model::Environment;
    use proptest::prelude::*;

    #[test]
    fn checksum_is_crc_32_iso_hdlc() {
        // The check value of the CRC catalogue for "123456789" is 0xCBF43926 = 3,421,780,262.
        assert_eq!(&checksum(b"123456789"), b"3jZRME");
    }

    #[test]
    fn a_key_reads_back() {
        for kind in KeyKind::ALL {
            let key = PlainApiKey::generate(&SystemRandom, kind);
            let read = PlainApiKey::parse(key.expose()).unwrap();
            assert_eq!(read.kind(), kind);
            assert_eq!(read.public_id(), key.public_id());
            assert_eq!(key.expose().split('_').nth(2), Some(key.public_id().as_str()));
            assert!(key.expose().ends_with(key.last_four()));
            assert_eq!(format!("{key:?} {:?}", key.presented()), "PlainApiKey PresentedKey");
        }
    }

    #[test]
    fn r29_every_truncation_and_extension_is_refused() {
        let key = PlainApiKey::generate(&SystemRandom, KeyKind::Api(Environment::Production));
        for length in 0..key.expose().len() {
            assert!(PlainApiKey::parse(&key.expose()[..length]).is_err(), "{length} characters");
        }
        for tail in ["0", " ", "\n", "=", "é"] {
            assert!(PlainApiKey::parse(&format!("{}{tail}", key.expose())).is_err());
        }
    }

    #[test]
    fn r29_every_single_character_change_is_refused() {
        for kind in KeyKind::ALL {
            let key = PlainApiKey::generate(&SystemRandom, kind);
            for place in 0..key.expose().len() {
                for with in (0x20..0x7f).map(char::from) {
                    let mut changed = key.expose().to_owned();
                    changed.replace_range(place..=place, with.encode_utf8(&mut [0; 1]));
                    assert_eq!(PlainApiKey::parse(&changed).is_err(), changed != key.expose(), "{place}: {with:?}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC*") {
            let _ = PlainApiKey::parse(&text);
            let _ = PlainApiKey::parse(&format!("lk_dev_{text}"));
        }
    }
}
