//! Clients in memory: bounded, read through, forgotten as soon as anything changes.

mod known;
mod shared;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use grantd_core::{Client, ClientId, Credentials};
use quick_cache::sync::Cache;
use shared::Shared;

pub(crate) use known::Known;

use crate::{
    change_log::{ChangeEntry, Changed},
    fault::{Fault, StorageFault},
    sight::Sight,
    storage::Clients,
};

/// How many unknown ids are remembered, so that a client with a wrong id does not reach the database.
const ABSENT: usize = 10_000;

/// How many changes are read at a time.
const PAGE: u32 = 1000;
/// Before the first look nothing is known of the log, and nothing is cached that could be wrong.
const UNSEEN: u64 = u64::MAX;

/// How often the cache of clients was asked, and what it knew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheCounts {
    /// The client was there.
    pub hits: u64,
    /// The id was known to be nobody's.
    pub absent: u64,
    /// Storage had to be asked.
    pub misses: u64,
    /// How many clients are there now.
    pub clients: u64,
}

pub(crate) struct ClientCache {
    storage: Arc<dyn Clients>,
    pub(crate) sight: Sight,
    present: Cache<ClientId, Arc<Known>>,
    /// Kept apart, so that a flood of invented ids cannot push real clients out.
    absent: Cache<ClientId, ()>,
    shared: Shared,
    /// Raised before the cache is cleared: what was read before it must not stay in.
    epoch: AtomicU64,
    revision: AtomicU64,
    hits: AtomicU64,
    misses: AtomicU64,
    known_absent: AtomicU64,
}

impl ClientCache {
    pub(crate) fn new(storage: Arc<dyn Clients>, sight: Sight, capacity: usize) -> Self {
        Self {
            storage,
            sight,
            present: Cache::new(capacity),
            absent: Cache::new(ABSENT),
            shared: Shared::default(),
            epoch: AtomicU64::new(0),
            revision: AtomicU64::new(UNSEEN),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            known_absent: AtomicU64::new(0),
        }
    }

    pub(crate) fn counts(&self) -> CacheCounts {
        CacheCounts {
            hits: self.hits.load(Ordering::Relaxed),
            absent: self.known_absent.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            clients: self.present.len() as u64,
        }
    }

    /// The client these credentials speak of, by the likelier reading of its id first.
    pub(crate) async fn find(
        &self,
        credentials: &Credentials<'_>,
    ) -> Result<Option<Arc<Known>>, Fault> {
        for id in credentials.client_ids() {
            if let Some(known) = self.known(id).await? {
                return Ok(Some(known));
            }
        }
        Ok(None)
    }

    /// The client of this id.
    pub(crate) async fn client(&self, id: &str) -> Result<Option<Arc<Client>>, Fault> {
        Ok(self.known(id).await?.map(|known| Arc::clone(&known.client)))
    }

    /// Where storage was out of sight for too long it is not asked either: whoever follows it knows
    /// first when it is back.
    async fn known(&self, id: &str) -> Result<Option<Arc<Known>>, Fault> {
        self.sight.check()?;
        if let Some(client) = self.present.get(id) {
            self.hits.fetch_add(1, Ordering::Relaxed);
            return Ok(Some(client));
        }
        // What cannot be an id is nobody's, and never reaches the database.
        let Ok(key) = id.parse::<ClientId>() else { return Ok(None) };
        if self.absent.get(&key).is_some() {
            self.known_absent.fetch_add(1, Ordering::Relaxed);
            return Ok(None);
        }
        self.misses.fetch_add(1, Ordering::Relaxed);
        let epoch = self.epoch.load(Ordering::SeqCst);
        let found = self.storage.client(id).await?;
        let client = found.map(|mut client| {
            self.shared.share(&mut client);
            Arc::new(Known::of(client))
        });
        match &client {
            Some(client) => self.present.insert(key.clone(), Arc::clone(client)),
            None => self.absent.insert(key.clone(), ()),
        }
        if self.epoch.load(Ordering::SeqCst) != epoch {
            // Something changed while we read: answer with it once, but do not keep it.
            self.present.remove(&key);
            self.absent.remove(&key);
        }
        Ok(client)
    }

    /// Forgets the clients that have changed since the last call.
    pub(crate) async fn refresh(&self) -> Result<(), StorageFault> {
        let asked = self.sight.glance();
        self.follow().await?;
        self.sight.saw(asked);
        Ok(())
    }

    async fn follow(&self) -> Result<(), StorageFault> {
        let revision = self.storage.revision().await?;
        let seen = self.revision.load(Ordering::SeqCst);
        if revision == seen {
            return Ok(());
        }
        // What has a lower number than before is another log.
        let mut after = if seen == UNSEEN || revision < seen { revision } else { seen };
        if after == revision {
            self.forget();
        }
        while after < revision {
            match self.storage.changes(after, PAGE).await? {
                Some(entries) if !entries.is_empty() => {
                    after = entries.last().map_or(revision, |last| last.seq);
                    self.forget_changed(&entries);
                }
                Some(_) => break,
                None => {
                    self.forget();
                    break;
                }
            }
        }
        self.revision.store(after.max(revision), Ordering::SeqCst);
        Ok(())
    }

    fn forget_changed(&self, entries: &[ChangeEntry]) {
        if entries.iter().any(|entry| entry.kind == Changed::Catalog.kind()) {
            return self.forget();
        }
        self.epoch.fetch_add(1, Ordering::SeqCst);
        for entry in entries {
            self.present.remove(entry.id.as_str());
            self.absent.remove(entry.id.as_str());
        }
    }

    pub(crate) fn forget(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        self.present.clear();
        self.absent.clear();
        self.shared.forget();
    }
}
