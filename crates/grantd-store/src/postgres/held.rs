//! A PostgreSQL database that nobody else writes to, to be moved from or to.

use std::time::Duration;

use grantd_issuer::StorageFault;
use tokio_postgres::Row;

use super::{
    Postgres,
    address::Address,
    link::Ask,
    parameters::{Parameter, Typed, with},
    rows::{unsigned, value},
    statements as sql,
    work::Work,
};
use crate::moving::{
    MoveError, ROWS, Role,
    page::{Cell, Column, Page},
    table::{Behind, Kind, TABLES, Table},
};

/// How often, and how many times, to look whether other nodes are gone: a command may just be ending.
const PAUSE: Duration = Duration::from_millis(200);
const LOOKS: usize = 10;

/// In a transaction that is undone when this is dropped.
pub(crate) struct Held(Work);

impl Held {
    /// Takes the database. To be filled, it gets this binary's schema first.
    pub(crate) async fn take(
        address: &Address,
        role: Role,
        place: String,
    ) -> Result<Self, MoveError> {
        let (store, mode) = match role {
            Role::From => (Postgres::open_unchanged(address).await?, "SHARE"),
            Role::To => (Postgres::open(address).await?, "ACCESS EXCLUSIVE"),
        };
        let in_use = |fault| if_locked(fault, &place);
        let work = store.link.to_move().await.map_err(in_use)?;
        let names: Vec<_> = TABLES.iter().map(|table| table.name).collect();
        let lock = format!("LOCK TABLE {} IN {mode} MODE", names.join(", "));
        work.command(&lock).await.map_err(in_use)?;
        for _ in 0..LOOKS {
            let others = work.row(sql::OTHER_NODES, with![]).await?;
            if others.map_or(Ok(0), |row| unsigned(&row, "count"))? == 0 {
                return Ok(Self(work));
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(MoveError::InUse(place))
    }

    /// The rows of a table behind the last one of a page, or its first ones.
    pub(crate) async fn page(
        &self,
        table: &'static Table,
        behind: Option<&Page>,
    ) -> Result<Page, StorageFault> {
        let place = behind.map_or(Behind::Nothing, |_| Behind::Key);
        let key: Vec<_> = behind.map_or(Vec::new(), |page| {
            page.row(page.rows - 1).take(table.key).map(parameter).collect()
        });
        let limit = i64::from(ROWS);
        let mut with: Vec<Parameter<'_>> = key.iter().map(|one| &**one as Parameter<'_>).collect();
        with.push(&limit);
        let rows = self.0.rows(&table.page_statement(place), &with).await?;
        let mut page = Page::of(table);
        for row in &rows {
            for ((name, _), column) in table.columns.iter().zip(&mut page.columns) {
                push(column, row, name)?;
            }
        }
        page.rows = rows.len();
        Ok(page)
    }

    /// Adds rows: a statement with an array for each column.
    pub(crate) async fn put(&self, table: &'static Table, page: &Page) -> Result<(), StorageFault> {
        if let Some(column) = column_with_nul(table, page) {
            return Err(StorageFault::plain(format!(
                "a text in {}.{column} has the sign NUL, which PostgreSQL does not keep: change it in the old database first",
                table.name
            )));
        }
        let arrays = table.columns.iter().enumerate();
        let arrays = arrays.map(|(at, (_, kind))| format!("${}::{}[]", at + 1, name_of(*kind)));
        let arrays: Vec<_> = arrays.collect();
        let (name, names, arrays) = (table.name, table.names(), arrays.join(", "));
        let insert = format!("INSERT INTO {name} ({names}) SELECT * FROM unnest({arrays})");
        let with: Vec<Parameter<'_>> = page
            .columns
            .iter()
            .map(|column| match column {
                Column::Text(all) => all as Parameter<'_>,
                Column::Whole(all) => all as Parameter<'_>,
                Column::Bytes(all) => all as Parameter<'_>,
                Column::Flag(all) => all as Parameter<'_>,
            })
            .collect();
        self.0.execute(&insert, &with).await.map(drop)
    }

    /// Runs a statement that has no parameters.
    pub(crate) async fn command(&self, statement: &str) -> Result<(), StorageFault> {
        self.0.command(statement).await
    }

    /// Keeps what was written, and lets the server know how much it is.
    pub(crate) async fn keep(self) -> Result<(), StorageFault> {
        let counted = self.0.command("ANALYZE").await;
        self.0.end(counted).await
    }
}

/// The type of a column of this kind.
const fn name_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Whole => "bigint",
        Kind::Bytes => "bytea",
        Kind::Flag => "boolean",
    }
}

fn column_with_nul(table: &'static Table, page: &Page) -> Option<&'static str> {
    table.columns.iter().zip(&page.columns).find_map(|((name, _), column)| match column {
        Column::Text(all) if all.iter().flatten().any(|text| text.contains('\0')) => Some(*name),
        _ => None,
    })
}

fn push(column: &mut Column, row: &Row, name: &str) -> Result<(), StorageFault> {
    match column {
        Column::Text(all) => all.push(value(row, name)?),
        Column::Whole(all) => all.push(value(row, name)?),
        Column::Bytes(all) => all.push(value(row, name)?),
        Column::Flag(all) => all.push(value(row, name)?),
    }
    Ok(())
}

fn parameter(cell: Cell<'_>) -> Box<dyn Typed + Send + Sync + '_> {
    match cell {
        Cell::Null => Box::new(None::<String>),
        Cell::Text(text) => Box::new(text),
        Cell::Whole(number) => Box::new(number),
        Cell::Bytes(bytes) => Box::new(bytes),
        Cell::Flag(flag) => Box::new(flag),
    }
}

/// 55P03: somebody else has the lock.
fn if_locked(fault: StorageFault, place: &str) -> MoveError {
    if fault.to_string().contains("(55P03)") {
        MoveError::InUse(place.to_owned())
    } else {
        fault.into()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use grantd_test_postgres::database;

    use super::*;
    use crate::moving::table::LEFT;

    #[tokio::test]
    async fn every_table_and_column_is_moved_and_numbers_come_from_a_table_that_is() {
        let Some(database) = database() else { return };
        Postgres::open(&Address::parse(&database.url()).unwrap()).await.unwrap();
        let columns = "SELECT table_name || '.' || column_name || ' ' || data_type
                       FROM information_schema.columns WHERE table_schema = 'public'";
        let there = database.sql(columns);
        let is_left = |line: &str| LEFT.iter().any(|name| line.starts_with(&format!("{name}.")));
        let there: BTreeSet<_> =
            there.lines().filter(|line| !is_left(line)).map(ToOwned::to_owned).collect();
        let moved = TABLES.iter().flat_map(|table| {
            table
                .columns
                .iter()
                .map(|(name, kind)| format!("{}.{name} {}", table.name, name_of(*kind)))
        });
        let moved: BTreeSet<_> = moved.collect();
        let differing: Vec<_> = there.symmetric_difference(&moved).collect();
        assert!(differing.is_empty(), "list them in moving/table.rs: {differing:?}");
        // A sequence would begin anew in the database that is moved to.
        assert_eq!(database.sql("SELECT sequencename FROM pg_sequences").trim(), "");
    }
}
