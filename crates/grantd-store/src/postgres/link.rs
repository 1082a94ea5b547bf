//! The way to the server: a bounded pool, a deadline for every answer.

use std::{future::Future, ops::Deref, sync::Arc, time::Duration};

use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType,
};
use futures_util::future::{join_all, join3};
use grantd_issuer::StorageFault;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};
use tokio_postgres::{Client, Error, Row, error::SqlState};

use super::{
    address::Address,
    dial::{CONNECT, Dial},
    line::{Leave, Line},
    parameters::{Parameter, typed},
    statements as sql,
};

/// How many connections a node has at most, the one that listens aside.
const MOST: usize = 16;
/// How many of them wait for the lock of who writes alone, so that who reads always finds another.
const WRITERS: usize = 8;
/// How long a call waits for one of them.
pub(super) const WAIT: Duration = Duration::from_secs(5);
/// How often a question goes to another connection, because the one it went to had ended unnoticed.
pub(super) const RETRIES: u32 = 1;
/// How long an answer may take. The server gives up the statements of a transaction before.
pub(super) const ANSWER: Duration = Duration::from_secs(10);

/// Something that statements can be sent to.
pub(super) trait Ask: Sync {
    /// All rows of the answer.
    fn rows(
        &self,
        statement: &str,
        with: &[Parameter<'_>],
    ) -> impl Future<Output = Result<Vec<Row>, StorageFault>> + Send;

    /// The first row of the answer, if there is one.
    fn row(
        &self,
        statement: &str,
        with: &[Parameter<'_>],
    ) -> impl Future<Output = Result<Option<Row>, StorageFault>> + Send {
        async move { Ok(self.rows(statement, with).await?.into_iter().next()) }
    }
}

/// Connections to the server. A single statement is a transaction of its own, and needs no more.
pub(super) struct Link {
    pool: Pool,
    dial: Dial,
    pub(super) line: Arc<Line>,
    pub(super) writers: Arc<Semaphore>,
}

/// A connection, and the leave to ask by it.
pub(super) struct Connected {
    connection: Object,
    /// Since when it is in use.
    since: Instant,
    _leave: Leave,
}

impl Deref for Connected {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.connection
    }
}

impl Connected {
    /// Closes it.
    pub(super) fn close(self) {
        drop(Object::take(self.connection));
    }
}

impl Link {
    /// Connects to nothing yet.
    pub(super) fn new(address: &Address) -> Result<Self, StorageFault> {
        let config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let dial = Dial::new(address)?;
        let manager = Manager::from_connect(address.config(), dial.clone(), config);
        let pool = Pool::builder(manager)
            .max_size(MOST)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(CONNECT))
            .recycle_timeout(Some(WAIT))
            .runtime(Runtime::Tokio1)
            .build();
        let pool = pool.map_err(|error| StorageFault::new("PostgreSQL: no pool", error))?;
        let (line, writers) =
            (Arc::new(Line::new(dial.clone())), Arc::new(Semaphore::new(WRITERS)));
        Ok(Self { pool, dial, line, writers })
    }

    /// How connections are made.
    pub(super) fn dial(&self) -> Dial {
        self.dial.clone()
    }

