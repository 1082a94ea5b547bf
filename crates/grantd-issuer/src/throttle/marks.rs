//! What clients have proved themselves with, and from where: known again, and no proof of anything.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many sets of marks there are, in 1 MB.
const SETS: usize = 1 << 15;

/// The mark of a client's secret from a network, under a key that this process has made for itself; zero is
/// none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark(pub(super) u64);

/// The marks of successes, about 131,000 of them: the newest four of each set. Only who has a secret writes
/// here, so nobody else can push a mark out; and no change of a client does, or each would let those who
/// guess keep it out. To look costs four loads from one line of memory, and so does to note what is there.
#[derive(Debug)]
pub(crate) struct Marks(Box<[Set]>);

#[derive(Debug, Default)]
#[repr(align(32))]
struct Set([AtomicU64; 4]);

impl Default for Marks {
    fn default() -> Self {
        Self((0..SETS).map(|_| Set::default()).collect())
    }
}

impl Marks {
    /// Whether this is one of them.
    pub(crate) fn have(&self, mark: Mark) -> bool {
        mark != Mark::default()
            && self.set(mark).iter().any(|known| known.load(Ordering::Relaxed) == mark.0)
    }

    /// Remembers it. Nothing is written while a client goes on with what it has.
    pub(crate) fn note(&self, mark: Mark) {
        if mark == Mark::default() || self.have(mark) {
            return;
        }
        let mut moved = mark.0;
        for place in self.set(mark) {
            moved = place.swap(moved, Ordering::Relaxed);
        }
    }

    /// It proves no longer.
    pub(crate) fn forget(&self, mark: Mark) {
        for known in self.set(mark) {
            let _ = known.compare_exchange(mark.0, 0, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    fn set(&self, mark: Mark) -> &[AtomicU64] {
        let at = usize::try_from(mark.0 % SETS as u64).unwrap_or_default();
        self.0.get(at).map_or(&[], |set| &set.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_secrets_of_a_rotation_from_two_networks_are_known_beside_each_other() {
        let marks = Marks::default();
        // All of one set: the worst that can be.
        let of_one_set = [1_u64, 2, 3, 4].map(|turn| Mark(turn * SETS as u64));
        for mark in of_one_set.into_iter().chain(of_one_set) {
            marks.note(mark);
        }
        assert!(of_one_set.iter().all(|mark| marks.have(*mark)));
        assert!(!marks.have(Mark(5 * SETS as u64)));
        assert!(!marks.have(Mark::default()), "no secret is no proof");
        marks.forget(of_one_set[1]);
        assert_eq!(of_one_set.map(|mark| marks.have(mark)), [true, false, true, true]);
    }

    #[test]
    fn what_is_remembered_is_bounded_and_the_newest_of_it() {
        let marks = Marks::default();
        for mark in 1..=10 * SETS as u64 {
            marks.note(Mark(mark));
        }
        let kept = (1..=10 * SETS as u64).filter(|mark| marks.have(Mark(*mark)));
        assert_eq!(kept.count(), 4 * SETS);
        assert!(marks.have(Mark(10 * SETS as u64)));
    }
}
