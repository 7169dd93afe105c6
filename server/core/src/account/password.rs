//! Passwords: judged, hashed with argon2id on a bounded pool, verified at one speed for known and unknown accounts.

use crate::port::account::PasswordHash;
use argon2::{
    Argon2, PasswordHasher, PasswordVerifier,
    password_hash::{self, phc},
};
use latchkey_model::password::{MAX_LENGTH, check_length};
use std::{fmt, sync::Arc};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// A password as somebody typed it, in Unicode form NFKC (NIST SP 800-63B-4 section 3.1.1.2). It cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct PlainPassword(Zeroizing<String>);

impl PlainPassword {
    /// What must be left of a password without the words of its own account (OWASP ASVS 5.0, 6.2.11).
    const MIN_BESIDE_OWN_WORDS: usize = 8;

    /// Wraps what was typed. What is longer than any password may be is cut before it is worked on; it is then longer than
    /// the limit still, and refused for that.
    pub fn new(typed: &str) -> Self {
        Self(Zeroizing::new(typed.chars().take(MAX_LENGTH + 1).nfkc().collect()))
    }

    /// The sentence to show at the field: what is wrong, and what would help.
    fn judge(&self, shortest: usize, known_words: &[&str]) -> Result<(), String> {
        check_length(&self.0, shortest)?;
        let own = own_words(known_words);
        let without_own = own.iter().fold(self.0.to_lowercase(), |rest, word| rest.replace(word, ""));
        if without_own.chars().count() < Self::MIN_BESIDE_OWN_WORDS {
            return Err("This password is little more than your name or address. Add unrelated words.".to_owned());
        }
        let estimate = zxcvbn::zxcvbn(&self.0, &own.iter().map(String::as_str).collect::<Vec<_>>());
        if estimate.score() >= zxcvbn::Score::Three {
            return Ok(());
        }
        let feedback = estimate.feedback();
        let warning = feedback.and_then(zxcvbn::feedback::Feedback::warning).map(|warning| warning.to_string());
        let advice = feedback
            .and_then(|feedback| feedback.suggestions().first().map(ToString::to_string))
            .unwrap_or_else(|| "Add another word or two. Uncommon words are better.".to_owned());
        Err(match warning {
            Some(warning) => format!("This password is easy to guess. {warning} {advice}"),
            None => format!("This password is easy to guess. {advice}"),
        })
    }
}

/// The words of a name and an address, the longest first.
fn own_words(texts: &[&str]) -> Vec<String> {
    let text = texts.join(" ").to_lowercase();
    let mut words: Vec<_> = text
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| word.chars().count() > 2)
        .map(str::to_owned)
        .collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words
}

impl fmt::Debug for PlainPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainPassword")
    }
}

/// Why no hash was made or compared.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// As many hashes as the machine has room for are under way.
    #[error("too many passwords are being hashed at once")]
    Busy,
    /// The library refused, or the stored hash is not one.
    #[error("the password could not be hashed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Hashes and verifies passwords: argon2id, 19 MiB, two passes, one lane.
#[derive(Clone)]
pub struct Passwords {
    /// Hashes under way: each takes 19 MiB and a core.
    running: Arc<Semaphore>,
    /// Hashes under way or waiting: beyond them, "busy" at once.
    admitted: Arc<Semaphore>,
    shortest: usize,
}

impl Passwords {
    /// How many wait for each one that runs.
    const WAITING_PER_RUNNING: usize = 16;

    /// The hash of no password that anybody knows, at the cost of a real one, so that an unknown account takes the time of a
    /// known one. It is written here, since making one at every start would take 19 MiB that an idle process keeps.
    const DUMMY: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    /// A pool that hashes so many passwords at once, none of them shorter than this.
    pub fn new(at_once: usize, shortest: usize) -> Self {
        Self {
            running: Arc::new(Semaphore::new(at_once)),
            admitted: Arc::new(Semaphore::new(at_once * (1 + Self::WAITING_PER_RUNNING))),
            shortest,
        }
    }

    /// The length of the shortest password, in characters.
    pub fn shortest(&self) -> usize {
        self.shortest
    }

