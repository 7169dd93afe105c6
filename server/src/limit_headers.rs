//! What answers say of rate limits: `RateLimit`, `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers) and, through the
//! refusal's own answer, `Retry-After`.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use latchkey_core::{
    authn::{Drawn, Entry, Verdict},
    limit::{Reading, Readings},
};
use time::Duration;

pub(crate) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub(crate) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Puts the limits that were asked for this request.
pub fn put_limits(headers: &mut HeaderMap, verdict: &Verdict) {
    match (&verdict.readings, &verdict.network) {
        (Some(readings), _) => {
            put_readings(headers, readings, verdict.known.as_deref().map(Entry::drawn), verdict.route.as_ref());
        }
        // Who came with no key that is known learns how its network stands.
        (None, Some(network)) => {
            let (mut policy, mut state) = (Text::default(), Text::default());
            policy.item(&["network"], network, write_policy);
            state.item(&["network"], network, write_state);
            put(headers, RATE_LIMIT_POLICY, policy.value());
            put(headers, RATE_LIMIT, state.value());
        }
        (None, None) => {}
    }
}

fn put_readings(headers: &mut HeaderMap, readings: &Readings, drawn: Option<&Drawn>, route: Option<&Reading>) {
    // The limit that a key shares with others is told where it matters: when it is the one that refuses.
    let shared = readings.refused().filter(|(_, owners)| *owners).map(|(owner, _)| owner);
    let policy = match (drawn, shared, route) {
        (Some(drawn), None, None) => {
            let policy = drawn.limits.get_or_init(|| list(readings, None, None, write_policy).bytes());
            HeaderValue::from_maybe_shared(policy.clone()).ok()
        }
        _ => list(readings, shared, route, write_policy).value(),
    };
    put(headers, RATE_LIMIT_POLICY, policy);
    put(headers, RATE_LIMIT, list(readings, shared, route, write_state).value());
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: Option<HeaderValue>) {
    if let Some(value) = value {
        headers.insert(name, value);
    }
}

/// Every limit of a key as one field's value.
fn list(
    readings: &Readings,
    shared: Option<&Reading>,
    route: Option<&Reading>,
    write: fn(&mut Text, &Reading),
) -> Text {
    let mut text = Text::default();
    match readings.windows() {
        [only] => text.item(&["key"], only, write),
        // A key with several has one named after each window.
        windows => {
            for reading in windows {
                let mut window = itoa::Buffer::new();
                text.item(&["key-", window.format(reading.quota.window_seconds.get())], reading, write);
            }
        }
    }
    if let Some(owner) = shared {
        text.item(&["all-keys"], owner, write);
    }
    if let Some(route) = route {
        text.item(&["route"], route, write);
    }
    text
}

/// `;q=600;w=60`
fn write_policy(text: &mut Text, reading: &Reading) {
    text.push(";q=");
    text.number(reading.quota.requests.get().into());
    text.push(";w=");
    text.number(reading.quota.window_seconds.get().into());
}

/// `;r=599;t=1`
fn write_state(text: &mut Text, reading: &Reading) {
    text.push(";r=");
    text.number(reading.remaining.into());
    text.push(";t=");
    text.number(seconds_up(reading.retry_after().unwrap_or(reading.reset_after())));
}

/// A short text that is put together without the heap, since every answer has two of them. What does not fit is left out whole.
struct Text {
    bytes: [u8; Text::MOST],
    length: usize,
}

impl Text {
    /// Room for every window that a key can have, the limit that it shares, and that of the route.
    const MOST: usize = 256;

    fn push(&mut self, part: &str) {
        let end = self.length + part.len();
        if let Some(place) = self.bytes.get_mut(self.length..end) {
            place.copy_from_slice(part.as_bytes());
            self.length = end;
        }
    }

    fn number(&mut self, number: i64) {
        self.push(itoa::Buffer::new().format(number));
    }

    /// Adds one limit: its name and what is said of it.
    fn item(&mut self, name: &[&str], reading: &Reading, write: fn(&mut Self, &Reading)) {
        self.push(if self.length == 0 { "\"" } else { ", \"" });
        for part in name {
            self.push(part);
        }
        self.push("\"");
        write(self, reading);
    }

    fn written(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn bytes(&self) -> Bytes {
        Bytes::copy_from_slice(self.written())
    }

    fn value(&self) -> Option<HeaderValue> {
        HeaderValue::from_bytes(self.written()).ok()
    }
}

impl Default for Text {
    fn default() -> Self {
        Self { bytes: [0; Self::MOST], length: 0 }
    }
}

/// Whole seconds, rounded up, so that who waits as told is let in.
fn seconds_up(duration: Duration) -> i64 {
    duration.whole_seconds() + i64::from(duration.subsec_nanoseconds() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey_core::limit::{Meter, Meters, Quota, RateLimits};
    use std::{num::NonZeroU32, sync::Arc};
    use time::macros::datetime;

    fn quota(requests: u32, window: u32) -> Quota {
        Quota { requests: NonZeroU32::new(requests).unwrap(), window_seconds: NonZeroU32::new(window).unwrap() }
    }

    fn headers(limits: &str, owner: u32, times: usize) -> (String, String) {
        let limits: RateLimits = limits.parse().unwrap();
        let [first, others @ ..] = limits.quotas() else { panic!("no limits") };
        let meters = Meters::new(*first, others, Arc::new(Meter::new(quota(owner, 60))));
        let now = datetime!(2026-11-23 12:00 UTC);
        let mut readings = meters.spend(now);
        for _ in 1..times {
            readings = meters.spend(now);
        }
        let mut headers = HeaderMap::new();
        put_readings(&mut headers, &readings, None, None);
        let text = |name: &HeaderName| headers[name].to_str().unwrap().to_owned();
        (text(&RATE_LIMIT_POLICY), text(&RATE_LIMIT))
    }

    #[test]
    fn one_window_is_called_key_and_several_by_their_length() {
        assert_eq!(headers("600/1m", 100, 1), ("\"key\";q=600;w=60".into(), "\"key\";r=599;t=1".into()));
        let (policy, state) = headers("20/1s 600/1m", 100, 1);
        assert_eq!(policy, "\"key-1\";q=20;w=1, \"key-60\";q=600;w=60");
        assert_eq!(state, "\"key-1\";r=19;t=1, \"key-60\";r=599;t=1");
    }

    #[test]
    fn the_shared_limit_is_told_when_it_refuses() {
        let (policy, state) = headers("600/1m", 2, 3);
        assert_eq!(policy, "\"key\";q=600;w=60, \"all-keys\";q=2;w=60");
        assert_eq!(state, "\"key\";r=598;t=1, \"all-keys\";r=0;t=30");
    }
}
