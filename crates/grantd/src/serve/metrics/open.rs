//! A gauge of what is open, which cannot forget to count down.

use prometheus_client::metrics::gauge::Gauge;

/// How many of something are open now.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct OpenGauge(Gauge);

/// One of them; counted until it is dropped.
#[derive(Debug)]
pub(in super::super) struct Open(Gauge);

impl OpenGauge {
    /// One more.
    pub(in super::super) fn open(&self) -> Open {
        self.0.inc();
        Open(self.0.clone())
    }

    pub(super) fn gauge(&self) -> Gauge {
        self.0.clone()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}
