//! A PostgreSQL of a test program's own: started at the first use, ended with the program, however it ends.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a server that does not start is the verdict of a test"
)]

use std::{
    fs,
    io::Write as _,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// Where Debian puts the programs of each version.
const VERSIONS: &str = "/usr/lib/postgresql";
/// Set where tests must not be skipped.
const REQUIRED: &str = "GRANTD_TEST_POSTGRES_REQUIRED";

static SERVER: LazyLock<Option<Server>> = LazyLock::new(Server::start);
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// A database of a test's own, empty; `None`, with a loud line, where no PostgreSQL is installed.
pub fn database() -> Option<Database> {
    let server = SERVER.as_ref()?;
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    server.sql(&format!("CREATE DATABASE {name}"));
    Some(Database { server, name })
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
        self.server.sql(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'",
            self.name
        ));
    }
}

struct Server {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    _reaper: Child,
}

impl Server {
    fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            let advice = "PostgreSQL is not installed: apt-get install postgresql";
            assert!(std::env::var_os(REQUIRED).is_none(), "{advice}");
            // Past the test program, which keeps to itself what a test that passes says.
            let _ = writeln!(std::io::stderr(), "\nSKIPPED: {advice}\n");
            return None;
        };
        let folder = tempfile::tempdir().expect("a temporary folder").keep();
        // The socket in it is for whoever runs the tests; the data inside is the server's own.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("permissions");
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(&folder));
        }
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = port.expect("a free port").port();
        let data = folder.join("data");
        let mut initdb = as_server(&programs.join("initdb"));
        initdb.args(["--username=grantd", "--auth=trust", "--no-sync", "--encoding=UTF8"]);
        initdb.args(["--locale=C.UTF-8", "--pgdata"]).arg(&data);
        if version(&programs) >= Some(15) {
            // Not the order of bytes: the store must not rely on it.
            initdb.args(["--locale-provider=icu", "--icu-locale=en-US"]);
        }
        run(&mut initdb);
        certify(&folder);
        let settings = format!(
            "-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={0} -c ssl=on \
             -c ssl_cert_file={0}/server.crt -c ssl_key_file={0}/server.key -c max_connections=400 \
             -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c shared_buffers=32MB",
            folder.display()
        );
        run(as_server(&programs.join("pg_ctl"))
            .args(["start", "--wait", "--silent", "--options", &settings])
            .arg("--log")
            .arg(folder.join("log"))
            .arg("--pgdata")
            .arg(&data));
        let reaper = reaper(&folder);
        Some(Self { programs, folder, port, _reaper: reaper })
    }

    fn sql(&self, statement: &str) {
        self.psql("postgres", statement);
    }

    fn psql(&self, database: &str, statement: &str) -> String {
        run(&mut self.psql_command(database, statement))
    }

    fn psql_command(&self, database: &str, statement: &str) -> Command {
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

/// Ends the server when this program is gone: nobody drops a static.
fn reaper(folder: &Path) -> Child {
    let script =
        "cat >/dev/null; kill -QUIT \"$(head -n 1 \"$0/data/postmaster.pid\")\"; rm -rf \"$0\"";
    let mut reaper = Command::new("sh");
    reaper.args(["-c", script]).arg(folder).stdin(Stdio::piped()).stdout(Stdio::null());
    reaper.spawn().expect("a shell")
}

fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
