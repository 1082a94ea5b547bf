//! A backup into the place of the database, checked first, with nothing of an older one left beside it.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Read},
    os::unix::fs::{MetadataExt, OpenOptionsExt, fchown},
    path::{Path, PathBuf},
};

use grantd_issuer::{
    RegistryError,
    audit::{Chain, Deed},
    moment,
};
use rusqlite::{Connection, ErrorCode};

use super::{
    backup::{folder_of, unwritten},
    ended::{self, Before},
    held, migrations,
    record::record,
    sound,
};
use crate::{BackupError, Existing, GivenOut, Restored, Restoring};

/// What SQLite keeps beside a database, and what of it belongs to the content.
const BESIDE: [(&str, bool); 3] = [("-wal", true), ("-journal", true), ("-shm", false)];

/// Restores a file into the place of the database. Until it is checked and on disk under another name, no
/// file that is there is touched.
pub fn restore(file: &Path, to: &Path, how: &Restoring) -> Result<Restored, BackupError> {
    if with(file, "-wal").metadata().is_ok_and(|log| log.len() > 0) {
        return Err(BackupError::Live(file.display().to_string()));
    }
    // A link stays one: what SQLite keeps beside a database is beside the file that it leads to.
    let to = &fs::canonicalize(to).unwrap_or_else(|_| to.to_owned());
    let room = tempfile::Builder::new().prefix(".grantd-restore-").tempdir_in(folder_of(to));
    let room = room.map_err(|error| unwritten(to, &error))?;
    let copy = room.path().join("grantd.db");
    let own = copied(file, &copy)?;
    let mut fresh = sound::open_foreign(&copy)?;
    let replaced = |error| unwritten(&copy, &error);
    is_still(&copy, &own).map_err(replaced)?;
    let chain = check(&fresh)?;
    let old = Old::take(to, how.existing)?;
    let undone = old.as_ref().and_then(|old| old.behind(&chain));
    migrations::run(&mut fresh)?;
    let before = old.as_ref().map_or_else(Before::default, Old::before);
    change(&mut fresh, &before, &chain, how)?;
    // As every database of grantd's is: who only looks at it changes nothing then.
    fresh.pragma_update(None, "journal_mode", "WAL")?;
    drop(fresh);
    // Closed by now: to close another handle before would let go of SQLite's locks.
    hand_over(&own, to).and_then(|()| is_still(&copy, &own)).map_err(replaced)?;
    let kept = old.as_ref().map(|old| old.set_aside(&moment(how.stamp.at))).transpose()?;
    let put = match kept {
        // Over the old one, which has another name by now.
        Some(_) => fs::rename(&copy, to),
        None => fs::hard_link(&copy, to),
    };
    put.and_then(|()| File::open(folder_of(to))?.sync_all())
        .map_err(|error| unwritten(to, &error))?;
    // Until now nobody else could open it.
    drop(old);
    Ok(Restored { chain, kept, undone, revoked_keys: before.revoked_keys() })
}

/// Copies it, and gives the copy as it was made: its name may be another file's later, where the folder is
/// not the operator's.
fn copied(file: &Path, copy: &Path) -> Result<File, BackupError> {
    let unread = |error| BackupError::File(format!("cannot read {}: {error}", file.display()));
    let mut from = File::open(file).map_err(unread)?;
    if !from.metadata().is_ok_and(|of| of.is_file()) {
        return Err(BackupError::File(format!("{} is no file", file.display())));
    }
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(copy);
    made.and_then(|mut into| io::copy(&mut from, &mut into).map(|_| into))
        .map_err(|error| unwritten(copy, &error))
}

/// Refuses a name that no longer leads to this file alone: root must not work on what somebody else put
/// there.
fn is_still(name: &Path, own: &File) -> io::Result<()> {
    let (there, own) = (fs::symlink_metadata(name)?, own.metadata()?);
    let same = there.is_file() && (there.dev(), there.ino()) == (own.dev(), own.ino());
    if same && there.nlink() == 1 { Ok(()) } else { Err(io::Error::other("it was replaced")) }
}

