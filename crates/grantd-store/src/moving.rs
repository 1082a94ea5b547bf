//! Everything from one database into another, whichever engines they are: row by row, and then compared.

pub(crate) mod page;
pub(crate) mod table;

use grantd_issuer::{
    StorageFault,
    audit::{Chain, ChainError},
};

use crate::{Location, postgres, sqlite};
use page::{Page, Tally};
use table::{TABLES, Table};

/// How many rows are on their way at once.
pub(crate) const ROWS: u32 = 1000;

/// What was moved.
#[derive(Clone, Debug)]
pub struct Moved {
    /// Each table and how many rows it has, on both sides.
    pub tables: Vec<(&'static str, u64)>,
    /// The audit log as it was followed in the new database.
    pub chain: Chain,
}

/// Why nothing was moved: the old database is as it was, and the new one is empty.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// They are the same.
    #[error("--from and --to are the same database, {0}: name two")]
    Same(String),
    /// There is no database to move.
    #[error("there is no database at {0}: check --from")]
    Nothing(String),
    /// Somebody works with it.
    #[error(
        "{0} is in use: stop every grantd that runs on it, and whatever else has it open, then move it again"
    )]
    InUse(String),
    /// There is something in the new one.
    #[error(
        "{place} is not empty, its table {table} has rows: name a new database, and everything is moved into it"
    )]
    NotEmpty {
        /// Which database.
        place: String,
        /// Which table.
        table: &'static str,
    },
    /// What arrived is not what was sent.
    #[error("the table {0} did not arrive as it was, so that nothing was moved: try again")]
    Differs(&'static str),
    /// The audit log does not hold.
    #[error("{0}; `grantd audit verify` says so of the old database too, and nothing was moved")]
    Chain(#[from] ChainError),
    /// A database does not answer, or does not take what it is given.
    #[error(transparent)]
    Storage(#[from] StorageFault),
}

/// One of the two databases, with nobody else in it until it is left.
enum Held {
    Sqlite(Box<sqlite::Held>),
    Postgres(Box<postgres::Held>),
}

/// What a database is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It is read, and stays as it is.
    From,
    /// It is filled.
    To,
}

/// Moves everything, in one transaction of the new database: after a break nothing is there. The schema
/// of the old one must be this binary's; the new one gets it. `told` hears of each table that has arrived.
pub async fn move_everything(
    from: &Location,
    to: &Location,
    mut told: impl FnMut(&str, u64) + Send,
) -> Result<Moved, MoveError> {
    if from.to_string() == to.to_string() {
        return Err(MoveError::Same(to.to_string()));
    }
    let mut old = Held::take(from, Role::From).await?;
    let mut new = Held::take(to, Role::To).await?;
    if let Some(table) = new.first_filled().await? {
        return Err(MoveError::NotEmpty { place: to.to_string(), table });
    }
    new.unfurnish().await?;
    let mut sent = Vec::new();
    for table in TABLES {
        let tally = send(&mut old, &mut new, table).await?;
        told(table.name, tally.rows());
        sent.push(tally);
    }
    let mut log = Log::default();
    for (table, sent) in TABLES.iter().zip(&sent) {
        if !look(&mut new, table, &mut log).await?.is(sent) {
            return Err(MoveError::Differs(table.name));
        }
    }
    log.chain.end(log.written)?;
    new.keep().await?;
    let tables = TABLES.iter().zip(&sent).map(|(table, tally)| (table.name, tally.rows()));
    Ok(Moved { tables: tables.collect(), chain: log.chain })
}

/// A table from one to the other, and what was sent.
async fn send(old: &mut Held, new: &mut Held, table: &'static Table) -> Result<Tally, MoveError> {
    let mut tally = Tally::new();
    let mut page = old.page(table, None).await?;
    while page.rows > 0 {
        tally.follow(&page);
        new.put(table, &page).await?;
        page = old.page(table, Some(&page)).await?;
    }
    Ok(tally)
}

/// The audit log, and how many events it says were written.
#[derive(Default)]
struct Log {
    chain: Chain,
    written: u64,
}

/// What is in a table of the new database.
async fn look(new: &mut Held, table: &'static Table, log: &mut Log) -> Result<Tally, MoveError> {
    let mut tally = Tally::new();
    let mut page = new.page(table, None).await?;
    while page.rows > 0 {
        tally.follow(&page);
        match table.name {
            "audit" => page.audit_events()?.iter().try_for_each(|event| log.chain.follow(event))?,
            "counters" => log.written = page.number_named("audit_seq").unwrap_or(log.written),
            _ => {}
        }
        page = new.page(table, Some(&page)).await?;
    }
    Ok(tally)
}

impl Held {
    /// Takes a database, so that nobody else changes it until it is left.
    async fn take(location: &Location, role: Role) -> Result<Self, MoveError> {
        let place = location.to_string();
        match (location, role) {
            (Location::Sqlite(path), Role::From) => sqlite::Held::existing(path, place),
            (Location::Sqlite(path), Role::To) => sqlite::Held::fresh(path, place),
            (Location::Postgres(address), role) => {
                let held = postgres::Held::take(address, role, place).await?;
                return Ok(Self::Postgres(Box::new(held)));
            }
        }
        .map(|held| Self::Sqlite(Box::new(held)))
    }

    /// The rows of a table behind the last one of a page, or its first ones.
    async fn page(
        &mut self,
        table: &'static Table,
        behind: Option<&Page>,
    ) -> Result<Page, StorageFault> {
        match self {
            Self::Sqlite(held) => held.page(table, behind),
            Self::Postgres(held) => held.page(table, behind).await,
        }
    }

    /// Adds rows.
    async fn put(&mut self, table: &'static Table, page: &Page) -> Result<(), StorageFault> {
        match self {
            Self::Sqlite(held) => held.put(table, page),
            Self::Postgres(held) => held.put(table, page).await,
        }
    }

    /// The first table with rows that no new database has.
    async fn first_filled(&mut self) -> Result<Option<&'static str>, StorageFault> {
        for table in TABLES {
            let known = match table.name {
                "apis" => 1,
                "counters" => continue,
                _ => 0,
            };
            if self.page(table, None).await?.rows > known {
                return Ok(Some(table.name));
            }
        }
        Ok(None)
    }

    /// Takes out what every new database has.
    async fn unfurnish(&mut self) -> Result<(), StorageFault> {
        for name in table::FURNISHED {
            let statement = format!("DELETE FROM {name}");
            match self {
                Self::Sqlite(held) => held.command(&statement)?,
                Self::Postgres(held) => held.command(&statement).await?,
            }
        }
        Ok(())
    }

    /// Keeps what was written: on disk when this gives `Ok`.
    async fn keep(self) -> Result<(), StorageFault> {
        match self {
            Self::Sqlite(held) => held.keep(),
            Self::Postgres(held) => held.keep().await,
        }
    }
}
