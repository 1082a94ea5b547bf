//! Transactions that write, and end.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use grantd_issuer::StorageFault;
use tokio::{sync::OwnedSemaphorePermit, time::timeout};
use tokio_postgres::{Error, Row};

use super::{
    line::{Leave, Line},
    link::{ANSWER, Ask, Connected, Link, Missed, RETRIES, WAIT},
    parameters::{Parameter, typed},
    statements as sql,
};

/// A transaction. Dropped before its end, its connection is closed, and the server undoes it.
#[must_use = "what is not ended is undone"]
pub(super) struct Work {
    connection: Option<Connected>,
    line: Arc<Line>,
    patience: Duration,
    is_broken: AtomicBool,
    /// Lets the next writer of this node wait for the lock.
    _turn: Option<OwnedSemaphorePermit>,
}

/// How long one step of a migration may take.
const MIGRATION: Duration = Duration::from_mins(10);

impl Link {
    /// Begins a transaction that alone in the database writes the logs and what decisions rest on: so
    /// both logs are without gaps in the order of commits, and what was read stays true to the end.
    pub(super) async fn alone(&self) -> Result<Work, StorageFault> {
        let leave = self.line.enter()?;
        let turn = timeout(WAIT, Arc::clone(&self.writers).acquire_owned()).await;
        let full = "PostgreSQL: more changes wait than can be made in time: make fewer at once";
        let turn = turn.map_err(|_| StorageFault::plain(full))?;
        let turn = turn.map_err(|error| StorageFault::new("PostgreSQL: no turn", error))?;
        self.begin(sql::BEGIN_ALONE, ANSWER, (leave, Some(turn))).await
    }

    /// Begins a transaction that writes beside others: what it rests on, it locks itself.
    pub(super) async fn beside_others(&self) -> Result<Work, StorageFault> {
        self.begin(sql::BEGIN, ANSWER, (self.line.enter()?, None)).await
    }

    /// Begins a transaction that brings the schema up to date.
    pub(super) async fn to_migrate(&self) -> Result<Work, StorageFault> {
        self.begin(sql::BEGIN_MIGRATION, MIGRATION, (self.line.enter()?, None)).await
    }

    /// Begins a transaction that everything is read or written in, while nobody else writes.
    pub(super) async fn to_move(&self) -> Result<Work, StorageFault> {
        self.begin(sql::BEGIN_MOVING, MIGRATION, (self.line.enter()?, None)).await
    }

    async fn begin(
        &self,
        how: &str,
        patience: Duration,
        (mut leave, turn): (Leave, Option<OwnedSemaphorePermit>),
    ) -> Result<Work, StorageFault> {
        let mut retries = RETRIES;
        loop {
            let connection = self.connection(leave).await?;
            let Err(missed) = self.line.ask(patience, connection.batch_execute(how)).await else {
                let (connection, line) = (Some(connection), Arc::clone(&self.line));
                let is_broken = AtomicBool::new(false);
                return Ok(Work { connection, line, patience, is_broken, _turn: turn });
            };
            if !missed.ends_connection() {
                connection.close();
                return Err(missed.fault());
            }
            // Before its beginning was answered nothing can have been done.
            if !self.may_repeat(connection, Some(&missed), &mut retries) {
                return Err(missed.fault());
            }
            leave = self.line.enter()?;
        }
    }
}

impl Work {
    /// Runs a statement and says how many rows it changed.
    pub(super) async fn execute(
        &self,
        statement: &str,
        with: &[Parameter<'_>],
    ) -> Result<u64, StorageFault> {
        self.answer(self.connection()?.execute_typed(statement, &typed(with))).await
    }

    /// Runs statements that have no parameters.
    pub(super) async fn command(&self, statements: &str) -> Result<(), StorageFault> {
        self.answer(self.connection()?.batch_execute(statements)).await
    }

    /// Commits what was done, or undoes it: on disk when this gives `Ok`, undone when it gives `Err`, unless
    /// the answer to the last word is lost: then it is one of the two, and nobody was told that it is done.
    pub(super) async fn end<T, E: From<StorageFault>>(
        mut self,
        outcome: Result<T, E>,
    ) -> Result<T, E> {
        let Ok(done) = outcome else {
            // If even this fails, the connection is closed, and the server undoes it all the same.
            if self.line.ask(ANSWER, self.connection()?.batch_execute(sql::ROLLBACK)).await.is_ok()
            {
                self.leave();
            }
            return outcome;
        };
        // To a COMMIT behind a statement that failed the server answers by a rollback, not by an error.
        if self.is_broken.load(Ordering::Relaxed) {
            return Err(StorageFault::plain("PostgreSQL: the transaction was undone").into());
        }
        self.command(sql::COMMIT).await?;
        self.leave();
        Ok(done)
    }

    async fn answer<T>(
        &self,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, StorageFault> {
        self.line.ask(self.patience, answer).await.map_err(|missed: Missed| {
            self.is_broken.store(true, Ordering::Relaxed);
            missed.fault()
        })
    }

    fn connection(&self) -> Result<&Connected, StorageFault> {
        self.connection.as_ref().ok_or_else(|| StorageFault::plain("PostgreSQL: no connection"))
    }

    /// Leaves the connection to others.
    fn leave(&mut self) {
        drop(self.connection.take());
    }
}

impl Ask for Work {
    async fn rows(
        &self,
        statement: &str,
        with: &[Parameter<'_>],
    ) -> Result<Vec<Row>, StorageFault> {
        self.answer(self.connection()?.query_typed(statement, &typed(with))).await
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.close();
        }
    }
}
