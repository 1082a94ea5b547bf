//! Too many failed authentications: who guesses waits, and who has proved itself does not.
//!
//! What is slowed down is a client's name from an address, and an address whatever it names; never a client
//! as such, or anybody could keep it out. An id that nobody has is slowed down like any other.

use std::{
    hash::{BuildHasher, RandomState},
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use grantd_core::{Credentials, Level, Rate, Timestamp};
use quick_cache::unsync::Cache;

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
    failures: Mutex<Cache<u64, Failures>>,
    /// Until when anybody has to wait, in microseconds since 1970: before that nobody looks.
    until: AtomicI64,
}

/// Of a pair or an address.
#[derive(Clone, Copy, Default)]
struct Failures {
    level: Level,
    /// What this pair has proved itself with since its first failure.
    proof: Proof,
}

/// The mark of a secret, under a key that this process has made for itself; zero is none. It lets a
/// client pass that presents again what was right before, and is no proof of anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Proof(u64);

/// What a client last proved itself with: two secrets, since two live while one is rotated.
#[derive(Debug, Default)]
pub(crate) struct Proofs([AtomicU64; 2]);

/// Who tries, and with what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    pair: u64,
    address: u64,
    proof: Proof,
}

impl Default for Throttle {
    fn default() -> Self {
        let failures = Mutex::new(Cache::new(ROOM));
        Self { keys: RandomState::new(), failures, until: AtomicI64::new(i64::MIN) }
    }
}

impl Throttle {
    /// What is presented, as far as it can be known again.
    pub(crate) fn proof(&self, credentials: &Credentials<'_>) -> Proof {
        let secret = match credentials {
            Credentials::Basic { raw: (_, secret), .. } => secret.as_str(),
            Credentials::Body { secret, .. } => secret.as_ref(),
            Credentials::IdOnly { .. } => return Proof::default(),
        };
        Proof(self.keys.hash_one((2, secret)).max(1))
    }

    /// An attempt in this client's name, or in the one that is presented.
    pub(crate) fn attempt(&self, id: &str, from: IpAddr, proof: Proof) -> Attempt {
        let network = network(from);
        Attempt {
            pair: self.keys.hash_one((0, id, network)),
            address: self.keys.hash_one((1, network)),
            proof,
        }
    }

    /// Whether anybody has to wait at all: mostly nobody, and then this is all that it costs.
    pub(crate) fn is_awake(&self, now: Timestamp) -> bool {
        now.micros() < self.until.load(Ordering::Relaxed)
    }

    /// How long this attempt has to wait, if it has to.
    pub(crate) fn wait(&self, attempt: &Attempt, now: Timestamp) -> Option<Duration> {
        let failures = self.failures();
        let pair = failures.get(&attempt.pair).copied().unwrap_or_default();
        if attempt.proof != Proof::default() && pair.proof == attempt.proof {
            return None;
        }
        let address = failures.get(&attempt.address).copied().unwrap_or_default();
        PAIR.wait(pair.level, now).max(ADDRESS.wait(address.level, now))
    }

    /// It failed.
    pub(crate) fn failed(&self, attempt: &Attempt, now: Timestamp) {
        let mut failures = self.failures();
        for (key, rate) in [(attempt.pair, PAIR), (attempt.address, ADDRESS)] {
            let mut known = failures.get(&key).copied().unwrap_or_default();
            known.level = rate.less_one(known.level, now);
            if known.proof == attempt.proof {
                known.proof = Proof::default();
            }
            failures.insert(key, known);
            self.until.fetch_max(rate.room_at(known.level).micros(), Ordering::Relaxed);
        }
    }

    /// It succeeded: whatever others do in its name from here, it is let through with the same secret.
    pub(crate) fn succeeded(&self, attempt: &Attempt) {
        let mut failures = self.failures();
        if let Some(known) = failures.get(&attempt.pair).copied() {
            failures.insert(attempt.pair, Failures { proof: attempt.proof, ..known });
        }
    }

