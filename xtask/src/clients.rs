//! `cargo xtask clients`: other languages' client libraries get and verify tokens of a real grantd.

mod server;

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    failure::{Failure, Outcome},
    options::Options,
    run, stopwatch, tree,
};
use server::{Grantd, Scratch};

/// One folder of `tests/clients`.
struct Language {
    name: &'static str,
    /// Succeeds where the language is new enough.
    probe: &'static [&'static str],
    needs: &'static str,
    trial: fn(&Bench) -> Outcome,
}

const LANGUAGES: [Language; 5] = [
    Language {
        name: "python",
        probe: &["python3", "-c", "import ensurepip, sys; sys.exit(sys.version_info < (3, 10))"],
        needs: "Python 3.10 with venv",
        trial: python,
    },
    Language {
        name: "node",
        probe: &["node", "-e", "process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)"],
        needs: "Node 20",
        trial: node,
    },
    Language {
        name: "go",
        probe: &["go", "-C", "tests/clients/go", "list", "-m"],
        needs: "the Go of tests/clients/go/go.mod",
        trial: go,
    },
    Language {
        name: "java",
        probe: &["sh", "-c", "javac --release 17 -version && mvn -version"],
        needs: "a JDK 17 and Maven",
        trial: java,
    },
    // At last: it deletes what it finds.
    Language {
        name: "openapi",
        probe: &["python3", "-c", "import ensurepip, sys; sys.exit(sys.version_info < (3, 10))"],
        needs: "Python 3.10 with venv",
        trial: openapi,
    },
];

/// `cargo xtask clients [--strict] [LANGUAGE]…`: all languages where none is named; one that this
/// machine lacks is skipped, unless strict.
pub(crate) fn run(words: &[String]) -> Outcome {
    let mut options = Options::of(words);
    let strict = options.flag("--strict");
    let chosen = chosen(&options.rest()?)?;
    let (there, missing): (Vec<_>, Vec<_>) = chosen.into_iter().partition(Language::is_there);
    for language in &missing {
        println!("clients: {} SKIPPED, it needs {}", language.name, language.needs);
    }
    if strict && !missing.is_empty() {
        return Err(Failure::Told);
    }
    if there.is_empty() {
        return Ok(());
    }
    run::show(&mut run::command("cargo build --quiet --package grantd"))?;
    let scratch = Scratch::new()?;
    let grantd = Grantd::start(&scratch)?;
    let bench = Bench { folder: tree::target()?.join("clients"), grantd };
    let failed = there.iter().filter(|language| !language.passes(&bench)).count();
    if failed == 0 { Ok(()) } else { Err(Failure::Told) }
}

fn chosen(names: &[String]) -> Outcome<Vec<Language>> {
    let known = LANGUAGES.map(|language| language.name);
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(Failure::usage(format!("no language {unknown}; there are {known:?}")));
    }
    let is_asked = |name: &str| names.is_empty() || names.iter().any(|asked| asked == name);
    Ok(LANGUAGES.into_iter().filter(|language| is_asked(language.name)).collect())
}

impl Language {
    fn is_there(&self) -> bool {
        let mut probe = run::command("env");
        run::succeeds(probe.args(self.probe))
    }

    fn passes(&self, bench: &Bench) -> bool {
        println!("== clients: {}", self.name);
        let watch = stopwatch::start();
        let outcome = (self.trial)(bench);
        let seconds = watch.elapsed().as_secs_f64();
        match &outcome {
            Ok(()) => println!("== clients: {}: {seconds:.1} s", self.name),
            Err(failure) => println!("== clients: {}: FAILED: {failure}", self.name),
        }
        outcome.is_ok()
    }
}

/// Where the trials' dependencies live, and what the trials talk to.
struct Bench {
    folder: PathBuf,
    grantd: Grantd,
}

impl Bench {
    /// A command that knows the server, in the folder of the language's tests.
    fn command(&self, program: impl Into<OsString>, folder: &Path) -> Command {
        let mut command = Command::new(program.into());
        command.current_dir(folder).stdin(Stdio::null());
        command.env("GRANTD_TEST_ISSUER", &self.grantd.issuer);
        command.env("GRANTD_TEST_CLIENTS", &self.grantd.furniture.clients);
        command.env("GRANTD_TEST_USER", &self.grantd.furniture.user);
        command
    }
}

fn tests(language: &str) -> PathBuf {
    tree::root().join("tests/clients").join(language)
}

