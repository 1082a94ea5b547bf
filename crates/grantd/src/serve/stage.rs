//! What a server is at, from its first request to its last: see decision 0018.

use std::time::Duration;

/// One after the other, never back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// It serves.
    Serving,
    /// It serves all that comes, but says that it goes: `/readyz` to balancers, and each answer to
    /// whoever keeps a connection.
    Leaving,
    /// It takes no connection any more and finishes what is under way.
    Closing,
}

/// How long a server takes to stop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drain {
    /// From SIGTERM on, the time in which balancers are to notice.
    pub(crate) delay: Duration,
    /// What is under way then may take so long.
    pub(crate) timeout: Duration,
}

impl Drain {
    /// A balancer that asks `/readyz` every two seconds has been told twice, and `docker stop`, which
    /// allows ten seconds for everything, does not cut what is under way.
    pub(crate) const DELAY: Duration = Duration::from_secs(5);
    /// As long as a request may take to come in.
    pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

    /// For a server without balancers before it.
    pub(crate) const AT_ONCE: Self = Self { delay: Duration::ZERO, timeout: Self::TIMEOUT };
}
