//! Brings a database file to this binary's schema, each step once and in order.

use grantd_issuer::StorageFault;
use rusqlite::{Connection, TransactionBehavior, params};

use super::lane::fault;
use crate::migrations::{Migration, checksum, migrations, missing};

const MIGRATIONS: &[Migration] = migrations!("sqlite");

/// Its words stay as they are, as those of the migrations: a backup's are compared with them.
const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS _migrations (
    number     INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    checksum   BLOB NOT NULL,
    applied_at INTEGER NOT NULL DEFAULT (unixepoch() * 1000000)
) STRICT";

/// Whether nothing is missing, without doing it.
pub(super) fn check(connection: &Connection) -> Result<(), StorageFault> {
    // No table: nothing was ever applied.
    crate::migrations::check(&applied(connection).unwrap_or_default(), MIGRATIONS)
}

/// Applies what is missing. Two processes may start at once: the second waits, then finds it done.
/// Where nothing is missing, nothing is written and nobody is waited for.
pub(super) fn run(connection: &mut Connection) -> Result<(), StorageFault> {
    if check(connection).is_ok() {
        return Ok(());
    }
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(|error| fault(&error))?;
    transaction.execute_batch(CREATE_TABLE).map_err(|error| fault(&error))?;
    let applied = applied(&transaction).map_err(|error| fault(&error))?;
    for (at, migration) in (applied.len() + 1..).zip(missing(&applied, MIGRATIONS)?) {
        let (name, sql) = migration;
        transaction.execute_batch(sql).map_err(|error| fault(&error))?;
        let insert = "INSERT INTO _migrations (number, name, checksum) VALUES (?1, ?2, ?3)";
        let row = params![i64::try_from(at).unwrap_or(i64::MAX), name, checksum(migration)];
        transaction.execute(insert, row).map_err(|error| fault(&error))?;
    }
    transaction.commit().map_err(|error| fault(&error))
}

/// Makes an empty database what these migrations made another one.
pub(super) fn replay(empty: &Connection, applied: &[Vec<u8>]) -> Result<(), StorageFault> {
    missing(applied, MIGRATIONS)?;
    let steps = MIGRATIONS.iter().take(applied.len()).map(|(_, sql)| *sql);
    std::iter::once(CREATE_TABLE)
        .chain(steps)
        .try_for_each(|sql| empty.execute_batch(sql).map_err(|error| fault(&error)))
}

/// The checksums of what was applied.
pub(super) fn applied(connection: &Connection) -> rusqlite::Result<Vec<Vec<u8>>> {
    let mut statement = connection.prepare("SELECT checksum FROM _migrations ORDER BY number")?;
    statement.query_map([], |row| row.get(0))?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_changes_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        run(&mut connection).unwrap();
        run(&mut connection).unwrap();
        assert_eq!(applied(&connection).unwrap().len(), MIGRATIONS.len());
    }

    #[test]
    fn a_newer_schema_and_a_changed_migration_are_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        run(&mut connection).unwrap();
        connection.execute("UPDATE _migrations SET checksum = x'00' WHERE number = 1", []).unwrap();
        assert!(run(&mut connection).unwrap_err().to_string().contains("another build"));
        connection
            .execute(
                "INSERT INTO _migrations (number, name, checksum) VALUES (99, 'future', x'00')",
                [],
            )
            .unwrap();
        assert!(run(&mut connection).unwrap_err().to_string().contains("newer grantd"));
    }
}
