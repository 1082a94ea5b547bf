//! `cargo xtask browser` and `cargo xtask screenshots`: the console in a real Chromium.

use std::{fs, path::Path};

use crate::{
    failure::{Failure, Outcome},
    options::Options,
    run, tools, tree,
};

/// Where the tests are, and what they need of npm.
const FOLDER: &str = "tests/browser";
const PACKAGES: [&str; 2] = ["package.json", "package-lock.json"];

/// What the web program among the apps needs of PyPI.
const REQUIREMENTS: &str = "apps/web/requirements.txt";

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

/// A browser, its driver, axe-core, and what the apps are made with, in the build folder.
pub(crate) fn set_up() -> Outcome {
    for (program, package) in TOOLS {
        tools::need(program, package)?;
    }
    let folder = tree::target()?.join("browser");
    fs::create_dir_all(&folder).map_err(Failure::at(&folder))?;
    npm_packages(&folder)?;
    python_packages(&folder)
}

fn npm_packages(folder: &Path) -> Outcome {
    let is_there = folder.join("node_modules/axe-core/axe.min.js").exists();
    if is_there && PACKAGES.iter().all(|name| is_copied(name, &folder.join(name))) {
        return Ok(());
    }
    for name in PACKAGES {
        copy(name, &folder.join(name))?;
    }
    let mut install = run::command("npm ci --no-audit --no-fund --loglevel=error --prefer-offline");
    run::show(install.current_dir(folder))
}

/// A virtual environment with Flask and Authlib, made anew when the list changes.
fn python_packages(folder: &Path) -> Outcome {
    let (venv, list) = (folder.join("python"), folder.join("python/requirements.txt"));
    if is_copied(REQUIREMENTS, &list) {
        return Ok(());
    }
    tools::need_venv()?;
    run::show(run::command("python3 -m venv --clear").arg(&venv))?;
    let mut install = run::command("env");
    install.arg(venv.join("bin/python")).args(["-m", "pip", "install", "--quiet", "--requirement"]);
    run::show(install.arg(tree::root().join(FOLDER).join(REQUIREMENTS)))?;
    // At last: without it all of this is done again.
    copy(REQUIREMENTS, &list)
}

fn copy(name: &str, to: &Path) -> Outcome {
    let from = tree::root().join(FOLDER).join(name);
    fs::copy(&from, to).map(drop).map_err(Failure::at(&from))
}

fn is_copied(name: &str, to: &Path) -> bool {
    let read = |path: &Path| fs::read(path).ok();
    read(to).is_some_and(|copy| Some(copy) == read(&tree::root().join(FOLDER).join(name)))
}
