//! A client in memory, and what this node has seen of it since it was read.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use grantd_core::{Client, Level, Rate, Timestamp};

/// Forgotten as a whole when the client is changed: then its bucket is full again.
pub(crate) struct Known {
    pub(crate) client: Arc<Client>,
    pub(crate) pace: Pace,
}

impl Known {
    pub(super) fn of(client: Client) -> Self {
        Self { client: Arc::new(client), pace: Pace::default() }
    }
}

/// How much of its rate a client has used up.
#[derive(Debug, Default)]
pub(crate) struct Pace(AtomicU64);

impl Pace {
    /// How long until the client may ask again, if it may not now.
    pub(crate) fn wait(&self, rate: Rate, now: Timestamp) -> Option<Duration> {
        rate.wait(Level(self.0.load(Ordering::Relaxed)), now)
    }

    /// Counts one. Requests beside each other may have found the last place: each counts all the same.
    pub(crate) fn take(&self, rate: Rate, now: Timestamp) {
        let less = |level| Some(rate.less_one(Level(level), now).0);
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}
