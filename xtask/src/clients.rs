//! `cargo xtask clients`: other languages' client libraries get and verify tokens of a real grantd.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder, File},
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use crate::{
    failure::{Failure, Outcome},
    options::Options,
    run, stopwatch, tree,
};

const PATIENCE: Duration = Duration::from_secs(10);
const ALGS: [&str; 4] = ["RS256", "PS256", "ES256", "EdDSA"];
const GRANTS: &str = "--permission view_schools --permission invoices.read --json";

/// Brought in from elsewhere: every character that a careless library forgets to escape.
const LEGACY_ID: &str = "legacy/app+1 %7E@x";
const LEGACY_SECRET: &str = r#"kZ8%2B+q/w=:&7 tY#e"9\~x%zz-brought-in-from-elsewhere"#;

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
        command.env("GRANTD_TEST_CLIENTS", &self.grantd.clients);
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

/// A running server with its clients; it ends with this value.
struct Grantd {
    child: Child,
    issuer: String,
    /// Where its database and keys are.
    folder: PathBuf,
    /// A JSON object: a name, and what `client create --json` told.
    clients: String,
}

impl Grantd {
    fn start(scratch: &Scratch) -> Outcome<Self> {
        let clients = set_up(scratch)?;
        let port = free_port()?;
        let log = scratch.path.join("grantd.log");
        let output = File::create(&log).map_err(Failure::at(&log))?;
        let errors = output.try_clone().map_err(Failure::at(&log))?;
        let mut serve = grantd(scratch, &format!("serve --listen 127.0.0.1:{port}"))?;
        let started = serve.stdout(output).stderr(errors).spawn();
        let child = started.map_err(Failure::at(Path::new(serve.get_program())))?;
        let issuer = format!("http://127.0.0.1:{port}");
        let mut server = Self { child, issuer, folder: scratch.path.clone(), clients };
        let watch = stopwatch::start();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            let ended = server.child.try_wait().is_ok_and(|status| status.is_some());
            if ended || watch.elapsed() > PATIENCE {
                let said = fs::read_to_string(&log).unwrap_or_default();
                return Err(Failure::broken(format!("grantd does not answer:\n{said}")));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(server)
    }
}

impl Drop for Grantd {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nobody to kill.
        if self.child.kill().is_ok()
            && let Err(error) = self.child.wait()
        {
            eprintln!("grantd {}: {error}", self.child.id());
        }
    }
}

/// Makes keys, permissions and a client for every algorithm; answers the clients.
fn set_up(scratch: &Scratch) -> Outcome<String> {
    let tell = |words: &str| run::text(&mut grantd(scratch, words)?);
    tell(&format!("keys generate --alg {}", ALGS.join(" --alg ")))?;
    tell("permission create view_schools")?;
    tell("permission create invoices.read")?;
    let mut clients = Vec::new();
    for alg in ALGS {
        let told = tell(&format!("client create --name {alg} --signing-alg {alg} {GRANTS}"))?;
        clients.push(format!("\"{alg}\":{told}"));
    }
    clients.push(format!("\"legacy\":{}", legacy(scratch)?));
    tell("permission create manage_system")?;
    let admin = tell("client create --name admin --permission manage_system --json")?;
    clients.push(format!("\"admin\":{admin}"));
    Ok(format!("{{{}}}", clients.join(",")))
}

fn legacy(scratch: &Scratch) -> Outcome<String> {
    let secret = scratch.path.join("secret");
    fs::write(&secret, LEGACY_SECRET).map_err(Failure::at(&secret))?;
    let mut create = grantd(scratch, &format!("client create --name legacy {GRANTS}"))?;
    create.args(["--secret-stdin", "--id", LEGACY_ID]);
    create.stdin(File::open(&secret).map_err(Failure::at(&secret))?);
    let told = run::text(&mut create)?;
    // A secret that was brought in is not told back.
    let secret = LEGACY_SECRET.replace('\\', "\\\\").replace('"', "\\\"");
    let open = told.trim_end().trim_end_matches('}');
    Ok(format!("{open}, \"client_secret\": \"{secret}\"}}"))
}

fn grantd(scratch: &Scratch, words: &str) -> Outcome<Command> {
    let mut command = Command::new(tree::target()?.join("debug/grantd"));
    // Nothing from outside: a GRANTD_… of the caller's would try another server.
    command.current_dir(&scratch.path).env_clear().stdin(Stdio::null());
    command.args(words.split_whitespace());
    Ok(command)
}

fn free_port() -> Outcome<u16> {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|open| open.local_addr());
    free.map(|address| address.port()).map_err(|error| Failure::broken(error.to_string()))
}

/// A folder for one run, gone afterwards; only its owner may look into it, for it holds keys.
struct Scratch {
    path: PathBuf,
}

impl Scratch {
    fn new() -> Outcome<Self> {
        let path = std::env::temp_dir().join(format!("grantd-clients-{}", std::process::id()));
        DirBuilder::new().mode(0o700).create(&path).map_err(Failure::at(&path))?;
        Ok(Self { path })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            eprintln!("{}: {error}", self.path.display());
        }
    }
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
