//! Turning a connection away: one answer that a client can read, and no wait for what it wanted.

use std::{sync::Arc, time::Duration};

use tokio::{io::AsyncWriteExt, net::TcpStream, time::timeout};

use super::linger::Lingering;

/// How long the peer may take to ask.
const PATIENCE: Duration = Duration::from_secs(1);

const ANSWER: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    Content-Type: application/json\r\n\
    Content-Length: 122\r\n\
    Cache-Control: no-store\r\n\
    Retry-After: 5\r\n\
    Connection: close\r\n\r\n\
    {\"error\":\"temporarily_unavailable\",\"error_description\":\"Too many connections are open to this server. Try again shortly.\"}";

/// Answers whatever comes first with 503, and closes. An answer before the question confuses pools of
/// clients; a close with something unread would reset the connection, and the answer would be lost.
pub(super) async fn turn_away(stream: TcpStream) {
    if !matches!(timeout(PATIENCE, stream.readable()).await, Ok(Ok(()))) {
        return;
    }
    // The first bytes of a connection fit into its buffer, or the peer is none that we can help.
    let _ = stream.try_write(ANSWER);
    let _ = Lingering::new(stream, Arc::default()).shutdown().await;
}
