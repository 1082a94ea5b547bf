//! A million tokens leave the database as it was, counts of usage aside.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Result, ensure};
use rusqlite::{Connection, OpenFlags};
use tokio::time::{Duration, Instant, sleep};

use crate::{crowd::Crowd, load::issue, server::Place};

/// How many clients take turns.
const CLIENTS: usize = 100;
/// The only tables that may grow: a row for each client, and one, an hour and outcome.
const COUNTS: [&str; 2] = ["usage", "usage_totals"];

/// Counts the rows of every table, has so many tokens issued, counts again.
pub(crate) async fn measure(binary: &str, tokens: usize) -> Result<()> {
    let place = Place::new(binary)?;
    let crowd = Crowd::settle(&place, CLIENTS).await?;
    let server = place.serve()?;
    let before = rows(&place.database())?;
    let start = Instant::now();
    issue(&[&server], &crowd.requests, tokens).await?;
    let took = start.elapsed();
    let deadline = Instant::now() + Duration::from_secs(20);
    while issued(&place.database())? < tokens {
        ensure!(Instant::now() < deadline, "not every token was counted");
        sleep(Duration::from_millis(200)).await;
    }
    let after = rows(&place.database())?;
    println!("{tokens} tokens in {:.0} s, {:.1} MB", took.as_secs_f64(), server.resident_mb()?);
    println!("{:<22} {:>9} {:>9}", "table", "before", "after");
    let mut grown = Vec::new();
    for (table, count) in &after {
        let known = before.get(table).copied().unwrap_or_default();
        println!("{table:<22} {known:>9} {count:>9}");
        if known != *count && !COUNTS.contains(&table.as_str()) {
            grown.push(table.as_str());
        }
    }
    ensure!(grown.is_empty(), "these tables grew: {}", grown.join(", "));
    // An hour may have ended meanwhile.
    let hours = usize::try_from(took.as_secs() / 3600)? + 2;
    let most = [CLIENTS * hours, hours];
    for (table, most) in COUNTS.into_iter().zip(most) {
        let count = after.get(table).copied().unwrap_or_default();
        ensure!(count <= most, "{table} has {count} rows; at most {most} were promised");
    }
    ensure!(issued(&place.database())? == tokens, "a token was counted twice");
    Ok(())
}

fn rows(path: &Path) -> Result<BTreeMap<String, usize>> {
    let open = looking(path)?;
    let mut tables = open.prepare("SELECT name FROM sqlite_master WHERE type = 'table'")?;
    let names = tables.query_map([], |row| row.get::<_, String>(0))?;
    let mut counts = BTreeMap::new();
    for name in names {
        let name = name?;
        let count: i64 =
            open.query_row(&format!("SELECT count(*) FROM \"{name}\""), [], |row| row.get(0))?;
        counts.insert(name, usize::try_from(count)?);
    }
    Ok(counts)
}

fn issued(path: &Path) -> Result<usize> {
    let sum = "SELECT coalesce(sum(count), 0) FROM usage WHERE outcome = 'issued'";
    let sum: i64 = looking(path)?.query_row(sum, [], |row| row.get(0))?;
    Ok(usize::try_from(sum)?)
}

fn looking(path: &Path) -> Result<Connection> {
    Ok(Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?)
}
