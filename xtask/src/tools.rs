//! The programs that commands need: found, or installed where that is possible.

use crate::{
    failure::{Failure, Outcome},
    run,
};

/// Makes sure of a program that comes with the distribution.
pub(crate) fn need(program: &str, package: &str) -> Outcome {
    if exists(program) { Ok(()) } else { install(program, package) }
}

/// Makes sure of Python's virtual environments, which Debian has in a package of their own.
pub(crate) fn need_venv() -> Outcome {
    let is_there = run::succeeds(run::command("python3 -c").arg("import ensurepip"));
    if is_there { Ok(()) } else { install("Python with venv", "python3-venv") }
}

fn install(program: &str, package: &str) -> Outcome {
    if !exists("apt-get") || !is_root()? {
        let advice = format!("{program} is missing; as root: apt-get install {package}");
        return Err(Failure::broken(advice));
    }
    println!("installing {package}, for {program}");
    apt("update --quiet --quiet")?;
    apt(&format!("install --yes --quiet --quiet --no-install-recommends {package}"))
}

/// Makes sure of a cargo command, in exactly this version.
pub(crate) fn need_cargo(command: &str, version: &str) -> Outcome {
    let asked = run::text(&mut run::command(&format!("cargo {command} --version")));
    if asked.is_ok_and(|answer| answer.split_whitespace().any(|word| word == version)) {
        return Ok(());
    }
    println!("installing cargo-{command} {version}");
    let line = format!("cargo install --quiet --locked cargo-{command} --version {version}");
    run::show(&mut run::command(&line))
}

/// Whether rustup has the toolchain.
pub(crate) fn has_toolchain(name: &str) -> bool {
    run::succeeds(&mut run::command(&format!("rustup run {name} rustc --version")))
}

fn exists(program: &str) -> bool {
    run::succeeds(run::command("sh -c").arg(format!("command -v {program}")))
}

fn is_root() -> Outcome<bool> {
    Ok(run::text(&mut run::command("id -u"))?.trim() == "0")
}

fn apt(words: &str) -> Outcome {
    let mut apt = run::command(&format!("apt-get {words}"));
    run::show(apt.env("DEBIAN_FRONTEND", "noninteractive"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_by_its_name() {
        assert!(exists("sh"));
        assert!(!exists("no-such-program"));
    }
}
