//! Writing down what requests leave behind: last uses of secrets and usage, a batch at a time.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use grantd_issuer::{Issuer, Registry, StorageFault};
use tokio::{sync::oneshot, task::JoinHandle};

use super::contact::Reminder;

/// How long anything may stay unwritten while the database answers.
const RECORD: Duration = Duration::from_secs(2);
/// How long each written row puts off the next write. Where a hundred thousand clients take turns, a
/// row every two seconds for each would cost nearly as much as their tokens.
const ROW: Duration = Duration::from_micros(250);
/// But never longer: who finishes a rotation relies on what is written.
const LATEST: Duration = Duration::from_secs(9);
/// How many rows go into one transaction, so that other writes come in between.
const BATCH: usize = 1_000;
/// How often writing is tried before the process ends; each attempt waits seconds for the database.
const LAST_ATTEMPTS: u32 = 3;

/// A task that writes every [`RECORD`], less often where there is much, and once more when it is stopped.
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
    let (mut pause, mut reminder) = (RECORD, Reminder::default());
    while tokio::time::timeout(pause, &mut stopped).await.is_err() {
        pause = match record(&issuer, &*storage).await {
            Ok(rows) => {
                reminder = Reminder::default();
                pause_after(rows)
            }
            Err(fault) => {
                if reminder.is_due() {
                    tracing::error!(
                        fault = &fault as &dyn std::error::Error,
                        "usage and last uses are not recorded; they are kept for the next attempts"
                    );
                }
                RECORD
            }
        };
    }
    let mut attempt = 1;
    loop {
        match record(&issuer, &*storage).await {
            Err(fault) if attempt < LAST_ATTEMPTS => {
                tracing::warn!(fault = &fault as &dyn std::error::Error, "writing again");
                attempt += 1;
                tokio::time::sleep(RECORD / 10).await;
            }
            outcome => return outcome.map(drop),
        }
    }
}

fn pause_after(rows: usize) -> Duration {
    ROW.saturating_mul(u32::try_from(rows).unwrap_or(u32::MAX)).clamp(RECORD, LATEST)
}

/// Writes what has gathered and says how many counts that was; what cannot be written goes back.
async fn record(issuer: &Issuer, storage: &dyn Registry) -> Result<usize, StorageFault> {
    let mut uses = issuer.drain_uses();
    while !uses.is_empty() {
        let rest = uses.split_off(uses.len().min(BATCH));
        if let Err(fault) = storage.record_use(&uses).await {
            issuer.put_back_uses(uses);
            issuer.put_back_uses(rest);
            return Err(fault);
        }
        uses = rest;
    }
    let mut counts = issuer.drain_usage();
    let rows = counts.len();
    while !counts.is_empty() {
        let rest = counts.split_off(counts.len().min(BATCH));
        if let Err(fault) = storage.record_usage(&counts).await {
            issuer.put_back_usage(counts);
            issuer.put_back_usage(rest);
            return Err(fault);
        }
        counts = rest;
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_thousand_active_clients_are_written_at_once_and_many_within_ten_seconds() {
        assert_eq!(pause_after(0), RECORD);
        assert_eq!(pause_after(8_000), RECORD);
        assert_eq!(pause_after(20_000), Duration::from_secs(5));
        assert_eq!(pause_after(100_000), LATEST);
    }
}
