//! Figures that are there anyway and are read only when somebody asks.

use std::{fmt, sync::Arc, time::Duration};

use grantd_issuer::Issuer;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};

use crate::serve::contact::{Contact, Contacts};

/// Reads them.
pub(super) struct Scrape {
    issuer: Arc<Issuer>,
    contacts: Arc<Contacts>,
}

impl Scrape {
    pub(super) fn new(issuer: Arc<Issuer>, contacts: Arc<Contacts>) -> Self {
        Self { issuer, contacts }
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
        let position = self.contacts.position();
        gauge(&mut encoder, ("change_log_position", help), position)?;
        let up = u64::from(self.contacts.now() == Contact::Here);
        gauge(&mut encoder, ("storage_up", "Whether the database answers."), up)?;
        let lag = self.issuer.unseen_for();
        seconds(&mut encoder, ("feed_lag", "Since the change log was last followed."), lag)?;
        let help = "How long clients in memory get tokens if it cannot be followed.";
        let limit = self.issuer.believed_at_most().unwrap_or(Duration::MAX);
        seconds(&mut encoder, ("max_staleness", help), limit)
    }
}

fn seconds(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help): (&str, &str),
    value: Duration,
) -> fmt::Result {
    let gauge = ConstGauge::new(value.as_secs_f64());
    let unit = Some(&Unit::Seconds);
    gauge.encode(encoder.encode_descriptor(name, help, unit, gauge.metric_type())?)
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
