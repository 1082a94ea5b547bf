//! Brings a database file to this binary's schema, each step once and in order.

use aws_lc_rs::digest::{SHA256, digest};
use grantd_issuer::StorageFault;
use rusqlite::{Connection, TransactionBehavior, params};

use super::lane::fault;

/// Every migration ever released; a released one never changes.
const MIGRATIONS: &[(&str, &str)] = &[
    ("0001_clients", include_str!("../../migrations/sqlite/0001_clients.sql")),
    ("0002_changes", include_str!("../../migrations/sqlite/0002_changes.sql")),
    ("0003_usage", include_str!("../../migrations/sqlite/0003_usage.sql")),
    ("0004_lists", include_str!("../../migrations/sqlite/0004_lists.sql")),
    ("0005_users", include_str!("../../migrations/sqlite/0005_users.sql")),
    ("0006_survey", include_str!("../../migrations/sqlite/0006_survey.sql")),
    ("0007_approvals", include_str!("../../migrations/sqlite/0007_approvals.sql")),
    ("0008_questions", include_str!("../../migrations/sqlite/0008_questions.sql")),
    ("0009_passkeys", include_str!("../../migrations/sqlite/0009_passkeys.sql")),
];

const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS _migrations (
    number     INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    checksum   BLOB NOT NULL,
    applied_at INTEGER NOT NULL DEFAULT (unixepoch() * 1000000)
) STRICT";

/// Whether nothing is missing, without doing it.
pub(super) fn check(connection: &Connection) -> Result<(), StorageFault> {
    if applied(connection).is_ok_and(|known| known == checksums()) {
        return Ok(());
    }
    Err(StorageFault::plain(
        "the database has another schema than this grantd: run `grantd migrate`",
    ))
}

/// Applies what is missing. Two processes may start at once: the second waits, then finds it done.
/// Where nothing is missing, nothing is written and nobody is waited for.
pub(super) fn run(connection: &mut Connection) -> Result<(), StorageFault> {
    if applied(connection).is_ok_and(|known| known == checksums()) {
        return Ok(());
    }
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(|error| fault(&error))?;
    transaction.execute_batch(CREATE_TABLE).map_err(|error| fault(&error))?;
    let applied = applied(&transaction).map_err(|error| fault(&error))?;
    if applied.len() > MIGRATIONS.len() {
        return Err(StorageFault::plain(format!(
            "the database has migration {} and this grantd knows {}: start a newer grantd",
            applied.len(),
            MIGRATIONS.len()
        )));
    }
    for (at, (name, sql)) in MIGRATIONS.iter().enumerate() {
        let checksum = digest(&SHA256, sql.as_bytes());
        match applied.get(at) {
            Some(known) if known == checksum.as_ref() => {}
            Some(_) => {
                return Err(StorageFault::plain(format!(
                    "migration {name} of the database is not the one of this grantd: it was made by another build"
                )));
            }
            None => {
                transaction.execute_batch(sql).map_err(|error| fault(&error))?;
                let insert = "INSERT INTO _migrations (number, name, checksum) VALUES (?1, ?2, ?3)";
                let row =
                    params![i64::try_from(at + 1).unwrap_or(i64::MAX), name, checksum.as_ref()];
                transaction.execute(insert, row).map_err(|error| fault(&error))?;
            }
        }
    }
    transaction.commit().map_err(|error| fault(&error))
}

fn checksums() -> Vec<Vec<u8>> {
    MIGRATIONS.iter().map(|(_, sql)| digest(&SHA256, sql.as_bytes()).as_ref().to_vec()).collect()
}

fn applied(connection: &Connection) -> rusqlite::Result<Vec<Vec<u8>>> {
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
