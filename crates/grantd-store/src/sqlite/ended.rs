//! What a restored backup must not bring back: tokens, codes and sessions that may have been ended since,
//! and signing keys that were revoked.

use grantd_core::{Timestamp, Ttl};
use grantd_issuer::{Stamp, StorageFault};
use rusqlite::{Connection, params};

use super::{
    lane::fault,
    record::{execute, question},
};

/// Readers of the feed remember what is dead for a day at least, should tokens have been allowed to live
/// longer since the backup.
const DAY: i64 = 86_400;

/// What the database says that was there before.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// Clients, those that only its feed knows among them: tokens below the generation are dead, and with
    /// it all that it gave out.
    clients: Vec<Above>,
    users: Vec<Above>,
    /// The signing keys that it knows as revoked, and until when; `None`: nobody knows.
    keys: Option<Vec<(String, i64)>>,
    /// How long its tokens may live.
    longest_ttl: i64,
}

/// An id, and the generation and version that are above all that a database gave to it.
type Above = (String, i64, i64);

impl Before {
    /// Reads it; nothing where it cannot be read. Numbers that no grantd reaches are somebody's attempt to
    /// make the next one overflow, and JSON's readers may have no larger ones than 2^53.
    pub(super) fn read(connection: &Connection) -> Self {
        let above = |statement: &str| -> rusqlite::Result<Vec<Above>> {
            let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            connection.prepare(statement)?.query_map([], row)?.collect()
        };
        let clients = "SELECT id, max(generation), max(version)
                       FROM (SELECT id, generation + 1 AS generation, version + 1 AS version FROM clients
                             UNION ALL
                             SELECT id, generation, 1 FROM change_log WHERE kind = 'client')
                       WHERE generation < 1 << 53 AND version < 1 << 53 GROUP BY id";
        let users = "SELECT id, generation + 1, version + 1 FROM users
                     WHERE generation < 1 << 53 AND version < 1 << 53";
        let keys = || -> rusqlite::Result<Vec<(String, i64)>> {
            let revoked =
                "SELECT id, until FROM change_log WHERE kind = 'key' AND until IS NOT NULL";
            let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
            connection.prepare(revoked)?.query_map([], row)?.collect()
        };
        let longest = "SELECT value FROM counters WHERE name = 'longest_ttl'";
        let longest_ttl = connection.query_row(longest, [], |row| row.get(0));
        Self {
            clients: above(clients).unwrap_or_default(),
            users: above(users).unwrap_or_default(),
            keys: keys().ok(),
            longest_ttl: longest_ttl.unwrap_or_default(),
        }
    }

    /// How many signing keys it knows as revoked; `None`: what was revoked since the backup is lost.
    pub(super) fn revoked_keys(&self) -> Option<usize> {
        self.keys.as_ref().map(Vec::len)
    }
}

/// Ends everything that was given out: every token carries its client's generation, so raising that is
/// enough for tokens; codes and refresh tokens rest on approvals, which go. The feed says so.
pub(super) fn end_all(
    connection: &Connection,
    before: &Before,
    stamp: &Stamp,
) -> Result<(), StorageFault> {
    raise(connection, "clients", &before.clients, stamp.at)?;
    raise(connection, "users", &before.users, stamp.at)?;
    for table in ["sessions", "approvals"] {
        execute(connection, &format!("DELETE FROM {table}"), [])?;
    }
    let longest: i64 =
        question(connection, super::statements::COUNTER, ["longest_ttl"])?.unwrap_or_default();
    let longest = Ttl::from_seconds(longest.max(before.longest_ttl).max(DAY)).unwrap_or(Ttl::MAX);
    let until = stamp.at.after(longest).micros();
    // Behind the new generations nothing that it said of a client, credential, token or approval says any
    // more; of keys, and of clients that are not here, it still does.
    let forget = "DELETE FROM change_log
                  WHERE kind NOT IN ('key', 'client') OR generation IS NULL AND kind = 'client'
                     OR kind = 'client' AND id IN (SELECT id FROM clients)";
    execute(connection, forget, [])?;
    let tell = "INSERT INTO change_log (seq, kind, id, generation, until)
                SELECT (SELECT value FROM counters WHERE name = 'change_seq') + row_number() OVER (ORDER BY id),
                       'client', id, generation, ?1
                FROM clients";
    let told = execute(connection, tell, [until])?;
    let count = "UPDATE counters SET value = value + ?1 WHERE name = 'change_seq'";
    execute(connection, count, [i64::try_from(told).unwrap_or(i64::MAX)])?;
    let here = "SELECT 1 FROM clients WHERE id = ?1";
    for (id, generation, _) in &before.clients {
        // Clients that the backup does not know: their tokens are nobody's.
        if question::<i64>(connection, here, [id])?.is_none() {
            add(connection, ("client", id), Some(*generation), until)?;
        }
    }
    Ok(())
}

/// Whoever holds a key in wrong hands makes new tokens: its revocation outlives every restore.
pub(super) fn keep_keys_revoked(
    connection: &Connection,
    before: &Before,
) -> Result<(), StorageFault> {
    let mut keys = before.keys.iter().flatten();
    keys.try_for_each(|(kid, until)| add(connection, ("key", kid), None, *until))
}

/// Makes the cursors of the feed's readers another database's, so that they begin anew.
pub(super) fn change_epoch(connection: &Connection) -> Result<(), StorageFault> {
    let change = "UPDATE counters SET value = (value + 1 + abs(random() % 999999998)) % 1000000000
                  WHERE name = 'epoch'";
    connection.execute(change, []).map(drop).map_err(|error| fault(&error))
}

/// Raises generations and versions above those that the backup has, those of the database before, and, should
/// that be lost, those that can have come in between: each restore begins at the moment of it in
/// milliseconds, which is below 2^53 for ages, and commits are slower than that.
fn raise(
    connection: &Connection,
    table: &str,
    above: &[Above],
    now: Timestamp,
) -> Result<(), StorageFault> {
    let all = format!(
        "UPDATE {table} SET generation = max(generation + 1, ?1), version = max(version + 1, ?1), updated_at = ?2"
    );
    execute(connection, &all, params![now.micros() / 1_000, now.micros()])?;
    let one = format!(
        "UPDATE {table} SET generation = max(generation, ?2), version = max(version, ?3) WHERE id = ?1"
    );
    above
        .iter()
        .try_for_each(|row| execute(connection, &one, params![row.0, row.1, row.2]).map(drop))
}

/// Adds to the feed, or to what it says already.
fn add(
    connection: &Connection,
    (kind, id): (&str, &str),
    generation: Option<i64>,
    until: i64,
) -> Result<(), StorageFault> {
    let next: Option<i64> = question(connection, super::statements::NEXT, ["change_seq"])?;
    let put = "INSERT INTO change_log (seq, kind, id, generation, until) VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT (kind, id) DO UPDATE SET
                   seq = excluded.seq,
                   generation = max(coalesce(generation, excluded.generation), coalesce(excluded.generation, generation)),
                   until = max(coalesce(until, excluded.until), excluded.until)";
    execute(connection, put, params![next, kind, id, generation, until]).map(drop)
}
