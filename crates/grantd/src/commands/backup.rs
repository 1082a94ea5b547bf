//! `grantd backup` and `grantd restore`: the SQLite database as one file, and back into its place.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use grantd_issuer::{Clock, Stamp, clock::SystemClock};
use grantd_store::{Existing, GivenOut, Location, Restored, Restoring};
use serde_json::json;

use super::{audit, operator};
use crate::{
    cli::{Backup, Restore},
    output::{Output, warn},
    settings::Settings,
};

pub(super) fn back_up(options: &Backup, settings: &Settings, output: Output) -> Result<()> {
    let database = file_of(settings, "pg_dump --format=custom --file=grantd.dump")?;
    let made = grantd_store::back_up(&database, &options.file)
        .with_context(|| format!("no backup of {} was made", database.display()))?;
    let file = options.file.display().to_string();
    let events = match &made.chain {
        Ok(chain) => audit::document(chain),
        Err(error) => {
            warn(&format!("the backup is made, but it cannot be restored: {error}"));
            json!(null)
        }
    };
    let database = database.display().to_string();
    let document =
        json!({ "database": database, "file": file, "bytes": made.bytes, "audit": events });
    output.answer(&document, || {
        let events = made.chain.as_ref().map(|chain| format!("; {}", audit::sentence(chain)));
        format!("{file}: {} bytes{}\n", made.bytes, events.unwrap_or_default())
    })
}

pub(super) fn restore(options: &Restore, settings: &Settings, output: Output) -> Result<()> {
    let database = file_of(settings, "pg_restore --dbname=grantd grantd.dump")?;
    let how = Restoring {
        existing: if options.force { Existing::SetAside } else { Existing::Refuse },
        given_out: if options.keep_tokens { GivenOut::Keep } else { GivenOut::End },
        stamp: Stamp { actor: operator().name().to_owned(), address: None, at: SystemClock.now() },
    };
    let restored = grantd_store::restore(&options.file, &database, &how)
        .with_context(|| format!("{} was not restored", options.file.display()))?;
    let kept = restored.kept.as_ref().map(|kept| kept.display().to_string());
    let document = json!({
        "database": database.display().to_string(),
        "file": options.file.display().to_string(),
        "kept": kept,
        "audit": audit::document(&restored.chain),
        "undone": restored.undone,
        "revoked_keys": restored.revoked_keys,
        "given_out": if options.keep_tokens { "kept" } else { "ended" },
    });
    output.answer(&document, || lines(&document, &restored))
}

fn lines(document: &serde_json::Value, restored: &Restored) -> String {
    let text = |name: &str| document[name].as_str().unwrap_or_default();
    let mut lines = vec![format!("{} is in the place of {}", text("file"), text("database"))];
    if document["given_out"] == "ended" {
        let ended = "tokens, codes and sessions of before have ended: apps get new tokens, people sign in again";
        lines.push(ended.to_owned());
    }
    let kept = document["kept"].as_str();
    lines.extend(kept.map(|kept| format!("the database that was there is {kept}")));
    let behind = restored.chain.length();
    lines.push(match (restored.undone, kept) {
        (Some(0), _) => "nothing was changed since the backup".to_owned(),
        (Some(undone), Some(kept)) => format!(
            "{undone} changes since the backup are undone: look for secrets, clients and people that were revoked, with\n  \
             grantd audit list --after {behind} --limit {undone} --database-url sqlite://{kept}"
        ),
        _ => format!(
            "what was changed behind event {behind} of the audit log is undone: revoke again what was revoked since"
        ),
    });
    if restored.revoked_keys.is_none() {
        let again = "signing keys that were revoked since the backup are not known: repeat `grantd keys revoke KID` for each";
        lines.push(again.to_owned());
    }
    lines.join("\n") + "\n"
}

/// The file of the database; PostgreSQL has programs of its own for this.
fn file_of(settings: &Settings, instead: &str) -> Result<PathBuf> {
    match settings.database()? {
        Location::Sqlite(path) => Ok(path),
        Location::Postgres(_) => bail!(
            "this is for SQLite alone: use `{instead}`, or the snapshots of whoever runs your PostgreSQL"
        ),
    }
}