/// Brings it to disk, and gives it to whose database was there, or whose folder it is: the account that
/// serves may be another one than the operator's.
fn hand_over(own: &File, to: &Path) -> io::Result<()> {
    let of = fs::metadata(to).or_else(|_| fs::metadata(folder_of(to)))?;
    // Only root can, and for whoever is not, the file is the operator's own.
    match fchown(own, Some(of.uid()), Some(of.gid())) {
        Err(error) if error.kind() != io::ErrorKind::PermissionDenied => return Err(error),
        _ => {}
    }
    own.sync_all()
}

/// Refuses what is no sound database of grantd's; gives its audit log.
fn check(fresh: &Connection) -> Result<Chain, BackupError> {
    let checked = || {
        // A copy of a file in this mode keeps it; from here on it is one file.
        fresh.pragma_update(None, "journal_mode", "DELETE")?;
        sound::check_schema(fresh)?;
        sound::check_pages(fresh)?;
        Ok(sound::follow(fresh)??)
    };
    checked().map_err(|error| match error {
        BackupError::Sqlite(error) => match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => BackupError::Foreign,
            _ => BackupError::Damaged(error.to_string()),
        },
        other => other,
    })
}

/// What must be otherwise than in the backup, in one transaction that the audit log tells of.
fn change(
    fresh: &mut Connection,
    before: &Before,
    chain: &Chain,
    how: &Restoring,
) -> Result<(), BackupError> {
    let transaction = fresh.transaction()?;
    ended::change_epoch(&transaction)?;
    if how.given_out == GivenOut::End {
        ended::end_all(&transaction, before, &how.stamp)?;
    }
    ended::keep_keys_revoked(&transaction, before)?;
    let given_out = if how.given_out == GivenOut::End { "ended" } else { "kept" };
    let deed = Deed::restored(chain, given_out);
    record(&transaction, &deed, &[], &how.stamp).map_err(RegistryError::into_fault)?;
    Ok(transaction.commit()?)
}

/// The database that is there, with nobody else in it.
struct Old {
    path: PathBuf,
    /// `None`: it cannot be opened any more.
    connection: Option<Connection>,
}

impl Old {
    fn take(path: &Path, existing: Existing) -> Result<Option<Self>, BackupError> {
        let is_there = |path: &Path| path.symlink_metadata().is_ok();
        if !is_there(path) && !BESIDE.iter().any(|(name, _)| is_there(&with(path, name))) {
            return Ok(None);
        }
        if existing == Existing::Refuse {
            return Err(BackupError::Occupied(path.display().to_string()));
        }
        let path = path.to_owned();
        if !looks_like_one(&path) {
            // Left to SQLite, a log beside what is no database would be gone.
            return Ok(Some(Self { path, connection: None }));
        }
        match alone(&path) {
            Ok(connection) => Ok(Some(Self { path, connection: Some(connection) })),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                Err(BackupError::InUse(path.display().to_string()))
            }
            // What cannot be opened is why somebody restores a backup.
            Err(_) => Ok(Some(Self { path, connection: None })),
        }
    }

    fn before(&self) -> Before {
        self.connection.as_ref().map_or_else(Before::default, Before::read)
    }

    /// How many changes it has behind the end of a backup that was made of it.
    fn behind(&self, chain: &Chain) -> Option<u64> {
        let connection = self.connection.as_ref()?;
        let seq = chain.length().cast_signed();
        let last: Vec<u8> = match seq {
            0 => vec![0; 32],
            _ => connection
                .query_row("SELECT hash FROM audit WHERE seq = ?1", [seq], |row| row.get(0))
                .ok()?,
        };
        let written = "SELECT value FROM counters WHERE name = 'audit_seq'";
        let written: i64 = connection.query_row(written, [], |row| row.get(0)).ok()?;
        let is_its_own = last == chain.hash();
        is_its_own.then(|| written.unsigned_abs().saturating_sub(chain.length()))
    }

    /// Gives it another name, and all that belongs to it. The old names go last, so that after a break it
    /// is at least under one of them, whole.
    fn set_aside(&self, at: &str) -> Result<PathBuf, BackupError> {
        let path = &self.path;
        let stamp: String = at.chars().filter(char::is_ascii_alphanumeric).collect();
        let first = with(path, &format!(".before-restore-{stamp}"));
        let mut kept = first.clone();
        for number in 2.. {
            let is_taken = |end: &str| with(&kept, end).symlink_metadata().is_ok();
            if !is_taken("") && !BESIDE.iter().any(|(end, _)| is_taken(end)) {
                break;
            }
            kept = with(&first, &format!("-{number}"));
        }
        let moved = || -> io::Result<()> {
            if path.symlink_metadata().is_ok() {
                fs::hard_link(path, &kept)?;
            }
            for (name, is_content) in BESIDE {
                let beside = with(path, name);
                if beside.symlink_metadata().is_ok() {
                    if is_content {
                        fs::hard_link(&beside, with(&kept, name))?;
                    }
                    fs::remove_file(&beside)?;
                }
            }
            File::open(folder_of(path))?.sync_all()
        };
        moved().map_err(|error| unwritten(&kept, &error))?;
        Ok(kept)
    }
}

