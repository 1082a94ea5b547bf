//! The way to the server: a bounded pool, a deadline for every answer.

use std::{future::Future, sync::Arc, time::Duration};

use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime,
};
use futures_util::future::{join_all, join3};
use grantd_issuer::StorageFault;
use tokio::{sync::Semaphore, time::timeout};
use tokio_postgres::{Error, Row, error::SqlState};

use super::{
    address::Address,
    parameters::{Parameter, typed},
    statements as sql,
};

/// How many connections a node has at most, the one that listens aside.
const MOST: usize = 16;
/// How many of them wait for the lock of who writes alone, so that who reads always finds another.
const WRITERS: usize = 8;
/// How long a call waits for one of them.
pub(super) const WAIT: Duration = Duration::from_secs(5);
/// How long making one may take, over all hosts.
const CONNECT: Duration = Duration::from_secs(10);
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
    pub(super) writers: Arc<Semaphore>,
}

impl Link {
    /// Connects to nothing yet.
    pub(super) fn new(address: &Address) -> Result<Self, StorageFault> {
        let config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(address.config(), address.connector()?, config);
        let pool = Pool::builder(manager)
            .max_size(MOST)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(CONNECT))
            .recycle_timeout(Some(WAIT))
            .runtime(Runtime::Tokio1)
            .build();
        let pool = pool.map_err(|error| StorageFault::new("PostgreSQL: no pool", error))?;
        Ok(Self { pool, writers: Arc::new(Semaphore::new(WRITERS)) })
    }

    /// Several questions about one moment, sent at once and answered in one journey.
    pub(super) async fn together(
        &self,
        questions: &[(&str, &[Parameter<'_>])],
    ) -> Result<Vec<Vec<Row>>, StorageFault> {
        let connection = self.connection().await?;
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
        let answered = in_time(ANSWER, async {
            let (begun, answers, ended) = asked.await;
            begun?;
            let answers = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
            ended.map(|()| answers)
        });
        let answered = answered.await;
        give_back(connection, answered.as_ref().err());
        answered.map_err(Missed::fault)
    }

    /// Runs one statement and says how many rows it changed.
    pub(super) async fn execute(
        &self,
        statement: &str,
        with: &[Parameter<'_>],
    ) -> Result<u64, StorageFault> {
        let connection = self.connection().await?;
        let changed = in_time(ANSWER, connection.execute_typed(statement, &typed(with))).await;
        give_back(connection, changed.as_ref().err());
        changed.map_err(Missed::fault)
    }

    pub(super) async fn connection(&self) -> Result<Object, StorageFault> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => Missed::Failed(error).fault(),
            other => StorageFault::plain(format!("PostgreSQL: no connection: {other}")),
        })
    }
}

impl Ask for Link {
    async fn rows(
        &self,
        statement: &str,
        with: &[Parameter<'_>],
    ) -> Result<Vec<Row>, StorageFault> {
        let connection = self.connection().await?;
        let rows = in_time(ANSWER, connection.query_typed(statement, &typed(with))).await;
        give_back(connection, rows.as_ref().err());
        rows.map_err(Missed::fault)
    }
}

/// Why there is no answer.
pub(super) enum Missed {
    /// It did not come in time.
    Late,
    /// The server, or the way to it, says no.
    Failed(Error),
}

impl Missed {
    /// What the server said, without the values that it says it of.
    pub(super) fn fault(self) -> StorageFault {
        let Self::Failed(error) = self else {
            return StorageFault::plain("PostgreSQL: no answer in time");
        };
        let Some(said) = error.as_db_error() else {
            return StorageFault::plain(format!("PostgreSQL: {}", with_causes(&error)));
        };
        StorageFault::plain(format!("PostgreSQL: {} ({})", said.message(), said.code().code()))
    }

    /// Whether a connection is of no use any more.
    pub(super) fn ends_connection(&self) -> bool {
        match self {
            Self::Late => true,
            // The primary has become a standby: the next connection looks for the new one.
            Self::Failed(error) => error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION),
        }
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

/// Leaves a connection to others, unless what was missed ends it.
pub(super) fn give_back(connection: Object, missed: Option<&Missed>) {
    if missed.is_some_and(Missed::ends_connection) {
        drop(Object::take(connection));
    }
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
