//! A server as a process: made, started, stopped, frozen, followed by a standby.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use super::{as_server, certify, is_root, programs, run, version};

/// How a server ends.
#[derive(Clone, Copy, Debug)]
pub enum Stop {
    /// It ends its connections and writes all there is to write.
    Orderly,
    /// It ends at once, as if its machine had lost power.
    PowerCut,
}

impl Stop {
    const fn mode(self) -> &'static str {
        match self {
            Self::Orderly => "fast",
            Self::PowerCut => "immediate",
        }
    }
}

/// A server with a folder and a port of its own.
pub struct Server {
    pub(super) programs: PathBuf,
    pub(super) folder: PathBuf,
    pub(super) port: u16,
    settings: String,
    _reaper: Child,
}

impl Server {
    /// A running server whose commits are quick and would not outlive a power cut.
    pub(super) fn shared() -> Option<Self> {
        let mut server = Self::make(programs()?);
        server.initialize();
        certify(&server.folder);
        let folder = server.folder.display().to_string();
        server.settings = format!(
            "-c ssl=on -c ssl_cert_file={folder}/server.crt -c ssl_key_file={folder}/server.key \
             -c synchronous_commit=off"
        );
        server.start();
        Some(server)
    }

    /// A running server with an empty database `grantd`, for a test that ends it.
    pub(super) fn own() -> Option<Self> {
        let server = Self::make(programs()?);
        server.initialize();
        server.start();
        server.psql("postgres", "CREATE DATABASE grantd");
        Some(server)
    }

    /// Another server that follows this one, whose commits then wait for it.
    #[must_use]
    pub fn standby(&self) -> Self {
        let standby = Self::make(self.programs.clone());
        let mut copy = as_server(&self.programs.join("pg_basebackup"));
        copy.args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync", "--host=127.0.0.1"]);
        copy.args(["--username=grantd", "--port", &self.port.to_string(), "--pgdata"]);
        run(copy.arg(standby.data()));
        standby.start();
        let connected = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'";
        while self.psql("postgres", connected).trim() != "1" {
            thread::sleep(Duration::from_millis(20));
        }
        self.psql("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'");
        self.psql("postgres", "SELECT pg_reload_conf()");
        while self.psql("postgres", "SHOW synchronous_standby_names").trim() != "*" {
            thread::sleep(Duration::from_millis(20));
        }
        standby
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of the database `grantd` on it.
    pub fn url(&self) -> String {
        format!("postgres://grantd@127.0.0.1:{}/grantd", self.port)
    }

    /// Starts it, and waits until it takes connections.
    pub fn start(&self) {
        let settings = format!(
            "-c listen_addresses=127.0.0.1 -c port={} -c unix_socket_directories={} \
             -c max_connections=400 -c fsync=off -c full_page_writes=off -c shared_buffers=32MB {}",
            self.port,
            self.folder.display(),
            self.settings
        );
        run(self
            .pg_ctl("start")
            .args(["--silent", "--options", &settings, "--log"])
            .arg(self.folder.join("log")));
    }

    /// Ends it.
    pub fn stop(&self, how: Stop) {
        run(self.pg_ctl("stop").args(["--silent", "--mode", how.mode()]));
    }

    /// Makes a standby the primary.
    pub fn promote(&self) {
        run(self.pg_ctl("promote").arg("--silent"));
    }

    /// Keeps it from doing anything, without an end of any connection.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal("CONT");
    }

    /// Runs a statement in the database `grantd`, and gives what it says.
    pub fn sql(&self, statement: &str) -> String {
        self.psql("grantd", statement)
    }

    fn make(programs: PathBuf) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder").keep();
        // The socket in it is for whoever runs the tests; the data inside is the server's own.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("permissions");
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(&folder));
        }
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = port.expect("a free port").port();
        let reaper = reaper(&folder);
        Self { programs, folder, port, settings: String::new(), _reaper: reaper }
    }

    fn initialize(&self) {
        let mut initdb = as_server(&self.programs.join("initdb"));
        initdb.args(["--username=grantd", "--auth=trust", "--no-sync", "--encoding=UTF8"]);
        initdb.args(["--locale=C.UTF-8", "--pgdata"]).arg(self.data());
        if version(&self.programs) >= Some(15) {
            // Not the order of bytes: the store must not rely on it.
            initdb.args(["--locale-provider=icu", "--icu-locale=en-US"]);
        }
        run(&mut initdb);
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn pg_ctl(&self, what: &str) -> Command {
        let mut pg_ctl = as_server(&self.programs.join("pg_ctl"));
        pg_ctl.args([what, "--wait", "--pgdata"]).arg(self.data());
        pg_ctl
    }

    fn signal(&self, signal: &str) {
        let Ok(file) = fs::read_to_string(self.data().join("postmaster.pid")) else { return };
        let Some(first) = file.lines().next() else { return };
        let mut pids = vec![first.to_owned()];
        let children = run(Command::new("ps").args(["-o", "pid=", "--ppid", first]));
        pids.extend(children.split_ascii_whitespace().map(ToOwned::to_owned));
        // One that has just ended makes no difference.
        let _ = Command::new("kill").arg(format!("-{signal}")).args(&pids).output();
    }

    pub(super) fn psql(&self, database: &str, statement: &str) -> String {
        run(&mut self.psql_command(database, statement))
    }

    pub(super) fn psql_command(&self, database: &str, statement: &str) -> Command {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args([
            "--no-psqlrc",
            "--quiet",
            "--tuples-only",
            "--no-align",
            "-v",
            "ON_ERROR_STOP=1",
        ]);
        psql.args(["--username=grantd", "--dbname", database, "--port", &self.port.to_string()]);
        psql.arg("--host").arg(&self.folder).args(["--command", statement]);
        psql
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.thaw();
        // The reaper takes what is left: it ends when its standard input does.
        let _ = self.pg_ctl("stop").args(["--silent", "--mode=immediate"]).output();
    }
}

/// Ends the server when this program is gone: nobody drops a static.
fn reaper(folder: &Path) -> Child {
    let script = "cat >/dev/null; p=$(head -n 1 \"$0/data/postmaster.pid\" 2>/dev/null) && \
                  { kill -QUIT \"$p\"; kill -CONT \"$p\"; }; rm -rf \"$0\"";
    let mut reaper = Command::new("sh");
    reaper.args(["-c", script]).arg(folder).stdin(Stdio::piped()).stdout(Stdio::null());
    reaper.spawn().expect("a shell")
}
