//! The peers: their pinned versions, installed into the build folder, and how each is started.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    bench::{
        OPAQUE,
        scratch::Scratch,
        server::{Ready, Server, free_port},
    },
    failure::{Failure, Outcome},
    run, tools, tree,
};

/// The secret of the client `bench`, as long as grantd's.
pub(super) const SECRET: &str = "0123456789abcdefghijABCDEFGHIJ0123456789abcdefghijABCD";

/// What others run.
pub(super) struct Peer {
    pub(super) name: &'static str,
    folder: &'static str,
    runtime: Runtime,
    pub(super) token_path: &'static str,
    pub(super) tasks: &'static [&'static str],
    pub(super) connections: u32,
}

#[derive(Clone, Copy, PartialEq)]
enum Runtime {
    Node,
    Gunicorn,
}

pub(super) const PEERS: [Peer; 3] = [
    Peer {
        name: "node-oidc-provider",
        folder: "oidc-provider",
        runtime: Runtime::Node,
        token_path: "/token",
        tasks: &["RS256", "ES256", OPAQUE, super::INTROSPECTION],
        connections: 32,
    },
    Peer {
        name: "Authlib",
        folder: "authlib",
        runtime: Runtime::Gunicorn,
        token_path: "/token",
        tasks: &["RS256", "ES256", OPAQUE],
        connections: 32,
    },
    Peer {
        name: "django-oauth-toolkit",
        folder: "django-oauth-toolkit",
        runtime: Runtime::Gunicorn,
        token_path: "/o/token/",
        tasks: &[OPAQUE],
        // A password's hash for each token: more would wait beyond the end.
        connections: 2,
    },
];

impl Peer {
    /// Its own files, and what it needs from the registry.
    pub(super) fn install(&self) -> Outcome {
        let (from, to) = (tree::root().join("xtask/peers").join(self.folder), self.place()?);
        fs::create_dir_all(&to).map_err(Failure::at(&to))?;
        for entry in fs::read_dir(&from).map_err(Failure::at(&from))?.flatten() {
            let file = entry.path();
            if file.is_file() {
                fs::copy(&file, to.join(entry.file_name())).map_err(Failure::at(&file))?;
            }
        }
        match self.runtime {
            Runtime::Node => {
                let line = "npm install --silent --no-audit --no-fund --no-package-lock";
                run::show(run::command(line).current_dir(&to))
            }
            Runtime::Gunicorn => {
                tools::need_venv()?;
                run::show(run::command("python3 -m venv venv").current_dir(&to))?;
                let line = "venv/bin/pip install --quiet --requirement requirements.txt";
                run::show(run::command(line).current_dir(&to))
            }
        }
    }

    /// A fresh one for tokens of this kind.
    pub(super) fn start(&self, kind: &str, scratch: &Scratch) -> Outcome<Server> {
        let (port, place) = (free_port()?, self.place()?);
        let data = scratch.path().join(format!("{}-{kind}-{port}", self.folder));
        fs::create_dir(&data).map_err(Failure::at(&data))?;
        let mut command = match self.runtime {
            Runtime::Node => {
                let mut command = Command::new("node");
                command.arg(place.join("server.mjs")).args([&port.to_string(), kind]);
                command
            }
            Runtime::Gunicorn => gunicorn(&place, port),
        };
        command.current_dir(&data).env("NODE_ENV", "production");
        command.env("BENCH_SECRET", SECRET).env("BENCH_ALG", kind);
        Server::start_at(port, &mut command, &data.join("log"), Ready::Listening)
    }

    fn place(&self) -> Outcome<PathBuf> {
        Ok(tree::target()?.join("peers").join(self.folder))
    }
}

fn gunicorn(place: &Path, port: u16) -> Command {
    let mut command = Command::new(place.join("venv/bin/gunicorn"));
    command.args(["--preload", "--workers", "2", "--bind", &format!("127.0.0.1:{port}")]);
    command.arg("--pythonpath").arg(place).arg("server:app");
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command
}
