//! A new secret on its way to the page that shows it once.
//!
//! Between the form and the page it is in two halves, each of them random alone: one in the session, one in a cookie that lives
//! five minutes. Whoever reads the database has nothing; the first page that puts the halves together takes them away.

use super::respond;
use serde::{Deserialize, Serialize};
use tower_sessions::{Session, cookie::SameSite};
use uuid::Uuid;
use zeroize::Zeroizing;

const KEY: &str = "reveal";
const COOKIE: &str = "latchkey_reveal";
const LIFE_SECONDS: u32 = 300;

/// The half in the session, and the row that the secret belongs to.
#[derive(Serialize, Deserialize)]
struct Half {
    id: Uuid,
    masked: Vec<u8>,
}

/// Sends a secret to the next page of this browser.
pub async fn put(session: &Session, id: Uuid, secret: &str) {
    let random = services_random(secret.len());
    let masked = secret.bytes().zip(random.iter()).map(|(byte, mask)| byte ^ mask).collect();
    if let Err(error) = session.insert(KEY, Half { id, masked }).await {
        tracing::error!(%error, "a new secret could not be sent to its page");
        return;
    }
    let half = latchkey_core::secret::hex(&random);
    set_cookie(&half, LIFE_SECONDS);
}

/// Takes the secret, if one is on its way to this browser.
pub async fn take(session: &Session) -> Option<(Uuid, Zeroizing<String>)> {
    let half = session.get::<Half>(KEY).await.ok().flatten()?;
    let _ = session.remove_value(KEY).await;
    let random = respond::cookie_value(COOKIE)?;
    set_cookie("", 0);
    let random = (0..random.len()).step_by(2).map(|at| u8::from_str_radix(random.get(at..at + 2)?, 16).ok());
    let secret: Option<Vec<u8>> =
        half.masked.iter().zip(random).map(|(byte, mask)| mask.map(|mask| byte ^ mask)).collect();
    let secret = String::from_utf8(secret?).ok()?;
    (secret.len() == half.masked.len()).then(|| (half.id, Zeroizing::new(secret)))
}

fn services_random(length: usize) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(vec![0; length]);
    super::services().ports.random().fill(&mut bytes);
    bytes
}

fn set_cookie(value: &str, life_seconds: u32) {
    respond::set_cookie(COOKIE, value, life_seconds, SameSite::Strict);
}
