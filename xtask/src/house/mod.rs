//! `cargo xtask house`: the rules of the house that the compiler and clippy do not know.

mod additions;
mod architecture;
mod blank;
mod manifest;
mod migrations;
mod purity;
mod size;
mod source;
mod words;

use crate::{
    failure::{Failure, Outcome},
    options::Options,
    stopwatch, tree,
};

use source::Source;

/// One broken rule at one place.
#[derive(Debug, PartialEq)]
struct Violation {
    path: String,
    line: usize,
    rule: &'static str,
    advice: String,
}

impl Violation {
    fn new(path: &str, line: usize, rule: &'static str, advice: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, rule, advice: advice.into() }
    }
}

/// `cargo xtask house`
pub(crate) fn run(words: &[String]) -> Outcome {
    Options::of(words).end()?;
    inspect()
}

/// Reads the checkout and prints every violation.
pub(crate) fn inspect() -> Outcome {
    let watch = stopwatch::start();
    let sources = sources()?;
    let mut violations = Vec::new();
    for source in &sources {
        violations.extend(words::inspect(source));
        violations.extend(purity::inspect(source));
        violations.extend(size::inspect(source));
    }
    let sizes = size::Spread::of(&sources);
    violations.extend(sizes.inspect());
    violations.extend(manifest::inspect()?);
    violations.extend(architecture::inspect()?);
    violations.extend(migrations::inspect()?);

    for violation in &violations {
        let Violation { path, line, rule, advice } = violation;
        println!("{path}:{line}: {rule}: {advice}");
    }
    let (files, count) = (sources.len(), violations.len());
    let time = watch.elapsed().as_millis();
    println!("house: {files} files, {sizes}, {count} violations, {time} ms");
    if violations.is_empty() { Ok(()) } else { Err(Failure::Told) }
}

fn sources() -> Outcome<Vec<Source>> {
    let mut sources = Vec::new();
    for folder in ["crates", "xtask", "bench", "tests"] {
        for path in tree::files(folder, ".rs")? {
            let text = tree::read(&path)?;
            sources.push(Source::new(&path, &text));
        }
    }
    Ok(sources)
}
