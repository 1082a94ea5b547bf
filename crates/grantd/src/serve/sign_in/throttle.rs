//! Too many attempts to sign in: whoever guesses waits longer and longer, and nobody for good.
//!
//! An attempt counts as failed from its beginning, so that a thousand at once count a thousand times;
//! one that is refused here does not count at all, so that knocking does not prolong the wait.

use std::{
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use grantd_issuer::network;
use quick_cache::unsync::Cache;
use tokio::time::Instant;

/// How many names, addresses and pairs of them are remembered.
const ROOM: usize = 100_000;
/// After so long without an attempt nothing is remembered.
const MEMORY: Duration = Duration::from_hours(1);

/// So many attempts are free, and no wait is longer than that.
#[derive(Clone, Copy)]
struct Rule {
    free: u32,
    longest: Duration,
}

/// One name from one address.
const PAIR: Rule = Rule { free: 5, longest: Duration::from_mins(1) };
/// One name from anywhere; short, since others can make its owner wait.
const NAME: Rule = Rule { free: 50, longest: Duration::from_secs(10) };
/// Any names from one address: many people may share it.
const ADDRESS: Rule = Rule { free: 50, longest: Duration::from_mins(1) };

/// Counts attempts, in memory that is bounded.
pub(super) struct Throttle {
    keys: RandomState,
    counts: Mutex<Cache<u64, Count>>,
}

#[derive(Clone, Copy)]
struct Count {
    failed: u32,
    last: Instant,
    /// Of a pair: this name was right from this address not long ago.
    known: bool,
}

/// An attempt that was let through.
#[derive(Debug)]
pub(super) struct Trial {
    pair: u64,
    name: u64,
    address: u64,
}

impl Default for Throttle {
    fn default() -> Self {
        Self { keys: RandomState::new(), counts: Mutex::new(Cache::new(ROOM)) }
    }
}

impl Throttle {
    /// Lets an attempt through and counts it, or says how long to wait.
    pub(super) fn begin(&self, name: &str, address: IpAddr) -> Result<Trial, Duration> {
        let trial = self.trial(name, address);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let known = recent(&counts, trial.pair, now).is_some_and(|count| count.known);
        let mut wait = PAIR.wait(recent(&counts, trial.pair, now), now);
        // What others do must not keep anybody out: who has not failed from this address yet is let
        // through whatever others guess, and guessing from many addresses costs one for each guess.
        let first = recent(&counts, trial.pair, now).is_none_or(|count| count.failed == 0);
        if !known {
            if !first {
                wait = wait.max(NAME.wait(recent(&counts, trial.name, now), now));
            }
            wait = wait.max(ADDRESS.wait(recent(&counts, trial.address, now), now));
        }
        if !wait.is_zero() {
            return Err(wait);
        }
        for key in [trial.pair, trial.name, trial.address] {
            let before = recent(&counts, key, now);
            let failed = before.map_or(0, |count| count.failed).saturating_add(1);
            let known = before.is_some_and(|count| count.known);
            counts.insert(key, Count { failed, last: now, known });
        }
        Ok(trial)
    }

    /// It was the right password: the pair starts anew, and is known.
    pub(super) fn succeeded(&self, trial: &Trial) {
        self.forget(trial);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.insert(trial.pair, Count { failed: 0, last: Instant::now(), known: true });
    }

    /// It was no attempt after all.
    pub(super) fn forget(&self, trial: &Trial) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for key in [trial.pair, trial.name, trial.address] {
            if let Some(count) = counts.get(&key).copied() {
                counts.insert(key, Count { failed: count.failed.saturating_sub(1), ..count });
            }
        }
    }

    fn trial(&self, name: &str, address: IpAddr) -> Trial {
        let (name, address) = (name.to_lowercase(), network(address));
        Trial {
            pair: self.keys.hash_one((0, &name, address)),
            name: self.keys.hash_one((1, &name)),
            address: self.keys.hash_one((2, address)),
        }
    }
}

