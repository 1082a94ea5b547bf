//! What a restored backup must not bring back: tokens, codes and sessions that may have been ended since.

use grantd_core::Ttl;
use grantd_issuer::{Stamp, StorageFault};
use rusqlite::{Connection, params};

use super::{
    lane::fault,
    record::{execute, question},
};

/// Behind every generation and version that can have come between the backup and now.
const LEAP: i64 = 1_000_000;
/// Readers of the feed remember what is dead for a day at least, should tokens have been allowed to live
/// longer since the backup.
const DAY: i64 = 86_400;

/// What the database says that was there before: its clients, and how long its tokens may live.
#[derive(Debug, Default)]
pub(super) struct Before {
    pub(super) clients: Vec<String>,
    pub(super) longest_ttl: i64,
}

impl Before {
    /// Reads it; nothing where it cannot be read.
    pub(super) fn read(connection: &Connection) -> Self {
        let clients = || -> rusqlite::Result<Vec<String>> {
            connection.prepare("SELECT id FROM clients")?.query_map([], |row| row.get(0))?.collect()
        };
        let longest = "SELECT value FROM counters WHERE name = 'longest_ttl'";
        let longest_ttl = connection.query_row(longest, [], |row| row.get(0));
        Self {
            clients: clients().unwrap_or_default(),
            longest_ttl: longest_ttl.unwrap_or_default(),
        }
    }
}

/// Ends everything that was given out: every token carries its client's generation, so raising that is
/// enough for tokens; codes and refresh tokens rest on approvals, which go. The feed says so.
pub(super) fn end_all(
    connection: &Connection,
    before: &Before,
    stamp: &Stamp,
) -> Result<(), StorageFault> {
    let at = stamp.at.micros();
    for table in ["clients", "users"] {
        let raise = format!(
            "UPDATE {table} SET generation = generation + ?1, version = version + ?1, updated_at = ?2"
        );
        execute(connection, &raise, params![LEAP, at])?;
    }
    for table in ["sessions", "approvals"] {
        execute(connection, &format!("DELETE FROM {table}"), [])?;
    }
    let longest: i64 =
        question(connection, super::statements::COUNTER, ["longest_ttl"])?.unwrap_or_default();
    let longest = Ttl::from_seconds(longest.max(before.longest_ttl).max(DAY)).unwrap_or(Ttl::MAX);
    let until = stamp.at.after(longest).micros();
    // What follows is all that the list said and more.
    execute(connection, "DELETE FROM change_log", [])?;
    let tell = "INSERT INTO change_log (seq, kind, id, generation, until)
                SELECT (SELECT value FROM counters WHERE name = 'change_seq') + row_number() OVER (ORDER BY id),
                       'client', id, generation, ?1
                FROM clients";
    execute(connection, tell, [until])?;
    // Clients that the backup does not know: their tokens are nobody's.
    let rest = "INSERT INTO change_log (seq, kind, id, generation, until)
                SELECT ?1, 'client', ?2, ?3, ?4 WHERE NOT EXISTS (SELECT 1 FROM clients WHERE id = ?2)";
    let last = "SELECT coalesce((SELECT max(seq) FROM change_log), value) FROM counters WHERE name = 'change_seq'";
    let mut seq: i64 = question(connection, last, [])?.unwrap_or_default();
    for id in &before.clients {
        let added = execute(connection, rest, params![seq + 1, id, LEAP, until])?;
        seq += i64::from(added > 0);
    }
    let count = "UPDATE counters SET value = ?1 WHERE name = 'change_seq'";
    execute(connection, count, [seq]).map(drop)
}

/// Makes the cursors of the feed's readers another database's, so that they begin anew.
pub(super) fn change_epoch(connection: &Connection) -> Result<(), StorageFault> {
    let change = "UPDATE counters SET value = (value + 1 + abs(random() % 999999998)) % 1000000000
                  WHERE name = 'epoch'";
    connection.execute(change, []).map(drop).map_err(|error| fault(&error))
}
