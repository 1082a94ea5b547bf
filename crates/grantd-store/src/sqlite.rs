//! SQLite: one file, one writer, readers beside it.

mod approval_writes;
mod approvals;
mod audit;
mod backup;
mod catalog;
mod client_writes;
mod clients;
mod ended;
mod held;
mod lane;
mod migrations;
mod passkeys;
mod questions;
mod record;
mod registry;
mod restore;
mod rows;
mod sessions;
mod sound;
mod statements;
mod survey;
mod tokens;
mod usage;
mod user_writes;
mod users;

use std::{
    fs::OpenOptions,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use grantd_core::Client;
use grantd_issuer::{Clients, StorageFault, change_log::ChangeEntry};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use tokio::time::Instant;

pub use backup::back_up;
pub(crate) use held::Held;
pub use restore::restore;
pub(crate) use sound::damage;

use lane::{Reader, Writer};

/// How many connections read side by side.
const READERS: usize = 2;
/// How long a statement waits for another process's write.
const BUSY: Duration = Duration::from_secs(5);
/// From one try to switch the journal to the next.
const SWITCH: Duration = Duration::from_millis(20);

/// Storage in an SQLite file. Opening it migrates it; what a call answers is on disk.
pub struct Sqlite {
    writer: Writer,
    readers: [Reader; READERS],
    next: AtomicUsize,
    path: PathBuf,
    file: (u64, u64),
}

impl Sqlite {
    /// Opens or creates the file, readable by its owner only, and brings its schema up to date.
    pub fn open(path: &Path) -> Result<Self, StorageFault> {
        let opening = |error| {
            StorageFault::new(format!("cannot open the database {}", path.display()), error)
        };
        OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(|error| {
            StorageFault::new(
                format!("cannot open the database {}: {error}", path.display()),
                error,
            )
        })?;
        let file = identity(path)?;
        let mut writer = connect(path).map_err(opening)?;
        migrations::run(&mut writer)?;
        Self::start(path, file, writer)
    }

    /// Opens the file and leaves it as it is, for looking at it; `None`: there is none. One whose
    /// schema is not this binary's is refused.
    pub fn open_unchanged(path: &Path) -> Result<Option<Self>, StorageFault> {
        if !path.exists() {
            return Ok(None);
        }
        let opening = |error| {
            StorageFault::new(format!("cannot open the database {}", path.display()), error)
        };
        // A connection that may write would turn an empty file into a database.
        let file = identity(path)?;
        let only_read = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let looking = Connection::open_with_flags(path, only_read).map_err(opening)?;
        migrations::check(&looking)?;
        Self::start(path, file, connect(path).map_err(opening)?).map(Some)
    }

    fn start(path: &Path, file: (u64, u64), writer: Connection) -> Result<Self, StorageFault> {
        let opening = |error| {
            StorageFault::new(format!("cannot open the database {}", path.display()), error)
        };
        let reader = || Ok(Reader::start(connect(path).map_err(opening)?));
        let readers = [reader()?, reader()?];
        // A backup may have been restored while the lock of the old file was waited for.
        if identity(path)? != file {
            let place = path.display();
            return Err(StorageFault::plain(format!("{place} was replaced just now: start again")));
        }
        let (path, next) = (path.to_owned(), AtomicUsize::new(0));
        Ok(Self { path, file, writer: Writer::start(writer), readers, next })
    }

    async fn counter(&self, name: &'static str) -> Result<u64, StorageFault> {
        let value = move |open: &Connection| {
            open.prepare_cached(statements::COUNTER)?.query_row([name], |row| row.get::<_, i64>(0))
        };
        self.reader().read(value).await.map(i64::unsigned_abs)
    }

    fn reader(&self) -> &Reader {
        &self.readers[self.next.fetch_add(1, Ordering::Relaxed) % READERS]
    }
}

/// Which file a path leads to: device and number.
fn identity(path: &Path) -> Result<(u64, u64), StorageFault> {
    let missing =
        |error| StorageFault::new(format!("the database {} is gone", path.display()), error);
    std::fs::metadata(path).map(|file| (file.dev(), file.ino())).map_err(missing)
}

/// WAL lets readers go on beside the writer; `synchronous=FULL` makes a commit outlive a power cut.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY)?;
    switch_to_wal(&connection)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    sound::run_nothing_of(&connection)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// For this SQLite does not always wait by itself: of two that open a new file at once, one finds it locked for a
/// moment. Where it does wait, the time is over after that.
fn switch_to_wal(connection: &Connection) -> rusqlite::Result<()> {
    let begun = Instant::now();
    loop {
        let switched = connection.pragma_update(None, "journal_mode", "WAL");
        let is_busy =
            |error: &rusqlite::Error| error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy);
        if !switched.as_ref().is_err_and(is_busy) || begun.elapsed() >= BUSY {
            return switched;
        }
        std::thread::sleep(SWITCH);
    }
}

#[async_trait]
impl Clients for Sqlite {
    async fn client(&self, id: &str) -> Result<Option<Client>, StorageFault> {
        let id = id.to_owned();
        self.reader().read(move |connection| clients::client(connection, &id)).await
    }

    async fn revision(&self) -> Result<u64, StorageFault> {
        if identity(&self.path)? != self.file {
            return Err(StorageFault::plain(format!(
                "{} was replaced under the running server: restart grantd",
                self.path.display()
            )));
        }
        self.counter("change_seq").await
    }

    async fn changes(
        &self,
        after: u64,
        limit: u32,
    ) -> Result<Option<Vec<ChangeEntry>>, StorageFault> {
        let page = move |open: &Connection| {
            let parameters = (after.cast_signed(), limit);
            open.prepare_cached(statements::CHANGES)?.query_map(parameters, rows::change)?.collect()
        };
        self.reader().read(page).await.map(Some)
    }
}

impl std::fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sqlite")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_schema_names_runs_and_references_hold() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grantd.db");
        Connection::open(&path)
            .unwrap()
            .execute_batch(
                "CREATE TABLE a (x INTEGER PRIMARY KEY) STRICT; CREATE TABLE b (x INTEGER REFERENCES a (x)) STRICT;
                 CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM a; END; CREATE VIEW v AS SELECT 1",
            )
            .unwrap();
        let connection = connect(&path).unwrap();
        connection.execute("INSERT INTO a VALUES (1)", []).unwrap();
        let left = connection.query_row("SELECT count(*) FROM a", [], |row| row.get(0));
        assert_eq!(left, Ok(1));
        assert!(connection.prepare("SELECT * FROM v").is_err());
        for refused in ["INSERT INTO b VALUES (2)", "INSERT INTO a VALUES ('text')"] {
            assert!(connection.execute(refused, []).is_err(), "{refused}");
        }
    }
    #[test]
    fn a_file_that_somebody_holds_alone_is_given_up_after_the_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grantd.db");
        let other = Connection::open(&path).unwrap();
        held::take(&other).unwrap();
        let begun = Instant::now();
        let error = connect(&path).unwrap_err();
        assert_eq!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy));
        assert!(begun.elapsed() >= BUSY && begun.elapsed() < BUSY * 3, "{:?}", begun.elapsed());
    }
}
