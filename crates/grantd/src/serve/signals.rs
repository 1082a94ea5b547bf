//! The signals that stop a server.

use anyhow::{Context, Result};
use tokio::signal::unix::{self, SignalKind, signal};

/// What a server is told from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// SIGTERM: the machine wants it to end.
    Terminate,
    /// SIGINT: a person at the terminal does.
    Interrupt,
}

/// Hears them from the moment it is made.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: unix::Signal,
    interrupt: unix::Signal,
}

impl Signals {
    /// Made before the server says that it is ready: until then a signal ends the process, and with
    /// it all connections that the kernel has taken meanwhile.
    pub(crate) fn listen() -> Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?,
        })
    }

    pub(super) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::Terminate,
            _ = self.interrupt.recv() => Signal::Interrupt,
        }
    }
}
