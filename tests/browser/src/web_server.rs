//! As much of a web server as an app in a page and a sample API need: GET, and one answer a connection.

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// The longest head of a request that is read.
const LONGEST: usize = 16 * 1024;

/// A request without a body.
pub(crate) struct Asked {
    /// The method.
    pub(crate) method: String,
    /// The path, without its query.
    pub(crate) path: String,
    /// The bearer token, if there is one.
    pub(crate) token: Option<String>,
}

/// What is answered.
pub(crate) struct Page {
    /// Status line and further header lines, each with its end.
    pub(crate) head: String,
    /// The body.
    pub(crate) body: String,
}

impl Page {
    /// A file.
    pub(crate) fn of(content_type: &str, body: String) -> Self {
        Self { head: format!("200 OK\r\nContent-Type: {content_type}\r\n"), body }
    }

    /// Nothing but a status line.
    pub(crate) fn empty(status: &str) -> Self {
        Self { head: format!("{status}\r\n"), body: String::new() }
    }
}

/// A server on a free port of this machine; gives its origin. It ends with the runtime.
pub(crate) async fn serve<A>(answer: impl Fn(Asked) -> A + Send + Sync + 'static) -> String
where
    A: Future<Output = Page> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = Arc::clone(&answer);
            tokio::spawn(async move { converse(stream, &*answer).await });
        }
    });
    origin
}

async fn converse<A: Future<Output = Page>>(mut stream: TcpStream, answer: &impl Fn(Asked) -> A) {
    let mut read = Vec::new();
    while !read.windows(4).any(|end| end == b"\r\n\r\n") {
        // A browser opens connections that it never uses.
        if read.len() > LONGEST || stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let Page { head, body } = answer(parse(&String::from_utf8_lossy(&read))).await;
    let length = body.len();
    let all = format!("HTTP/1.1 {head}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    // Who asked may be gone.
    let _ = stream.write_all(all.as_bytes()).await;
}

fn parse(head: &str) -> Asked {
    let mut lines = head.lines();
    let mut words = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let method = words.next().unwrap_or_default();
    let path = words.next().unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default().to_owned();
    let token = lines.find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        let value = value.strip_prefix("Bearer ")?;
        name.eq_ignore_ascii_case("authorization").then(|| value.to_owned())
    });
    Asked { method, path, token }
}
