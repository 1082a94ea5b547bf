//! Documents that programs write, so that they cannot drift from the code.

use std::fs;

use crate::{
    failure::{Failure, Outcome},
    options::Options,
    run, tree,
};

/// Each document and the command that prints it.
const GENERATED: &[(&str, &str)] =
    &[("docs/refusals.md", "cargo run --quiet --package grantd-core --example refusals")];

/// `cargo xtask docs [--check]`
pub(crate) fn run(words: &[String]) -> Outcome {
    let mut options = Options::of(words);
    let check = options.flag("--check");
    options.end()?;
    if check { compare() } else { write() }
}

/// Fails if a document is not what its generator prints now.
pub(crate) fn compare() -> Outcome {
    for (path, generator) in GENERATED {
        let fresh = run::text(&mut run::command(generator))?;
        if tree::read(path).unwrap_or_default() != fresh {
            let advice = format!("{path} is stale: run `cargo xtask docs` and commit the result");
            return Err(Failure::broken(advice));
        }
    }
    Ok(())
}

fn write() -> Outcome {
    for (path, generator) in GENERATED {
        let fresh = run::text(&mut run::command(generator))?;
        let full = tree::root().join(path);
        fs::write(&full, fresh).map_err(Failure::at(&full))?;
        println!("{path}: written");
    }
    Ok(())
}
