//! Between stored values and the words of the domain.

use crate::error::Corrupt;
use sea_orm::prelude::Uuid;
use std::str::FromStr;
use time::OffsetDateTime;

/// A time as it is stored: Unix microseconds.
pub(crate) fn micros(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX)
}

/// An id that none of an earlier time is above, and none of this time or a later one is below: ids sort by time (RFC 9562 section 5.7).
pub(crate) fn first_id(at: OffsetDateTime) -> Uuid {
    let milliseconds = u128::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(0);
    Uuid::from_u128(milliseconds << 80)
}

/// A stored time.
pub(crate) fn time(micros: i64) -> Result<OffsetDateTime, Corrupt> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000).map_err(|_| Corrupt { what: "time" })
}

/// A stored word.
pub(crate) fn word<T: FromStr>(text: &str, what: &'static str) -> Result<T, Corrupt> {
    text.parse().map_err(|_| Corrupt { what })
}

/// A stored digest.
pub(crate) fn digest(bytes: &[u8]) -> Result<[u8; 32], Corrupt> {
    bytes.try_into().map_err(|_| Corrupt { what: "digest" })
}

/// A stored count.
pub(crate) fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// A count to be stored.
pub(crate) fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
