//! Randomness as a port.

/// Gives unpredictable bytes.
pub trait Random: Send + Sync + 'static {
    /// Fills the whole slice. What is made of it may be a secret.
    fn fill(&self, bytes: &mut [u8]);

    /// Fills the whole slice with what makes an id unique. Ids are no secrets, and every request gets one: this may be faster.
    fn fill_id(&self, bytes: &mut [u8]) {
        self.fill(bytes);
    }
}

/// The operating system's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        if let Err(error) = getrandom::fill(bytes) {
            // Nothing safe can be made without randomness: no key, no session, no id.
            tracing::error!(%error, "the operating system gives no randomness; stopping");
            std::process::abort();
        }
    }

    /// From a generator in this thread that the system seeds again and again: no system call for each id.
    fn fill_id(&self, bytes: &mut [u8]) {
        use rand::Rng;
        rand::rng().fill_bytes(bytes);
    }
}

/// The digits of base 62, in the order of their values.
pub const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A text of `length` base-62 digits, each equally likely.
pub fn base62(random: &dyn Random, length: usize) -> String {
    // 248 is the largest multiple of 62 in a byte; the bytes above it would favour the first digits.
    const LIMIT: u8 = 248;
    let mut text = String::with_capacity(length);
    let mut bytes = [0; 64];
    while text.len() < length {
        random.fill(&mut bytes);
        let wanted = length - text.len();
        text.extend(
            bytes
                .iter()
                .filter(|byte| **byte < LIMIT)
                .take(wanted)
                .map(|byte| char::from(BASE62[usize::from(byte % 62)])),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base62_has_the_length_and_every_digit() {
        let text = base62(&SystemRandom, 20_000);
        assert_eq!(text.len(), 20_000);
        for digit in BASE62 {
            let count = text.bytes().filter(|byte| byte == digit).count();
            assert!((180..=480).contains(&count), "{} comes {count} times in 20,000", char::from(*digit));
        }
    }
}
