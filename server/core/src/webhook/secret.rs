//! The secret that a webhook and we share, and what is signed with it.

use crate::{random::Random, secret::hmac_sha256};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::fmt;
use zeroize::Zeroizing;

/// A webhook's secret: 32 random bytes (Standard Webhooks asks for 24 to 64).
pub struct WebhookSecret(Zeroizing<[u8; 32]>);

impl WebhookSecret {
    const MARK: &'static str = "whsec_";

    /// A new one.
    pub fn generate(random: &dyn Random) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        random.fill(&mut *bytes);
        Self(bytes)
    }

    /// One that was stored.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Zeroizing::new).map(Self)
    }

    /// Its bytes, to be sealed.
    pub(super) fn bytes(&self) -> &[u8] {
        &*self.0
    }

    /// As its owner keeps it: the form that libraries of Standard Webhooks take.
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{}{}", Self::MARK, STANDARD.encode(*self.0)))
    }

    /// The signature of a message: its version, and the base64 of HMAC-SHA256 over id, time and body.
    pub fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        let timestamp = timestamp.to_string();
        let parts = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body.as_bytes()];
        format!("v1,{}", STANDARD.encode(hmac_sha256(&self.0, &parts)))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::Sha256;

    #[test]
    fn standard_webhooks_signs_id_time_and_body() {
        let secret = WebhookSecret::from_bytes(&[7; 32]).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&[7; 32]).unwrap();
        mac.update(b"msg_1.1700000000.{\"a\":1}");
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        assert_eq!(secret.sign("msg_1", 1_700_000_000, "{\"a\":1}"), expected);
        assert_ne!(secret.sign("msg_1", 1_700_000_001, "{\"a\":1}"), expected);
    }

    #[test]
    fn it_is_written_once_and_never_printed() {
        let secret = WebhookSecret::generate(&SystemRandom);
        let text = secret.expose();
        assert_eq!(STANDARD.decode(text.strip_prefix("whsec_").unwrap()).unwrap(), secret.bytes());
        assert_eq!(format!("{secret:?}"), "WebhookSecret");
        assert!(WebhookSecret::from_bytes(&[0; 31]).is_none());
    }
}
