//! `cargo xtask check`: all that must be green, the quick steps first.

use crate::{
    docs,
    failure::{Failure, Outcome},
    house,
    options::Options,
    run, stopwatch, test, tools,
};

const DENY: &str = "0.20.2";

/// A step's name and what it does.
type Step = (&'static str, fn() -> Outcome);

const STEPS: &[Step] = &[
    ("fmt", || shown("cargo fmt --all --check")),
    ("house", house::inspect),
    ("clippy", || shown("cargo clippy --quiet --workspace --all-targets -- -D warnings")),
    ("docs", docs::compare),
    ("doc", rustdoc),
    ("deny", deny),
    ("advisories", advisories),
];

/// `cargo xtask check`; the tests come last, so that their count is the closing line.
pub(crate) fn run(words: &[String]) -> Outcome {
    Options::of(words).end()?;
    for (name, step) in STEPS {
        timed(name, step)?;
    }
    let tally = timed("test", test::run_all)?;
    println!("{tally}");
    tally.outcome()
}

fn timed<T>(name: &str, step: impl Fn() -> Outcome<T>) -> Outcome<T> {
    println!("== {name}");
    let watch = stopwatch::start();
    let outcome = step();
    let after = if outcome.is_ok() { "" } else { "FAILED after " };
    println!("== {name}: {after}{:.1} s", watch.elapsed().as_secs_f64());
    outcome
}

fn shown(line: &str) -> Outcome {
    run::show(&mut run::command(line))
}

fn rustdoc() -> Outcome {
    let mut doc = run::command("cargo doc --quiet --no-deps --workspace");
    run::show(doc.env("RUSTDOCFLAGS", "-D warnings"))
}

fn deny() -> Outcome {
    tools::need_cargo("deny", DENY)?;
    shown("cargo deny --log-level error check --hide-inclusion-graph bans licenses sources")
}

/// The database is a download: without it nothing is known, and nothing is claimed.
fn advisories() -> Outcome {
    let fetched = run::output(&mut run::command("cargo deny fetch db"))?;
    if !fetched.status.success() {
        println!("advisories skipped: their database could not be fetched");
        return Ok(());
    }
    let mut check = run::command("cargo deny check --hide-inclusion-graph advisories");
    run::show(&mut check).map_err(|_| Failure::broken("an advisory concerns us: see above"))
}
