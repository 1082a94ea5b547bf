//! HTTP/1.1 by hand: a client that can also send what no library would.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// An answer, its header names in lower case.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == &name.to_ascii_lowercase());
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {:?}", self.text()))
    }
}

/// Sends these bytes on a connection of their own and reads one answer; `None`: closed without one.
pub(crate) fn send(to: SocketAddr, request: &[u8]) -> Option<Answer> {
    exchange(TcpStream::connect(to).unwrap(), request)
}

/// The same where nobody may be listening any more.
pub(crate) fn try_send(to: SocketAddr, request: &[u8]) -> Option<Answer> {
    exchange(TcpStream::connect(to).ok()?, request)
}

fn exchange(mut stream: TcpStream, request: &[u8]) -> Option<Answer> {
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // The server may answer and close before all is sent; the answer still counts.
    let _ = stream.write_all(request);
    read(&mut BufReader::new(stream))
}

/// Reads one answer from a connection.
pub(crate) fn read(stream: &mut impl BufRead) -> Option<Answer> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let status = line.split(' ').nth(1)?.parse().ok()?;
    let mut headers = Vec::new();
    loop {
        line.clear();
        stream.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    if headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked") {
        let body = chunks(stream)?;
        return Some(Answer { status, headers, body });
    }
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .map_or(0, |(_, v)| v.parse().unwrap());
    let mut body = vec![0; length];
    // An answer to HEAD has a length and no body.
    let _ = stream.read_exact(&mut body);
    Some(Answer { status, headers, body })
}

/// The whole of a chunked body (RFC 9112 section 7.1); `None`: it broke off before its end.
fn chunks(stream: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let mut chunk = vec![0; usize::from_str_radix(line.trim_end(), 16).ok()?];
        stream.read_exact(&mut chunk).ok()?;
        whole.extend_from_slice(&chunk);
        // The line end behind it.
        stream.read_exact(&mut [0; 2]).ok()?;
        if chunk.is_empty() {
            return Some(whole);
        }
    }
}

/// A request in text: method, path, header lines, body; length and host are added.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{method} {path} HTTP/1.1\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend(format!("{name}: {value}\r\n").into_bytes());
    }
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        bytes.extend(b"Host: localhost\r\n");
    }
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("transfer-encoding")) {
        bytes.extend(format!("Content-Length: {}\r\n", body.len()).into_bytes());
    }
    bytes.extend(b"\r\n");
    bytes.extend(body);
    bytes
}

/// A form post to the token endpoint.
pub(crate) fn form(body: &str) -> Vec<u8> {
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    request("POST", "/oauth/token", &headers, body.as_bytes())
}
