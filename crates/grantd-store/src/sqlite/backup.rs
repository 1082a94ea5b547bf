//! A copy of the database as it is at one moment, while servers go on writing to it.

use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    path::Path,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};

use super::sound;
use crate::{BackedUp, BackupError};

/// How long to wait for somebody who has the file to themselves.
const PATIENCE: Duration = Duration::from_secs(10);

/// Writes a backup: under another name, checked and on disk, before it gets its own. One reader more is
/// all that others notice.
pub fn back_up(database: &Path, to: &Path) -> Result<BackedUp, BackupError> {
    if !database.exists() {
        return Err(BackupError::NoDatabase(database.display().to_string()));
    }
    if to.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(to.display().to_string()));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(database, flags)?;
    source.busy_timeout(PATIENCE)?;
    if super::migrations::applied(&source).is_ok_and(|applied| applied.is_empty()) {
        return Err(BackupError::Foreign);
    }
    let folder = folder_of(to);
    let unwritten = |error: &std::io::Error| unwritten(to, error);
    let copy = tempfile::Builder::new()
        .prefix(".grantd-backup-")
        .permissions(fs::Permissions::from_mode(0o600))
        .tempfile_in(folder)
        .map_err(|error| unwritten(&error))?;
    let place = copy
        .path()
        .to_str()
        .ok_or_else(|| unwritten(&std::io::ErrorKind::InvalidFilename.into()))?;
    source.execute("VACUUM INTO ?1", [place])?;
    let chain = {
        let written = sound::open_foreign(copy.path())?;
        sound::check_pages(&written)?;
        sound::follow(&written)?
    };
    let file = copy.as_file();
    let synced = file.sync_all().and_then(|()| file.metadata());
    let bytes = synced.map_err(|error| unwritten(&error))?.len();
    copy.persist_noclobber(to).map_err(|error| match error.error.kind() {
        std::io::ErrorKind::AlreadyExists => BackupError::Exists(to.display().to_string()),
        _ => unwritten(&error.error),
    })?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| unwritten(&error))?;
    Ok(BackedUp { bytes, chain })
}

/// The folder of a file.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file that cannot be written.
pub(super) fn unwritten(path: &Path, error: &std::io::Error) -> BackupError {
    BackupError::File(format!("cannot write {}: {error}", path.display()))
}
