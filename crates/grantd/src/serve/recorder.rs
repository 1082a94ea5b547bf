//! Writing down what requests leave behind: last uses of secrets and usage, a batch at a time.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use grantd_issuer::{Issuer, Registry, StorageFault};
use tokio::{sync::oneshot, task::JoinHandle};

/// How long anything may stay unwritten while the database answers.
const RECORD: Duration = Duration::from_secs(2);
/// How many rows go into one transaction, so that other writes come in between.
const BATCH: usize = 1_000;
/// How often writing is tried before the process ends; each attempt waits seconds for the database.
const LAST_ATTEMPTS: u32 = 3;

/// A task that writes every [`RECORD`], and once more when it is stopped.
pub(crate) struct Recorder {
    task: JoinHandle<Result<(), StorageFault>>,
    stop: oneshot::Sender<()>,
}

impl Recorder {
    /// Writes what this issuer counts into this storage.
    pub(crate) fn start(issuer: Arc<Issuer>, storage: Arc<dyn Registry>) -> Self {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(run(issuer, storage, stopped));
        Self { task, stop }
    }

    /// Ends it behind its last write. It is asked and never aborted: what an aborted write had
    /// drained would be lost.
    pub(crate) async fn stop(self) -> Result<()> {
        drop(self.stop);
        let written = self.task.await.context("the recorder ended early")?;
        written.context("the last counts of usage are lost")
    }
}

async fn run(
    issuer: Arc<Issuer>,
    storage: Arc<dyn Registry>,
    mut stopped: oneshot::Receiver<()>,
) -> Result<(), StorageFault> {
    while tokio::time::timeout(RECORD, &mut stopped).await.is_err() {
        if let Err(fault) = record(&issuer, &*storage).await {
            tracing::error!(
                fault = &fault as &dyn std::error::Error,
                "usage and last uses are not recorded; they are kept for the next attempt"
            );
        }
    }
    let mut attempt = 1;
    loop {
        match record(&issuer, &*storage).await {
            Err(fault) if attempt < LAST_ATTEMPTS => {
                tracing::warn!(fault = &fault as &dyn std::error::Error, "writing again");
                attempt += 1;
                tokio::time::sleep(RECORD / 10).await;
            }
            outcome => return outcome,
        }
    }
}

/// Writes what has gathered; what cannot be written goes back.
async fn record(issuer: &Issuer, storage: &dyn Registry) -> Result<(), StorageFault> {
    let uses = issuer.drain_uses();
    if !uses.is_empty()
        && let Err(fault) = storage.record_use(&uses).await
    {
        issuer.put_back_uses(uses);
        return Err(fault);
    }
    let mut counts = issuer.drain_usage();
    while !counts.is_empty() {
        let rest = counts.split_off(counts.len().min(BATCH));
        if let Err(fault) = storage.record_usage(&counts).await {
            issuer.put_back_usage(counts);
            issuer.put_back_usage(rest);
            return Err(fault);
        }
        counts = rest;
    }
    Ok(())
}
