//! Removing rows in batches so small that nobody waits for them.

use crate::port::{Removed, Store, StoreError, UnitOfWork};
use std::{
    future::Future,
    ops::Range,
    pin::Pin,
    time::{Duration, Instant},
};

/// How long a batch may hold the writer before its last part begins: whoever wants to write waits no longer than for a few of its own.
const AT_A_STRETCH: Duration = Duration::from_millis(15);
/// How long the writer is left to others after a batch.
const PAUSE: Duration = Duration::from_millis(20);
/// How many parts are read ahead, before the writer is held: what they need may lie on the disk. More than a batch removes.
const AHEAD: u64 = 64;

/// Some removing, in a transaction that goes on.
pub(crate) type Removing<'a, T> = Pin<Box<dyn Future<Output = Result<Removed<T>, StoreError>> + Send + 'a>>;

/// What batches removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Gone {
    /// How many rows.
    pub(crate) rows: u64,
    /// The longest that a batch held the writer.
    pub(crate) longest: Duration,
}

/// Removes rows of a range in parts of so many, until none is left or the most that may go are gone. `read_ahead` says how many there are,
/// up to a limit; where there are none, the writer is not asked for.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn remove_in_batches<T: Copy, R: Future<Output = Result<u64, StoreError>>>(
    store: &dyn Store,
    range: Range<T>,
    most: u64,
    part: u64,
    mut read_ahead: impl FnMut(Range<T>, u64) -> R,
    mut remove: impl for<'a> FnMut(&'a mut dyn UnitOfWork, Range<T>, u64) -> Removing<'a, T> + Send,
) -> Result<Gone, StoreError> {
    let Range { mut start, end } = range;
    let (mut gone, mut is_over) = (Gone::default(), most == 0);
    // How many were read and are there still.
    let mut ready = 0;
    while !is_over {
        if ready == 0 {
            let limit = (part * AHEAD).min(most - gone.rows);
            ready = match read_ahead(start..end, limit).await {
                Ok(found) => found,
                Err(error) => {
                    // Then the writer is held for as long as the disk takes.
                    tracing::debug!(
                        error = &error as &dyn std::error::Error,
                        "what is to be removed was not read ahead"
                    );
                    limit
                }
            };
            if ready == 0 {
                break;
            }
        }
        let mut work = store.begin_housekeeping().await?;
        let began = Instant::now();
        while !is_over && ready > 0 && began.elapsed() < AT_A_STRETCH {
            let removed = remove(&mut *work, start..end, part.min(ready)).await?;
            gone.rows += removed.rows;
            start = removed.rest;
            ready = ready.saturating_sub(removed.rows);
            is_over = removed.rows == 0 || gone.rows >= most;
        }
        work.commit().await?;
        gone.longest = gone.longest.max(began.elapsed());
        tokio::time::sleep(PAUSE).await;
    }
    Ok(gone)
}
