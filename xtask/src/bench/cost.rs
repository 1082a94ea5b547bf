//! Measures: rounds of load on the floor and on grantd, turn by turn.

use std::{thread, time::Duration};

use super::{
    Plan, Strict, healthz,
    scratch::Scratch,
    server::Server,
    setup::{self, Grantd},
    table::{Cost, HEAD, Line, Row},
    wrk::Load,
};
use crate::failure::{Failure, Outcome};

const STARTS: usize = 5;
const QUESTIONS: usize = 200;

/// The floor alone, to prove the yardstick.
pub(super) fn of_floor(plan: &Plan) -> Outcome {
    let scratch = Scratch::new()?;
    println!("alg    floor CPU-s/1k  floor req/s");
    for alg in &plan.algs {
        let floor = setup::floor(&scratch, alg)?;
        let load = Load::new(&scratch, alg, "grant_type=client_credentials")?;
        measure(&floor, &load, 1)?;
        for _ in 0..plan.rounds {
            let Cost { cpu_per_thousand, per_second } = measure(&floor, &load, plan.seconds)?;
            println!("{alg:<6} {cpu_per_thousand:>14.4} {per_second:>12.0}");
        }
    }
    Ok(())
}

/// Everything that the limits speak of.
pub(super) fn of_tokens(plan: &Plan) -> Outcome {
    let scratch = Scratch::new()?;
    let grantd = Grantd::set_up(&scratch)?;
    let mut loads = Vec::new();
    for alg in &plan.algs {
        loads.push((alg, Load::new(&scratch, alg, &grantd.form(alg)?)?));
    }
    let start = grantd.start_time(STARTS)?;
    let server = grantd.serve()?;
    let idle = server.resident_mb()?;

    let mut over = false;
    println!("{HEAD}");
    for (alg, load) in &loads {
        let row = rounds(plan, alg, &setup::floor(&scratch, alg)?, (&server, load))?;
        println!("{row}");
        over |= row.is_over();
    }
    println!();
    for line in [
        line("idle memory", idle, 25.0, "MB"),
        line("binary", grantd.binary_mb()?, 30.0, "MB"),
        line("start to first answer", start.as_secs_f64() * 1000.0, 100.0, "ms"),
    ] {
        println!("{line}");
        over |= line.is_over();
    }
    println!("{:<26} {:>8.1} MB", "memory after the load", server.resident_mb()?);
    if let Some((_, load)) = loads.iter().find(|(alg, _)| *alg == "RS256") {
        health_under(load, &server)?;
    }
    if over && plan.strict == Strict::Yes {
        Err(Failure::broken("a limit is exceeded"))
    } else {
        Ok(())
    }
}

fn rounds(plan: &Plan, alg: &str, floor: &Server, grantd: (&Server, &Load)) -> Outcome<Row> {
    let (server, load) = grantd;
    // Unmeasured: caches fill, threads start, the processor wakes up.
    measure(floor, load, 1)?;
    measure(server, load, 1)?;
    let mut rounds = Vec::with_capacity(plan.rounds);
    for _ in 0..plan.rounds {
        let cost = measure(floor, load, plan.seconds)?;
        rounds.push((cost, measure(server, load, plan.seconds)?));
    }
    Ok(Row { alg: alg.to_owned(), rounds })
}

pub(super) fn measure(server: &Server, load: &Load, seconds: u64) -> Outcome<Cost> {
    let before = server.cpu_seconds()?;
    let answers = load.run(server.port, seconds)?;
    let cpu = server.cpu_seconds()? - before;
    if answers.others > 0 || answers.tokens == 0 {
        let (others, tokens) = (answers.others, answers.tokens);
        return Err(Failure::broken(format!("{others} answers were no token, {tokens} were")));
    }
    let tokens = f64::from(answers.tokens);
    let duration = f64::from(answers.micros) / 1e6;
    Ok(Cost { cpu_per_thousand: cpu * 1000.0 / tokens, per_second: tokens / duration })
}

/// If signing held up the reactor, small questions would wait for it.
fn health_under(load: &Load, server: &Server) -> Outcome {
    let load = load.start(server.port, 30)?;
    thread::sleep(Duration::from_millis(500));
    let times = healthz::latencies(server.port, QUESTIONS)
        .map_err(|error| Failure::broken(format!("healthz under RS256 load: {error}")))?;
    drop(load);
    let at = |percent: usize| {
        let time = times.get(times.len() * percent / 100).copied().unwrap_or_default();
        time.as_secs_f64() * 1000.0
    };
    println!("{:<26} p50 {:.2} ms, p99 {:.2} ms", "healthz under RS256 load", at(50), at(99));
    Ok(())
}

fn line(what: &str, value: f64, limit: f64, unit: &'static str) -> Line {
    Line { what: what.to_owned(), value, limit, unit }
}