fn python(bench: &Bench) -> Outcome {
    let (tests, inside) = (tests("python"), venv(bench, "python")?.join("python"));
    let mut pytest = bench.command(&inside, &tests);
    run::show(pytest.args(["-m", "pytest"]).env("PYTHONDONTWRITEBYTECODE", "1"))
}

/// Programs of a virtual environment with what the folder's requirements.txt names.
fn venv(bench: &Bench, name: &str) -> Outcome<PathBuf> {
    let (tests, venv) = (tests(name), bench.folder.join(name));
    let programs = venv.join("bin");
    let inside = programs.join("python");
    if !inside.exists() {
        run::show(bench.command("python3", &tests).args(["-m", "venv"]).arg(&venv))?;
    }
    let install = ["-m", "pip", "install", "--quiet", "--requirement", "requirements.txt"];
    run::show(bench.command(&inside, &tests).args(install))?;
    Ok(programs)
}

/// Schemathesis holds the server against its own OpenAPI document.
fn openapi(bench: &Bench) -> Outcome {
    let programs = venv(bench, "openapi")?;
    let mut schemathesis = bench.command(programs.join("st"), &bench.folder);
    schemathesis.arg("--config-file").arg(tests("openapi").join("schemathesis.toml"));
    schemathesis.args(["run", &format!("{}/openapi.json", bench.grantd.issuer), "--no-color"]);
    schemathesis.args(["--max-examples", "25", "--generation-database", "none", "--seed", "1"]);
    schemathesis.env("SCHEMATHESIS_HOOKS", tests("openapi").join("admin.py"));
    schemathesis.env("GRANTD_TEST_BINARY", tree::target()?.join("debug/grantd"));
    schemathesis.env("GRANTD_TEST_FOLDER", &bench.grantd.folder);
    run::show(schemathesis.env("PYTHONDONTWRITEBYTECODE", "1"))
}

/// Node looks for dependencies beside the importing file, so the tests run as copies.
fn node(bench: &Bench) -> Outcome {
    let copies = bench.folder.join("node");
    if copies.exists() {
        fs::remove_dir_all(&copies).map_err(Failure::at(&copies))?;
    }
    fs::create_dir_all(&copies).map_err(Failure::at(&copies))?;
    for name in tree::list("tests/clients/node")? {
        let from = tests("node").join(&name);
        if from.is_file() {
            fs::copy(&from, copies.join(&name)).map_err(Failure::at(&from))?;
        }
    }
    let mut install = bench.command("npm", &copies);
    install.args(["ci", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"]);
    run::show(install.arg("--cache").arg(bench.folder.join("npm")))?;
    run::show(bench.command("node", &copies).args(["--test", "--test-reporter=spec"]))
}

fn go(bench: &Bench) -> Outcome {
    let mut go = bench.command("go", &tests("go"));
    go.env("GOMODCACHE", bench.folder.join("go/modules"));
    go.env("GOCACHE", bench.folder.join("go/build"));
    // Writable, or `cargo clean` could not remove them.
    run::show(go.args(["test", "-modcacherw", "-mod=readonly", "-count=1", "./..."]))
}

fn java(bench: &Bench) -> Outcome {
    let mut maven = bench.command("mvn", &tests("java"));
    maven.args(["--quiet", "--batch-mode", "-Dstyle.color=never", "-DfailIfNoTests", "test"]);
    for (setting, folder) in [("grantd.target", "build"), ("maven.repo.local", "repository")] {
        let folder = bench.folder.join("java").join(folder);
        maven.arg(format!("-D{setting}={}", folder.display()));
    }
    run::show(&mut maven)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(line: &str) -> Vec<&'static str> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        chosen(&words).unwrap().iter().map(|language| language.name).collect()
    }

    #[test]
    fn all_languages_are_tried_unless_some_are_named() {
        assert_eq!(names(""), ["python", "node", "go", "java", "openapi"]);
        assert_eq!(names("go python"), ["python", "go"]);
    }

    #[test]
    fn a_language_that_is_not_there_is_an_error() {
        assert!(chosen(&["cobol".to_owned()]).is_err());
    }

    #[test]
    fn every_folder_of_trials_is_a_language() {
        let mut known = LANGUAGES.map(|language| language.name);
        known.sort_unstable();
        assert_eq!(tree::folders("tests/clients").unwrap(), known);
    }
}
