//! Whether a person signed in since a request asked them to.
//!
//! A request that demands a fresh sign-in sends the person to the sign-in page and comes back with a mark: the time at which it did
//! so. The mark is a MAC over that time and the whole request, so that nobody makes one for themselves, or takes one from another
//! request.

use super::Parameters;
use crate::secret::{DigestKey, digests_equal};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use time::{Duration, OffsetDateTime};

/// Makes and reads marks.
#[derive(Clone)]
pub(super) struct FreshSignIn(DigestKey);

impl FreshSignIn {
    /// Somebody who took longer than this to sign in does it once more.
    const LIFE: Duration = Duration::minutes(30);

    pub(super) fn new(key: DigestKey) -> Self {
        Self(key)
    }

    /// The request, marked as one that sent the person to sign in now.
    pub(super) fn mark(&self, parameters: &Parameters, now: OffsetDateTime) -> Parameters {
        let seconds = now.unix_timestamp();
        let mark = format!("{seconds}.{}", URL_SAFE_NO_PAD.encode(self.mac(parameters, seconds)));
        parameters.with(Parameters::SIGNED_IN_SINCE, mark)
    }

    /// When this request sent the person to sign in, if it did.
    pub(super) fn asked_at(&self, parameters: &Parameters, now: OffsetDateTime) -> Option<OffsetDateTime> {
        let (seconds, mac) = parameters.get(Parameters::SIGNED_IN_SINCE)?.split_once('.')?;
        let seconds: i64 = seconds.parse().ok()?;
        let mac: [u8; 32] = URL_SAFE_NO_PAD.decode(mac).ok()?.try_into().ok()?;
        let at = OffsetDateTime::from_unix_timestamp(seconds).ok()?;
        (digests_equal(&mac, &self.mac(parameters, seconds)) && now - at < Self::LIFE).then_some(at)
    }

    fn mac(&self, parameters: &Parameters, seconds: i64) -> [u8; 32] {
        let request = parameters.without(Parameters::SIGNED_IN_SINCE).to_query();
        self.0.digest(format!("{seconds}.{request}").as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::MasterKey;
    use time::macros::datetime;

    #[test]
    fn a_mark_is_one_requests_own_and_does_not_last() {
        let now = datetime!(2026-11-25 12:00 UTC);
        let fresh = FreshSignIn::new(MasterKey::new([7; 32]).derive("fresh"));
        let request = Parameters::of([("client_id", "a"), ("state", "1")]);
        assert_eq!(fresh.asked_at(&request, now), None);
        let marked = fresh.mark(&request, now);
        assert_eq!(fresh.asked_at(&marked, now + Duration::MINUTE), Some(now));
        assert_eq!(fresh.asked_at(&marked, now + Duration::HOUR), None);
        let mark = marked.get("signed_in_since").unwrap().to_owned();
        let other = Parameters::of([("client_id", "a"), ("state", "2"), ("signed_in_since", mark.as_str())]);
        assert_eq!(fresh.asked_at(&other, now), None, "another request's");
        let earlier = mark.replacen("17", "16", 1);
        let forged = Parameters::of([("client_id", "a"), ("state", "1"), ("signed_in_since", earlier.as_str())]);
        assert_eq!(fresh.asked_at(&forged, now), None, "an earlier time");
    }
}
