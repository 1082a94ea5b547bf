//! `cargo xtask test`: sets up what the tests need, runs them all and counts.

use std::{
    fmt,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use crate::{
    browser,
    failure::{Failure, Outcome},
    fuzz,
    options::Options,
    run, tools, tree,
};

/// Programs that tests run, and the Debian package of each.
const TOOLS: &[(&str, &str)] =
    &[("curl", "curl"), ("/usr/lib/postgresql/*/bin/initdb", "postgresql")];

/// Trials with other languages' client libraries: `tests/clients/<language>/run` passes by exit 0.
/// Each brings its own dependencies and keeps them inside its folder.
const CLIENTS: &str = "tests/clients";

const FUZZ_SECONDS: u64 = 5;

/// `cargo xtask test`
pub(crate) fn run(words: &[String]) -> Outcome {
    Options::of(words).end()?;
    let tally = run_all()?;
    println!("{tally}");
    tally.outcome()
}

/// Everything, to the end, even after a failure.
pub(crate) fn run_all() -> Outcome<Tally> {
    for (program, package) in TOOLS {
        tools::need(program, package)?;
    }
    browser::set_up()?;
    let mut tally = cargo_tests()?;
    for language in tree::folders(CLIENTS)? {
        println!("client trial: {language}");
        let trial = format!("{}/{CLIENTS}/{language}/run", tree::root().display());
        tally.take(run::show(&mut Command::new(trial)));
    }
    tally.take(fuzz::smoke(FUZZ_SECONDS));
    Ok(tally)
}

/// What cargo's test programs counted; a failure outside of them counts as one more.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Tally {
    passed: u64,
    failed: u64,
}

impl Tally {
    /// Whether all is well.
    pub(crate) fn outcome(&self) -> Outcome {
        if self.failed == 0 && self.passed > 0 { Ok(()) } else { Err(Failure::Told) }
    }

    /// Adds what a line of a test program's output counts, if it is its closing line.
    fn read(&mut self, line: &str) {
        let Some(counts) = line.strip_prefix("test result: ") else { return };
        let count = |what: &str| {
            let before = counts.split_once(what).map_or("", |(before, _)| before.trim_end());
            before.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
        };
        self.passed += count(" passed;");
        self.failed += count(" failed;");
    }

    fn take(&mut self, outcome: Outcome) {
        if let Err(failure) = outcome {
            println!("FAILED: {failure}");
            self.failed += 1;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

fn cargo_tests() -> Outcome<Tally> {
    let mut command = run::command("cargo test --workspace --no-fail-fast");
    // It is installed by now: not to find it is a failure.
    command.env("GRANTD_TEST_POSTGRES_REQUIRED", "1");
    let started = command.stdout(Stdio::piped()).spawn();
    let mut cargo = started.map_err(|error| Failure::broken(format!("cargo test: {error}")))?;
    let mut tally = Tally::default();
    if let Some(output) = cargo.stdout.take() {
        // Bytes, not text: a test may print anything.
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            println!("{line}");
            tally.read(&line);
        }
    }
    let status = cargo.wait().map_err(|error| Failure::broken(format!("cargo test: {error}")))?;
    if !status.success() && tally.failed == 0 {
        tally.take(Err(Failure::broken(format!("cargo test ended with {status}"))));
    }
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_summed() {
        let mut tally = Tally::default();
        for line in [
            "running 3 tests",
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out",
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
        ] {
            tally.read(line);
        }
        assert_eq!(tally.to_string(), "15 passed, 2 failed");
        assert!(tally.outcome().is_err());
    }

    #[test]
    fn a_failure_outside_of_cargo_counts() {
        let mut tally = Tally { passed: 5, failed: 0 };
        tally.take(Ok(()));
        assert!(tally.outcome().is_ok());
        tally.take(Err(Failure::broken("a trial")));
        assert_eq!(tally, Tally { passed: 5, failed: 1 });
    }

    #[test]
    fn nothing_run_is_nothing_proved() {
        assert!(Tally::default().outcome().is_err());
    }
}
