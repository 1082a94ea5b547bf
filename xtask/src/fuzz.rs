//! `cargo xtask fuzz`: libFuzzer on every parser of outside bytes, on the nightly compiler.

use crate::{
    failure::{Failure, Outcome},
    options::Options,
    run, tools, tree,
};

const CARGO_FUZZ: &str = "0.13.2";
const NIGHTLY: &str = "nightly";
const USUAL_SECONDS: u64 = 60;

/// `cargo xtask fuzz [--seconds N] [TARGET…]`: all targets where none is named.
pub(crate) fn run(words: &[String]) -> Outcome {
    let mut options = Options::of(words);
    let seconds = options.value("--seconds", USUAL_SECONDS)?;
    let named = options.rest()?;
    if !tools::has_toolchain(NIGHTLY) {
        let advice = "fuzzing needs the nightly compiler: rustup toolchain install nightly";
        return Err(Failure::broken(advice));
    }
    fuzz(&chosen(targets()?, named)?, seconds)
}

/// A short run of every target, for the tests; a machine without nightly goes without.
pub(crate) fn smoke(seconds: u64) -> Outcome {
    if !tools::has_toolchain(NIGHTLY) {
        println!("fuzz: SKIPPED, no nightly compiler (rustup toolchain install nightly)");
        return Ok(());
    }
    fuzz(&chosen(targets()?, Vec::new())?, seconds)
}

fn fuzz(targets: &[String], seconds: u64) -> Outcome {
    // libFuzzer is C++.
    tools::need("g++", "g++")?;
    tools::need_cargo("fuzz", CARGO_FUZZ)?;
    for target in targets {
        println!("fuzz: {target}, {seconds} s");
        run::show(&mut run::command(&line(target, seconds)))?;
    }
    Ok(())
}

fn line(target: &str, seconds: u64) -> String {
    format!(
        "rustup run {NIGHTLY} cargo fuzz run --fuzz-dir fuzz --target-dir fuzz/target {target} \
         -- -max_total_time={seconds} -timeout=10 -verbosity=0 -print_final_stats=1"
    )
}

fn targets() -> Outcome<Vec<String>> {
    let files = tree::list("fuzz/fuzz_targets")?;
    Ok(files.iter().filter_map(|name| name.strip_suffix(".rs").map(str::to_owned)).collect())
}

fn chosen(targets: Vec<String>, named: Vec<String>) -> Outcome<Vec<String>> {
    if targets.is_empty() {
        return Err(Failure::broken("there is no fuzz target in fuzz/fuzz_targets"));
    }
    if let Some(unknown) = named.iter().find(|name| !targets.contains(name)) {
        let known = targets.join(", ");
        return Err(Failure::usage(format!("no fuzz target {unknown}; there are: {known}")));
    }
    Ok(if named.is_empty() { targets } else { named })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn all_targets_run_unless_some_are_named() {
        assert_eq!(chosen(names("form json"), names("")).unwrap(), ["form", "json"]);
        assert_eq!(chosen(names("form json"), names("json")).unwrap(), ["json"]);
    }

    #[test]
    fn a_target_that_is_not_there_is_an_error() {
        assert!(chosen(names("form"), names("jason")).is_err());
        assert!(chosen(names(""), names("")).is_err());
    }
}
