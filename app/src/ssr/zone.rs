//! The time zone of whoever reads.
//!
//! A script on every page keeps it in a cookie, so that the next page is right from its first byte; without scripts, times are UTC.

use super::respond::{cookie_value, find_cookie};
use http::HeaderMap;
use jiff::{Timestamp, civil, tz::TimeZone};
use time::{
    OffsetDateTime, UtcOffset, format_description::BorrowedFormatItem, format_description::well_known::Rfc3339,
    macros::format_description,
};

/// The cookie; `shell.rs` has the script that sets it.
pub const COOKIE: &str = "latchkey_zone";

/// A time zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone(TimeZone);

impl Zone {
    /// The zone of a name such as `Europe/Vienna`; anything else is UTC.
    pub fn named(name: &str) -> Self {
        Self(TimeZone::get(name).unwrap_or(TimeZone::UTC))
    }

    /// The zone of whoever asks for this page.
    pub fn of_viewer() -> Self {
        cookie_value(COOKIE).map_or(Self(TimeZone::UTC), |name| Self::named(&name))
    }

    /// The zone of whoever sends these fields.
    pub fn of_headers(headers: &HeaderMap) -> Self {
        find_cookie(headers, COOKIE).map_or(Self(TimeZone::UTC), Self::named)
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// What its clocks and its days are made by.
    pub fn rules(&self) -> &TimeZone {
        &self.0
    }

    /// A time as clocks show it there.
    pub fn local(&self, at: OffsetDateTime) -> OffsetDateTime {
        let offset = Timestamp::from_second(at.unix_timestamp())
            .map(|at| self.0.to_offset(at).seconds())
            .ok()
            .and_then(|seconds| UtcOffset::from_whole_seconds(seconds).ok());
        at.to_offset(offset.unwrap_or(UtcOffset::UTC))
    }

    /// A time as clocks show it there, in these words.
    pub fn write(&self, at: OffsetDateTime, format: &[BorrowedFormatItem<'_>]) -> String {
        self.local(at).format(format).unwrap_or_default()
    }

    /// A time as a field for dates and times takes it (HTML's local date and time).
    pub fn to_field(&self, at: OffsetDateTime) -> String {
        self.write(at, format_description!("[year]-[month]-[day]T[hour]:[minute]"))
    }

    /// What such a field shows of what was typed, and what is wrong with it where it cannot be read.
    pub fn as_typed(&self, typed: &str) -> (String, Option<String>) {
        match self.read(typed) {
            Some(at) => (self.to_field(at), None),
            None if typed.is_empty() => (String::new(), None),
            None => (typed.to_owned(), Some("Not a time such as 2026-11-26T14:00: it filters nothing".to_owned())),
        }
    }

    /// Reads what such a field sends, or a time of RFC 3339 in whatever zone.
    pub fn read(&self, text: &str) -> Option<OffsetDateTime> {
        if let Ok(at) = OffsetDateTime::parse(text, &Rfc3339) {
            return Some(at);
        }
        let local: civil::DateTime = text.parse().ok()?;
        let at = self.0.to_ambiguous_zoned(local).compatible().ok()?;
        OffsetDateTime::from_unix_timestamp(at.timestamp().as_second()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn clocks_show_what_they_do_there() {
        let vienna = Zone::named("Europe/Vienna");
        assert_eq!(vienna.to_field(datetime!(2026-07-01 12:00 UTC)), "2026-07-01T14:00");
        assert_eq!(vienna.to_field(datetime!(2026-12-01 12:00 UTC)), "2026-12-01T13:00");
        assert_eq!(vienna.read("2026-07-01T14:00"), Some(datetime!(2026-07-01 12:00 UTC)));
        assert_eq!(vienna.read("2026-07-01T14:00:00Z"), Some(datetime!(2026-07-01 14:00 UTC)));
        assert_eq!(vienna.read("yesterday"), None);
        let nowhere = Zone::named("../../etc/passwd");
        assert_eq!(nowhere.name(), "UTC");
        assert_eq!(nowhere, Zone::named("Etc/Nothing"));
    }
}
