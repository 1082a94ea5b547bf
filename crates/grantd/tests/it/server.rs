//! A grantd of a test's own: a folder, keys, clients, a running process.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, LazyLock, Mutex},
    thread,
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;
use tempfile::TempDir;

use super::{app::App, visitor::Visitor};

/// A client that a test may speak as.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: String,
}

/// A folder with keys and a database, without a running server yet.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    /// An empty folder with keys of all four algorithms.
    pub(crate) fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        place.grantd("keys generate --alg RS256 --alg PS256 --alg ES256 --alg EdDSA");
        place
    }

    /// An empty folder.
    pub(crate) fn bare() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A command of grantd in this folder, deaf to the environment of the test.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_grantd"));
        command.current_dir(self.path()).env_clear().stdin(Stdio::null());
        // Nothing stands before a test's server that would have to notice.
        command.env("GRANTD_DRAIN_DELAY", "0s");
        command
    }

    /// Runs a command line, whatever comes of it.
    pub(crate) fn try_grantd(&self, line: &str) -> Output {
        self.command().args(line.split_ascii_whitespace()).output().unwrap()
    }

    /// Runs a command line that works, and gives its JSON.
    pub(crate) fn grantd(&self, line: &str) -> Value {
        let output = self.try_grantd(&format!("{line} --json"));
        assert!(
            output.status.success(),
            "grantd {line}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Creates a client and remembers how to speak as it.
    pub(crate) fn client(&self, options: &str) -> Client {
        let created = self.grantd(&format!("client create --name Test {options}"));
        let text = |name: &str| created[name].as_str().unwrap_or_default().to_owned();
        Client { id: text("client_id"), secret: text("client_secret") }
    }

    /// Creates a client with an id and a secret brought in from elsewhere.
    pub(crate) fn imported_client(&self, id: &str, secret: &str, options: &[&str]) -> Client {
        let mut child = self
            .command()
            .args(["client", "create", "--name", "Imported", "--secret-stdin", "--id", id])
            .args((secret.chars().count() < 22).then_some("--weak-secret"))
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        writeln!(child.stdin.take().unwrap(), "{secret}").unwrap();
        assert!(child.wait().unwrap().success());
        Client { id: id.to_owned(), secret: secret.to_owned() }
    }

    /// Runs a command line that reads one line of standard input, and gives its JSON.
    pub(crate) fn tell(&self, line: &str, secret: &str) -> Value {
        let output = self.try_tell(line, secret);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "grantd {line}: {said}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Runs such a command line, whatever comes of it.
    pub(crate) fn try_tell(&self, line: &str, secret: &str) -> Output {
        let mut command = self.command();
        command.args(line.split_ascii_whitespace()).arg("--json");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // It may refuse before it reads.
        let _ = writeln!(child.stdin.take().unwrap(), "{secret}");
        child.wait_with_output().unwrap()
    }

    /// Creates a user, and gives their id.
    pub(crate) fn user(&self, name: &str, password: &str, options: &str) -> String {
        let line = format!("user create --name {name} --password-stdin {options}");
        self.tell(&line, password)["user_id"].as_str().unwrap().to_owned()
    }

    /// Starts the server here with these further options.
    pub(crate) fn serve(&self, options: &str) -> Running {
        Self::serve_by(self.command(), options)
    }

    /// The same by a command that is prepared in another way.
    pub(crate) fn serve_by(mut command: Command, options: &str) -> Running {
        let mut child = command
            .args("serve --log-format json --json".split(' '))
            .args(if options.contains("--listen") { &[][..] } else { &["--listen", "127.0.0.1:0"] })
            .args(options.split_ascii_whitespace())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (lines, into) = (BufReader::new(child.stderr.take().unwrap()), Arc::clone(&log));
        thread::spawn(move || {
            lines.lines().map_while(Result::ok).for_each(|line| into.lock().unwrap().push(line));
        });
        let announced = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok)
            .find_map(|line| {
                line.trim()
                    .strip_prefix("\"listening\": \"")
                    .map(|rest| rest.trim_end_matches(['"', ',']).to_owned())
            });
        let Some(address) = announced else {
            panic!("grantd did not start: {:?}", log.lock().unwrap())
        };
        Running { address: address.parse().unwrap(), child, log }
    }
}

/// A running grantd, killed when it is dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All that was logged so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// The name of the next refusal that is logged from line `mark` on.
    pub(crate) fn refusal_since(&self, mark: usize) -> Option<String> {
        let deadline = Instant::now() + Duration::from_secs(3);
        while Instant::now() < deadline {
            for line in &self.log()[mark..] {
                let line: Value = serde_json::from_str(line).unwrap();
                if let Some(name) = line["refusal"].as_str() {
                    return Some(name.to_owned());
                }
            }
            thread::sleep(Duration::from_millis(2));
        }
        None
    }

    /// Asks it to stop, waits, and gives what it says of it.
    pub(crate) fn terminate(&mut self) -> bool {
        self.signal("TERM");
        self.wait()
    }

    /// Sends it this signal.
    pub(crate) fn signal(&self, name: &str) {
        let mut kill = Command::new("kill");
        assert!(kill.args(["-s", name, &self.pid().to_string()]).status().unwrap().success());
    }

    /// Waits for its end, and gives what it says of it.
    pub(crate) fn wait(&mut self) -> bool {
        self.child.wait().unwrap().success()
    }

    /// Ends it without a word, as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server with clients to speak as, which many tests share.
pub(crate) struct Fixture {
    pub(crate) running: Running,
    pub(crate) clients: HashMap<&'static str, Client>,
    pub(crate) place: Place,
    /// What a transcript keeps for a later one.
    pub(crate) kept: Mutex<HashMap<String, String>>,
    /// The cookies of who is signed in.
    sessions: Mutex<HashMap<String, String>>,
    _reaper: Child,
}

/// Ends a process when this one is gone: nobody drops a static.
fn reaper(of: &Running) -> Child {
    let script = format!("cat >/dev/null; kill {}", of.pid());
    Command::new("sh").args(["-c", &script]).stdin(Stdio::piped()).spawn().unwrap()
}

/// The password of all users.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// The clients that act for users and go on with refresh tokens: their name, redirect URI and options.
const ACTING: [(&str, &str, &str); 7] = [
    ("web", "https://app.example/cb", ""),
    ("web2", "https://app.example/cb", ""),
    ("legacy", "https://app.example/cb", "--pkce optional"),
    ("lenient", "https://app.example/cb", "--refresh-retry 30s"),
    ("spa", "https://spa.example/cb", "--public"),
    ("native", "http://127.0.0.1/cb", "--public"),
    ("multi", "https://app.example/cb", "--redirect-uri https://app.example/other"),
];

pub(crate) static FIXTURE: LazyLock<Fixture> = LazyLock::new(furnish);

/// A server with all the clients that transcripts speak of.
pub(crate) fn furnish() -> Fixture {
    let place = Place::new();
    place.grantd("api create billing --audience https://billing.example");
    for name in [
        "schools.read",
        "schools.write",
        "invoices.read",
        "admin.all",
        "only_scope",
        "offline_access",
    ] {
        place.grantd(&format!("permission create {name}"));
    }
    place.grantd("permission create bills.read --api billing");
    place.grantd("role create reader --permission schools.read --permission invoices.read");
    let three = "--permission schools.read --permission schools.write --permission invoices.read";
    let mut clients = HashMap::from([
        ("cc", place.client(&format!("{three} --default-scope schools.read"))),
        ("cc2", place.client("--permission only_scope")),
        ("nodefaults", place.client("--role reader --permission schools.write")),
        ("cc_offline", place.client("--permission offline_access")),
        ("billing", place.client("--permission schools.read --permission bills.read")),
        ("ttl120", place.client("--permission schools.read --access-token-ttl 120")),
        ("ps256", place.client("--permission schools.read --signing-alg PS256")),
        ("rs", place.client("--serves default")),
        ("rs2", place.client("--serves billing")),
        ("opaque", place.client("--permission schools.read --format opaque")),
        ("es256", place.client("--permission schools.read --signing-alg ES256")),
        ("eddsa", place.client("--permission schools.read --signing-alg EdDSA")),
        ("expired", place.client("--permission schools.read --secret-ttl 1s")),
        ("revoked", place.client("--permission schools.read")),
        ("deleted", place.client("--permission schools.read")),
    ]);
    furnish_acting(&place, &mut clients);
    clients.insert(
        "odd",
        place.imported_client("an:identifier", " %&+£€", &["--permission", "schools.read"]),
    );
    clients.insert(
        "spacey",
        place.imported_client("spacey", "a secret with blanks", &["--permission", "schools.read"]),
    );
    clients.insert(
        "rawish",
        place.imported_client("rawish", "100%+sure", &["--permission", "schools.read"]),
    );
    place.grantd(&format!("client revoke {}", clients["revoked"].id));
    place.grantd(&format!("client delete {}", clients["deleted"].id));
    thread::sleep(Duration::from_millis(1100)); // until the secret of `expired` has
    let running = place.serve("");
    let reaper = reaper(&running);
    Fixture {
        running,
        clients,
        place,
        kept: Mutex::default(),
        sessions: Mutex::default(),
        _reaper: reaper,
    }
}

/// The clients that act for users, and the users.
fn furnish_acting(place: &Place, clients: &mut HashMap<&'static str, Client>) {
    let rights = "--permission schools.read --permission schools.write";
    let acting = "--grant authorization_code --grant refresh_token";
    for (name, redirect_uri, options) in ACTING {
        let line = format!("{rights} {acting} --redirect-uri {redirect_uri} {options}");
        clients.insert(name, place.client(&line));
    }
    for (name, options) in
        [("web_norefresh", "--grant authorization_code"), ("machine", "--grant client_credentials")]
    {
        let line = format!("{rights} {options} --redirect-uri https://app.example/cb");
        clients.insert(name, place.client(&line));
    }
    for (name, options) in [
        ("ada", "--role reader --permission schools.write --permission admin.all"),
        ("bob", "--permission schools.read"),
        ("cleo", "--permission schools.read"),
        ("dan", "--permission schools.read"),
        ("eve", ""),
    ] {
        place.user(name, PASSWORD, options);
    }
}

impl Fixture {
    /// A browser in which this user is signed in.
    pub(crate) fn browser(&self, user: &str) -> Visitor {
        let mut browser = Visitor::new(&self.running);
        let mut sessions = self.sessions.lock().unwrap();
        browser.cookie = sessions.get(user).cloned();
        if browser.cookie.is_none() {
            assert_eq!(browser.sign_in(user, PASSWORD).status, 303);
            sessions.insert(user.to_owned(), browser.cookie.clone().unwrap());
        }
        browser
    }

    /// The app of this name.
    pub(crate) fn app(&self, name: &str) -> App {
        let known = ACTING.iter().find(|(known, ..)| *known == name);
        App::new(&self.clients[name], known.map_or("https://app.example/cb", |known| known.1))
    }
}

/// A client's credentials as an Authorization header.
pub(crate) fn basic(client: &Client) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", client.id, client.secret)))
}

/// Everything in a folder as one heap of bytes, to search for what must not be there.
pub(crate) fn contents(folder: &Path) -> Vec<u8> {
    let mut heap = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        std::fs::File::open(entry.unwrap().path()).unwrap().read_to_end(&mut heap).unwrap();
    }
    heap
}
