//! What every change writes beside itself: its audit event and its entries in the change log.

use grantd_core::{Timestamp, Ttl};
use grantd_issuer::{
    RegistryError, Stamp, StorageFault,
    audit::{AuditEvent, Deed, ROUTINE, routine_since},
    change_log::Changed,
};
use rusqlite::{Connection, OptionalExtension, Params, params};

use super::{lane::fault, statements as sql};

/// Writes both, in the transaction of the change.
pub(super) fn record(
    connection: &Connection,
    deed: &Deed,
    changes: &[Changed],
    stamp: &Stamp,
) -> Result<(), RegistryError> {
    event(connection, deed, stamp)?;
    log(connection, changes, stamp.at)?;
    Ok(())
}

/// Writes the audit event of what needs no right, unless the actor has done it too often.
pub(super) fn record_routine(
    connection: &Connection,
    deed: &Deed,
    stamp: &Stamp,
) -> Result<(), StorageFault> {
    let row = params![stamp.actor, deed.action, routine_since(stamp.at).micros(), ROUTINE];
    let done: u32 = question(connection, sql::ROUTINE_DEEDS, row)?.unwrap_or_default();
    if done < ROUTINE { event(connection, deed, stamp) } else { Ok(()) }
}

fn event(connection: &Connection, deed: &Deed, stamp: &Stamp) -> Result<(), StorageFault> {
    let seq = next(connection, "audit_seq")?;
    let previous = question(connection, sql::LAST_HASH, [])?.unwrap_or([0; 32]);
    let event = AuditEvent::next(seq.unsigned_abs(), &previous, deed, stamp);
    let row = params![
        seq,
        event.at.micros(),
        event.actor,
        event.address,
        event.action,
        event.object,
        event.before,
        event.after,
        event.hash,
    ];
    execute(connection, sql::INSERT_AUDIT, row).map(drop)
}

/// Writes the entries of the change log alone.
pub(super) fn log(
    connection: &Connection,
    changes: &[Changed],
    now: Timestamp,
) -> Result<(), StorageFault> {
    let end = end_of_tokens(connection, now)?;
    for changed in changes {
        let generation = changed.killed_below().map(u64::cast_signed);
        let until = changed.until(end).map(Timestamp::micros);
        let seq = next(connection, "change_seq")?;
        let row = params![seq, changed.kind(), changed.id(), generation, until];
        execute(connection, sql::PUT_CHANGE, row)?;
    }
    Ok(())
}

/// When the last token issued until now will have expired.
fn end_of_tokens(connection: &Connection, now: Timestamp) -> Result<Timestamp, StorageFault> {
    let longest: i64 = question(connection, sql::COUNTER, ["longest_ttl"])?.unwrap_or_default();
    Ok(now.after(Ttl::from_seconds(longest).unwrap_or(Ttl::MAX)))
}

/// Remembers that tokens may live so long.
pub(super) fn allow_ttl(connection: &Connection, ttl: Option<Ttl>) -> Result<(), StorageFault> {
    if let Some(ttl) = ttl {
        execute(connection, sql::RAISE_COUNTER, params!["longest_ttl", ttl.seconds()])?;
    }
    Ok(())
}

fn next(connection: &Connection, counter: &str) -> Result<i64, StorageFault> {
    question(connection, sql::NEXT, [counter])?
        .ok_or_else(|| StorageFault::plain(format!("SQLite: the counter {counter} is missing")))
}

/// One value, if there is a row.
pub(super) fn question<T: rusqlite::types::FromSql>(
    connection: &Connection,
    statement: &str,
    parameters: impl Params,
) -> Result<Option<T>, StorageFault> {
    let mut statement = connection.prepare_cached(statement).map_err(|error| fault(&error))?;
    statement.query_row(parameters, |row| row.get(0)).optional().map_err(|error| fault(&error))
}

/// Runs a statement and says how many rows it changed.
pub(super) fn execute(
    connection: &Connection,
    statement: &str,
    row: impl Params,
) -> Result<usize, StorageFault> {
    let mut statement = connection.prepare_cached(statement).map_err(|error| fault(&error))?;
    statement.execute(row).map_err(|error| fault(&error))
}
