//! A line for a refused or failed request, but not a flood of them.

use std::{
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use grantd_core::Refused;
use grantd_issuer::Fault;
use tokio::time::Instant;

/// Lines a second; what is more is counted.
const LINES: u32 = 500;

/// Writes refusals to the log: the name, the client where it exists, the address. Nothing that the
/// caller sent.
#[derive(Debug)]
pub(super) struct RefusalLog(Mutex<Window>);

#[derive(Debug)]
struct Window {
    start: Instant,
    refusals: u32,
}

impl RefusalLog {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Window { start: Instant::now(), refusals: 0 }))
    }

    /// A request that we could not serve, by our own fault.
    pub(super) fn failed(&self, fault: &Fault) {
        if self.fits() {
            tracing::error!(fault = fault as &dyn std::error::Error, "token request failed");
        }
    }

    /// A request that was refused.
    pub(super) fn refused(&self, refused: &Refused, peer: SocketAddr) {
        if self.fits() {
            let client = refused.client.as_ref().map(tracing::field::display);
            tracing::info!(refusal = refused.refusal.name(), client, peer = %peer.ip(), "token request refused");
        }
    }

    fn fits(&self) -> bool {
        let (unwritten, fits) = self.count(Instant::now());
        if unwritten > 0 {
            tracing::warn!(
                unwritten,
                "refusals and faults before this line that are not in the log"
            );
        }
        fits
    }

    /// How many lines of the last second were left out, if it is over; and whether this one fits.
    fn count(&self, now: Instant) -> (u32, bool) {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut unwritten = 0;
        if now.duration_since(window.start) >= Duration::from_secs(1) {
            unwritten = window.refusals.saturating_sub(LINES);
            *window = Window { start: now, refusals: 0 };
        }
        window.refusals = window.refusals.saturating_add(1);
        (unwritten, window.refusals <= LINES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_counted_and_not_written() {
        let log = RefusalLog::new();
        let written = (0..1000).filter(|_| log.count(Instant::now()).1).count();
        assert_eq!(written, LINES as usize);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(log.count(Instant::now()), (1000 - LINES, true));
    }
}
