//! `grantd migrate`: the schema of a database, or everything in it into another.

use anyhow::{Context, Result};
use grantd_store::{Location, Moved, move_everything};
use serde_json::{Value, json};

use super::audit;
use crate::{cli::Migrate, output::Output, settings::Settings};

pub(super) async fn run(options: Migrate, settings: &Settings, output: Output) -> Result<()> {
    let Migrate { from, to } = options;
    if from.is_none() && to.is_none() {
        return bring_up_to_date(settings, output).await;
    }
    // Either may have a password: what is set needs none on the command line.
    let named = |url: Option<String>, name: &'static str| match url {
        Some(url) => url.parse::<Location>().context(name),
        None => settings.database(),
    };
    move_over(&named(from, "--from")?, &named(to, "--to")?, output).await
}

async fn bring_up_to_date(settings: &Settings, output: Output) -> Result<()> {
    let database = settings.database()?;
    database.open().await?;
    let place = database.to_string();
    output.answer(&json!({ "database": place, "state": "current" }), || {
        format!("{place} is up to date\n")
    })
}

async fn move_over(from: &Location, to: &Location, output: Output) -> Result<()> {
    let told = |table: &str, rows: u64| {
        // What cannot be told stops nothing.
        let _ = output.progress(|| format!("{table:18}  {rows:10}\n"));
    };
    let moved = move_everything(from, to, told).await?;
    let (from, to) = (from.to_string(), to.to_string());
    output.answer(&document(&moved, &from, &to), || {
        let rows: u64 = moved.tables.iter().map(|(_, rows)| rows).sum();
        let events = audit::sentence(&moved.chain);
        format!(
            "{rows} rows moved to {to}, read back there and found the same; {events}\n{from} is as it was: \
             set GRANTD_DATABASE_URL to the new database before the next start, and put the old one away\n"
        )
    })
}

fn document(moved: &Moved, from: &str, to: &str) -> Value {
    let tables: serde_json::Map<_, _> =
        moved.tables.iter().map(|(name, rows)| ((*name).to_owned(), json!(rows))).collect();
    json!({ "from": from, "to": to, "tables": tables, "audit": audit::document(&moved.chain) })
}
