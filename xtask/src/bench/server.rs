//! A server under test: started, watched through /proc, and never left behind.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use super::healthz::Connection;
use crate::{
    failure::{Failure, Outcome},
    stopwatch,
};

/// Linux counts processor time in hundredths of a second on every machine that we build for.
const TICKS_PER_SECOND: f64 = 100.0;
const PATIENCE: Duration = Duration::from_secs(10);

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
        let output = File::create(log).map_err(Failure::at(log))?;
        let errors = output.try_clone().map_err(Failure::at(log))?;
        command.args(["--listen", &format!("127.0.0.1:{port}")]);
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

    /// Processor seconds, user and system, of all threads so far.
    pub(super) fn cpu_seconds(&self) -> Outcome<f64> {
        let path = self.proc("stat");
        let text = fs::read_to_string(&path).map_err(Failure::at(&path))?;
        ticks(&text)
            .map(|ticks| ticks / TICKS_PER_SECOND)
            .ok_or_else(|| Failure::broken(format!("{} reads otherwise", path.display())))
    }

    /// Resident memory in megabytes.
    pub(super) fn resident_mb(&self) -> Outcome<f64> {
        let path = self.proc("status");
        let text = fs::read_to_string(&path).map_err(Failure::at(&path))?;
        resident_kb(&text)
            .map(|kb| kb / 1024.0)
            .ok_or_else(|| Failure::broken(format!("{} reads otherwise", path.display())))
    }

    fn answers(&self, ready: Ready) -> bool {
        let answer = Connection::open(self.port).and_then(|mut open| open.ask("/healthz"));
        match ready {
            Ready::Healthy => answer.is_ok_and(|status| status == 200),
            Ready::Answering => answer.is_ok(),
        }
    }

    fn proc(&self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.child.id()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
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
}

fn free_port() -> Outcome<u16> {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|open| open.local_addr());
    free.map(|address| address.port()).map_err(|error| Failure::broken(error.to_string()))
}

/// Fields 14 and 15, counted after the name in brackets, which may hold blanks.
fn ticks(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

fn resident_kb(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_user_and_system() {
        let stat = "12 (a (b) c) S 1 12 12 0 -1 4194304 200 0 0 0 150 25 0 0 20 0 3 0 100 1 2";
        assert_eq!(ticks(stat), Some(175.0));
        assert_eq!(ticks("12 (a) S"), None);
    }

    #[test]
    fn resident_memory_is_read_in_kilobytes() {
        assert_eq!(resident_kb("Name:\ta\nVmRSS:\t   11264 kB\n"), Some(11264.0));
        assert_eq!(resident_kb("Name:\ta\n"), None);
    }
}
