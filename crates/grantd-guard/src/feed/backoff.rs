//! How long to wait between two tries: doubling, with jitter so that guards do not come in step.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(5);

/// The next pause, between a half and the whole of a time that doubles: 100 ms to 5 s.
#[derive(Debug)]
pub(super) struct Backoff {
    ceiling: Duration,
}

impl Backoff {
    /// Begins with the shortest.
    pub(super) fn new() -> Self {
        Self { ceiling: FIRST }
    }

    /// The pause before the next try.
    pub(super) fn pause(&mut self) -> Duration {
        let pause = jittered(self.ceiling);
        self.ceiling = (self.ceiling * 2).min(LONGEST);
        pause
    }

    /// After a success.
    pub(super) fn reset(&mut self) {
        *self = Self::new();
    }
}

/// Between a half and the whole of it.
pub(super) fn jittered(ceiling: Duration) -> Duration {
    // A hasher's keys are random enough for this, and no crate more.
    let random = RandomState::new().hash_one(0) % 1024;
    let half = ceiling / 2;
    half + half * u32::try_from(random).unwrap_or_default() / 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_from_100_ms_to_5_s_and_start_over_after_a_success() {
        let mut backoff = Backoff::new();
        for ceiling in [200, 400, 800, 1600, 3200, 5000, 5000] {
            let pause = backoff.pause().as_millis();
            assert!((ceiling / 2..=ceiling).contains(&pause), "{pause} of {ceiling}");
        }
        backoff.reset();
        assert!(backoff.pause() <= FIRST);
    }

    #[test]
    fn pauses_differ() {
        let pauses: std::collections::HashSet<_> =
            (0..50).map(|_| jittered(Duration::from_secs(5))).collect();
        assert!(pauses.len() > 10);
    }
}
