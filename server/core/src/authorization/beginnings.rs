//! How often anybody may begin: a request that is pushed and a code for a device are rows until they end, and a public client proves
//! nothing.

use super::{Authenticated, OauthError};
use crate::limit::{Limiter, Quota, network_of};
use std::{net::IpAddr, num::NonZeroU32, sync::Arc};
use time::OffsetDateTime;

/// Counts what clients begin that cannot prove to be themselves, by network (RFC 9126 section 2.3).
#[derive(Clone)]
pub(super) struct Beginnings(Arc<Limiter<IpAddr>>);

impl Beginnings {
    /// In a minute. People behind one address are many, and each begins seldom.
    const QUOTA: NonZeroU32 = NonZeroU32::MIN.saturating_add(119);

    pub(super) fn new() -> Self {
        Self(Arc::new(Limiter::new(Quota::per_minute(Self::QUOTA))))
    }

    /// Counts one. A client that proved to be itself is known to its team, and a proxy on this machine speaks for many networks.
    pub(super) fn count(&self, by: &Authenticated, from: IpAddr, now: OffsetDateTime) -> Result<(), OauthError> {
        if by.client().can_authenticate() || from.is_loopback() {
            return Ok(());
        }
        match self.0.check(&network_of(from), now).retry_after() {
            Some(retry_after) => Err(OauthError::TooMany { retry_after }),
            None => Ok(()),
        }
    }
}
