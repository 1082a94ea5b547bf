//! Keeps the issuer's keys fresh: read without a lock, fetched by one at a time.

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::{sync::watch, time::Instant};
use url::Url;

use crate::{BuildError, clock, fetch::Fetch, key_ring::KeyRing};

/// The keys in use, and where newer ones come from.
#[derive(Debug)]
pub(crate) struct KeyCache {
    ring: ArcSwap<KeyRing>,
    origin: Option<Origin>,
}

/// Where keys are fetched from.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) fetch: Fetch,
    pub(crate) jwks_uri: Url,
    /// How often tokens may provoke a fetch.
    pub(crate) refetch_interval: Duration,
    pub(crate) flights: Mutex<Flights>,
    pub(crate) age: Age,
}

/// How old the keys are, and how old they may become.
#[derive(Debug)]
pub(crate) struct Age {
    begun: Instant,
    /// Milliseconds from `begun` to the last fetch that succeeded.
    fetched: AtomicU64,
    max: Duration,
}

/// The fetch under way, if any, and when a token last provoked one.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    /// Closed as soon as the fetch is over, however it ended.
    landed: Option<watch::Receiver<()>>,
    provoked: Option<Instant>,
}

/// Why keys are fetched.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    Age,
    Token,
}

impl Age {
    /// As fresh as can be.
    pub(crate) fn new(max: Duration) -> Self {
        Self { begun: clock::tick(), fetched: AtomicU64::new(0), max }
    }

    /// A fetch that began then has succeeded.
    fn renew(&self, asked: Instant) {
        let since = asked.saturating_duration_since(self.begun).as_millis();
        self.fetched.store(u64::try_from(since).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        let fetched = Duration::from_millis(self.fetched.load(Ordering::Relaxed));
        self.begun.elapsed().saturating_sub(fetched) > self.max
    }
}

impl KeyCache {
    /// Keys that never change.
    pub(crate) fn fixed(ring: KeyRing) -> Arc<Self> {
        Arc::new(Self { ring: ArcSwap::from_pointee(ring), origin: None })
    }

    /// Fetches the keys, and again every `refresh_interval` until the cache is dropped.
    pub(crate) async fn fetched(
        origin: Origin,
        refresh_interval: Duration,
    ) -> Result<Arc<Self>, BuildError> {
        let ring = ArcSwap::from_pointee(origin.read().await?);
        let cache = Arc::new(Self { ring, origin: Some(origin) });
        tokio::spawn(refresh_by_age(Arc::downgrade(&cache), refresh_interval));
        Ok(cache)
    }

    /// Whether the keys were read too long ago to be believed: one may have been withdrawn since.
    pub(crate) fn is_stale(&self) -> bool {
        self.origin.as_ref().is_some_and(|origin| origin.age.is_over())
    }

    /// The keys of this moment; not to be held across an await.
    pub(crate) fn ring(&self) -> arc_swap::Guard<Arc<KeyRing>> {
        self.ring.load()
    }

    /// Waits for one fetch, the one under way or a new one, because a token names an unknown key or
    /// the keys are stale.
    ///
    /// Returns at once when such a fetch began less than the interval ago, so that forged key ids
    /// cannot make this server hammer the issuer; look into [`Self::ring`] again either way.
    pub(crate) async fn refetch(self: &Arc<Self>) {
        self.fly(Cause::Token).await;
    }

    async fn fly(self: &Arc<Self>, cause: Cause) {
        let landed = self.origin.as_ref().and_then(|origin| self.board(origin, cause));
        if let Some(mut landed) = landed {
            // Nothing is ever sent: the one change is the end.
            let _closed = landed.changed().await;
        }
    }

    /// Joins the fetch under way, or starts one if it may be.
    fn board(self: &Arc<Self>, origin: &Origin, cause: Cause) -> Option<watch::Receiver<()>> {
        let mut flights = origin.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(landed) = flights.landed.as_ref().filter(|landed| landed.has_changed().is_ok())
        {
            return Some(landed.clone());
        }
        if cause == Cause::Token {
            let now = clock::tick();
            if flights
                .provoked
                .is_some_and(|provoked| now.duration_since(provoked) < origin.refetch_interval)
            {
                return None;
            }
            flights.provoked = Some(now);
        }
        let (flying, landed) = watch::channel(());
        flights.landed = Some(landed.clone());
        let cache = Arc::clone(self);
        // A task of its own: a caller who hangs up must not end the fetch that others wait for.
        tokio::spawn(async move {
            cache.refresh().await;
            drop(flying);
        });
        Some(landed)
    }

    /// Puts fetched keys in the place of the old ones, which stay if the fetch fails.
    async fn refresh(&self) {
        let Some(origin) = &self.origin else { return };
        let asked = clock::tick();
        match origin.read().await {
            Ok(ring) => {
                tracing::debug!(keys = ring.len(), "the issuer's keys were fetched");
                // One fetch at a time: nobody puts another one in between.
                let ring = ring.after(&self.ring());
                self.ring.store(Arc::new(ring));
                origin.age.renew(asked);
            }
            Err(error) if origin.age.is_over() => {
                tracing::error!(%error, max_age = ?origin.age.max, "the issuer's keys were not fetched for too long; every token is refused");
            }
            Err(error) => {
                tracing::warn!(%error, "the issuer's keys were not fetched; the known ones stay in use");
            }
        }
    }
}

impl Origin {
    async fn read(&self) -> Result<KeyRing, BuildError> {
        let answer = self.fetch.fetch(&self.jwks_uri).await?;
        let ring = KeyRing::parse(&answer, self.jwks_uri.as_str())?;
        if ring.is_empty() {
            tracing::warn!(url = %self.jwks_uri, "the issuer publishes no usable key: every token will be refused");
        }
        Ok(ring)
    }
}

async fn refresh_by_age(cache: Weak<KeyCache>, interval: Duration) {
    loop {
        tokio::time::sleep(interval).await;
        let Some(cache) = cache.upgrade() else { return };
        cache.fly(Cause::Age).await;
    }
}
