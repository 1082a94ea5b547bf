//! Whether a file is a sound database of grantd's.

use std::{collections::BTreeSet, path::Path};

use grantd_issuer::{
    StorageFault,
    audit::{Chain, ChainError},
};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Row, config::DbConfig};

use super::{lane::fault, migrations, rows};
use crate::BackupError;

/// An object of a schema: what it is, its name, its table's, and the statement that made it.
type Object = (String, String, String, Option<String>);

/// What `ANALYZE` adds, and how SQLite writes it.
const STATISTICS: [(&str, &str); 2] = [
    ("sqlite_stat1", "CREATE TABLE sqlite_stat1(tbl,idx,stat)"),
    ("sqlite_stat4", "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)"),
];

/// Opens a file whose content may be anybody's: no trigger or view of it runs, and broken pages are noticed.
pub(super) fn open_foreign(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    run_nothing_of(&connection)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(connection)
}

/// No trigger, no view and no function that a schema names runs; grantd's own has none.
pub(super) fn run_nothing_of(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    connection.pragma_update(None, "trusted_schema", false)
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

/// All that a schema consists of, in the words that SQLite keeps of each statement: what a constraint does
/// is written nowhere else. Nothing is left out for its name, as anybody can choose that; but `ANALYZE` may
/// have added its tables.
fn objects(connection: &Connection) -> rusqlite::Result<BTreeSet<Object>> {
    let mut statement =
        connection.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema")?;
    let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    let mut objects: BTreeSet<Object> = statement.query_map([], row)?.collect::<Result<_, _>>()?;
    for (name, sql) in STATISTICS {
        let [kind, name, table, sql] = ["table", name, name, sql].map(str::to_owned);
        objects.remove(&(kind, name, table, Some(sql)));
    }
    Ok(objects)
}
