//! What is missing of a schema, and which schemas are refused: the same for both engines.

use aws_lc_rs::digest::{SHA256, digest};
use grantd_issuer::StorageFault;

/// A migration's name and its statements.
pub(crate) type Migration = (&'static str, &'static str);

/// The list of an engine's migrations; a released one never changes.
macro_rules! migrations {
    ($engine:literal) => {
        migrations! { $engine:
            "0001_clients" "0002_changes" "0003_usage" "0004_lists" "0005_users" "0006_survey"
            "0007_approvals" "0008_questions" "0009_passkeys"
        }
    };
    ($engine:literal: $($name:literal)+) => {
        &[$(($name, include_str!(concat!("../../migrations/", $engine, "/", $name, ".sql")))),+]
    };
}
pub(crate) use migrations;

/// What tells a migration from any other.
pub(crate) fn checksum((_, sql): &Migration) -> Vec<u8> {
    digest(&SHA256, sql.as_bytes()).as_ref().to_vec()
}

/// Whether nothing is missing, for a look that changes nothing.
pub(crate) fn check(applied: &[Vec<u8>], known: &[Migration]) -> Result<(), StorageFault> {
    if missing(applied, known).is_ok_and(<[Migration]>::is_empty) {
        return Ok(());
    }
    Err(StorageFault::plain(
        "the database has another schema than this grantd: run `grantd migrate`",
    ))
}

/// What is still to be applied, in its order; a schema of another build is refused.
pub(crate) fn missing<'a>(
    applied: &[Vec<u8>],
    known: &'a [Migration],
) -> Result<&'a [Migration], StorageFault> {
    let Some(missing) = known.get(applied.len()..) else {
        return Err(StorageFault::plain(format!(
            "the database has migration {} and this grantd knows {}: start a newer grantd",
            applied.len(),
            known.len()
        )));
    };
    for (checksum_there, migration) in applied.iter().zip(known) {
        if *checksum_there != checksum(migration) {
            return Err(StorageFault::plain(format!(
                "migration {} of the database is not the one of this grantd: it was made by another build",
                migration.0
            )));
        }
    }
    Ok(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_schema_and_a_changed_migration_are_refused() {
        let known: &[Migration] = &[("0001_a", "A"), ("0002_b", "B")];
        let applied: Vec<_> = known.iter().map(checksum).collect();
        assert_eq!(missing(&applied, known).unwrap(), &[]);
        assert_eq!(missing(&applied[..1], known).unwrap(), &known[1..]);
        check(&applied, known).unwrap();
        assert!(check(&applied[..1], known).is_err());
        let newer = missing(&applied, &known[..1]).unwrap_err().to_string();
        assert!(newer.contains("start a newer grantd"), "{newer}");
        let other = missing(&[vec![0]], known).unwrap_err().to_string();
        assert!(other.contains("another build"), "{other}");
    }
}
