//! One client, a thousand, a hundred thousand and a million: what a token costs, how soon the first one
//! is there after a start, and how much memory it takes.

use anyhow::{Context, Result, ensure};
use rusqlite::Connection as Database;
use tokio::time::{Duration, Instant, sleep};

use crate::{
    crowd::Crowd,
    http::Connection,
    load::issue,
    measured::{Verdict, quantile, thousands},
    server::{Place, Server},
};

/// The most clients that ask, of however many there are.
const ACTIVE: usize = 100_000;
/// How often the million is so many.
const COPIES: usize = 9;
/// How many tokens in a round, at least.
const TOKENS: usize = 50_000;
const ROUNDS: usize = 3;
const STARTS: usize = 5;
/// What was counted is written down within this time.
const REST: Duration = Duration::from_secs(3);

/// Copies of all clients with their rights and secrets, under ids of their own.
const COPY: &str = "
CREATE TEMP TABLE copies AS SELECT * FROM clients WHERE length(id) = 36;
UPDATE copies SET id = id || '-COPY';
INSERT INTO clients SELECT * FROM copies;
INSERT INTO client_permissions
    SELECT client_id || '-COPY', permission FROM client_permissions WHERE length(client_id) = 36;
INSERT INTO client_roles SELECT client_id || '-COPY', role FROM client_roles WHERE length(client_id) = 36;
DROP TABLE copies;
CREATE TEMP TABLE copies AS SELECT * FROM credentials WHERE length(client_id) = 36;
UPDATE copies SET client_id = client_id || '-COPY',
    id = printf('0190000COPY-0000-7000-8000-%012x', rowid);
INSERT INTO credentials SELECT * FROM copies;
DROP TABLE copies;
";

/// A row for each size.
pub(crate) async fn measure(binary: &str) -> Result<()> {
    let mut verdict = Verdict::default();
    println!(
        "{:>9} {:>9} {:>22} {:>12} {:>10}",
        "clients", "asking", "start to token, ms", "CPU-s/1k", "MB"
    );
    for count in [1, 1000, ACTIVE] {
        let place = Place::new(binary)?;
        let crowd = Crowd::settle(&place, count).await?;
        row(&place, &crowd, count, &mut verdict).await?;
        if count == ACTIVE {
            let database = Database::open(place.database())?;
            for copy in 1..=COPIES {
                database.execute_batch(&COPY.replace("COPY", &copy.to_string()))?;
            }
            row(&place, &crowd, count * (COPIES + 1), &mut verdict).await?;
        }
    }
    verdict.end()
}

async fn row(place: &Place, crowd: &Crowd, count: usize, verdict: &mut Verdict) -> Result<()> {
    let request = crowd.requests.first().context("a client")?;
    let mut starts = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        starts.push(first_token(place, request).await?);
    }
    let server = place.serve()?;
    issue(&[&server], &crowd.requests, crowd.requests.len().max(1000)).await?;
    sleep(REST).await;
    let mut costs = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        costs.push(cost(&server, crowd).await?);
    }
    let (start, cost) = (quantile(&mut starts, 0.5), quantile(&mut costs, 0.5));
    let (asking, memory) = (crowd.requests.len(), server.resident_mb()?);
    println!("{count:>9} {asking:>9} {start:>22.1} {cost:>12.4} {memory:>10.1}");
    verdict.limit(&format!("{count} clients: start to first token"), (start, "ms"), 150.0);
    let most = if asking < ACTIVE { 40.0 } else { 150.0 };
    verdict.limit(&format!("{count} clients, {asking} of them active"), (memory, "MB"), most);
    Ok(())
}

/// Milliseconds from the start of the process to a token in hand.
async fn first_token(place: &Place, request: &[u8]) -> Result<f64> {
    let start = Instant::now();
    let server = place.serve()?;
    let answer = Connection::open(&server.address).await?.ask(request).await?.status;
    ensure!(answer == 200, "no token: {answer}");
    Ok(start.elapsed().as_secs_f64() * 1000.0)
}

/// Processor seconds for a thousand tokens, the writing of usage included.
async fn cost(server: &Server, crowd: &Crowd) -> Result<f64> {
    let tokens = TOKENS.max(2 * crowd.requests.len());
    let before = server.cpu_seconds()?;
    issue(&[server], &crowd.requests, tokens).await?;
    sleep(REST).await;
    Ok((server.cpu_seconds()? - before) / thousands(tokens))
}
