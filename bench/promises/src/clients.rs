//! What a hundred thousand clients cost: a token, memory, a page of the list, a start.

use anyhow::Result;
use tokio::time::Instant;

use crate::{
    crowd::Crowd,
    lists,
    load::{cost, issue},
    measured::{Verdict, quantile},
    server::Place,
};

/// With these a token costs what it costs.
const FEW: usize = 10;
const ROUNDS: usize = 5;

/// Two servers, one with many clients and one with few, loaded turn by turn.
pub(crate) async fn measure(binary: &str, count: usize) -> Result<()> {
    let (many, few) = (Place::new(binary)?, Place::new(binary)?);
    let start = Instant::now();
    let crowd = Crowd::settle(&many, count).await?;
    println!("{count} clients made in {:.0} s", start.elapsed().as_secs_f64());
    let handful = Crowd::settle(&few, FEW).await?;
    let (server, small) = (many.serve()?, few.serve()?);
    let mut verdict = Verdict::default();
    verdict.limit("start", (server.started_in * 1000.0, "ms"), 100.0);

    let first = cost(&server, &crowd.requests, count).await?;
    println!("{:<46} {first:>9.4} CPU-s/1k", "the first token of each client");
    issue(&small, &handful.requests, count).await?;
    let (mut ratios, mut dear, mut cheap) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let with_few = cost(&small, &handful.requests, count).await?;
        let with_many = cost(&server, &crowd.requests, count).await?;
        ratios.push(with_many / with_few);
        dear.push(with_many);
        cheap.push(with_few);
    }
    println!(
        "{:<46} {:>9.4} CPU-s/1k",
        format!("a token, {FEW} clients"),
        quantile(&mut cheap, 0.5)
    );
    println!("{:<46} {:>9.4} CPU-s/1k", "a token, all clients in turn", quantile(&mut dear, 0.5));
    verdict.limit("a token: many over few", (quantile(&mut ratios, 0.5), "x"), 1.10);
    println!("{:<46} {:>9.2} MB", "memory, few clients", small.resident_mb()?);
    verdict.limit("memory, all clients active", (server.resident_mb()?, "MB"), 150.0);
    lists::measure(&many, &server, &crowd, &mut verdict).await?;
    verdict.limit("memory after the lists", (server.resident_mb()?, "MB"), 150.0);
    for line in ["client list", "client list --json", "audit verify"] {
        let (seconds, memory) = many.watched(line)?;
        println!("grantd {line:<39} {seconds:>9.2} s, {memory:.1} MB");
    }
    verdict.end()
}