/// Whether a file begins as a database does.
fn looks_like_one(path: &Path) -> bool {
    let mut beginning = [0; 16];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut beginning));
    read.is_ok() && beginning == *b"SQLite format 3\0"
}

/// Opens a database that nobody else has open, and brings its write-ahead log home.
fn alone(path: &Path) -> rusqlite::Result<Connection> {
    let connection = sound::open_foreign(path)?;
    held::take(&connection)?;
    connection.execute_batch("COMMIT")?;
    connection.pragma_update(None, "journal_mode", "DELETE")?;
    // Kept until the connection ends: whoever starts a server now waits, and finds another file.
    connection.execute_batch("BEGIN EXCLUSIVE; COMMIT")?;
    Ok(connection)
}

/// A path with something behind its name.
fn with(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    name.into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// What somebody puts there, made of a file of theirs.
    type Replacement = fn(&Path, &Path) -> io::Result<()>;

    #[test]
    fn what_comes_in_the_place_of_the_copy_is_noticed_and_stays_whose_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("backup"), "content").unwrap();
        fs::write(at("another's"), "secret").unwrap();
        let replacements: [(&str, Replacement); 4] = [
            ("a link", |theirs, copy| symlink(theirs, copy)),
            ("a second name", |theirs, copy| fs::hard_link(theirs, copy)),
            ("another file", |theirs, copy| fs::copy(theirs, copy).map(drop)),
            ("a link to itself", |theirs, copy| symlink(theirs.with_file_name("moved"), copy)),
        ];
        for (name, replace) in replacements {
            let own = copied(&at("backup"), &at("copy")).unwrap();
            assert_eq!(own.metadata().unwrap().mode() & 0o777, 0o600);
            is_still(&at("copy"), &own).unwrap();
            fs::rename(at("copy"), at("moved")).unwrap();
            replace(&at("another's"), &at("copy")).unwrap();
            assert!(is_still(&at("copy"), &own).is_err(), "{name}");
            fs::remove_file(at("copy")).unwrap();
        }
        // What is handed over is what was made, wherever its name leads by now.
        let own = copied(&at("backup"), &at("copy")).unwrap();
        fs::hard_link(at("copy"), at("second")).unwrap();
        assert!(is_still(&at("copy"), &own).is_err(), "whoever has a second name keeps it");
        fs::rename(at("another's"), at("copy")).unwrap();
        let changed = |name: &str| fs::metadata(at(name)).map(|of| (of.ctime(), of.ctime_nsec()));
        let (theirs, ours) = (changed("copy").unwrap(), changed("second").unwrap());
        std::thread::sleep(std::time::Duration::from_millis(20));
        hand_over(&own, &at("no database")).unwrap();
        assert_eq!(changed("copy").unwrap(), theirs, "nobody gave it to anybody");
        assert_ne!(changed("second").unwrap(), ours);
    }
}
