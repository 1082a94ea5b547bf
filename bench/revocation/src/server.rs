//! The server under measurement: the real binary in a folder of its own.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail};
use grantd_core::SecretKey;
use grantd_store::Sqlite;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A running grantd; it ends with this value.
pub(crate) struct Server {
    folder: TempDir,
    child: Child,
    address: String,
}

impl Server {
    /// Makes keys and starts the binary on a free port.
    pub(crate) fn start(binary: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let grantd = |words: &[&str]| {
            let mut command = Command::new(binary);
            command.args(words).current_dir(folder.path()).env_clear().stdin(Stdio::null());
            command
        };
        if !grantd(&["keys", "generate", "--json"]).stdout(Stdio::null()).status()?.success() {
            bail!("grantd keys generate failed");
        }
        let mut child = grantd(&["serve", "--listen", "127.0.0.1:0", "--log", "error", "--json"])
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().context("the server's output is piped")?;
        let address = BufReader::new(output).lines().map_while(Result::ok).find_map(|line| {
            line.trim()
                .strip_prefix("\"listening\": \"")
                .map(|rest| rest.trim_end_matches(['"', ',']).to_owned())
        });
        let address = address.context("the server did not start")?;
        Ok(Self { folder, child, address })
    }

    /// Its issuer identifier.
    pub(crate) fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its database, as another process sees it: like the command line, not like the server itself.
    pub(crate) fn storage(&self) -> Result<Sqlite> {
        Ok(Sqlite::open(&self.folder.path().join("grantd.db"))?)
    }

    /// Its server key.
    pub(crate) fn secret_key(&self) -> Result<SecretKey> {
        let text = std::fs::read_to_string(self.folder.path().join(".env"))?;
        let value = text.lines().find_map(|line| line.strip_prefix("GRANTD_SECRET_KEY="));
        Ok(SecretKey::parse(value.context("there is a server key")?.trim_matches('"'))?)
    }

    /// A token for a client.
    pub(crate) async fn token(&self, id: &str, secret: &str) -> Result<String> {
        let body = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        let mut stream = TcpStream::connect(&self.address).await?;
        let head = format!(
            "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let (_, json) = answer.split_once("\r\n\r\n").context("an HTTP answer")?;
        let answer: serde_json::Value = serde_json::from_str(json)?;
        Ok(answer["access_token"].as_str().context("a token")?.to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
