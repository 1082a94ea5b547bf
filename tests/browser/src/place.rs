//! A grantd of one's own: a folder, keys, a running process, and curl to ask it.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::target;

/// A folder with a key and a database.
#[derive(Debug)]
pub struct Place {
    folder: TempDir,
}

/// A running grantd; it ends with this value.
#[derive(Debug)]
pub struct Running {
    /// Its address, without a slash at the end.
    pub base: String,
    child: Child,
}

/// What came back from an HTTP request.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body as JSON, null if it is none.
    pub json: Value,
}

impl Place {
    /// An empty database, and one key, which is quickly made.
    pub fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        place.grantd("keys generate --alg ES256");
        place.grantd("permission create manage_system");
        place
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A command line that works, and its JSON.
    pub fn grantd(&self, line: &str) -> Value {
        self.words(&line.split_ascii_whitespace().collect::<Vec<_>>(), "")
    }

    /// The same, word by word, with something to read.
    pub fn words(&self, words: &[&str], input: &str) -> Value {
        let started = self.command().args(words).arg("--json").spawn();
        let mut child = started.unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "grantd {words:?}: {said}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Makes an account.
    pub fn user(&self, name: &str, password: &str, options: &str) {
        let line = format!("user create --password-stdin {options}");
        let mut words: Vec<&str> = line.split_ascii_whitespace().collect();
        words.extend(["--name", name]);
        self.words(&words, password);
    }

    /// Starts the server on a free port.
    pub fn serve(&self) -> Running {
        let (address, child) = self.listen("127.0.0.1:0", &[]);
        Running { base: format!("http://{address}"), child }
    }

    /// Starts it on a free port as `localhost`: passkeys need a name.
    pub fn serve_with_a_name(&self) -> Running {
        // The issuer names the port, so it must be known before; nobody else takes it so soon.
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let base = format!("http://localhost:{}", free.port());
        let (_, child) = self.listen(&free.to_string(), &["--issuer", &base]);
        Running { base, child }
    }

    fn listen(&self, address: &str, options: &[&str]) -> (String, Child) {
        let mut serve = self.command();
        serve.args(["serve", "--log-format", "json", "--json", "--listen", address]).args(options);
        let mut child = serve.stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let address = lines.find_map(|line| {
            let rest = line.trim().strip_prefix("\"listening\": \"")?;
            Some(rest.trim_end_matches(['"', ',']).to_owned())
        });
        (address.expect("grantd starts"), child)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(target().join("debug/grantd"));
        // Nothing from outside: a GRANTD_… of the caller's would be another server's.
        command.current_dir(self.path()).env_clear();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

impl Default for Place {
    fn default() -> Self {
        Self::new()
    }
}

impl Running {
    /// Posts a form as a client does, by HTTP Basic.
    pub fn post(&self, path: &str, client: (&str, &str), form: &str) -> Answer {
        let user = format!("{}:{}", client.0, client.1);
        let url = format!("{}{path}", self.base);
        ask(Command::new("curl").args(["-u", &user, "-d", form, &url]))
    }

    /// Whether the token is alive, as `server` sees it: a resource server's id and secret.
    pub fn is_alive(&self, token: &str, server: (&str, &str)) -> bool {
        let answer = self.post("/oauth/introspect", server, &format!("token={token}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json["active"].as_bool().unwrap()
    }

    /// Runs a line that a page shows, as somebody would who pastes it into a shell.
    pub fn paste(line: &str) -> Answer {
        assert!(line.starts_with("curl "), "{line}");
        let mut shell = Command::new("sh");
        ask(shell.args(["-c", &format!("{line} \"$@\""), "sh"]))
    }

    /// Signs in elsewhere, and ends all other sessions of that account.
    pub fn end_other_sessions(&self, place: &Place, name: &str, password: &str) {
        let jar = place.path().join("cookies");
        for (path, form) in [
            ("/login", format!("name={name}&password={password}")),
            ("/account/sessions/revoke-others", String::new()),
        ] {
            let mut curl = Command::new("curl");
            curl.arg("-b").arg(&jar).arg("-c").arg(&jar).args(["-d", &form]);
            let answer = ask(curl.arg(format!("{}{path}", self.base)));
            assert_eq!(answer.status, 303, "{answer:?}");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ask(command: &mut Command) -> Answer {
    let output = command.args(["-s", "-w", "\n%{http_code}"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let (body, status) = said.rsplit_once('\n').unwrap();
    let json = serde_json::from_str(body).unwrap_or_default();
    Answer { status: status.parse().unwrap(), json }
}
