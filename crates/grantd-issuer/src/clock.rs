//! Where time comes from: the only file of the server that reads a clock.

use std::{
    sync::LazyLock,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use grantd_core::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// This moment.
    fn now(&self) -> Timestamp;

    /// How long this process has been running, roughly: by a clock that nobody sets.
    fn steady(&self) -> Duration {
        START.elapsed()
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one room that reads the clock")]
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the one room that reads the clock")]
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}
