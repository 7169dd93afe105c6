//! Secrets as types: none of them can be printed, and only digests are stored.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The server's own secret, from the data folder or the environment. Every other key is drawn from it, each for one purpose.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// Wraps 32 bytes of randomness.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The key for one purpose: HMAC-SHA256 of the purpose's name, as in the expand step of RFC 5869 for one block.
    pub fn derive(&self, purpose: &str) -> DigestKey {
        let key = Zeroizing::new(finish(keyed(&self.0), &[purpose.as_bytes(), &[1]]));
        DigestKey(keyed(&key))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey")
    }
}

/// A key that makes digests for one purpose. It is kept as the state of the MAC after the key: each digest then costs two
/// blocks less, and every protected request pays for one.
#[derive(Clone)]
pub struct DigestKey(Hmac<Sha256>);

impl DigestKey {
    /// HMAC-SHA256 (RFC 2104) of a text under this key.
    pub fn digest(&self, text: &[u8]) -> [u8; 32] {
        finish(self.0.clone(), &[text])
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestKey")
    }
}

/// HMAC-SHA256 (RFC 2104) of these parts, one after the other, under a key that somebody else has too.
pub fn hmac_sha256(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    finish(keyed(key), parts)
}

/// A MAC that has taken its key. RFC 2104 section 2: a key shorter than the hash's block is filled up with zeros.
fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = Zeroizing::new([0; 64]);
    block[..key.len()].copy_from_slice(key);
    Hmac::new((&*block).into())
}

fn finish(mut mac: Hmac<Sha256>, parts: &[&[u8]]) -> [u8; 32] {
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// SHA-256: for values that are long and random themselves, and for fingerprints.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Compares two digests without telling by its time where they differ.
pub fn digests_equal(one: &[u8; 32], other: &[u8; 32]) -> bool {
    words(one).ct_eq(&words(other)).into()
}

/// The digest in steps of eight bytes: the comparison is made with every protected request.
fn words(digest: &[u8; 32]) -> [u64; 4] {
    let (eights, _) = digest.as_chunks();
    std::array::from_fn(|index| u64::from_ne_bytes(eights[index]))
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_have_keys_of_their_own() {
        let master = MasterKey::new([7; 32]);
        assert_ne!(master.derive("api-key").digest(b"x"), master.derive("form").digest(b"x"));
        assert_eq!(master.derive("api-key").digest(b"x"), master.derive("api-key").digest(b"x"));
    }

    #[test]
    fn rfc2104_2_a_short_key_is_filled_up() {
        let key = [0x0b; 32];
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(b"Hi There");
        let expected: [u8; 32] = mac.finalize().into_bytes().into();
        assert_eq!(finish(keyed(&key), &[b"Hi ", b"There"]), expected);
    }

    #[test]
    fn digests_differ_in_any_byte() {
        let digest = sha256(b"x");
        assert!(digests_equal(&digest, &sha256(b"x")));
        for place in 0..digest.len() {
            let mut other = digest;
            other[place] ^= 1;
            assert!(!digests_equal(&digest, &other), "byte {place}");
        }
    }

    #[test]
    fn bytes_are_two_digits_each() {
        assert_eq!(hex(&[0, 15, 16, 255]), "000f10ff");
    }

    #[test]
    fn secrets_do_not_print() {
        let master = MasterKey::new(*b"0123456789abcdef0123456789abcdef");
        assert_eq!(format!("{master:?} {:?}", master.derive("form")), "MasterKey DigestKey");
    }
}
