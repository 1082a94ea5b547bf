//! Too many failed authentications: who guesses waits, and who has proved itself from there does not.
//!
//! What is slowed down is a client's name from an address, and an address whatever it names; never a client
//! as such, or anybody could keep it out. An id that nobody has is slowed down like any other.

mod marks;

use std::{
    hash::{BuildHasher, RandomState},
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use grantd_core::{Credentials, Level, Rate, Timestamp};
use quick_cache::unsync::Cache;

pub(crate) use marks::{Mark, Marks};

/// How many pairs and addresses are remembered, in about 8 MB.
const ROOM: usize = 100_000;

/// One name from one address: a hundred failures at once, then one a second.
const PAIR: Rate = rate(1, 100);
/// Any names from one address, which many clients may share.
const ADDRESS: Rate = rate(10, 1000);

const fn rate(per_second: u32, at_once: u32) -> Rate {
    match (NonZeroU32::new(per_second), NonZeroU32::new(at_once)) {
        (Some(per_second), Some(at_once)) => Rate::new(per_second, at_once),
        _ => panic!("a rate of nothing"),
    }
}

/// Counts failures, in memory that is bounded.
pub(crate) struct Throttle {
    keys: RandomState,
    /// Of pairs and addresses.
    failures: Mutex<Cache<u64, Level>>,
    pub(crate) marks: Marks,
    /// Until when anybody has to wait, in microseconds since 1970: before that nobody looks.
    until: AtomicI64,
}

/// Who tries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    pair: u64,
    address: u64,
}

impl Default for Throttle {
    fn default() -> Self {
        let failures = Mutex::new(Cache::new(ROOM));
        let until = AtomicI64::new(i64::MIN);
        Self { keys: RandomState::new(), failures, marks: Marks::default(), until }
    }
}

impl Throttle {
    /// What is presented for this client, as far as it can be known again when it comes from there again. Of a
    /// secret alone it would tell whoever guesses from elsewhere, without being counted, which one is right.
    pub(crate) fn mark(&self, id: &str, credentials: &Credentials<'_>, from: IpAddr) -> Mark {
        let secret = match credentials {
            Credentials::Basic { raw: (_, secret), .. } => secret.as_str(),
            Credentials::Body { secret, .. } => secret.as_ref(),
            Credentials::IdOnly { .. } => return Mark::default(),
        };
        Mark(self.keys.hash_one((2, id, secret, network(from))).max(1))
    }

    /// An attempt in this client's name, or in the one that is presented.
    pub(crate) fn attempt(&self, id: &str, from: IpAddr) -> Attempt {
        let network = network(from);
        Attempt {
            pair: self.keys.hash_one((0, id, network)),
            address: self.keys.hash_one((1, network)),
        }
    }

    /// Whether anybody has to wait at all: mostly nobody, and then this is all that it costs.
    pub(crate) fn is_awake(&self, now: Timestamp) -> bool {
        now.micros() < self.until.load(Ordering::Relaxed)
    }

    /// How long this attempt has to wait, if it has to.
    pub(crate) fn wait(&self, attempt: &Attempt, now: Timestamp) -> Option<Duration> {
        let failures = self.failures();
        // What others do at an address must not keep anybody out: a name that has not failed from there
        // yet is let through, whether somebody has it or not. Who guesses has one guess of each so.
        let pair = failures.get(&attempt.pair).copied()?;
        let address = failures.get(&attempt.address).copied().unwrap_or_default();
        PAIR.wait(pair, now).max(ADDRESS.wait(address, now))
    }

    /// It failed.
    pub(crate) fn failed(&self, attempt: &Attempt, now: Timestamp) {
        let mut failures = self.failures();
        for (key, rate) in [(attempt.pair, PAIR), (attempt.address, ADDRESS)] {
            let level = failures.get(&key).copied().unwrap_or_default();
            let level = rate.less_one(level, now);
            failures.insert(key, level);
            self.until.fetch_max(rate.room_at(level).micros(), Ordering::Relaxed);
        }
    }

