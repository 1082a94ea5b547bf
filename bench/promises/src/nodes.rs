//! One node and three on one PostgreSQL: what a token costs, what the database has to do for it, and how
//! long a token lives that was revoked elsewhere.

use std::time::Duration;

use anyhow::{Context, Result};
use grantd_test_postgres::{Database, database};
use tokio::time::{Instant, sleep};

use crate::{
    crowd::Crowd,
    load::issue,
    measured::{Verdict, quantile, thousands},
    revocation,
    server::{Place, Server},
};

const CLIENTS: usize = 1000;
/// How many tokens in a round.
const TOKENS: usize = 60_000;
const ROUNDS: usize = 3;
/// For so long the nodes are watched while nobody asks.
const QUIET: Duration = Duration::from_secs(10);
/// PostgreSQL's sessions tell their numbers when they have been idle for a second.
const TOLD: Duration = Duration::from_millis(1500);
/// The promise for guards at another node.
const REVOKED: Duration = Duration::from_millis(500);

/// Starts three nodes on a PostgreSQL of its own, and loads one of them, then all.
pub(crate) async fn measure(binary: &str) -> Result<()> {
    let database = database().context("PostgreSQL is needed: apt-get install postgresql")?;
    println!("{}", database.sql("SELECT version()").trim());
    let place = Place::on(binary, database.url())?;
    let crowd = Crowd::settle(&place, CLIENTS).await?;
    let first = place.serve()?;
    let more = [place.serve_beside(&first)?, place.serve_beside(&first)?];
    let nodes = [&first, &more[0], &more[1]];
    // Clients that were just made are forgotten once, when the nodes notice.
    sleep(TOLD).await;
    for node in nodes {
        issue(&[node], &crowd.requests, 2 * CLIENTS).await?;
    }
    sleep(QUIET).await;
    let idle = quiet(&database).await?;
    println!("three nodes of which nobody asks anything: {idle:.1} transactions/s");
    let mut verdict = Verdict::default();
    for count in [1, 3] {
        loaded(&nodes[..count], &crowd, &database, idle, &mut verdict).await?;
    }
    let misses = first.misses().await?;
    println!("{:<46} {misses:>9}", "clients that the first node read");
    println!(
        "tokens of one node, their clients revoked on the database, at guards of another node:"
    );
    revocation::through(&place, [&more[0], &first], 50, 50, REVOKED).await?;
    verdict.end()
}

async fn loaded(
    nodes: &[&Server],
    crowd: &Crowd,
    database: &Database,
    idle: f64,
    verdict: &mut Verdict,
) -> Result<()> {
    let cpu = || nodes.iter().map(|node| node.cpu_seconds()).sum::<Result<f64>>();
    let (mut costs, mut speeds, mut statements) = (vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        let (spent, done, start) = (cpu()?, transactions(database)?, Instant::now());
        issue(nodes, &crowd.requests, TOKENS).await?;
        let took = start.elapsed().as_secs_f64();
        costs.push((cpu()? - spent) / thousands(TOKENS));
        sleep(TOLD).await;
        let seconds = start.elapsed().as_secs_f64();
        statements.push((transactions(database)? - done - idle * seconds).max(0.0));
        speeds.push(thousands(TOKENS) / took);
    }
    let (count, per_token) =
        (nodes.len(), quantile(&mut statements, 0.5) / thousands(TOKENS) / 1000.0);
    let (cost, speed) = (quantile(&mut costs, 0.5), quantile(&mut speeds, 0.5));
    println!("{count} of three nodes, EdDSA: {cost:.4} CPU-s/1k, {speed:.1} thousand tokens/s");
    // Usage and last uses are written every few seconds, whatever the number of tokens.
    verdict.limit(&format!("{count} of three: transactions for a token"), (per_token, ""), 0.001);
    Ok(())
}

/// Transactions a second while nobody asks.
async fn quiet(database: &Database) -> Result<f64> {
    let (before, start) = (transactions(database)?, Instant::now());
    sleep(QUIET).await;
    Ok((transactions(database)? - before) / start.elapsed().as_secs_f64())
}

fn transactions(database: &Database) -> Result<f64> {
    let count = "SELECT xact_commit + xact_rollback FROM pg_stat_database \
                 WHERE datname = current_database()";
    Ok(database.sql(count).trim().parse()?)
}
