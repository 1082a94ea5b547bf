//! What is revoked, by kind and id: asked by every request, written by one task.

use std::{
    collections::HashMap,
    sync::{
        PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
};

use super::{
    FeedError,
    entry::{Entry, Kind},
};

/// The most entries that are kept.
const MAX_ENTRIES: usize = 1_000_000;

/// Locks per kind. Readers of different ids rarely meet at one, and a table that grows to a million
/// does so in pieces that are moved within a millisecond.
const SHARDS: usize = 64;

/// The revocations in force. One task writes, an entry at a time; a new list is a new value.
#[derive(Debug)]
pub(super) struct Kills {
    tables: [Vec<RwLock<Table>>; Kind::COUNT],
    count: AtomicUsize,
    /// No entry may be forgotten before.
    earliest: AtomicI64,
    room: usize,
}

type Table = HashMap<Box<str>, Kill>;

#[derive(Clone, Copy, Debug)]
struct Kill {
    below: u64,
    until: i64,
}

impl Kills {
    /// None yet.
    pub(super) fn new() -> Self {
        Self::with_room(MAX_ENTRIES)
    }

    fn with_room(room: usize) -> Self {
        let tables =
            std::array::from_fn(|_| (0..SHARDS).map(|_| RwLock::new(Table::new())).collect());
        let (count, earliest) = (AtomicUsize::new(0), AtomicI64::new(i64::MAX));
        Self { tables, count, earliest, room }
    }

    /// Whether a token that names this id, under this generation, is dead. Entries past their end
    /// count as long as they are here: what they kill has expired anyway.
    pub(super) fn kill(&self, kind: Kind, id: &str, generation: u64) -> bool {
        read(self.shard(kind, id)).get(id).is_some_and(|kill| generation < kill.below)
    }

    /// Takes an entry in; of two for one id, what kills more and lasts longer.
    pub(super) fn add(&self, entry: Entry, now: i64) -> Result<(), FeedError> {
        if entry.until <= now {
            return Ok(());
        }
        let mut table = write(self.shard(entry.kind, &entry.id));
        if let Some(kill) = table.get_mut(&entry.id) {
            kill.below = kill.below.max(entry.below);
            kill.until = kill.until.max(entry.until);
            return Ok(());
        }
        if self.len() >= self.room {
            return Err(FeedError::TooMany(self.room));
        }
        table.insert(entry.id, Kill { below: entry.below, until: entry.until });
        self.count.fetch_add(1, Ordering::Relaxed);
        self.earliest.fetch_min(entry.until, Ordering::Relaxed);
        Ok(())
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Whether there is anything to forget.
    pub(super) fn is_stale(&self, now: i64) -> bool {
        self.earliest.load(Ordering::Relaxed) <= now
    }

    /// Drops what is past its end, a shard at a time.
    pub(super) fn forget(&self, now: i64) {
        let mut earliest = i64::MAX;
        for shard in self.tables.iter().flatten() {
            let mut table = write(shard);
            let before = table.len();
            table.retain(|_, kill| kill.until > now);
            self.count.fetch_sub(before - table.len(), Ordering::Relaxed);
            earliest = table.values().map(|kill| kill.until).fold(earliest, i64::min);
        }
        self.earliest.store(earliest, Ordering::Relaxed);
    }

    fn shard(&self, kind: Kind, id: &str) -> &RwLock<Table> {
        // FNV-1a: it need only spread the ids; the tables' own hash withstands chosen ones.
        let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let shards = &self.tables[kind as usize];
        &shards[usize::try_from(hash >> 32).unwrap_or_default() % SHARDS]
    }
}

fn read(shard: &RwLock<Table>) -> RwLockReadGuard<'_, Table> {
    shard.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(shard: &RwLock<Table>) -> RwLockWriteGuard<'_, Table> {
    shard.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: Kind, id: &str, below: u64, until: i64) -> Entry {
        Entry { kind, id: id.into(), below, until }
    }

    #[test]
    fn a_generation_below_dies_an_equal_one_lives_and_a_lower_entry_takes_nothing_back() {
        let kills = Kills::new();
        kills.add(entry(Kind::Client, "c", 5, 100), 0).unwrap();
        kills.add(entry(Kind::Client, "c", 3, 50), 0).unwrap();
        assert!(kills.kill(Kind::Client, "c", 4));
        assert!(!kills.kill(Kind::Client, "c", 5));
        assert!(!kills.kill(Kind::User, "c", 4) && !kills.kill(Kind::Client, "d", 4));
        assert_eq!(kills.len(), 1);
        kills.forget(99);
        assert_eq!(kills.len(), 1);
    }

    #[test]
    fn what_is_past_its_end_is_forgotten_and_nothing_else() {
        let kills = Kills::new();
        for n in 0..1000 {
            kills.add(entry(Kind::Token, &format!("t{n}"), u64::MAX, n), -1).unwrap();
        }
        assert!(!kills.is_stale(-1) && kills.is_stale(0));
        kills.forget(499);
        assert_eq!(kills.len(), 500);
        assert!(!kills.is_stale(499) && kills.is_stale(500));
        assert!(!kills.kill(Kind::Token, "t499", 0) && kills.kill(Kind::Token, "t500", 0));
        kills.add(entry(Kind::Token, "late", u64::MAX, 499), 499).unwrap();
        assert_eq!(kills.len(), 500);
    }

    #[test]
    fn there_is_an_end_to_what_is_kept_and_it_is_an_error() {
        let kills = Kills::with_room(2);
        kills.add(entry(Kind::Token, "a", u64::MAX, 9), 0).unwrap();
        kills.add(entry(Kind::Key, "a", u64::MAX, 9), 0).unwrap();
        kills.add(entry(Kind::Key, "a", u64::MAX, 10), 0).unwrap();
        let error = kills.add(entry(Kind::Token, "b", u64::MAX, 9), 0).unwrap_err();
        assert!(matches!(error, FeedError::TooMany(2)), "{error}");
    }
}
