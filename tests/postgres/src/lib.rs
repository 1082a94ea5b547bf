//! A PostgreSQL of a test program's own: started at the first use, ended with the program, however it ends.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a server that does not start is the verdict of a test"
)]

mod server;

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
};

pub use server::{Server, Stop};

/// Where Debian puts the programs of each version.
const VERSIONS: &str = "/usr/lib/postgresql";
/// Set where tests must not be skipped.
const REQUIRED: &str = "GRANTD_TEST_POSTGRES_REQUIRED";

static SERVER: LazyLock<Option<Server>> =
    LazyLock::new(|| is_there().then(Server::shared).flatten());
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// A database of a test's own, empty; `None`, with a loud line, where no PostgreSQL is installed.
pub fn database() -> Option<Database> {
    let server = SERVER.as_ref()?;
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    server.psql("postgres", &format!("CREATE DATABASE {name}"));
    Some(Database { server, name })
}

/// A server of a test's own, with an empty database `grantd`, which it may stop and start; `None`, with
/// a loud line, where no PostgreSQL is installed.
pub fn server() -> Option<Server> {
    is_there().then(Server::own).flatten()
}

/// A database on the server of this program.
pub struct Database {
    server: &'static Server,
    name: String,
}

impl Database {
    /// What it is called on the server.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address, over a Unix socket.
    pub fn url(&self) -> String {
        let folder = self.server.folder.display().to_string().replace('/', "%2F");
        format!("postgres://grantd@{folder}:{}/{}", self.server.port, self.name)
    }

    /// Its address, over TCP.
    pub fn tcp_url(&self) -> String {
        format!("postgres://grantd@127.0.0.1:{}/{}", self.server.port, self.name)
    }

    /// The certificate of the authority that vouches for the server under the name `localhost`.
    pub fn authority(&self) -> PathBuf {
        self.server.folder.join("ca.crt")
    }

    /// Runs a statement as the database's owner, and gives what it says.
    pub fn sql(&self, statement: &str) -> String {
        self.server.psql(&self.name, statement)
    }

    /// Starts a statement and does not wait for it: a session of somebody else's.
    pub fn start_sql(&self, statement: &str) -> Child {
        let mut psql = self.server.psql_command(&self.name, statement);
        psql.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("psql")
    }

    /// Ends all connections to it, as a restart of the server would.
    pub fn cut_connections(&self) {
        let ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname =";
        self.server.psql("postgres", &format!("{ended} '{}'", self.name));
    }
}

/// Whether there is a PostgreSQL to start; where tests must not be skipped there is.
fn is_there() -> bool {
    let is_there = programs().is_some();
    if !is_there {
        let advice = "PostgreSQL is not installed: apt-get install postgresql";
        assert!(std::env::var_os(REQUIRED).is_none(), "{advice}");
        // Past the test program, which keeps to itself what a test that passes says.
        let _ = writeln!(std::io::stderr(), "\nSKIPPED: {advice}\n");
    }
    is_there
}

/// The programs of the newest version there is.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir(VERSIONS).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    let programs = versions.map(|version| version.join("bin"));
    programs.filter(|programs| programs.join("initdb").exists()).max_by_key(|found| version(found))
}

/// Which version these are the programs of.
fn version(programs: &Path) -> Option<u32> {
    programs.parent()?.file_name()?.to_str()?.parse().ok()
}

/// An authority, and the certificate that it gives the server for the name `localhost`.
fn certify(folder: &Path) {
    let openssl = |words: &str| {
        let mut openssl = as_server(Path::new("openssl"));
        openssl.args(words.replace("DIR", &folder.display().to_string()).split(' '));
        run(&mut openssl);
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(&format!("req -x509 {key} -days 2 -subj /CN=tests -keyout DIR/ca.key -out DIR/ca.crt"));
    openssl(&format!(
        "req -new {key} -subj /CN=localhost -keyout DIR/server.key -out DIR/server.csr"
    ));
    fs::write(folder.join("names"), "subjectAltName = DNS:localhost\n").expect("a file");
    openssl(
        "x509 -req -in DIR/server.csr -CA DIR/ca.crt -CAkey DIR/ca.key -CAcreateserial -days 2 \
         -extfile DIR/names -out DIR/server.crt",
    );
}

/// PostgreSQL refuses to run as root.
fn as_server(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(program);
    command.current_dir("/");
    command
}

fn is_root() -> bool {
    run(Command::new("id").arg("-u")).trim() == "0"
}

fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
