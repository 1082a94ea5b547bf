//! How far the runtime is behind with its work, and whether it takes on more.
//!
//! A request waits where nobody sees it: among the tasks that are ready to run. So a thread of its own puts
//! a question at the end of that queue every few milliseconds; as long as it is not answered, what stood
//! before it is not done. See decision 0017.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use prometheus_client::metrics::counter::Counter;
use tokio::{runtime::Handle, time::Instant};

/// From one question to the next.
const INTERVAL: Duration = Duration::from_millis(10);
/// How long a question may wait before further requests are shed, in microseconds.
const PATIENCE: u64 = 50_000;
/// So many requests for each worker must have come up while the question waited. Where there were fewer it
/// was not our work that held it up: something else has the processor. And so many at once are always served.
const FEW: u64 = 128;
/// The same where the question before had waited too long as well: each of them is a wait for who comes after.
const FEWER: u64 = 48;
/// How often the log is told.
const REPORT: Duration = Duration::from_secs(1);
/// No question waits.
const NONE: u64 = u64::MAX;

/// Measures the wait, and counts what is not done because of it.
#[derive(Debug)]
pub(super) struct Load {
    start: Instant,
    /// When the question was put that is not answered yet, in microseconds from `start`.
    asked: AtomicU64,
    /// Requests that came up since then.
    since: AtomicU64,
    /// So many of them are always taken.
    room: AtomicU64,
    workers: u64,
    /// Whether any came up since the last question: without requests there is nothing to ask.
    stirred: AtomicBool,
    /// What was shed.
    shed: Counter,
}

impl Load {
    /// One that nobody asks yet, for so many workers.
    pub(super) fn new(shed: Counter, workers: usize) -> Self {
        let workers = u64::try_from(workers).unwrap_or(1);
        Self {
            start: Instant::now(),
            asked: AtomicU64::new(NONE),
            since: AtomicU64::new(0),
            room: AtomicU64::new(FEW * workers),
            workers,
            stirred: AtomicBool::new(false),
            shed,
        }
    }

    /// Starts to ask this runtime, until this value is gone.
    pub(super) fn watch(self: &Arc<Self>, runtime: Handle) -> Result<()> {
        let load = Arc::downgrade(self);
        thread::Builder::new()
            .name("grantd-load".to_owned())
            .spawn(move || ask_on(&load, &runtime))
            .context("no thread can be started")?;
        Ok(())
    }

    /// Whether a request that comes up at this moment is one too many.
    pub(super) fn is_too_much(&self, now: Instant) -> bool {
        if !self.stirred.load(Ordering::Relaxed) {
            self.stirred.store(true, Ordering::Relaxed);
        }
        let asked = self.asked.load(Ordering::Relaxed);
        if asked == NONE {
            return false;
        }
        let before = self.since.fetch_add(1, Ordering::Relaxed);
        before >= self.room.load(Ordering::Relaxed) && self.waited(asked, now) > PATIENCE
    }

    /// Counts a request that was shed, and says after how many seconds to come back: not all at once.
    pub(super) fn shed(&self) -> u64 {
        1 + self.shed.inc() % 3
    }

    /// Puts the question, unless one waits or there is nothing to ask; answers whether to.
    fn ask(&self, now: Instant) -> bool {
        let due = self.stirred.swap(false, Ordering::Relaxed)
            && self.asked.load(Ordering::Relaxed) == NONE;
        if due {
            self.since.store(0, Ordering::Relaxed);
            self.asked.store(self.micros(now), Ordering::Relaxed);
        }
        due
    }

    fn answer(&self, now: Instant) {
        let waited = self.waited(self.asked.swap(NONE, Ordering::Relaxed), now);
        let each = if waited > PATIENCE { FEWER } else { FEW };
        self.room.store(each * self.workers, Ordering::Relaxed);
    }

    fn waited(&self, asked: u64, now: Instant) -> u64 {
        self.micros(now).saturating_sub(asked)
    }

    fn micros(&self, now: Instant) -> u64 {
        u64::try_from(now.duration_since(self.start).as_micros()).unwrap_or(NONE - 1)
    }
}

/// From another thread than the runtime's, a task goes behind all that overflowed the workers' own queues.
fn ask_on(load: &Weak<Load>, runtime: &Handle) {
    let (mut told, mut due) = (0, Instant::now() + REPORT);
    loop {
        thread::sleep(INTERVAL);
        let Some(load) = load.upgrade() else { return };
        let now = Instant::now();
        if load.ask(now) {
            let asked = Arc::clone(&load);
            runtime.spawn(async move { asked.answer(Instant::now()) });
        }
        if now >= due {
            due = now + REPORT;
            let shed = load.shed.get();
            if shed > told {
                let requests = shed - told;
                tracing::warn!(
                    requests,
                    "overloaded: requests of the last second answered with 503"
                );
            }
            told = shed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load() -> Load {
        Load::new(Counter::default(), 2)
    }

    fn room(load: &Load) -> u64 {
        load.room.load(Ordering::Relaxed)
    }

    async fn pass(time: Duration) -> Instant {
        tokio::time::advance(time).await;
        Instant::now()
    }

    #[tokio::test(start_paused = true)]
    async fn work_is_taken_on_until_the_question_has_waited_too_long() {
        let load = load();
        assert!(!load.is_too_much(Instant::now()));
        assert!(load.ask(Instant::now()));
        for _ in 0..room(&load) + 10 {
            assert!(!load.is_too_much(Instant::now()), "many at once are no delay");
        }
        let late = pass(Duration::from_micros(PATIENCE + 1)).await;
        assert!(load.is_too_much(late));
        assert!(!load.ask(late), "one question waits at a time");
        load.answer(late);
        assert!(!load.is_too_much(late), "the queue is done");
    }

    #[tokio::test(start_paused = true)]
    async fn a_machine_that_stood_still_is_no_overload() {
        let load = load();
        load.is_too_much(Instant::now());
        load.ask(Instant::now());
        let late = pass(Duration::from_secs(5)).await;
        let shed = (0..room(&load)).filter(|_| load.is_too_much(late)).count();
        assert_eq!(shed, 0, "the first requests are taken, however late the answer is");
        assert!(load.is_too_much(late), "but not any number of them");
    }

    #[tokio::test(start_paused = true)]
    async fn behind_a_late_answer_fewer_are_taken_until_one_comes_in_time() {
        let load = load();
        for (waited, workers_take) in [(PATIENCE, FEW), (PATIENCE + 1, FEWER), (0, FEW)] {
            load.is_too_much(Instant::now());
            load.ask(Instant::now());
            load.answer(pass(Duration::from_micros(waited)).await);
            assert_eq!(room(&load), 2 * workers_take);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_asked_for_nothing_asks_nothing() {
        let load = load();
        assert!(!load.ask(Instant::now()));
        load.is_too_much(Instant::now());
        assert!(load.ask(Instant::now()));
        load.answer(Instant::now());
        assert!(!load.ask(Instant::now()));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_busy_runtime_is_noticed_and_a_free_one_again() {
        let load = Arc::new(load());
        load.watch(Handle::current()).unwrap();
        let noticed = tokio::spawn({
            let load = Arc::clone(&load);
            // Holds the only worker, as many long requests one after the other would.
            async move {
                (0..1000).any(|_| {
                    thread::sleep(Duration::from_millis(2));
                    load.is_too_much(Instant::now())
                })
            }
        });
        assert!(noticed.await.unwrap());
        tokio::time::sleep(INTERVAL * 5).await;
        assert!(!load.is_too_much(Instant::now()));
    }
}
