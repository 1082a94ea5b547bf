//! How long ago storage was last seen: what is kept in memory is believed only so long.

use std::{
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
    time::Duration,
};

use crate::{clock::Clock, fault::Fault};

/// When storage last told what has changed, by both clocks. The steady one cannot be set back, and the
/// other one goes on while the machine is suspended; so the longer of what they say counts.
pub(crate) struct Sight {
    clock: Box<dyn Clock>,
    /// `None`: what is kept is believed for ever.
    limit: Option<Duration>,
    /// Both in microseconds.
    steady: AtomicU64,
    wall: AtomicI64,
}

/// Both clocks at one moment.
#[derive(Clone, Copy)]
pub(crate) struct Glance {
    steady: u64,
    wall: i64,
}

impl Sight {
    /// Nothing is kept yet, so nothing of it is old.
    pub(crate) fn new(clock: Box<dyn Clock>, limit: Option<Duration>) -> Self {
        let (steady, wall) = (AtomicU64::new(0), AtomicI64::new(0));
        let sight = Self { clock, limit, steady, wall };
        sight.saw(sight.glance());
        sight
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    pub(crate) fn limit(&self) -> Option<Duration> {
        self.limit
    }

    /// This moment, to be told to [`Sight::saw`] once what is asked now is answered.
    pub(crate) fn glance(&self) -> Glance {
        let steady = u64::try_from(self.clock.steady().as_micros()).unwrap_or(u64::MAX);
        Glance { steady, wall: self.clock.now().micros() }
    }

    /// Storage was asked at that moment and has answered.
    pub(crate) fn saw(&self, asked: Glance) {
        self.steady.store(asked.steady, Ordering::Relaxed);
        self.wall.store(asked.wall, Ordering::Relaxed);
    }

    /// How long ago that was.
    pub(crate) fn age(&self) -> Duration {
        let now = self.glance();
        let steady = now.steady.saturating_sub(self.steady.load(Ordering::Relaxed));
        let wall = now.wall.saturating_sub(self.wall.load(Ordering::Relaxed));
        Duration::from_micros(steady.max(u64::try_from(wall).unwrap_or(0)))
    }

    /// Refuses what would rest on memory alone for too long.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        let Some(limit) = self.limit else { return Ok(()) };
        let age = self.age();
        if age > limit { Err(Fault::Stale { age, limit }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use grantd_core::Timestamp;

    use super::*;

    /// Both clocks of a machine, in seconds.
    #[derive(Clone, Default)]
    struct Clocks {
        steady: Arc<AtomicU64>,
        wall: Arc<AtomicI64>,
    }

    impl Clock for Clocks {
        fn now(&self) -> Timestamp {
            Timestamp::from_seconds(self.wall.load(Ordering::Relaxed))
        }

        fn steady(&self) -> Duration {
            Duration::from_secs(self.steady.load(Ordering::Relaxed))
        }
    }

    fn sight(limit: Option<u64>) -> (Sight, Clocks) {
        let clocks = Clocks::default();
        clocks.wall.store(1_000_000, Ordering::Relaxed);
        let sight = Sight::new(Box::new(clocks.clone()), limit.map(Duration::from_secs));
        (sight, clocks)
    }

    #[test]
    fn memory_is_believed_up_to_the_limit_and_again_once_storage_was_seen() {
        let (sight, clocks) = sight(Some(10));
        for (passed, believed) in [(0, true), (10, true), (11, false), (1_000, false)] {
            clocks.steady.store(passed, Ordering::Relaxed);
            assert_eq!(sight.check().is_ok(), believed, "{passed}");
        }
        // What was asked long ago and is answered only now tells of then.
        clocks.steady.store(2_000, Ordering::Relaxed);
        let asked = sight.glance();
        clocks.steady.store(2_011, Ordering::Relaxed);
        sight.saw(asked);
        assert!(matches!(sight.check(), Err(Fault::Stale { age, .. }) if age.as_secs() == 11));
        sight.saw(sight.glance());
        assert!(sight.check().is_ok());
    }

    #[test]
    fn a_clock_set_back_gives_no_more_time_and_a_suspended_machine_none_either() {
        let (sight, clocks) = sight(Some(10));
        clocks.wall.store(0, Ordering::Relaxed);
        assert!(sight.check().is_ok());
        clocks.steady.store(11, Ordering::Relaxed);
        assert!(sight.check().is_err(), "the steady clock tells");
        sight.saw(sight.glance());
        clocks.wall.store(11, Ordering::Relaxed);
        assert!(sight.check().is_err(), "the steady clock slept, the other one did not");
    }

    #[test]
    fn who_sets_no_limit_believes_memory_for_ever() {
        let (sight, clocks) = sight(None);
        clocks.steady.store(u64::MAX / 2_000_000, Ordering::Relaxed);
        assert!(sight.check().is_ok());
    }
}
