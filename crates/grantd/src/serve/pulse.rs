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

/// How long somebody may take nothing of an answer that waits for them.
const STALLED: Duration = Duration::from_mins(1);

/// How long a new connection of a server that stops has for its first request to begin.
const FIRST: Duration = Duration::from_secs(1);
/// What has reached the machine is known to the process after so long.
const TURN: Duration = Duration::from_millis(10);

const PHASE: u64 = 0b11;
const WAITING: u64 = 0;
const RECEIVING: u64 = 1;
const ANSWERING: u64 = 2;

/// What a connection is at, and since when: one number, so that reading it is never half.
#[derive(Debug)]
pub(super) struct Pulse {
    start: Instant,
    state: AtomicU64,
    /// Since when no byte of an answer goes out, in milliseconds, and 1 more; 0: what there is goes.
    stalled: AtomicU64,
}

/// What to do with a connection now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing before this moment.
    FineUntil(Instant),
    /// It sends too slowly, or takes nothing of its answer: drop it.
    TooSlow,
    /// It has nothing to say: close it.
    Idle,
}

impl Pulse {
    pub(super) fn new(now: Instant) -> Self {
        Self { start: now, state: AtomicU64::new(WAITING), stalled: AtomicU64::new(0) }
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

    /// Whether no request has begun since the last answer was made.
    pub(super) fn is_waiting(&self) -> bool {
        self.state.load(Ordering::Relaxed) & PHASE == WAITING
    }

    /// When a server that stops from now on may close this connection, if it waits then.
    pub(super) fn last_call(&self, now: Instant) -> Instant {
        let is_new = self.state.load(Ordering::Relaxed) == WAITING;
        let first = if is_new { self.start + FIRST } else { now };
        first.max(now + TURN)
    }

    /// An answer was written to, and some of it went out or none.
    fn wrote(&self, polled: &Poll<io::Result<usize>>) {
        let stalled = self.stalled.load(Ordering::Relaxed);
        match polled {
            Poll::Pending if stalled == 0 => {
                self.stalled.store(self.millis() + 1, Ordering::Relaxed);
            }
            Poll::Ready(_) if stalled > 0 => self.stalled.store(0, Ordering::Relaxed),
            Poll::Pending | Poll::Ready(_) => {}
        }
    }

    fn enter(&self, phase: u64) {
        self.state.store(self.millis() << 2 | phase, Ordering::Relaxed);
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX >> 2)
    }

    pub(super) fn judge(&self, now: Instant, busy: bool) -> Verdict {
        let stalled = self.stalled.load(Ordering::Relaxed);
        if stalled > 0 && now >= self.start + Duration::from_millis(stalled - 1) + STALLED {
            return Verdict::TooSlow;
        }
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

/// A stream that tells its pulse of every byte that comes in, and of those that do not go out.
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
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.pulse.wrote(&polled);
        polled
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
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.pulse.wrote(&polled);
        polled
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

    /// Something to write to that takes all or nothing.
    struct Tap {
        open: bool,
    }

    impl AsyncWrite for Tap {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            if self.open { Poll::Ready(Ok(bytes.len())) } else { Poll::Pending }
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_of_an_answer_for_a_minute_is_dropped_and_who_takes_little_is_not() {
        let pulse = Arc::new(Pulse::new(Instant::now()));
        pulse.request_complete();
        let mut watched = Watched::new(Tap { open: false }, Arc::clone(&pulse));
        let mut write = |open| {
            watched.stream.open = open;
            let mut context = Context::from_waker(std::task::Waker::noop());
            let plain = Pin::new(&mut watched).poll_write(&mut context, b"x").is_ready();
            let slices = [io::IoSlice::new(b"x")];
            let vectored = Pin::new(&mut watched).poll_write_vectored(&mut context, &slices);
            assert_eq!((plain, vectored.is_ready()), (open, open));
        };
        let dropped = || pulse.judge(Instant::now(), false) == Verdict::TooSlow;
        for _ in 0..3 {
            write(false);
            tokio::time::advance(Duration::from_secs(59)).await;
            assert!(!dropped());
            write(false);
            write(true);
        }
        tokio::time::advance(Duration::from_mins(10)).await;
        assert!(!dropped(), "nothing waits to be taken");
        write(false);
        tokio::time::advance(Duration::from_mins(1)).await;
        assert!(dropped());
        write(true);
        assert!(!dropped());
    }
}
