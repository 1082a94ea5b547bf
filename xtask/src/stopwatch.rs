//! The one place where xtask reads a clock.

use std::time::Instant;

/// Now; ask it `elapsed()` later.
#[expect(clippy::disallowed_methods, reason = "durations are what this program reports")]
pub(crate) fn start() -> Instant {
    Instant::now()
}