    fn failures(&self) -> MutexGuard<'_, Cache<u64, Level>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who an address stands for: who has one of IPv6 has 2^64 of them.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from(network))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn now(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000 + seconds)
    }

    fn home() -> IpAddr {
        IpAddr::from([192, 0, 2, 1])
    }

    fn mark(throttle: &Throttle, secret: &str, from: IpAddr) -> Mark {
        let credentials = Credentials::Body { id: "cc".into(), secret: secret.into() };
        throttle.mark("cc", &credentials, from)
    }

    /// Fails until it has to wait, and says how often.
    fn guess(throttle: &Throttle, id: &str, from: IpAddr, at: Timestamp) -> u32 {
        let mut guesses = 0;
        let attempt = throttle.attempt(id, from);
        loop {
            if throttle.is_awake(at) && throttle.wait(&attempt, at).is_some() {
                return guesses;
            }
            throttle.failed(&attempt, at);
            guesses += 1;
        }
    }

    #[test]
    fn ca_39_a_guesser_waits_and_others_do_not() {
        let throttle = Throttle::default();
        assert!(!throttle.is_awake(now(0)));
        assert_eq!(guess(&throttle, "cc", home(), now(0)), 100);
        assert_eq!(guess(&throttle, "cc", home(), now(1)), 1, "one a second from then on");
        assert_eq!(guess(&throttle, "cc2", home(), now(1)), 100, "another client from there");
        let elsewhere = IpAddr::from([192, 0, 2, 2]);
        assert_eq!(guess(&throttle, "cc", elsewhere, now(1)), 100);
        assert!(!throttle.is_awake(now(200)), "and when it is over nobody looks any more");
    }

    #[test]
    fn one_address_does_not_try_names_for_ever() {
        let throttle = Throttle::default();
        let tries: u32 =
            (0..100).map(|name| guess(&throttle, &format!("n{name}"), home(), now(0))).sum();
        assert_eq!(tries, 1000 + 90, "ten names took all, and each further one had its first");
        assert_eq!(guess(&throttle, "n99", home(), now(0)), 0);
        let again: u32 =
            (0..100).map(|name| guess(&throttle, &format!("n{name}"), home(), now(60))).sum();
        assert_eq!(again, 510, "ten a second from then on, less what was taken beyond them");
        let v6 = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(network(v6("2001:db8::1")), network(v6("2001:db8::2")));
        assert_ne!(network(v6("2001:db8::1")), network(v6("2001:db8:0:1::1")));
        assert_eq!(network(v6("::ffff:192.0.2.1")), home());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let throttle = Throttle::default();
        for number in 0..150_000_u32 {
            let from = IpAddr::from(number.to_be_bytes());
            throttle.failed(&throttle.attempt(&format!("n{number}"), from), now(0));
        }
        assert!(throttle.failures().len() <= ROOM + 1);
    }

    #[test]
    fn a_mark_is_of_one_client_one_secret_and_one_network() {
        let throttle = Throttle::default();
        let right = mark(&throttle, "right", home());
        throttle.marks.note(right);
        assert!(throttle.marks.have(mark(&throttle, "right", home())));
        let elsewhere = IpAddr::from([192, 0, 2, 2]);
        assert!(!throttle.marks.have(mark(&throttle, "right", elsewhere)), "a guesser's address");
        assert!(!throttle.marks.have(mark(&throttle, "wrong", home())));
        let credentials = Credentials::Body { id: "cc2".into(), secret: "right".into() };
        assert!(!throttle.marks.have(throttle.mark("cc2", &credentials, home())));
        throttle.marks.forget(right);
        assert!(!throttle.marks.have(right), "a secret that proves no longer is a guess");
    }

    #[test]
    fn a_first_attempt_is_let_through_whatever_others_do_at_its_address() {
        let throttle = Throttle::default();
        for name in 0..5000 {
            let attempt = throttle.attempt(&format!("n{name}"), home());
            throttle.failed(&attempt, now(name / 100));
            assert!(throttle.wait(&attempt, now(name / 100)).is_some() || name < 1200, "{name}");
        }
        let first = throttle.attempt("cc", home());
        assert!(throttle.is_awake(now(50)) && throttle.wait(&first, now(50)).is_none());
        throttle.failed(&first, now(50));
        assert!(throttle.wait(&first, now(50)).is_some(), "a second one takes its turn");
    }

    proptest! {
        #[test]
        fn no_sequence_of_failures_by_others_keeps_out_who_proved_itself(
            tries in proptest::collection::vec((0..3_u8, 0..4_u8, 0..200_u16, 0..300_i64), 1..40),
        ) {
            let throttle = Throttle::default();
            let right = mark(&throttle, "right", home());
            throttle.marks.note(right);
            for (name, last, times, at) in tries {
                for guess in 0..times {
                    let from = IpAddr::from([192, 0, 2, last]);
                    throttle.failed(&throttle.attempt(&format!("n{name}"), from), now(at));
                    throttle.marks.forget(mark(&throttle, &format!("g{guess}"), from));
                }
                prop_assert!(throttle.marks.have(right));
            }
        }
    }
}
