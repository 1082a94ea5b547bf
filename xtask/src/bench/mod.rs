//! `cargo xtask bench` and `soak`: what a token costs beside the least that it can cost, and what is
//! promised of revocation and of large numbers (`bench/promises`).

mod cost;
mod healthz;
mod peers;
mod processes;
mod report;
mod scratch;
mod server;
mod setup;
mod table;
mod wrk;

use crate::{
    failure::{Failure, Outcome},
    options::Options,
    run, tools, tree,
};

/// Tokens that no key signs.
const OPAQUE: &str = "opaque";
const ALGS: [&str; 5] = ["RS256", "PS256", "ES256", "EdDSA", OPAQUE];

/// What to measure.
pub(crate) struct Plan {
    algs: Vec<String>,
    seconds: u64,
    rounds: usize,
    strict: Strict,
    what: What,
}

/// Whether a limit that is exceeded is a failure.
#[derive(PartialEq)]
enum Strict {
    Yes,
    No,
}

/// The floor can be measured alone.
#[derive(PartialEq)]
enum What {
    FloorAndGrantd,
    FloorOnly,
    /// grantd beside what others run.
    Peers,
}

/// `cargo xtask bench all [NAME…]`, `… token …`, `… peers …`, `… revocation [GUARDS] [REVOCATIONS]`,
/// `… clients [N]`, `… console [N]`, `… guard`, `… nodes`, `… overload [SECONDS]` and `… sizes`
pub(crate) fn run(words: &[String]) -> Outcome {
    if let Some("all") = words.first().map(String::as_str) {
        return report::renew(&words[1..]);
    }
    if let Some(what) = words.first().filter(|what| report::is_promise(what)) {
        return promises(what, &words[1..]);
    }
    let plan = Plan::parse(words)?;
    tools::need("wrk", "wrk")?;
    if plan.what == What::Peers {
        build(&["grantd", "floor"])?;
        return peers::measure_all(&plan);
    }
    if plan.what == What::FloorOnly {
        build(&["floor"])?;
        return cost::of_floor(&plan);
    }
    build(&["grantd", "floor"])?;
    cost::of_tokens(&plan)
}

/// `cargo xtask soak tokens [N]`
pub(crate) fn soak(words: &[String]) -> Outcome {
    match words.split_first() {
        Some((what, rest)) if what == "tokens" => promises(what, rest),
        _ => Err(Failure::usage("there is `soak tokens`")),
    }
}

/// One after the other: together, grantd would be built with what the others ask of shared libraries.
fn build(packages: &[&str]) -> Outcome {
    packages.iter().try_for_each(|package| {
        run::show(run::command("cargo build --release --package").arg(package))
    })
}

/// A measure of `bench/promises` on the release build.
fn promises(what: &str, numbers: &[String]) -> Outcome {
    build(&["grantd", "promises"])?;
    let built = tree::target()?.join("release");
    let mut measure = std::process::Command::new(built.join("promises"));
    run::show(measure.arg(what).arg(built.join("grantd")).args(numbers))
}

impl Plan {
    fn parse(words: &[String]) -> Outcome<Self> {
        let mut options = Options::of(words);
        let mut algs: Vec<String> = options.values("--alg")?;
        if let Some(unknown) = algs.iter().find(|alg| !ALGS.contains(&alg.as_str())) {
            return Err(Failure::usage(format!("no algorithm {unknown}; there are {ALGS:?}")));
        }
        if algs.is_empty() {
            algs = ALGS.map(str::to_owned).to_vec();
        }
        let seconds = options.value("--seconds", 5)?;
        let rounds = options.value("--rounds", 3)?;
        let strict = if options.flag("--strict") { Strict::Yes } else { Strict::No };
        let floor_only = options.flag("--floor-only");
        let rest = options.rest()?;
        let what = match rest.first().map(String::as_str) {
            Some("peers") => What::Peers,
            _ if floor_only => What::FloorOnly,
            _ => What::FloorAndGrantd,
        };
        if !matches!(&*rest, [word] if word == "token" || word == "peers")
            || seconds == 0
            || rounds == 0
        {
            let known = report::NAMES.join(", ");
            let usage = format!("there are `bench` with all, {known}, and numbers above 0");
            return Err(Failure::usage(usage));
        }
        Ok(Self { algs, seconds, rounds, strict, what })
    }
}
