//! Taking over with no downtime: a new key works beside the old one, until the old one's clock has run out.
//!
//! The new key is pending until its first use. Then (or at once, if so chosen) the old one's clock starts, and at the end of the
//! overlap the old one stops working. It never outlives its own expiry, and both share one quota. Until the new key is used, the
//! rotation can be called off, as long as the old one works.

use super::{KeyChanges, format::PublicId};
use crate::{
    authn::Entry,
    port::{Consumed, StoreError, UnitOfWork, api_key::ApiKey},
    ports::Ports,
};
use std::{net::IpAddr, str::FromStr, sync::Arc};
use time::{Duration, OffsetDateTime};

/// How long both keys work, from the start of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overlap(Duration);

/// The text names no overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Choose how long both work: none, or a time such as 90m, 36h or 14d, at most {} days", Overlap::MAX.whole_days())]
pub struct ParseOverlapError;

impl Overlap {
    const MAX: Duration = Duration::days(90);

    /// The overlap as a duration.
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl FromStr for Overlap {
    type Err = ParseOverlapError;

    /// Reads `none`, or a number with `m`, `h` or `d`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self(Duration::ZERO));
        }
        let (number, unit) = text
            .strip_suffix('m')
            .map(|number| (number, 60))
            .or_else(|| text.strip_suffix('h').map(|number| (number, 3_600)))
            .or_else(|| text.strip_suffix('d').map(|number| (number, 86_400)))
            .ok_or(ParseOverlapError)?;
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ParseOverlapError);
        }
        let seconds =
            number.parse::<i64>().ok().and_then(|number| number.checked_mul(unit)).ok_or(ParseOverlapError)?;
        match Duration::seconds(seconds) {
            overlap if overlap > Self::MAX => Err(ParseOverlapError),
            overlap => Ok(Self(overlap)),
        }
    }
}

/// When the old key's clock starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockStart {
    /// When the new key is first used.
    FirstUse,
    /// At once.
    Now,
}

impl FromStr for ClockStart {
    type Err = ParseOverlapError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "first-use" => Ok(Self::FirstUse),
            "now" => Ok(Self::Now),
            _ => Err(ParseOverlapError),
        }
    }
}

/// How long an old key must have been quiet before it is called safe to end.
pub const QUIET: Duration = Duration::HOUR;

/// By then, what was used is written down: the first use of a new key is at once, the last of the old one after the writer's pause.
const WRITTEN_AFTER: Duration = Duration::seconds(10);

/// Whether nobody seems to use the old key of a rotation any more: the new one is in use, and the old one was quiet for
/// [`QUIET`].
pub fn safe_to_end(old: &ApiKey, new: &ApiKey, now: OffsetDateTime) -> bool {
    let quiet = old.last_used_at.is_none_or(|at| now - at >= QUIET);
    let started_at = new.takeover.and_then(|takeover| takeover.started_at);
    let written = started_at.is_some_and(|at| now - at >= WRITTEN_AFTER);
    quiet && written && new.last_used_at.is_some()
}

/// The public id of the key that another takes over from, to be asked for before a transaction holds a connection.
pub(crate) async fn old_key_of(ports: &Ports, new: &ApiKey) -> Result<Option<PublicId>, StoreError> {
    match new.takeover {
        Some(takeover) => ports.store.public_id(takeover.from).await,
        None => Ok(None),
    }
}

/// A key that takes over was ended: the old one works on, unless it has stopped by now or a third has taken its place, and can be
/// rotated again. Says which key that is.
pub(crate) async fn let_the_old_key_be(
    work: &mut dyn UnitOfWork,
    ended: &ApiKey,
    old: Option<PublicId>,
    now: OffsetDateTime,
) -> Result<Option<PublicId>, StoreError> {
    let Some(takeover) = ended.takeover else { return Ok(None) };
    let _ = work.api_key_keep(ended.owner.holder(), takeover.from, ended.id, now).await?;
    Ok(old)
}

/// Begins takeovers at the door.
#[derive(Clone)]
pub struct Rotations {
    ports: Ports,
    changes: KeyChanges,
}

impl Rotations {
    /// Takeovers on these ports.
    pub fn new(ports: Ports, changes: KeyChanges) -> Self {
        Self { ports, changes }
    }

    /// Notes the first use of the new key, and starts the old one's clock if it does not run yet. It costs one write, once for each
    /// rotation, before the request is served: with no overlap the old key must be refused from here on, and nobody may call the
    /// rotation off any more. When the store cannot be reached the request goes on, since its own key is good, and the next one
    /// tries again. It runs to its end even if the caller goes away.
    pub async fn first_use(&self, entry: Arc<Entry>, at: OffsetDateTime, from: IpAddr) {
        let rotations = self.clone();
        let finished = tokio::spawn(async move {
            if let Err(error) = rotations.start(&entry, at, from).await {
                entry.retry_takeover();
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "a takeover could not be begun; the old key works on");
            }
        });
        if let Err(error) = finished.await {
            tracing::error!(%error, "a takeover ended badly");
        }
    }

    async fn start(&self, entry: &Entry, at: OffsetDateTime, from: IpAddr) -> Result<(), StoreError> {
        let Some(key) = entry.key() else { return Ok(()) };
        let Some(takeover) = key.takeover else { return Ok(()) };
        // Before the transaction, which holds a connection: nobody waits for a second one with the first in hand.
        let old = old_key_of(&self.ports, key).await?;
        let mut work = self.ports.store.begin().await?;
        let started = work.takeover_start(key.id, at).await?;
        let used = work.takeover_used(key.id, at, from).await?;
        match (started, used) {
            (Consumed::Won, _) => {
                let _ = work.api_key_retire(takeover.from, at.saturating_add(takeover.overlap)).await?;
                let keys: Vec<_> = [Some(key.public_id), old].into_iter().flatten().collect();
                self.changes.commit(work, &keys).await
            }
            // The clock ran before.
            (Consumed::Lost, Consumed::Won) => work.commit().await,
            // Another node was first, or the rotation was called off.
            (Consumed::Lost, Consumed::Lost) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlap_is_none_or_some_time() {
        let read = |text: &str| text.parse::<Overlap>().map(Overlap::duration);
        assert_eq!(read("none"), Ok(Duration::ZERO));
        assert_eq!(read("90m"), Ok(Duration::minutes(90)));
        assert_eq!(read("24h"), Ok(Duration::hours(24)));
        assert_eq!(read("90d"), Ok(Duration::days(90)));
        for bad in ["", "h", "1", "-1h", "+1h", "91d", "1.5h", "99999999999999999999d", "1w", "é"] {
            assert_eq!(read(bad), Err(ParseOverlapError), "{bad:?}");
        }
    }
}
