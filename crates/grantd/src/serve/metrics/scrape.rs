//! Figures that are there anyway and are read only when somebody asks.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use grantd_issuer::Issuer;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};
use tokio::time::Instant;

/// How the change log is followed.
#[derive(Debug)]
pub(in super::super) struct Watch {
    start: Instant,
    /// Microseconds from `start` to the last look that storage answered.
    looked: AtomicU64,
    position: AtomicU64,
}

impl Watch {
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), looked: AtomicU64::new(0), position: AtomicU64::new(0) }
    }

    /// Storage answered: the log ends at this number, and all up to it has been followed.
    pub(in super::super) fn looked(&self, position: u64) {
        let micros = u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.looked.store(micros, Ordering::Relaxed);
        self.position.store(position, Ordering::Relaxed);
    }

    fn lag(&self) -> Duration {
        let looked = Duration::from_micros(self.looked.load(Ordering::Relaxed));
        self.start.elapsed().saturating_sub(looked)
    }
}

/// Reads them.
pub(super) struct Scrape {
    issuer: Arc<Issuer>,
    watch: Arc<Watch>,
}

impl Scrape {
    pub(super) fn new(issuer: Arc<Issuer>, watch: Arc<Watch>) -> Self {
        Self { issuer, watch }
    }
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let cache = self.issuer.cache_counts();
        let help = "Look-ups of a client: in memory, known to be nobody, or asked of the database.";
        let mut family =
            encoder.encode_descriptor("client_cache_requests", help, None, MetricType::Counter)?;
        for (result, count) in
            [("hit", cache.hits), ("absent", cache.absent), ("miss", cache.misses)]
        {
            ConstCounter::new(count).encode(family.encode_family(&[("result", result)])?)?;
        }
        let help = "Token requests that usage leaves out, because too much of it is unwritten.";
        let dropped = ConstCounter::new(self.issuer.dropped_usage());
        let place =
            encoder.encode_descriptor("usage_dropped", help, None, dropped.metric_type())?;
        dropped.encode(place)?;

        gauge(&mut encoder, ("cached_clients", "Clients in memory."), cache.clients)?;
        let help = "The last entry of the change log that was followed.";
        let position = self.watch.position.load(Ordering::Relaxed);
        gauge(&mut encoder, ("change_log_position", help), position)?;
        let lag = ConstGauge::new(self.watch.lag().as_secs_f64());
        let help = "Since the change log was last followed.";
        let unit = Some(&Unit::Seconds);
        let place = encoder.encode_descriptor("feed_lag", help, unit, lag.metric_type())?;
        lag.encode(place)
    }
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help): (&str, &str),
    value: u64,
) -> fmt::Result {
    let gauge = ConstGauge::new(value);
    let place = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
    gauge.encode(place)
}

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrape")
    }
}