    /// Several questions about one moment, sent at once and answered in one journey.
    pub(super) async fn together(
        &self,
        questions: &[(&str, &[Parameter<'_>])],
    ) -> Result<Vec<Vec<Row>>, StorageFault> {
        let mut retries = RETRIES;
        loop {
            let connection = self.connection(self.line.enter()?).await?;
            // All are sent, in this order, before the first is answered; so the transaction ends even if
            // nobody waits for it any more.
            let connected = &connection;
            let answers = questions.iter().map(|(statement, with)| async move {
                connected.query_typed(statement, &typed(with)).await
            });
            let asked = join3(
                connection.batch_execute(sql::BEGIN_SNAPSHOT),
                join_all(answers),
                connection.batch_execute(sql::COMMIT),
            );
            let answered = self.line.ask(ANSWER, async {
                let (begun, answers, ended) = asked.await;
                begun?;
                let answers = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
                ended.map(|()| answers)
            });
            let answered = answered.await;
            if !self.may_repeat(connection, answered.as_ref().err(), &mut retries) {
                return answered.map_err(Missed::fault);
            }
        }
    }

    /// Runs one statement, which may happen twice: if the connection ends before its answer.
    pub(super) async fn execute(
        &self,
        statement: &str,
        with: &[Parameter<'_>],
    ) -> Result<u64, StorageFault> {
        let mut retries = RETRIES;
        loop {
            let connection = self.connection(self.line.enter()?).await?;
            let with = typed(with);
            let changed = self.line.ask(ANSWER, connection.execute_typed(statement, &with)).await;
            if !self.may_repeat(connection, changed.as_ref().err(), &mut retries) {
                return changed.map_err(Missed::fault);
            }
        }
    }

    /// All rows of an answer that must come within this time.
    pub(super) async fn rows_within(
        &self,
        patience: Duration,
        statement: &str,
        with: &[Parameter<'_>],
    ) -> Result<Vec<Row>, StorageFault> {
        let mut retries = RETRIES;
        loop {
            let connection = self.connection(self.line.enter()?).await?;
            let with = typed(with);
            let rows = self.line.ask(patience, connection.query_typed(statement, &with)).await;
            if !self.may_repeat(connection, rows.as_ref().err(), &mut retries) {
                return rows.map_err(Missed::fault);
            }
        }
    }

    /// A connection of the pool, or a new one for who is to find out whether there is an answer.
    pub(super) async fn connection(&self, leave: Leave) -> Result<Connected, StorageFault> {
        if leave.is_scout() {
            self.pool.retain(|_, _| false);
        }
        let waiting = self.line.wait();
        let got = loop {
            match self.pool.get().await {
                Ok(old) if self.dial.has_left(Object::metrics(&old).created.into()) => {
                    drop(Object::take(old));
                }
                got => break got,
            }
        };
        match got {
            Ok(connection) => Ok(Connected { connection, since: Instant::now(), _leave: leave }),
            Err(error) => {
                if matches!(error, PoolError::Backend(_) | PoolError::Timeout(TimeoutType::Create))
                {
                    waiting.missed();
                }
                Err(match error {
                    PoolError::Backend(error) => Missed::Failed(error).fault(),
                    other => StorageFault::plain(format!("PostgreSQL: no connection: {other}")),
                })
            }
        }
    }

    /// Leaves a connection to others, unless what was missed ends it; and says whether what was asked by
    /// it may be asked once more, as the connection had ended before there was an answer.
    pub(super) fn may_repeat(
        &self,
        connection: Connected,
        missed: Option<&Missed>,
        retries: &mut u32,
    ) -> bool {
        let Some(missed) = missed.filter(|missed| missed.ends_connection()) else { return false };
        let since = connection.since;
        connection.close();
        // What idles beside it went to the same server: it has ended as well, unless it was made since.
        self.pool.retain(|_, metrics| metrics.age() < since.elapsed());
        let may = missed.is_cut() && *retries > 0;
        *retries = retries.saturating_sub(1);
        may
    }
}

impl Ask for Link {
    async fn rows(
        &self,
        statement: &str,
        with: &[Parameter<'_>],
    ) -> Result<Vec<Row>, StorageFault> {
        self.rows_within(ANSWER, statement, with).await
    }
}

/// Why there is no answer.
pub(super) enum Missed {
    /// It did not come in time.
    Late,
    /// The host that was asked has been left for another one.
    Left,
    /// The server, or the way to it, says no.
    Failed(Error),
}

impl Missed {
    /// What the server said, without the values that it says it of.
    pub(super) fn fault(self) -> StorageFault {
        let error = match self {
            Self::Late => return StorageFault::plain("PostgreSQL: no answer in time"),
            Self::Left => return StorageFault::plain("PostgreSQL: another host has taken over"),
            Self::Failed(error) => error,
        };
        let Some(said) = error.as_db_error() else {
            return StorageFault::plain(format!("PostgreSQL: {}", with_causes(&error)));
        };
        StorageFault::plain(format!("PostgreSQL: {} ({})", said.message(), said.code().code()))
    }

    /// Whether a connection is of no use any more.
    pub(super) fn ends_connection(&self) -> bool {
        match self {
            Self::Late | Self::Left => true,
            // The primary has become a standby: the next connection looks for the new one.
            Self::Failed(error) => {
                error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION) || self.is_cut()
            }
        }
    }

    /// Whether the connection ended before the answer, by the server or on the way.
    pub(super) fn is_cut(&self) -> bool {
        let Self::Failed(error) = self else { return matches!(self, Self::Left) };
        let why = std::error::Error::source(error);
        let is_io = why.is_some_and(<dyn std::error::Error>::is::<std::io::Error>);
        let ended = [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN];
        error.is_closed() || is_io || error.code().is_some_and(|code| ended.contains(code))
    }
}

/// Waits for an answer, but not for ever.
pub(super) async fn in_time<T>(
    patience: Duration,
    answer: impl Future<Output = Result<T, Error>>,
) -> Result<T, Missed> {
    timeout(patience, answer)
        .await
        .map_or(Err(Missed::Late), |answer| answer.map_err(Missed::Failed))
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(one) = cause {
        text = format!("{text}: {one}");
        cause = one.source();
    }
    text
}
