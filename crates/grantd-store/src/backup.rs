//! Backups of a database file: what they say, and what stands against one.

use std::path::PathBuf;

use grantd_issuer::{
    Stamp, StorageFault,
    audit::{Chain, ChainError},
};

/// A backup that is on disk, whole.
#[derive(Clone, Debug)]
pub struct BackedUp {
    /// How large it is.
    pub bytes: u64,
    /// Its audit log, or where that does not hold: a backup of it is better than none.
    pub chain: Result<Chain, ChainError>,
}

/// How a backup is to be restored.
#[derive(Clone, Debug)]
pub struct Restoring {
    /// What happens to a database that is there.
    pub existing: Existing,
    /// What happens to what was given out before the backup.
    pub given_out: GivenOut,
    /// Who restores it, and when.
    pub stamp: Stamp,
}

/// What happens to a database in whose place a backup comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and nothing is restored.
    Refuse,
    /// It is kept under another name.
    SetAside,
}

/// What happens to tokens, codes and sessions that a backup would bring back, ended ones among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenOut {
    /// All end: the backup does not know which of them were ended since.
    End,
    /// They are what they were at the time of the backup.
    Keep,
}

/// A backup in its place.
#[derive(Clone, Debug)]
pub struct Restored {
    /// The audit log of the backup.
    pub chain: Chain,
    /// Where the database is that was there before.
    pub kept: Option<PathBuf>,
    /// How many changes that one has behind the backup; `None`: it is not there, cannot be read, or is
    /// not the one that the backup was made of.
    pub undone: Option<u64>,
    /// How many signing keys that one knew as revoked, which stay so; `None`: it is not there or cannot be
    /// read, and what was revoked since the backup must be revoked again.
    pub revoked_keys: Option<usize>,
}

/// Why there is no backup, or nothing was restored; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is no such database.
    #[error("there is no database at {0}: check GRANTD_DATABASE_URL")]
    NoDatabase(String),
    /// There is a file of this name.
    #[error("{0} exists already and stays as it is: name another file")]
    Exists(String),
    /// The file cannot be read or written.
    #[error("{0}")]
    File(String),
    /// A server is running on it, or was not ended properly.
    #[error(
        "{0} has a write-ahead log beside it, so it is a database that somebody works with and no backup: make one with `grantd backup`"
    )]
    Live(String),
    /// It is no database of grantd's.
    #[error("it is not a database of grantd's: name a file that `grantd backup` wrote")]
    Foreign,
    /// Its tables are others than its migrations make.
    #[error(
        "its schema was altered by something else than grantd: name a file that `grantd backup` wrote"
    )]
    OtherSchema,
    /// It is broken.
    #[error("it is damaged ({0}): take an older backup")]
    Damaged(String),
    /// Its audit log does not hold.
    #[error("{0}: take an older backup, or look into who altered this one")]
    Chain(#[from] ChainError),
    /// Somebody works with the database.
    #[error("{0} is in use: stop every grantd that runs on it, and whatever else has it open")]
    InUse(String),
    /// There is a database already.
    #[error("there is a database at {0}: add --force, and it is kept under another name")]
    Occupied(String),
    /// The database does not answer, or is of another build.
    #[error(transparent)]
    Storage(#[from] StorageFault),
    /// SQLite says no.
    #[error("SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
}
