//! What answers say of rate limits: `RateLimit`, `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers) and, through the
//! refusal's own answer, `Retry-After`.

use http::{HeaderMap, HeaderName, HeaderValue};
use latchkey_core::{
    authn::Verdict,
    limit::{Reading, Readings},
};
use std::fmt::Write;
use time::Duration;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Puts the limits that were asked for this request.
pub fn put_limits(headers: &mut HeaderMap, verdict: &Verdict) {
    match (&verdict.readings, &verdict.network) {
        (Some(readings), _) => put_readings(headers, readings),
        // Who came with no key that is known learns how its network stands.
        (None, Some(network)) => {
            let (quota, wait) = (network.quota, seconds_up(network.retry_after.unwrap_or(network.reset_after)));
            put(headers, RATE_LIMIT_POLICY, format!("\"network\";q={};w={}", quota.requests, quota.window_seconds));
            put(headers, RATE_LIMIT, format!("\"network\";r={};t={wait}", network.remaining));
        }
        (None, None) => {}
    }
}

fn put_readings(headers: &mut HeaderMap, readings: &Readings) {
    let windows = readings.windows();
    // The limit that a key shares with others is told where it matters: when it is the one that refuses.
    let owner = readings.refused().is_some_and(|(_, owners)| owners).then(|| readings.owner());
    let (mut policy, mut state) = (String::with_capacity(24), String::with_capacity(24));
    for (index, reading) in windows.iter().chain(owner).enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        let name =
            Name { reading, owner: owner.is_some_and(|owner| std::ptr::eq(owner, reading)), alone: windows.len() == 1 };
        let quota = reading.quota;
        let wait = seconds_up(reading.retry_after.unwrap_or(reading.reset_after));
        // Writing to a text cannot fail.
        let _ = write!(policy, "{comma}\"{name}\";q={};w={}", quota.requests, quota.window_seconds);
        let _ = write!(state, "{comma}\"{name}\";r={};t={wait}", reading.remaining);
    }
    put(headers, RATE_LIMIT_POLICY, policy);
    put(headers, RATE_LIMIT, state);
}

/// What a limit is called: `key`, `key-60` where a key has several, `all-keys` for the one that it shares.
struct Name<'a> {
    reading: &'a Reading,
    owner: bool,
    alone: bool,
}

impl std::fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.owner, self.alone) {
            (true, _) => f.write_str("all-keys"),
            (false, true) => f.write_str("key"),
            (false, false) => write!(f, "key-{}", self.reading.quota.window_seconds),
        }
    }
}

fn put(headers: &mut HeaderMap, name: HeaderName, text: String) {
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(name, value);
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
