//! Turning a connection away: one answer that a client can read, and no wait for what it wanted.

use std::{future::poll_fn, io::ErrorKind, pin::Pin, time::Duration};

use tokio::{io::AsyncWrite, net::TcpStream, time::timeout};

/// How long the peer may take to ask, and again to read the answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// How much is read of what it asks.
const MOST: usize = 64 * 1024;

const ANSWER: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    Content-Type: application/json\r\n\
    Content-Length: 122\r\n\
    Cache-Control: no-store\r\n\
    Retry-After: 5\r\n\
    Connection: close\r\n\r\n\
    {\"error\":\"temporarily_unavailable\",\"error_description\":\"Too many connections are open to this server. Try again shortly.\"}";

/// Answers whatever comes first with 503, and closes. An answer before the question confuses pools of
/// clients; a close with something unread would reset the connection, and the answer would be lost.
pub(super) async fn turn_away(mut stream: TcpStream) {
    let mut left = MOST;
    if !timeout(PATIENCE, read(&stream, &mut left)).await.unwrap_or_default() {
        return;
    }
    // The first bytes of a connection fit into its buffer, or the peer is none that we can help.
    let _ = stream.try_write(ANSWER);
    let _ = poll_fn(|cx| Pin::new(&mut stream).poll_shutdown(cx)).await;
    let rest = async { while read(&stream, &mut left).await {} };
    let _ = timeout(PATIENCE, rest).await;
}

/// Whether something came, and there may be more.
async fn read(stream: &TcpStream, left: &mut usize) -> bool {
    let mut nowhere = [0; 4096];
    while stream.readable().await.is_ok() {
        match stream.try_read(&mut nowhere) {
            Ok(length) => {
                *left = left.saturating_sub(length);
                return length > 0 && *left > 0;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => return false,
        }
    }
    false
}