    fn failures(&self) -> MutexGuard<'_, Cache<u64, Failures>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Proofs {
    /// Whether this is one of them.
    pub(crate) fn have(&self, proof: Proof) -> bool {
        proof != Proof::default()
            && self.0.iter().any(|known| known.load(Ordering::Relaxed) == proof.0)
    }

    /// Remembers the newest. Nothing is written while a client goes on with what it has.
    pub(crate) fn note(&self, proof: Proof) {
        if proof != Proof::default() && !self.have(proof) {
            let before = self.0[0].swap(proof.0, Ordering::Relaxed);
            self.0[1].store(before, Ordering::Relaxed);
        }
    }

    /// It proves no longer.
    pub(crate) fn forget(&self, proof: Proof) {
        for known in &self.0 {
            let _ = known.compare_exchange(proof.0, 0, Ordering::Relaxed, Ordering::Relaxed);
        }
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

    fn with(throttle: &Throttle, id: &str, secret: &str, from: IpAddr) -> Attempt {
        let credentials = Credentials::Body { id: id.into(), secret: secret.into() };
        throttle.attempt(id, from, throttle.proof(&credentials))
    }

    /// Fails until it has to wait, and says how often.
    fn guess(throttle: &Throttle, id: &str, from: IpAddr, at: Timestamp) -> u32 {
        let mut guesses = 0;
        loop {
            let attempt = with(throttle, id, &format!("guess{guesses}"), from);
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
        assert_eq!(tries, 1000);
        assert_eq!(guess(&throttle, "n1000", home(), now(1)), 10, "ten a second from then on");
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
            throttle.failed(&with(&throttle, &format!("n{number}"), "guess", from), now(0));
        }
        assert!(throttle.failures().len() <= ROOM + 1);
    }

    #[test]
    fn a_secret_that_proves_no_longer_is_a_guess_like_any_other() {
        let throttle = Throttle::default();
        guess(&throttle, "cc", home(), now(0));
        let dead = with(&throttle, "cc", "right", home());
        throttle.succeeded(&dead);
        assert!(throttle.wait(&dead, now(0)).is_none());
        throttle.failed(&dead, now(0));
        assert!(throttle.wait(&dead, now(0)).is_some());
        let proofs = Proofs::default();
        proofs.note(dead.proof);
        assert!(proofs.have(dead.proof));
        proofs.forget(dead.proof);
        assert!(!proofs.have(dead.proof));
    }

    #[test]
    fn two_secrets_of_a_rotation_are_known_beside_each_other() {
        let (throttle, proofs) = (Throttle::default(), Proofs::default());
        let [old, new, third] =
            ["old", "new", "third"].map(|secret| with(&throttle, "cc", secret, home()).proof);
        for proof in [old, new, old, new] {
            proofs.note(proof);
        }
        assert!(proofs.have(old) && proofs.have(new) && !proofs.have(third));
        assert!(!proofs.have(Proof::default()), "no secret is no proof");
    }

    proptest! {
        #[test]
        fn no_sequence_of_failures_by_others_keeps_out_who_proved_itself(
            tries in proptest::collection::vec((0..3_u8, 0..4_u8, 0..200_u16, 0..300_i64), 1..40),
        ) {
            let (throttle, proofs) = (Throttle::default(), Proofs::default());
            let right = with(&throttle, "n0", "right", home());
            proofs.note(right.proof);
            for (name, last, times, at) in tries {
                for guess in 0..times {
                    let from = IpAddr::from([192, 0, 2, last]);
                    let attempt = with(&throttle, &format!("n{name}"), &format!("g{guess}"), from);
                    throttle.failed(&attempt, now(at));
                }
                prop_assert!(proofs.have(right.proof));
                // And once it came since the failures began, even if its place in memory is lost.
                throttle.succeeded(&right);
                let pair_is_known = throttle.failures().get(&right.pair).is_some();
                prop_assert!(!pair_is_known || throttle.wait(&right, now(at)).is_none());
            }
        }
    }
}
