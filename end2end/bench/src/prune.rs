//! For how long removing what is old holds the writer, and for how long somebody else who wants to write waits.

use crate::{
    figures::{Figure, HELD_LIMIT},
    fill::count,
    seed::{self, Place},
};
use latchkey_core::retention::Kept;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use time::OffsetDateTime;

/// How often somebody wants to write.
const PAUSE: Duration = Duration::from_millis(3);

/// Removes the oldest day of requests, and the counts that are past their time.
pub(crate) async fn measure(place: &Place) -> Result<Vec<Figure>, Box<dyn std::error::Error>> {
    let seeded = Box::pin(seed::open(place)).await?;
    let (retention, admin) = (&seeded.services.retention, seeded.admin());
    let now = retention.get(&admin).await?;
    // Their oldest day, whichever that is now.
    let oldest = count(seeded.store.writer(), "SELECT min(at) AS count FROM request_log").await?;
    let age = seeded.services.ports.now() - OffsetDateTime::from_unix_timestamp_nanos(i128::from(oldest) * 1_000)?;
    let days_of_requests = u16::try_from((age - time::Duration::hours(12)).whole_days())?;
    let days = |kept| match kept {
        Kept::Requests => days_of_requests,
        Kept::MinuteCounts => 1,
        other => now.days(other),
    };
    retention.set(&admin, |kept| days(kept).to_string(), "To measure how long removing takes").await?;
    let over = Arc::new(AtomicBool::new(false));
    let (store, told) = (Arc::clone(&seeded.services.ports.store), Arc::clone(&over));
    let writing = tokio::spawn(async move {
        let mut waited = Vec::new();
        while !told.load(Ordering::Relaxed) {
            let began = Instant::now();
            // Dropped, and so undone: it is about the wait alone.
            drop(store.begin().await?);
            waited.push(began.elapsed());
            tokio::time::sleep(PAUSE).await;
        }
        Ok::<_, latchkey_core::port::StoreError>(waited)
    });
    let began = Instant::now();
    let pruned = retention.prune().await?;
    let took = began.elapsed();
    over.store(true, Ordering::Relaxed);
    let mut waited = writing.await??;
    waited.sort_unstable();
    let removed = format!(
        "{} requests and {} counts removed in {:.0} s",
        pruned.requests + pruned.over_budget,
        pruned.counts,
        took.as_secs_f64()
    );
    let nearly_all = waited.get(waited.len() * 99 / 100).copied().unwrap_or_default();
    let others = format!("{} times, 99 of 100 within {:.1} ms", waited.len(), nearly_all.as_secs_f64() * 1_000.0);
    seeded.store.clone().close().await?;
    Ok(vec![
        Figure::new("retention: the longest batch", vec![pruned.longest], HELD_LIMIT, removed),
        Figure::new("retention: the wait of another writer", waited, HELD_LIMIT, others),
    ])
}
