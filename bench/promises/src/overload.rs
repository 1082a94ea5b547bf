//! Ten times what a node can serve: what it answers, how fast, at what cost of memory, and how it is after.

use std::time::Duration;

use anyhow::{Context, Result};
use rustix::thread::{CpuSet, sched_setaffinity};
use tokio::time::{Instant, sleep};

use crate::{
    http::{Connection, token_request},
    measured::{Verdict, stolen_seconds},
    server::{Place, Server},
    storm::{Outcome, Storm},
};

/// So many times the capacity.
const TIMES: f64 = 10.0;
/// Connections of the storm.
const CONNECTIONS: usize = 2000;
/// Connections that find out the capacity.
const FULL: usize = 32;
/// How long the capacity is measured.
const TRIAL: Duration = Duration::from_secs(4);
/// How many storms there are; what other machines take from this one is seen in the latencies of all.
const STORMS: usize = 3;
/// After the storm the node has so long to be well.
const CALM: Duration = Duration::from_secs(1);

/// The server has one processor and the storm the other, so that neither takes the other's time.
pub(crate) async fn measure(binary: &str, seconds: usize) -> Result<()> {
    let place = Place::new(binary)?;
    place.grantd("permission create invoices.read")?;
    let line = "client create --name Storm --permission invoices.read --signing-alg RS256 --json";
    let told: serde_json::Value = serde_json::from_str(&place.grantd(line)?)?;
    let text = |name: &str| told[name].as_str().context("a new client").map(ToOwned::to_owned);
    let request = token_request(&text("client_id")?, &text("client_secret")?);
    let server = pinned(|| place.serve())?;

    let capacity = capacity(&server, &request).await?;
    println!("{:<46} {capacity:>9.0} /s", "capacity, RS256, one processor");
    let mut verdict = Verdict::default();
    println!("{:<46} {:>9.2} MB", "memory before", server.resident_mb()?);
    let lasts = Duration::from_secs(u64::try_from(seconds)?);
    let storm = Storm { rate: capacity * TIMES, lasts, connections: CONNECTIONS };
    let mut measured = Vec::with_capacity(STORMS);
    for _ in 0..STORMS {
        measured.push(Measured::of(storm, &server, &request).await?);
    }
    let least = |one: &Measured, other: &Measured| one.stolen.total_cmp(&other.stolen);
    let mut calmest = measured.into_iter().min_by(least).context("a storm")?;
    println!("of {STORMS} storms the one in which other machines took the least processor time:");
    calmest.tell(capacity, &mut verdict);
    verdict.limit("memory at most, of all storms", (server.most_mb()?, "MB"), 150.0);
    println!("{:<46} {:>9.2} MB", "memory a second after", server.resident_mb()?);
    verdict.end()
}

/// A storm, what became of it, and how the node was a second later.
struct Measured {
    storm: Storm,
    outcome: Outcome,
    /// Processor seconds of the server.
    spent: f64,
    /// Processor seconds that other machines took, until the end of the light load.
    stolen: f64,
    after: Outcome,
}

impl Measured {
    async fn of(storm: Storm, server: &Server, request: &[u8]) -> Result<Self> {
        let (spent, stolen) = (server.cpu_seconds()?, stolen_seconds()?);
        let outcome = storm.blow(&server.address, request).await?;
        let spent = server.cpu_seconds()? - spent;
        sleep(CALM).await;
        let (rate, lasts) = (storm.rate / TIMES / 10.0, Duration::from_secs(2));
        let light = Storm { rate, lasts, connections: FULL };
        let after = light.blow(&server.address, request).await?;
        Ok(Self { storm, outcome, spent, stolen: stolen_seconds()? - stolen, after })
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of requests")]
    fn tell(&mut self, capacity: f64, verdict: &mut Verdict) {
        let Outcome { answered, shed, broken, unsent, late } = &mut self.outcome;
        let seconds = self.storm.lasts.as_secs_f64();
        let sent = answered.len() + shed.len() + *broken;
        let offered = (sent + *unsent) as f64 / seconds;
        println!("{:<46} {:>9.2} s", "processor time that other machines took", self.stolen);
        println!("{:<46} {offered:>9.0} /s ({:.1} times)", "offered", offered / capacity);
        println!("{:<46} {late:>9.2} ms", "the schedule itself was late by at most");
        let rate = answered.len() as f64 / seconds;
        println!("{:<46} {rate:>9.0} /s", "answered");
        println!("{:<46} {:>9.1} %", "shed", 100.0 * shed.len() as f64 / sent.max(1) as f64);
        println!("{:<46} {:>9.2} s", "processor time of the server", self.spent);
        let lost = 100.0 * (1.0 - rate / capacity);
        verdict.limit("capacity lost to saying no", (lost, "%"), 75.0);
        let (p50, p99) = Outcome::quantiles(answered);
        println!("{:<46} {p50:>9.2} ms", "answered: p50");
        verdict.limit("answered: p99", (p99, "ms"), 250.0);
        let (p50, p99) = Outcome::quantiles(shed);
        println!("{:<46} {p50:>9.2} ms", "shed: p50");
        verdict.limit("shed: p99", (p99, "ms"), 250.0);
        verdict.limit("broken off, or never sent", ((*broken + *unsent) as f64, ""), 0.0);

        let Outcome { answered, shed, broken, unsent, .. } = &mut self.after;
        let unserved = (shed.len() + *broken + *unsent) as f64;
        verdict.limit("a second after, light load: not served", (unserved, ""), 0.0);
        let (_, p99) = Outcome::quantiles(answered);
        verdict.limit("a second after, light load: p99", (p99, "ms"), 50.0);
    }
}

/// Tokens a second with a few connections that always ask.
#[expect(clippy::cast_precision_loss, reason = "a count of requests")]
async fn capacity(server: &Server, request: &[u8]) -> Result<f64> {
    let mut tokens = 0_usize;
    let start = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..FULL {
        let mut open = Connection::open(&server.address).await?;
        let request = request.to_vec();
        running.spawn(async move {
            let mut tokens = 0;
            while start.elapsed() < TRIAL {
                anyhow::ensure!(open.ask(&request).await?.status == 200, "no token");
                tokens += 1;
            }
            Ok::<usize, anyhow::Error>(tokens)
        });
    }
    while let Some(made) = running.join_next().await {
        tokens += made??;
    }
    Ok(tokens as f64 / start.elapsed().as_secs_f64())
}

/// What is started here runs on the first processor, and this thread on the second from then on. A
/// machine that has but one lets both share it.
fn pinned<T>(start: impl FnOnce() -> Result<T>) -> Result<T> {
    let only = |processor| {
        let mut set = CpuSet::new();
        set.set(processor);
        sched_setaffinity(None, &set)
    };
    only(0)?;
    let started = start();
    if only(1).is_err() {
        println!("there is but one processor: the storm takes its part of what the server has");
    }
    started
}
