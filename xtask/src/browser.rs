//! `cargo xtask browser` and `cargo xtask screenshots`: the console in a real Chromium.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    failure::{Failure, Outcome},
    options::Options,
    run, tools, tree,
};

/// Where the tests are, and what they need of npm.
const FOLDER: &str = "tests/browser";
const PACKAGES: [&str; 2] = ["package.json", "package-lock.json"];

/// Programs that the tests run, and the Debian package of each.
const TOOLS: [(&str, &str); 4] = [
    ("chromium", "chromium"),
    ("chromedriver", "chromium-driver"),
    ("curl", "curl"),
    ("npm", "npm"),
];

/// `cargo xtask browser [FILTER]…`
pub(crate) fn run(words: &[String]) -> Outcome {
    let filters = Options::of(words).rest()?;
    set_up()?;
    run::show(&mut run::command("cargo build --quiet --package grantd"))?;
    run::show(run::command("cargo test --package grantd-browser-tests --").args(filters))
}

/// `cargo xtask screenshots`
pub(crate) fn screenshots(words: &[String]) -> Outcome {
    Options::of(words).end()?;
    set_up()?;
    run::show(&mut run::command("cargo build --quiet --package grantd"))?;
    let folder = tree::target()?.join("screenshots");
    let mut pictures = run::command("cargo run --quiet --package grantd-browser-tests");
    run::show(pictures.args(["--bin", "screenshots", "--"]).arg(folder))
}

/// A browser, its driver, and axe-core in the build folder.
pub(crate) fn set_up() -> Outcome {
    for (program, package) in TOOLS {
        tools::need(program, package)?;
    }
    let folder = tree::target()?.join("browser");
    let is_there = folder.join("node_modules/axe-core/axe.min.js").exists();
    if is_there && PACKAGES.iter().all(|name| is_copied(&folder, name)) {
        return Ok(());
    }
    fs::create_dir_all(&folder).map_err(Failure::at(&folder))?;
    for name in PACKAGES {
        let from = tree::root().join(FOLDER).join(name);
        fs::copy(&from, folder.join(name)).map_err(Failure::at(&from))?;
    }
    let mut install = run::command("npm ci --no-audit --no-fund --loglevel=error --prefer-offline");
    run::show(install.current_dir(&folder))
}

fn is_copied(folder: &Path, name: &str) -> bool {
    let read = |path: PathBuf| fs::read(path).ok();
    read(folder.join(name)) == read(tree::root().join(FOLDER).join(name))
}
