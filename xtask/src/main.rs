//! `cargo xtask`: the house rules, tests, fuzzing, benchmarks and generated documents.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command speaks to a terminal")]

mod bench;
mod browser;
mod check;
mod clients;
mod docs;
mod failure;
mod fuzz;
mod house;
mod options;
mod run;
mod stopwatch;
mod test;
mod tools;
mod tree;

use std::process::ExitCode;

use failure::{Failure, Outcome};

const USAGE: &str = "\
usage: cargo xtask COMMAND

  check                             all that must be green before a change is merged
  house                             the house rules alone (fast)
  test                              sets up what the tests need and runs them all
  browser [FILTER]…                 the console in a real Chromium
  screenshots                       every page of the console as pictures, in target/screenshots
  clients [--strict] [LANGUAGE]…    other languages' client libraries against a running grantd
  docs [--check]                    writes (or compares) the generated documents
  fuzz [--seconds N] [TARGET…]      fuzzes the parsers of outside bytes
  bench token [--alg ALG]… [--seconds N] [--rounds N] [--strict] [--floor-only]
                                    what a token costs, beside the least it can cost
  bench all [NAME]…                 all of these, or so many, and docs/benchmarks.md renewed
  bench peers [--seconds N] [--rounds N]
                                    beside node-oidc-provider, Authlib and django-oauth-toolkit
  bench guard                       what a resource server pays for a token
  bench sizes                       one client to a million: cost, start, memory
  bench nodes                       one node and three on PostgreSQL
  bench revocation [GUARDS] [REVOCATIONS]
                                    how long guards still accept a revoked token
  bench clients [N]                 what a hundred thousand clients cost
  bench console [N]                 what the console's pages cost with a hundred thousand clients
  bench overload [SECONDS]          what a node does with ten times what it can serve
  soak tokens [N]                   that a million tokens leave the database as it was";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Told) => ExitCode::FAILURE,
        Err(Failure::Broken(reason)) => {
            eprintln!("xtask: {reason}");
            ExitCode::FAILURE
        }
        Err(Failure::Usage(reason)) => {
            eprintln!("xtask: {reason}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn dispatch(words: &[String]) -> Outcome {
    let Some((command, rest)) = words.split_first() else {
        return Err(Failure::usage("which command?"));
    };
    match command.as_str() {
        "check" => check::run(rest),
        "house" => house::run(rest),
        "test" => test::run(rest),
        "browser" => browser::run(rest),
        "screenshots" => browser::screenshots(rest),
        "clients" => clients::run(rest),
        "docs" => docs::run(rest),
        "fuzz" => fuzz::run(rest),
        "bench" => bench::run(rest),
        "soak" => bench::soak(rest),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(())
        }
        other => Err(Failure::usage(format!("there is no command {other}"))),
    }
}
