//! How a connection is doing: what its limits of time are measured against.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

/// From the first byte of a request to its last.
const RECEIVE: Duration = Duration::from_secs(10);
/// Between requests; longer than the pools of common clients and proxies keep a connection.
const IDLE: Duration = Duration::from_secs(75);
/// Between requests while many connections are open.
const IDLE_WHEN_BUSY: Duration = Duration::from_secs(10);

const PHASE: u64 = 0b11;
const WAITING: u64 = 0;
const RECEIVING: u64 = 1;
const ANSWERING: u64 = 2;

/// What a connection is at, and since when: one number, so that reading it is never half.
#[derive(Debug)]
pub(super) struct Pulse {
    start: Instant,
    state: AtomicU64,
}

/// What to do with a connection now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing before this moment.
    FineUntil(Instant),
    /// It sends too slowly: drop it.
    TooSlow,
    /// It has nothing to say: close it.
    Idle,
}

impl Pulse {
    pub(super) fn new(now: Instant) -> Self {
        Self { start: now, state: AtomicU64::new(WAITING) }
    }

    /// Bytes came in.
    fn received(&self) {
        if self.state.load(Ordering::Relaxed) & PHASE == WAITING {
            self.enter(RECEIVING);
        }
    }

    /// The whole request is here; from now on the time is ours.
    pub(super) fn request_complete(&self) {
        self.enter(ANSWERING);
    }

    /// The answer is made.
    pub(super) fn answered(&self) {
        self.enter(WAITING);
    }

    fn enter(&self, phase: u64) {
        let millis = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX >> 2);
        self.state.store(millis << 2 | phase, Ordering::Relaxed);
    }

    pub(super) fn judge(&self, now: Instant, busy: bool) -> Verdict {
        let state = self.state.load(Ordering::Relaxed);
        let since = self.start + Duration::from_millis(state >> 2);
        let (limit, verdict) = match state & PHASE {
            RECEIVING => (RECEIVE, Verdict::TooSlow),
            ANSWERING => return Verdict::FineUntil(now + RECEIVE),
            _ => (if busy { IDLE_WHEN_BUSY } else { IDLE }, Verdict::Idle),
        };
        // Looks again early enough to notice that the server has become busy meanwhile.
        let end = since + limit;
        if now < end { Verdict::FineUntil(end.min(now + RECEIVE)) } else { verdict }
    }
}

/// A stream that tells its pulse of every byte that comes in.
#[derive(Debug)]
pub(super) struct Watched<S> {
    stream: S,
    pulse: Arc<Pulse>,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, pulse: Arc<Pulse>) -> Self {
        Self { stream, pulse }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.pulse.received();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
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
        Pin::new(&mut self.stream).poll_shutdown(cx)
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
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_slow_sender_is_dropped_and_a_quiet_one_closed() {
        let pulse = Pulse::new(Instant::now());
        let verdict = |busy| pulse.judge(Instant::now(), busy);
        tokio::time::advance(Duration::from_secs(11)).await;
        assert!(matches!(verdict(false), Verdict::FineUntil(_)));
        assert_eq!(verdict(true), Verdict::Idle);
        pulse.received();
        tokio::time::advance(Duration::from_secs(9)).await;
        pulse.received();
        assert!(matches!(verdict(false), Verdict::FineUntil(_)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(verdict(false), Verdict::TooSlow, "more bytes buy no more time");
        pulse.request_complete();
        tokio::time::advance(Duration::from_secs(1000)).await;
        assert!(matches!(verdict(true), Verdict::FineUntil(_)), "our own time is not the client's");
        pulse.answered();
        tokio::time::advance(Duration::from_secs(76)).await;
        assert_eq!(verdict(false), Verdict::Idle);
    }
}
