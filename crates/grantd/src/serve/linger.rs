//! Closing a connection in stages (RFC 9112 section 9.6), so that the last answer arrives.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Sleep,
};

/// How long the peer has to close its side, once ours is.
const LINGER: Duration = Duration::from_secs(1);
/// How much it may still say.
const MOST: usize = 64 * 1024;

/// A stream whose end is read to the peer's own, for a moment and some bytes at most. Closed with unread bytes in
/// it, it would be reset, and a reset may overtake the answer.
#[derive(Debug)]
pub(super) struct Lingering<S> {
    stream: S,
    ending: Option<Pin<Box<Sleep>>>,
    /// How much is still read.
    left: usize,
    /// How many connections had something to say after their end.
    late: Arc<AtomicU64>,
    is_late: bool,
}

impl<S> Lingering<S> {
    pub(super) fn new(stream: S, late: Arc<AtomicU64>) -> Self {
        Self { stream, ending: None, left: MOST, late, is_late: false }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.ending.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
            this.ending = Some(Box::pin(tokio::time::sleep(LINGER)));
        }
        // Before anything is read, or a peer that goes on talking would keep the time from being looked at.
        if this.ending.as_mut().is_some_and(|ending| ending.as_mut().poll(cx).is_ready()) {
            return Poll::Ready(Ok(()));
        }
        let mut bytes = [0; 4096];
        loop {
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut this.stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    this.left = this.left.saturating_sub(buffer.filled().len());
                    if !std::mem::replace(&mut this.is_late, true) {
                        this.late.fetch_add(1, Ordering::Relaxed);
                    }
                    if this.left == 0 {
                        return Poll::Ready(Ok(()));
                    }
                }
                // Its end, one way or the other.
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, duplex},
        time::Instant,
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_comes_after_the_end_is_read_and_counted_and_nobody_is_waited_for_long() {
        for (speaks, closes, waits) in [(true, true, 0), (true, false, 1), (false, false, 1)] {
            let (mut peer, stream) = duplex(64);
            let late = Arc::new(AtomicU64::new(0));
            let mut stream = Lingering::new(stream, Arc::clone(&late));
            if speaks {
                peer.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
            }
            if closes {
                peer.shutdown().await.unwrap();
            }
            let begun = Instant::now();
            stream.shutdown().await.unwrap();
            assert_eq!(
                (begun.elapsed().as_secs(), late.load(Ordering::Relaxed)),
                (waits, u64::from(speaks))
            );
            assert_eq!(peer.read(&mut [0; 8]).await.unwrap(), 0, "a plain end, no error");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_goes_on_talking_keeps_no_place() {
        let (mut peer, stream) = duplex(4 * MOST);
        peer.write_all(&vec![b'x'; 2 * MOST]).await.unwrap();
        let mut stream = Lingering::new(stream, Arc::default());
        let begun = Instant::now();
        stream.shutdown().await.unwrap();
        assert_eq!(begun.elapsed().as_secs(), 0, "it has said enough");
        let mut rest = vec![0; 2 * MOST];
        assert_eq!(stream.read(&mut rest).await.unwrap(), MOST, "and no more was read of it");
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_is_looked_at_before_what_the_peer_says() {
        let (mut peer, stream) = duplex(64);
        let mut stream = Lingering::new(stream, Arc::default());
        let ending = std::future::poll_fn(|cx| Pin::new(&mut stream).poll_shutdown(cx));
        assert!(tokio::time::timeout(Duration::ZERO, ending).await.is_err());
        tokio::time::advance(LINGER).await;
        peer.write_all(b"more").await.unwrap();
        stream.shutdown().await.unwrap();
        drop(peer);
        assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 4, "nothing is read when it is over");
    }
}
