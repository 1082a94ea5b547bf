//! Whether a file is a sound database of grantd's.

use std::{collections::BTreeSet, path::Path};

use grantd_issuer::{
    StorageFault,
    audit::{Chain, ChainError},
};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, config::DbConfig};

use super::{lane::fault, migrations, rows};
use crate::BackupError;

/// An object of a schema: a table, index or column, and what it is.
type Object = (String, String, String);

/// Opens a file whose content may be anybody's: no trigger or view of it runs, and broken pages are noticed.
pub(super) fn open_foreign(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(connection)
}

/// What is broken in a file that may be in use, at a quick look.
pub(crate) fn damage(path: &Path) -> Result<Option<String>, StorageFault> {
    let said = || -> rusqlite::Result<String> {
        let connection = open_foreign(path)?;
        connection.pragma_update(None, "query_only", true)?;
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
    };
    match said() {
        Ok(said) => Ok(Some(said).filter(|said| said != "ok")),
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                Ok(Some(error.to_string()))
            }
            _ => Err(fault(&error)),
        },
    }
}

/// Refuses what is not grantd's, or of a schema that this binary does not know.
pub(super) fn check_schema(connection: &Connection) -> Result<(), BackupError> {
    let applied = match migrations::applied(connection) {
        Ok(applied) if !applied.is_empty() => applied,
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => {
            return Err(BackupError::Damaged(error.to_string()));
        }
        Ok(_) | Err(_) => return Err(BackupError::Foreign),
    };
    let expected = Connection::open_in_memory()?;
    migrations::replay(&expected, &applied)?;
    if objects(connection)? == objects(&expected)? { Ok(()) } else { Err(BackupError::OtherSchema) }
}

/// Refuses what SQLite itself finds broken.
pub(super) fn check_pages(connection: &Connection) -> Result<(), BackupError> {
    let said: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if said != "ok" {
        return Err(BackupError::Damaged(said));
    }
    let astray = "SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1";
    match connection.query_row(astray, [], |row| row.get::<_, String>(0)).optional()? {
        Some(table) => Err(BackupError::Damaged(format!("a row of {table} refers to nothing"))),
        None => Ok(()),
    }
}

/// Follows the audit log.
pub(super) fn follow(connection: &Connection) -> rusqlite::Result<Result<Chain, ChainError>> {
    let written = "SELECT value FROM counters WHERE name = 'audit_seq'";
    let written: i64 = connection.query_row(written, [], |row| row.get(0))?;
    let events = "SELECT seq, at, actor, address, action, object, before, after, hash FROM audit ORDER BY seq";
    let mut statement = connection.prepare(events)?;
    let mut chain = Chain::default();
    for event in statement.query_map([], rows::audit)? {
        if let Err(error) = chain.follow(&event?) {
            return Ok(Err(error));
        }
    }
    Ok(chain.end(written.unsigned_abs()).map(|()| chain))
}

/// All that a schema consists of, but not in which words.
fn objects(connection: &Connection) -> rusqlite::Result<BTreeSet<Object>> {
    let all = "SELECT type, name, tbl_name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'
               UNION ALL
               SELECT 'column', one.name || '.' || of_it.name,
                      of_it.type || ' ' || of_it.\"notnull\" || ' ' || of_it.pk || ' ' || of_it.hidden
               FROM sqlite_schema AS one JOIN pragma_table_xinfo(one.name) AS of_it
               WHERE one.type = 'table' AND one.name NOT LIKE 'sqlite_%'";
    let mut statement = connection.prepare(all)?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
}