    /// Judges a new password by its length and by how hard it is to guess, without the words that its person is known by.
    ///
    /// # Errors
    /// The sentence to show at the field: what is wrong, and what would help.
    pub fn judge(&self, password: &PlainPassword, known_words: &[&str]) -> Result<(), String> {
        password.judge(self.shortest, known_words)
    }

    /// Hashes a password under a new salt.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn hash(&self, password: PlainPassword) -> Result<PasswordHash, HashError> {
        self.run(move || hash_now(password.0.as_bytes())).await
    }

    /// Whether the password is the one that was hashed. With no hash, for an account that does not exist, it does the same
    /// work and says no.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn verify(&self, password: PlainPassword, hash: Option<PasswordHash>) -> Result<bool, HashError> {
        let exists = hash.is_some();
        let hash = hash.unwrap_or_else(|| PasswordHash(Self::DUMMY.to_owned()));
        let matches = self
            .run(move || {
                let parsed = phc::PasswordHash::new(&hash.0).map_err(|error| HashError::Failed(error.into()))?;
                match Argon2::default().verify_password(password.0.as_bytes(), &parsed) {
                    Ok(()) => Ok(true),
                    Err(password_hash::Error::PasswordInvalid) => Ok(false),
                    Err(error) => Err(HashError::Failed(error.into())),
                }
            })
            .await?;
        Ok(matches && exists)
    }

    /// The permit is held inside the blocking work: a caller who goes away does not make room for more of it.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let admitted = Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| HashError::Busy)?;
        let running = Arc::clone(&self.running).acquire_owned().await.map_err(|_| HashError::Busy)?;
        tokio::task::spawn_blocking(move || {
            let _permits = (admitted, running);
            work()
        })
        .await
        .map_err(|error| HashError::Failed(error.into()))?
    }
}

fn hash_now(password: &[u8]) -> Result<PasswordHash, HashError> {
    let hash: phc::PasswordHash =
        Argon2::default().hash_password(password).map_err(|error| HashError::Failed(error.into()))?;
    Ok(PasswordHash(hash.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weak_password_gets_advice() {
        for weak in ["password1234567", "aaaaaaaaaaaaaaaa", "qwertyuiop12345"] {
            let sentence = PlainPassword::new(weak).judge(12, &[]).unwrap_err();
            assert!(sentence.starts_with("This password is easy to guess."), "{weak}: {sentence}");
            assert!(sentence.len() > 40, "it says what would help: {sentence}");
        }
        let own_words = ["ada.lovelace@example.org", "Ada Lovelace"];
        assert!(PlainPassword::new("adalovelace2026").judge(12, &own_words).is_err(), "the account's own words");
        assert_eq!(PlainPassword::new("violet tractor hums at dawn").judge(12, &[]), Ok(()));
    }

    #[test]
    fn a_megabyte_is_cut_before_any_work() {
        let sentence = PlainPassword::new(&"x".repeat(1_000_000)).judge(12, &[]).unwrap_err();
        assert!(sentence.contains("at most 128"), "{sentence}");
    }

    #[tokio::test]
    async fn verifies_the_right_one_only_and_never_the_absent_one() {
        let passwords = Passwords::new(1, 12);
        let hash = passwords.hash(PlainPassword::new("violet tractor hums")).await.unwrap();
        assert!(hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.0);
        let (real, dummy): (Vec<_>, Vec<_>) = (hash.0.split('$').collect(), Passwords::DUMMY.split('$').collect());
        let lengths = |fields: &[&str]| fields.iter().map(|field| field.len()).collect::<Vec<_>>();
        assert_eq!(real[..4], dummy[..4], "an unknown account costs what a known one does");
        assert_eq!(lengths(&real), lengths(&dummy));
        assert!(passwords.verify(PlainPassword::new("violet tractor hums"), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify(PlainPassword::new("violet tractor hum"), Some(hash)).await.unwrap());
        assert!(!passwords.verify(PlainPassword::new("violet tractor hums"), None).await.unwrap());
    }

    #[tokio::test]
    async fn the_same_letters_in_another_form_are_the_same_password() {
        let passwords = Passwords::new(1, 12);
        let hash = passwords.hash(PlainPassword::new("cafe\u{301} au lait, twice")).await.unwrap();
        assert!(passwords.verify(PlainPassword::new("caf\u{e9} au lait, twice"), Some(hash)).await.unwrap());
    }
}
