//! What answers say of rate limits: `RateLimit`, `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers) and, through the
//! refusal's own answer, `Retry-After`.

use http::{HeaderMap, HeaderName, HeaderValue};
use latchkey_core::{
    authn::Verdict,
    limit::{Reading, Readings},
};
use time::Duration;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Puts the limits that were asked for this request.
pub fn put_limits(headers: &mut HeaderMap, verdict: &Verdict) {
    match (&verdict.readings, &verdict.network) {
        (Some(readings), _) => put_readings(headers, readings),
        // Who came with no key that is known learns how its network stands.
        (None, Some(network)) => {
            let (mut policy, mut state) = (Text::default(), Text::default());
            write_reading(&mut policy, &mut state, &["network"], network);
            policy.put(headers, RATE_LIMIT_POLICY);
            state.put(headers, RATE_LIMIT);
        }
        (None, None) => {}
    }
}

fn put_readings(headers: &mut HeaderMap, readings: &Readings) {
    let (mut policy, mut state) = (Text::default(), Text::default());
    match readings.windows() {
        [only] => write_reading(&mut policy, &mut state, &["key"], only),
        // A key with several has one named after each window.
        windows => {
            for reading in windows {
                let mut window = itoa::Buffer::new();
                let name = ["key-", window.format(reading.quota.window_seconds.get())];
                write_reading(&mut policy, &mut state, &name, reading);
            }
        }
    }
    // The limit that a key shares with others is told where it matters: when it is the one that refuses.
    if let Some((owner, true)) = readings.refused() {
        write_reading(&mut policy, &mut state, &["all-keys"], owner);
    }
    policy.put(headers, RATE_LIMIT_POLICY);
    state.put(headers, RATE_LIMIT);
}

/// Adds one limit to both fields: `"name";q=600;w=60` and `"name";r=599;t=1`.
fn write_reading(policy: &mut Text, state: &mut Text, name: &[&str], reading: &Reading) {
    for text in [&mut *policy, &mut *state] {
        text.push(if text.length == 0 { "\"" } else { ", \"" });
        for part in name {
            text.push(part);
        }
        text.push("\"");
    }
    policy.push(";q=");
    policy.number(reading.quota.requests.get().into());
    policy.push(";w=");
    policy.number(reading.quota.window_seconds.get().into());
    state.push(";r=");
    state.number(reading.remaining.into());
    state.push(";t=");
    state.number(seconds_up(reading.retry_after.unwrap_or(reading.reset_after)));
}

/// A short text that is put together without the heap, since every answer has two of them. What does not fit is left out whole.
struct Text {
    bytes: [u8; Text::MOST],
    length: usize,
}

impl Text {
    /// Room for every window that a key can have, and the limit that it shares.
    const MOST: usize = 224;

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

    fn put(&self, headers: &mut HeaderMap, name: HeaderName) {
        if let Some(value) = self.bytes.get(..self.length).and_then(|text| HeaderValue::from_bytes(text).ok()) {
            headers.insert(name, value);
        }
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
        put_readings(&mut headers, &readings);
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
