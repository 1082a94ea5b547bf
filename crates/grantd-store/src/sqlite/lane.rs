//! Threads that own a connection each: readers one by one, the writer in groups with one commit.

use std::thread;

use grantd_issuer::{RegistryError, StorageFault};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

/// How many calls may wait for a thread; further callers wait to be let in.
const QUEUE: usize = 256;
/// How many writes share a commit.
const GROUP: usize = 64;

type Read = Box<dyn FnOnce(&Connection) + Send>;
/// Runs inside the transaction and gives what answers the caller once it is committed, or is not.
type Write = Box<dyn FnOnce(Result<&Connection, StorageFault>) -> Answer + Send>;
type Answer = Box<dyn FnOnce(Result<(), StorageFault>) + Send>;

/// A connection that reads.
pub(super) struct Reader(mpsc::Sender<Read>);

impl Reader {
    pub(super) fn start(connection: Connection) -> Self {
        let (sender, mut jobs) = mpsc::channel::<Read>(QUEUE);
        thread::spawn(move || {
            while let Some(job) = jobs.blocking_recv() {
                job(&connection);
            }
        });
        Self(sender)
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StorageFault> {
        let (sender, answer) = oneshot::channel();
        let job: Read = Box::new(move |connection| {
            // A caller that went away needs no answer.
            let _ = sender.send(question(connection).map_err(|error| fault(&error)));
        });
        self.0.send(job).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

/// The one connection that writes.
pub(super) struct Writer(mpsc::Sender<Write>);

impl Writer {
    pub(super) fn start(connection: Connection) -> Self {
        let (sender, mut jobs) = mpsc::channel::<Write>(QUEUE);
        thread::spawn(move || {
            while let Some(first) = jobs.blocking_recv() {
                write_group(&connection, first, &mut jobs);
            }
        });
        Self(sender)
    }

    /// Makes a change; it is on disk when this returns `Ok`, and undone when it returns `Err`.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Connection) -> Result<T, RegistryError> + Send + 'static,
    ) -> Result<T, RegistryError> {
        let (sender, answer) = oneshot::channel();
        let job: Write = Box::new(move |connection| {
            let outcome =
                connection.map_err(RegistryError::from).and_then(|open| in_savepoint(open, change));
            Box::new(move |committed| {
                // Refusals need no commit; what was done does.
                let outcome =
                    outcome.and_then(|done| committed.map(|()| done).map_err(RegistryError::from));
                let _ = sender.send(outcome);
            })
        });
        self.0.send(job).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

/// Runs what waits, commits once, answers all.
fn write_group(connection: &Connection, first: Write, jobs: &mut mpsc::Receiver<Write>) {
    if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
        first(Err(fault(&error)))(Ok(()));
        return;
    }
    let mut answers = vec![first(Ok(connection))];
    // A full disk ends the whole transaction under us; what came after would commit by itself.
    while answers.len() < GROUP
        && !connection.is_autocommit()
        && let Ok(job) = jobs.try_recv()
    {
        answers.push(job(Ok(connection)));
    }
    let committed = if connection.is_autocommit() {
        Err(StorageFault::plain("SQLite: the transaction was undone; is the disk full?"))
    } else {
        connection.execute_batch("COMMIT").map_err(|error| fault(&error))
    };
    if committed.is_err() && !connection.is_autocommit() {
        // Best effort: the next BEGIN says so if even this fails.
        let _ = connection.execute_batch("ROLLBACK");
    }
    for answer in answers {
        answer(committed.clone());
    }
}

/// One change among others of the same commit: undone alone if it fails.
fn in_savepoint<T>(
    connection: &Connection,
    change: impl FnOnce(&Connection) -> Result<T, RegistryError>,
) -> Result<T, RegistryError> {
    connection.execute_batch("SAVEPOINT change").map_err(|error| fault(&error))?;
    let outcome = change(connection);
    let end = if outcome.is_ok() { "RELEASE change" } else { "ROLLBACK TO change; RELEASE change" };
    connection.execute_batch(end).map_err(|error| fault(&error))?;
    outcome
}

/// The driver's error as the port's.
pub(super) fn fault(error: &rusqlite::Error) -> StorageFault {
    StorageFault::plain(format!("SQLite: {error}"))
}

fn gone() -> StorageFault {
    StorageFault::plain("SQLite: the database thread has ended; restart grantd")
}
