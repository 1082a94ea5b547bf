//! Small questions over one connection, as a monitor asks them: does the server still answer?

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    time::Duration,
};

use crate::stopwatch;

const TIMEOUT: Duration = Duration::from_secs(5);

/// A connection that is kept.
pub(super) struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    pub(super) fn open(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Asks for the path and reads the whole answer; answers its status.
    pub(super) fn ask(&mut self, path: &str) -> io::Result<u16> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        self.stream.get_mut().write_all(request.as_bytes())?;
        let first = self.line()?;
        let status = first.split(' ').nth(1).and_then(|word| word.parse().ok());
        let mut length = 0;
        loop {
            let line = self.line()?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
        }
        io::copy(&mut self.stream.by_ref().take(length), &mut io::sink())?;
        status.ok_or_else(|| io::Error::other(format!("no status in {first}")))
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

/// How long each of so many questions took, sorted.
pub(super) fn latencies(port: u16, count: usize) -> io::Result<Vec<Duration>> {
    let mut connection = Connection::open(port)?;
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let watch = stopwatch::start();
        let status = connection.ask("/healthz")?;
        times.push(watch.elapsed());
        if status != 200 {
            return Err(io::Error::other(format!("GET /healthz answered {status}")));
        }
    }
    times.sort_unstable();
    Ok(times)
}
