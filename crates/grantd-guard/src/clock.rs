//! The one room where the guard reads a clock.

use std::time::{SystemTime, UNIX_EPOCH};

use grantd_core::Timestamp;
use tokio::time::Instant;

/// The time of day, which tokens are measured against. A clock before 1970 reads as 1970.
#[expect(clippy::disallowed_methods, reason = "this is the guard's clock")]
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// A moment of the monotonic clock, which intervals between fetches are measured with.
pub(crate) fn tick() -> Instant {
    Instant::now()
}
