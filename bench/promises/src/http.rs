//! HTTP/1.1 by hand on a connection that is kept: no library's time is measured along.

use anyhow::{Context, Result, bail};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A request for a token by a client's secret.
pub(crate) fn token_request(id: &str, secret: &str) -> Vec<u8> {
    let body = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let head = "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\n\
                Content-Type: application/x-www-form-urlencoded\r\n";
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// A request for a page, with a bearer token.
pub(crate) fn page_request(path: &str, token: &str) -> Vec<u8> {
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n");
    format!("{head}Authorization: Bearer {token}\r\n\r\n").into_bytes()
}

/// A request for a page of the console, by the cookie of a session.
pub(crate) fn console_request(path: &str, cookie: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n").into_bytes()
}

/// A form of the console's login page.
pub(crate) fn login_request(name: &str, password: &str) -> Vec<u8> {
    let body = format!("name={name}&password={password}");
    let head = "POST /login HTTP/1.1\r\nHost: localhost\r\n\
                Content-Type: application/x-www-form-urlencoded\r\n";
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// A connection to the server.
pub(crate) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

/// A whole answer.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) head: &'a str,
    pub(crate) body: &'a [u8],
}

impl Connection {
    pub(crate) async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::with_capacity(4096) })
    }

    /// Sends a request and reads its whole answer.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.read.clear();
        let (head, length) = loop {
            if let Some(found) = head_of(&self.read)? {
                break found;
            }
            self.more().await?;
        };
        while self.read.len() < head + length {
            self.more().await?;
        }
        let (head, body) = self.read.split_at(head);
        let head = std::str::from_utf8(head)?;
        let status = head.get(9..12).context("a status")?.parse()?;
        Ok(Answer { status, head, body })
    }

    /// Sends a request whose answer ends with the connection: how many bytes came.
    pub(crate) async fn drain(mut self, request: &[u8]) -> Result<usize> {
        self.stream.write_all(request).await?;
        let mut length = 0;
        loop {
            self.read.clear();
            match self.stream.read_buf(&mut self.read).await? {
                0 => return Ok(length),
                more => length += more,
            }
        }
    }

    async fn more(&mut self) -> Result<()> {
        if self.stream.read_buf(&mut self.read).await? == 0 {
            bail!("the server closed the connection");
        }
        Ok(())
    }
}

/// How long the head is and how long the body will be, once the head is whole.
fn head_of(read: &[u8]) -> Result<Option<(usize, usize)>> {
    let Some(end) = read.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&read[..end])?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse())
    });
    Ok(Some((end + 4, length.context("a content length")??)))
}
