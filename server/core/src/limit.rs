//! Rate limits by the generic cell rate algorithm: one atomic for each limit, no lock, no timer.
//!
//! A [`Quota`] is so many requests in a window; [`RateLimits`] are the windows of one key. A [`Meter`] counts against one quota,
//! [`Meters`] against everything that a key must keep to, all or nothing. A [`Limiter`] has a meter for each address, account or
//! whatever else has a name.

mod limiter;
mod meter;
mod meters;
mod quota;

pub use limiter::{Limiter, network_of};
pub use meter::{Meter, Reading};
pub use meters::{Meters, Readings};
pub use quota::{ParseRateLimitsError, Quota, RateLimits};
