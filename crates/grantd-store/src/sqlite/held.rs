//! A database file that nobody else has open, to be moved from or to.

use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt, path::Path};

use grantd_issuer::StorageFault;
use rusqlite::{Connection, ErrorCode, Row, ToSql, params_from_iter, types::ToSqlOutput};

use super::{connect, lane::fault, migrations};
use crate::moving::{
    MoveError, ROWS,
    page::{Cell, Column, Page},
    table::{Behind, Table},
};

/// How long to wait for a command that is just ending.
const PATIENCE_MS: u32 = 2_000;

/// In a transaction that is undone when this is dropped.
pub(crate) struct Held(Connection);

impl Held {
    /// One that is there, of this binary's schema, to be read.
    pub(crate) fn existing(path: &Path, place: String) -> Result<Self, MoveError> {
        if !path.exists() {
            return Err(MoveError::Nothing(place));
        }
        let held = alone(connect(path).map_err(|error| fault(&error))?, place)?;
        migrations::check(&held.0)?;
        held.command("PRAGMA query_only = TRUE")?;
        Ok(held)
    }

    /// One that is made, or that has this binary's schema and nothing else, to be written.
    pub(crate) fn fresh(path: &Path, place: String) -> Result<Self, MoveError> {
        let made = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
        made.map_err(|error| {
            StorageFault::new(format!("cannot open the database {place}: {error}"), error)
        })?;
        let mut connection = connect(path).map_err(|error| fault(&error))?;
        migrations::run(&mut connection)?;
        alone(connection, place)
    }

    /// The rows of a table behind the last one of a page, or its first ones.
    pub(crate) fn page(
        &self,
        table: &'static Table,
        behind: Option<&Page>,
    ) -> Result<Page, StorageFault> {
        self.read(table, behind).map_err(|error| fault(&error))
    }

    fn read(&self, table: &'static Table, behind: Option<&Page>) -> rusqlite::Result<Page> {
        let mut page = Page::of(table);
        let place = behind.map_or(Behind::Nothing, |_| Behind::Key);
        let mut statement = self.0.prepare_cached(&table.page_statement(place))?;
        let last = behind.into_iter().flat_map(|page| page.row(page.rows - 1).take(table.key));
        let with = last.chain([Cell::Whole(ROWS.into())]);
        let mut rows = statement.query(params_from_iter(with))?;
        while let Some(row) = rows.next()? {
            for (at, column) in page.columns.iter_mut().enumerate() {
                push(column, row, at)?;
            }
            page.rows += 1;
        }
        Ok(page)
    }

    /// Adds rows.
    pub(crate) fn put(&self, table: &'static Table, page: &Page) -> Result<(), StorageFault> {
        let places: Vec<_> = (1..=table.columns.len()).map(|at| format!("?{at}")).collect();
        let (name, names, places) = (table.name, table.names(), places.join(", "));
        let insert = format!("INSERT INTO {name} ({names}) VALUES ({places})");
        let mut statement = self.0.prepare_cached(&insert).map_err(|error| fault(&error))?;
        (0..page.rows).try_for_each(|at| {
            statement
                .execute(params_from_iter(page.row(at)))
                .map(drop)
                .map_err(|error| fault(&error))
        })
    }

    /// Runs a statement that has no parameters.
    pub(crate) fn command(&self, statement: &str) -> Result<(), StorageFault> {
        self.0.execute_batch(statement).map_err(|error| fault(&error))
    }

    /// Keeps what was written.
    pub(crate) fn keep(self) -> Result<(), StorageFault> {
        self.command("COMMIT; ANALYZE")
    }
}

/// Begins a transaction of which nobody else reads or writes the file. With this mode each connection that works
/// with it holds a lock on it for as long as it is open, and no other one gets in.
pub(super) fn take(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "busy_timeout", PATIENCE_MS)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.execute_batch("BEGIN EXCLUSIVE")
}

fn alone(connection: Connection, place: String) -> Result<Held, MoveError> {
    match take(&connection) {
        Ok(()) => Ok(Held(connection)),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
            Err(MoveError::InUse(place))
        }
        Err(error) => Err(fault(&error).into()),
    }
}

fn push(column: &mut Column, row: &Row<'_>, at: usize) -> rusqlite::Result<()> {
    match column {
        Column::Text(all) => all.push(row.get(at)?),
        Column::Whole(all) => all.push(row.get(at)?),
        Column::Bytes(all) => all.push(row.get(at)?),
        Column::Flag(all) => all.push(row.get(at)?),
    }
    Ok(())
}

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Cell::Null => Ok(ToSqlOutput::from(rusqlite::types::Null)),
            Cell::Text(text) => text.to_sql(),
            Cell::Whole(number) => number.to_sql(),
            Cell::Bytes(bytes) => bytes.to_sql(),
            Cell::Flag(flag) => flag.to_sql(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::moving::table::{Kind, LEFT, TABLES};

    #[test]
    fn every_table_and_column_is_moved_and_none_that_is_not_there() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrations::run(&mut connection).unwrap();
        let columns = "SELECT one.name, of_it.name, of_it.type, of_it.pk
                       FROM sqlite_schema AS one JOIN pragma_table_info(one.name) AS of_it
                       WHERE one.type = 'table' AND one.name NOT LIKE 'sqlite_%'";
        let mut statement = connection.prepare(columns).unwrap();
        let there = statement.query_map([], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, u32>(3)?,
            ))
        });
        let there: BTreeSet<_> = there
            .unwrap()
            .map(Result::unwrap)
            .filter(|column| !LEFT.contains(&&*column.0))
            .collect();
        let mut moved = BTreeSet::new();
        for table in TABLES {
            for (at, (name, kind)) in table.columns.iter().enumerate() {
                let kind = match kind {
                    Kind::Text => "TEXT",
                    Kind::Whole | Kind::Flag => "INTEGER",
                    Kind::Bytes => "BLOB",
                };
                let key = if at < table.key { u32::try_from(at + 1).unwrap() } else { 0 };
                moved.insert((table.name.to_owned(), (*name).to_owned(), kind.to_owned(), key));
            }
        }
        let differing: Vec<_> = there.symmetric_difference(&moved).collect();
        assert!(differing.is_empty(), "list them in moving/table.rs: {differing:?}");
    }
}
