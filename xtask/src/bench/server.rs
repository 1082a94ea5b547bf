//! A server under test: started, watched through /proc, and never left behind.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use super::{healthz::Connection, processes};
use crate::{
    failure::{Failure, Outcome},
    stopwatch,
};

const PATIENCE: Duration = Duration::from_mins(1);

/// A running server; it ends with this value.
pub(super) struct Server {
    child: Child,
    pub(super) port: u16,
    /// From the start of the process to its first answer.
    pub(super) started_in: Duration,
}

impl Server {
    /// Starts the command with `--listen` on a free port, and waits for an answer to the path.
    /// Any complete answer counts where the server has no health check of its own.
    pub(super) fn start(command: &mut Command, log: &Path, ready: Ready) -> Outcome<Self> {
        let port = free_port()?;
        Self::start_at(port, command.args(["--listen", &format!("127.0.0.1:{port}")]), log, ready)
    }

    /// The same for a command that knows the port already.
    pub(super) fn start_at(
        port: u16,
        command: &mut Command,
        log: &Path,
        ready: Ready,
    ) -> Outcome<Self> {
        let output = File::create(log).map_err(Failure::at(log))?;
        let errors = output.try_clone().map_err(Failure::at(log))?;
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        let watch = stopwatch::start();
        let child = command.spawn().map_err(Failure::at(Path::new(command.get_program())))?;
        let mut server = Self { child, port, started_in: Duration::ZERO };
        while !server.answers(ready) {
            let ended = server.child.try_wait().is_ok_and(|status| status.is_some());
            if ended || watch.elapsed() > PATIENCE {
                let said = fs::read_to_string(log).unwrap_or_default();
                return Err(Failure::broken(format!("the server does not answer:\n{said}")));
            }
            thread::sleep(Duration::from_millis(1));
        }
        server.started_in = watch.elapsed();
        Ok(server)
    }

    /// Processor seconds, user and system, of all its processes so far.
    pub(super) fn cpu_seconds(&self) -> Outcome<f64> {
        processes::of(self.child.id())?.iter().map(|process| process.cpu_seconds()).sum()
    }

    /// Resident memory of all its processes in megabytes; what they share is counted in each.
    pub(super) fn resident_mb(&self) -> Outcome<f64> {
        processes::of(self.child.id())?.iter().map(|process| process.resident_mb()).sum()
    }

    fn answers(&self, ready: Ready) -> bool {
        let answer = || Connection::open(self.port).and_then(|mut open| open.ask("/healthz"));
        match ready {
            Ready::Listening => TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok(),
            Ready::Healthy => answer().is_ok_and(|status| status == 200),
            Ready::Answering => answer().is_ok(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for process in processes::of(self.child.id()).unwrap_or_default() {
            process.end();
        }
        // It may have ended by itself, and then there is nobody to kill.
        if self.child.kill().is_ok()
            && let Err(error) = self.child.wait()
        {
            eprintln!("server {}: {error}", self.child.id());
        }
    }
}

/// When a server counts as started.
#[derive(Clone, Copy)]
pub(super) enum Ready {
    /// `GET /healthz` is 200.
    Healthy,
    /// It answers at all.
    Answering,
    /// Its port is open.
    Listening,
}

pub(super) fn free_port() -> Outcome<u16> {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|open| open.local_addr());
    free.map(|address| address.port()).map_err(|error| Failure::broken(error.to_string()))
}
