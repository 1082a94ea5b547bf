//! Brings a database to this binary's schema, each step once and in order.

use grantd_issuer::StorageFault;

use super::{
    link::{Ask, Link},
    parameters::with,
    statements as sql,
    work::Work,
};
use crate::migrations::{Migration, checksum, migrations, missing};

const MIGRATIONS: &[Migration] = migrations!("postgres");

/// Whether nothing is missing, without doing it.
pub(super) async fn check(link: &Link) -> Result<(), StorageFault> {
    crate::migrations::check(&applied(link).await?, MIGRATIONS)
}

/// Applies what is missing. Two nodes may start at once: the second waits, then finds it done. Where
/// nothing is missing, nothing is written and nobody is waited for.
pub(super) async fn run(link: &Link) -> Result<(), StorageFault> {
    if missing(&applied(link).await?, MIGRATIONS)?.is_empty() {
        return Ok(());
    }
    let work = link.to_migrate().await?;
    let done = apply(&work).await;
    work.end(done).await
}

async fn apply(work: &Work) -> Result<(), StorageFault> {
    work.command(sql::CREATE_MIGRATIONS).await?;
    let applied = applied(work).await?;
    for (at, migration) in (applied.len() + 1..).zip(missing(&applied, MIGRATIONS)?) {
        let (name, statements) = *migration;
        work.command(statements).await?;
        let number = i64::try_from(at).unwrap_or(i64::MAX);
        let checksum = checksum(migration);
        work.execute(sql::INSERT_MIGRATION, with![number, name, &checksum[..]]).await?;
    }
    Ok(())
}

/// What was applied; nothing, where there is not even a table.
async fn applied(ask: &impl Ask) -> Result<Vec<Vec<u8>>, StorageFault> {
    let has_table = ask.row(sql::HAS_MIGRATIONS, with![]).await?;
    if !has_table.is_some_and(|row| row.get(0)) {
        return Ok(Vec::new());
    }
    let rows = ask.rows(sql::MIGRATIONS, with![]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