impl Rule {
    /// 1 s, 2 s, 4 s … after the last attempt, once the free ones are used up.
    fn wait(self, count: Option<Count>, now: Instant) -> Duration {
        let Some(count) = count.filter(|count| count.failed >= self.free) else {
            return Duration::ZERO;
        };
        let doubled = 2_u64.saturating_pow(count.failed - self.free);
        let delay = Duration::from_secs(doubled).min(self.longest);
        delay.saturating_sub(now.duration_since(count.last))
    }
}

fn recent(counts: &Cache<u64, Count>, key: u64, now: Instant) -> Option<Count> {
    counts.get(&key).copied().filter(|count| now.duration_since(count.last) < MEMORY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    /// Guesses until it must wait, and says how often and how long.
    fn guess(throttle: &Throttle, name: &str, address: IpAddr) -> (u32, Duration) {
        let mut guesses = 0;
        loop {
            match throttle.begin(name, address) {
                Ok(_) => guesses += 1,
                Err(wait) => return (guesses, wait),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn waits_double_up_to_a_minute_and_knocking_does_not_prolong_them() {
        let throttle = Throttle::default();
        assert_eq!(guess(&throttle, "ada", at(1)), (5, Duration::from_secs(1)));
        for expected in [2, 4, 8, 16, 32, 60, 60] {
            let (_, wait) = guess(&throttle, "ADA", at(1));
            for _ in 0..100 {
                assert_eq!(throttle.begin("ada", at(1)).unwrap_err(), wait);
            }
            tokio::time::advance(wait).await;
            assert_eq!(guess(&throttle, "ada", at(1)), (1, Duration::from_secs(expected)));
        }
        assert!(throttle.begin("bob", at(1)).is_ok() && throttle.begin("ada", at(2)).is_ok());
        tokio::time::advance(MEMORY).await;
        assert_eq!(guess(&throttle, "ada", at(1)).0, 5, "an hour later all is forgotten");
    }

    #[tokio::test(start_paused = true)]
    async fn the_right_password_starts_anew_and_counts_against_nobody() {
        let throttle = Throttle::default();
        for _ in 0..200 {
            let trial = throttle.begin("ada", at(1)).unwrap();
            throttle.succeeded(&trial);
        }
        assert_eq!(guess(&throttle, "ada", at(1)).0, 5);
    }

    #[tokio::test(start_paused = true)]
    async fn many_addresses_slow_a_name_down_and_keep_its_owner_out_nowhere() {
        let throttle = Throttle::default();
        let home = throttle.begin("ada", at(1)).unwrap();
        throttle.succeeded(&home);
        let guesses: u32 = (2..40).map(|last| guess(&throttle, "ada", at(last)).0).sum();
        assert_eq!(guesses, 10 * 5 + 28, "once there were fifty, one from each further address");
        assert!(throttle.begin("ada", at(1)).is_ok(), "at home the door is open");
        assert!(throttle.begin("ada", at(200)).is_ok(), "and elsewhere, for a first attempt");
        assert!(throttle.begin("ada", at(200)).unwrap_err() <= NAME.longest);
        tokio::time::advance(NAME.longest).await;
        assert!(throttle.begin("ada", at(200)).is_ok(), "for a second one soon");
    }

    #[tokio::test(start_paused = true)]
    async fn one_address_does_not_try_names_for_ever() {
        let throttle = Throttle::default();
        let tries = (0..1000).filter(|name| throttle.begin(&format!("n{name}"), at(1)).is_ok());
        assert_eq!(tries.count(), 50);
        assert!(throttle.begin("n2000", at(2)).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_bounded() {
        let throttle = Throttle::default();
        for name in 0..ROOM {
            let address = IpAddr::from(u32::try_from(name).unwrap().to_be_bytes());
            throttle.begin(&format!("n{name}"), address).unwrap();
        }
        assert!(throttle.counts.lock().unwrap().len() <= ROOM + 1);
    }
}
