//! `cargo xtask bench all [NAME…]`: runs the benchmarks and puts what they print into docs/benchmarks.md.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use crate::{
    failure::{Failure, Outcome},
    run, tree,
};

const DOCUMENT: &str = "docs/benchmarks.md";
/// The commands, in the order of the document.
pub(super) const NAMES: [&str; 9] =
    ["token", "peers", "guard", "sizes", "nodes", "revocation", "overload", "clients", "console"];
/// What the machine and its programs are, each said by a command.
const MACHINE: [(&str, &str); 9] = [
    ("processor", "lscpu | sed -n 's/^Model name: *//p'"),
    ("processors", "nproc"),
    ("memory", "sed -n 's/^MemTotal: *//p' /proc/meminfo"),
    ("system", ". /etc/os-release; echo \"$PRETTY_NAME, Linux $(uname -r | cut -d- -f1)\""),
    ("grantd", GRANTD),
    ("rustc", "rustc --version"),
    ("wrk", "wrk -v 2>&1 | sed -n 's/^wrk \\([^ ]*\\).*/\\1/p'"),
    ("node", "node --version"),
    ("python", "python3 --version"),
];

/// The commit. This document, which is being written, does not count as a change.
const GRANTD: &str = "git diff --quiet HEAD -- . ':!docs' || changed=', changed'; echo $(git rev-parse --short=12 HEAD)$changed";

/// Whether `bench/promises` measures it.
pub(super) fn is_promise(name: &str) -> bool {
    NAMES.contains(&name) && !matches!(name, "token" | "peers")
}

/// Runs those that are named, or all, and renews their figures.
pub(super) fn renew(names: &[String]) -> Outcome {
    if let Some(unknown) = names.iter().find(|name| !NAMES.contains(&name.as_str())) {
        return Err(Failure::usage(format!("no benchmark {unknown}; there are {NAMES:?}")));
    }
    let mut missed = Vec::new();
    for name in NAMES.iter().filter(|name| names.is_empty() || names.iter().any(|n| n == *name)) {
        println!("== bench {name}");
        let (figures, kept) = figures(name)?;
        if !kept {
            missed.push(*name);
        }
        replace(name, &figures)?;
    }
    replace("machine", &machine()?)?;
    if missed.is_empty() {
        return Ok(());
    }
    Err(Failure::broken(format!("over a limit: {}; see {DOCUMENT}", missed.join(", "))))
}

/// What a benchmark prints, shown on the way, and whether it kept to its limits.
fn figures(name: &str) -> Outcome<(String, bool)> {
    let this = std::env::current_exe().map_err(|error| Failure::broken(error.to_string()))?;
    let more =
        if name == "token" { &["--strict", "--seconds", "1", "--rounds", "21"][..] } else { &[] };
    let mut command = Command::new(this);
    command.args(["bench", name]).args(more).current_dir(tree::root());
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| Failure::broken(error.to_string()))?;
    let mut figures = String::new();
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            println!("{line}");
            figures.push_str(line.trim_end());
            figures.push('\n');
        }
    }
    let status = child.wait().map_err(|error| Failure::broken(error.to_string()))?;
    Ok((figures, status.success()))
}

fn machine() -> Outcome<String> {
    let mut lines = String::new();
    for (what, line) in MACHINE {
        let said = run::text(run::command("sh -c").arg(line))?;
        lines.extend([what, ": ", said.trim(), "\n"]);
    }
    Ok(lines)
}

/// Puts a text into the block behind the mark of this name.
fn replace(name: &str, text: &str) -> Outcome {
    let document = tree::read(DOCUMENT)?;
    let renewed = with_block(&document, name, text)
        .ok_or_else(|| Failure::broken(format!("{DOCUMENT} has no block for {name}")))?;
    let path = tree::root().join(DOCUMENT);
    fs::write(&path, renewed).map_err(Failure::at(&path))
}

/// The document with this text in the block behind `<!-- NAME -->`.
fn with_block(document: &str, name: &str, text: &str) -> Option<String> {
    let mark = format!("<!-- {name} -->\n```text\n");
    let (before, rest) = document.split_once(&mark)?;
    let (_, after) = rest.split_once("```\n")?;
    Some(format!("{before}{mark}{text}```\n{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_block_is_renewed() {
        let document = "a\n<!-- x -->\n```text\nold\n```\nb\n<!-- y -->\n```text\n```\n";
        let renewed = with_block(document, "x", "new\n").unwrap();
        assert_eq!(renewed, document.replace("old", "new"));
        assert_eq!(with_block(document, "z", ""), None);
    }

    #[test]
    fn the_document_has_a_block_for_each() {
        let document = tree::read(DOCUMENT).unwrap();
        for name in NAMES.iter().chain(&["machine"]) {
            assert!(with_block(&document, name, "").is_some(), "{name}");
        }
    }
}
