//! The grantd that all languages' trials talk to, in a folder of its own.

use std::{
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
    run, stopwatch, tree,
};

const PATIENCE: Duration = Duration::from_secs(10);
const ALGS: [&str; 4] = ["RS256", "PS256", "ES256", "EdDSA"];
const GRANTS: &str = "--permission view_schools --permission invoices.read --json";
const FOR_USERS: &str = "--grant authorization_code --grant refresh_token";
const PASSWORD: &str = "correct horse battery staple";

/// Brought in from elsewhere: every character that a careless library forgets to escape.
const LEGACY_ID: &str = "legacy/app+1 %7E@x";
const LEGACY_SECRET: &str = r#"kZ8%2B+q/w=:&7 tY#e"9\~x%zz-brought-in-from-elsewhere"#;

/// A running server with its clients; it ends with this value.
pub(super) struct Grantd {
    child: Child,
    pub(super) issuer: String,
    /// Where its database and keys are.
    pub(super) folder: PathBuf,
    pub(super) furniture: Furniture,
}

/// Who is there, as JSON.
pub(super) struct Furniture {
    /// By a name, what `client create --json` told.
    pub(super) clients: String,
    /// Name and password of somebody who may do `view_schools` and nothing else.
    pub(super) user: String,
}

impl Grantd {
    pub(super) fn start(scratch: &Scratch) -> Outcome<Self> {
        let furniture = set_up(scratch)?;
        let port = free_port()?;
        let log = scratch.path.join("grantd.log");
        let output = File::create(&log).map_err(Failure::at(&log))?;
        let errors = output.try_clone().map_err(Failure::at(&log))?;
        let mut serve = grantd(scratch, &format!("serve --listen 127.0.0.1:{port}"))?;
        let started = serve.stdout(output).stderr(errors).spawn();
        let child = started.map_err(Failure::at(Path::new(serve.get_program())))?;
        let issuer = format!("http://127.0.0.1:{port}");
        let mut server = Self { child, issuer, folder: scratch.path.clone(), furniture };
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

/// Makes keys, permissions, a client for every algorithm, two apps that act for users, and a user.
fn set_up(scratch: &Scratch) -> Outcome<Furniture> {
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
    for (name, options) in [
        ("web", "--redirect-uri https://app.example/callback"),
        ("page", "--public --redirect-uri https://page.example/callback"),
    ] {
        let told = tell(&format!("client create --name {name} {options} {FOR_USERS} {GRANTS}"))?;
        clients.push(format!("\"{name}\":{told}"));
    }
    let clients = format!("{{{}}}", clients.join(","));
    Ok(Furniture { clients, user: user(scratch)? })
}

fn user(scratch: &Scratch) -> Outcome<String> {
    let password = scratch.path.join("password");
    fs::write(&password, PASSWORD).map_err(Failure::at(&password))?;
    let mut create = grantd(scratch, "user create --name ada --permission view_schools")?;
    create.args(["--password-stdin", "--json"]);
    create.stdin(File::open(&password).map_err(Failure::at(&password))?);
    run::text(&mut create)?;
    Ok(format!("{{\"name\":\"ada\",\"password\":\"{PASSWORD}\"}}"))
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
pub(super) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    pub(super) fn new() -> Outcome<Self> {
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
