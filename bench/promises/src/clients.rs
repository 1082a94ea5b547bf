//! What a hundred thousand clients cost: a token, memory, a page of the list, a start.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use tokio::time::{Instant, sleep};

use crate::{
    crowd::Crowd,
    lists,
    load::issue,
    measured::{Verdict, quantile, thousands},
    server::{Place, Server},
};

/// With these a token costs what it costs.
const FEW: usize = 10;
/// How many tokens each client gets in a round.
const TURNS: usize = 3;
/// Between two rounds.
const REST: Duration = Duration::from_secs(3);

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

    // As many requests as the crowd has: what the load itself costs weighs on both alike.
    let few_in_turn = handful.requests.iter().cycle().take(count).cloned().collect();
    let few_in_turn = Arc::new(few_in_turn);
    let servers = [(&small, &few_in_turn), (&server, &crowd.requests)];
    let [_, first] = costs(servers, [0, 1], count).await?;
    println!("{:<46} {first:>9.4} CPU-s/1k", "the first token of each client");
    let (mut ratios, mut cheap, mut dear) = (Vec::new(), Vec::new(), Vec::new());
    for order in [[0, 1], [1, 0], [0, 1], [1, 0]] {
        let [with_few, with_many] = costs(servers, order, TURNS * count).await?;
        ratios.push(with_many / with_few);
        cheap.push(with_few);
        dear.push(with_many);
    }
    println!("{:<46} {:>9.4} CPU-s/1k", "a token, few clients", quantile(&mut cheap, 0.5));
    println!("{:<46} {:>9.4} CPU-s/1k", "a token, all clients in turn", quantile(&mut dear, 0.5));
    println!("{:<46} {ratios:.2?}", "many over few, round by round");
    verdict.limit("a token: many over few", (middle(&mut ratios), "x"), 1.10);
    println!("{:<46} {:>9.2} MB", "memory, few clients", small.resident_mb()?);
    verdict.limit("memory, all clients active", (server.resident_mb()?, "MB"), 150.0);
    println!("{:<46} {:>9}", "reads of clients from the database", server.misses().await?);
    lists::measure(&many, &server, &crowd, &mut verdict).await?;
    verdict.limit("memory after the lists", (server.resident_mb()?, "MB"), 150.0);
    for line in ["client list", "client list --json", "audit verify"] {
        let (seconds, memory) = many.watched(line)?;
        println!("grantd {line:<39} {seconds:>9.2} s, {memory:.1} MB");
    }
    verdict.end()
}

/// The mean of the two in the middle of four.
fn middle(ratios: &mut [f64]) -> f64 {
    f64::midpoint(quantile(ratios, 0.33), quantile(ratios, 0.67))
}

/// So many tokens of each server, in this order. Gives the processor seconds of each for a
/// thousand, and of the whole round: what was counted is written down later.
async fn costs(
    servers: [(&Server, &Arc<Vec<Vec<u8>>>); 2],
    order: [usize; 2],
    tokens: usize,
) -> Result<[f64; 2]> {
    let so_far =
        || Ok::<_, anyhow::Error>([servers[0].0.cpu_seconds()?, servers[1].0.cpu_seconds()?]);
    let before = so_far()?;
    for (server, requests) in order.map(|at| servers[at]) {
        issue(&[server], requests, tokens).await?;
    }
    sleep(REST).await;
    let after = so_far()?;
    Ok([0, 1].map(|at| (after[at] - before[at]) / thousands(tokens)))
}
