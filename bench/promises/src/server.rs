//! The server under measurement: the real binary in a folder of its own.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use grantd_core::SecretKey;
use grantd_store::{Location, Storage};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::{
    http::{Connection, page_request, token_request},
    measured::{cpu_seconds, memory_mb},
};

/// A folder with keys and a database.
pub(crate) struct Place {
    folder: TempDir,
    binary: String,
    database: Option<String>,
}

impl Place {
    /// An empty one with keys and a database of its own.
    pub(crate) fn new(binary: &str) -> Result<Self> {
        Self::with(binary, None)
    }

    /// An empty one with keys, on this database.
    pub(crate) fn on(binary: &str, database: String) -> Result<Self> {
        Self::with(binary, Some(database))
    }

    /// How many changes are made at once: SQLite's share their commits, PostgreSQL's come one after the other.
    pub(crate) fn together(&self) -> usize {
        if self.database.is_some() { 4 } else { 256 }
    }

    fn with(binary: &str, database: Option<String>) -> Result<Self> {
        let place = Self { folder: tempfile::tempdir()?, binary: binary.to_owned(), database };
        place.grantd("keys generate --alg EdDSA --alg ES256 --alg RS256 --json")?;
        Ok(place)
    }

    /// Runs a command line to its end and gives what it said.
    pub(crate) fn grantd(&self, line: &str) -> Result<String> {
        let output = self.command(line).output()?;
        if !output.status.success() {
            bail!("grantd {line}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Runs a command line to its end: how many seconds it took, and the most memory it had.
    pub(crate) fn watched(&self, line: &str) -> Result<(f64, f64)> {
        let start = Instant::now();
        let mut child = self.command(line).stdout(Stdio::piped()).spawn()?;
        let mut output = child.stdout.take().context("the output is piped")?;
        let reader = std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        let mut most: f64 = 0.0;
        while child.try_wait()?.is_none() {
            most = most.max(memory_mb(child.id(), "VmHWM").unwrap_or_default());
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        if reader.join().is_err() || !child.wait()?.success() {
            bail!("grantd {line} failed");
        }
        Ok((start.elapsed().as_secs_f64(), most))
    }

    /// Starts the server here on a free port.
    pub(crate) fn serve(&self) -> Result<Server> {
        self.serve_with("")
    }

    /// Another node, which speaks as that issuer.
    pub(crate) fn serve_beside(&self, first: &Server) -> Result<Server> {
        self.serve_with(&format!("--issuer {}", first.issuer()))
    }

    fn serve_with(&self, options: &str) -> Result<Server> {
        let start = Instant::now();
        let line = format!("serve --listen 127.0.0.1:0 --log error --json {options}");
        let mut child = self.command(&line).stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().context("the server's output is piped")?;
        let address = BufReader::new(output).lines().map_while(Result::ok).find_map(|line| {
            line.trim()
                .strip_prefix("\"listening\": \"")
                .map(|rest| rest.trim_end_matches(['"', ',']).to_owned())
        });
        let address = address.context("the server did not start")?;
        Ok(Server { child, address, started_in: start.elapsed().as_secs_f64() })
    }

    /// The database, as another process sees it: like the command line, not like the server itself.
    pub(crate) async fn storage(&self) -> Result<Arc<dyn Storage>> {
        let location = match &self.database {
            Some(url) => url.parse()?,
            None => Location::Sqlite(self.database()),
        };
        Ok(location.open().await?)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("grantd.db")
    }

    /// The server key.
    pub(crate) fn secret_key(&self) -> Result<SecretKey> {
        let text = fs::read_to_string(self.folder.path().join(".env"))?;
        let value = text.lines().find_map(|line| line.strip_prefix("GRANTD_SECRET_KEY="));
        Ok(SecretKey::parse(value.context("there is a server key")?.trim_matches('"'))?)
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(&self.binary);
        // Nothing from outside: a GRANTD_… of the caller's would measure another server.
        command.args(line.split_ascii_whitespace()).current_dir(self.folder.path()).env_clear();
        command.envs(self.database.iter().map(|url| ("GRANTD_DATABASE_URL", url)));
        command.stdin(Stdio::null());
        command
    }
}

/// A running grantd; it ends with this value.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    /// Seconds from the start of the process until it listens.
    pub(crate) started_in: f64,
}

impl Server {
    /// Its issuer identifier.
    pub(crate) fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A token for a client.
    pub(crate) async fn token(&self, id: &str, secret: &str) -> Result<String> {
        let mut connection = Connection::open(&self.address).await?;
        let answer = connection.ask(&token_request(id, secret)).await?;
        let told: serde_json::Value = serde_json::from_slice(answer.body)?;
        Ok(told["access_token"].as_str().context("a token")?.to_owned())
    }

    /// How often the cache of clients did not know one.
    pub(crate) async fn misses(&self) -> Result<u64> {
        let mut connection = Connection::open(&self.address).await?;
        let answer = connection.ask(&page_request("/metrics", "")).await?;
        let name = "grantd_client_cache_requests_total{result=\"miss\"} ";
        let text = std::str::from_utf8(answer.body)?;
        let value = text.lines().find_map(|line| line.strip_prefix(name));
        Ok(value.with_context(|| format!("no {name} in {text}"))?.parse()?)
    }

    /// Processor seconds so far.
    pub(crate) fn cpu_seconds(&self) -> Result<f64> {
        cpu_seconds(self.child.id())
    }

    /// Resident memory in megabytes.
    pub(crate) fn resident_mb(&self) -> Result<f64> {
        memory_mb(self.child.id(), "VmRSS")
    }

    /// The most resident memory so far, in megabytes.
    pub(crate) fn most_mb(&self) -> Result<f64> {
        memory_mb(self.child.id(), "VmHWM")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
