//! Codes that people keep for when their app or passkey is gone: each works once.

use crate::{random::Random, secret::DigestKey};
use latchkey_model::AccountId;
use std::fmt;
use zeroize::Zeroizing;

/// Ten new codes, shown once.
pub struct RecoveryCodes(Vec<Zeroizing<String>>);

/// Digits and letters that are not taken for one another (Crockford's base 32).
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

impl RecoveryCodes {
    /// How many there are.
    pub const COUNT: usize = 10;
    /// 50 bits: far more than can be tried before an account is slowed down.
    const LENGTH: usize = 10;

    pub(super) fn new(random: &dyn Random) -> Self {
        let code = || {
            let mut bytes = [0; Self::LENGTH];
            random.fill(&mut bytes);
            let letters = bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
            Zeroizing::new(letters.collect())
        };
        Self((0..Self::COUNT).map(|_| code()).collect())
    }

    /// The codes as people keep them, one on each line.
    pub fn written(&self) -> Zeroizing<String> {
        let lines: Vec<_> = self.0.iter().map(|code| format!("{}-{}", &code[..5], &code[5..])).collect();
        Zeroizing::new(lines.join("\n"))
    }

    pub(super) fn digests(&self, key: &DigestKey, account: AccountId) -> Vec<[u8; 32]> {
        self.0.iter().map(|code| digest(key, account, code)).collect()
    }
}

impl fmt::Debug for RecoveryCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCodes")
    }
}

/// What is stored of a code that somebody typed, however they typed it; none where it cannot be one.
pub(super) fn digest_of_typed(key: &DigestKey, account: AccountId, typed: &str) -> Option<[u8; 32]> {
    if typed.len() > 64 {
        return None;
    }
    let code: Zeroizing<String> = Zeroizing::new(
        typed
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|letter| match letter.to_ascii_lowercase() {
                'o' => '0',
                'i' | 'l' => '1',
                other => other,
            })
            .collect(),
    );
    let is_one = code.len() == RecoveryCodes::LENGTH && code.bytes().all(|byte| LETTERS.contains(&byte));
    is_one.then(|| digest(key, account, &code))
}

fn digest(key: &DigestKey, account: AccountId, code: &str) -> [u8; 32] {
    key.digest(&[account.as_uuid().as_bytes(), code.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{random::SystemRandom, secret::MasterKey};
    use uuid::Uuid;

    #[test]
    fn a_code_is_found_however_it_is_typed_and_for_its_account_alone() {
        let key = MasterKey::new([7; 32]).derive("recovery-code");
        let (ada, eve) = (AccountId::from_uuid(Uuid::from_u128(1)), AccountId::from_uuid(Uuid::from_u128(2)));
        let codes = RecoveryCodes::new(&SystemRandom);
        let written = codes.written();
        let digests = codes.digests(&key, ada);
        assert_eq!(written.lines().count(), 10);
        for (line, digest) in written.lines().zip(&digests) {
            for typed in [line.to_owned(), line.to_uppercase(), line.replace('-', " "), line.replace('0', "O")] {
                assert_eq!(digest_of_typed(&key, ada, &typed), Some(*digest), "{typed}");
            }
            assert_ne!(digest_of_typed(&key, eve, line), Some(*digest));
        }
        assert_eq!(format!("{codes:?}"), "RecoveryCodes");
        for bad in ["", "abcde", "abcde-abcdeu", "abcde-abcdu"] {
            assert_eq!(digest_of_typed(&key, ada, bad), None, "{bad}");
        }
    }
}
