//! Whether the server answers. While that is in doubt one call at a time finds out; the others fail at once,
//! for else thousands of them would wait for what does not come.

use std::{
    future::Future,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use grantd_issuer::StorageFault;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};
use tokio_postgres::Error;

use super::{
    dial::Dial,
    link::{ANSWER, Missed},
};

/// Questions without any answer for so long: it is in doubt.
const SILENCE: Duration = Duration::from_secs(2);
/// Then nobody waits any more, but for migrations. It is longer than anybody waits for a lock.
const HUSH: Duration = Duration::from_secs(6);
/// How often who waits looks whether another host has taken over meanwhile.
const GLANCE: Duration = Duration::from_millis(250);
/// A connection that cannot be made says nothing of a server that has answered so lately.
const LATELY: Duration = Duration::from_secs(1);

/// What is known of the way to the server.
pub(super) struct Line {
    dial: Dial,
    known: Mutex<Known>,
    scout: Arc<Semaphore>,
}

struct Known {
    /// How many questions wait for their answer.
    waiting: usize,
    /// Since when there are any.
    asked: Instant,
    /// When the server last said something.
    heard: Instant,
    is_away: bool,
}

/// Leave to ask. While it is in doubt whether there are answers, who has it is the only one.
pub(super) struct Leave(Option<OwnedSemaphorePermit>);

impl Leave {
    /// Whether this call is to find out.
    pub(super) fn is_scout(&self) -> bool {
        self.0.is_some()
    }
}

impl Line {
    pub(super) fn new(dial: Dial) -> Self {
        let now = Instant::now();
        let known = Known { waiting: 0, asked: now, heard: now, is_away: false };
        Self { dial, known: Mutex::new(known), scout: Arc::new(Semaphore::new(1)) }
    }

    /// Leave to ask, or that there is no use in it at this moment.
    pub(super) fn enter(&self) -> Result<Leave, StorageFault> {
        if !self.known().is_in_doubt(Instant::now()) {
            return Ok(Leave(None));
        }
        let permit = Arc::clone(&self.scout).try_acquire_owned();
        permit.map(|permit| Leave(Some(permit))).map_err(|_| {
            StorageFault::plain("PostgreSQL: it does not answer, and another call waits for it")
        })
    }

    /// Waits for an answer, but not for ever.
    pub(super) async fn ask<T>(
        &self,
        patience: Duration,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Missed> {
        let waiting = self.wait();
        let missed = match self.await_it(waiting.began, patience, answer).await {
            Ok(Ok(answer)) => {
                self.known().hear();
                return Ok(answer);
            }
            Ok(Err(error)) => Missed::Failed(error),
            Err(missed) => missed,
        };
        match &missed {
            Missed::Late => waiting.missed(),
            // That a connection has ended says nothing yet: the next one may well be made.
            missed if missed.is_cut() => {}
            Missed::Failed(_) | Missed::Left => self.known().hear(),
        }
        Err(missed)
    }

    async fn await_it<T>(
        &self,
        began: Instant,
        patience: Duration,
        answer: impl Future<Output = T>,
    ) -> Result<T, Missed> {
        let mut answer = pin!(answer);
        loop {
            let hush = if patience > ANSWER { patience } else { HUSH };
            let until = (began + patience).min(self.known().quiet_since() + hush);
            let until = until.min(Instant::now() + GLANCE);
            if let Ok(answer) = timeout_at(until, &mut answer).await {
                return Ok(answer);
            }
            let now = Instant::now();
            if self.dial.has_left(began) {
                return Err(Missed::Left);
            }
            if now >= began + patience || now >= self.known().quiet_since() + hush {
                return Err(Missed::Late);
            }
        }
    }

    /// Something waits for the server until this is dropped.
    pub(super) fn wait(&self) -> Waiting<'_> {
        let (began, mut known) = (Instant::now(), self.known());
        if known.waiting == 0 {
            known.asked = began;
        }
        known.waiting += 1;
        Waiting { line: self, began }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A question on its way.
pub(super) struct Waiting<'a> {
    line: &'a Line,
    began: Instant,
}

impl Waiting<'_> {
    /// There is no answer to it.
    pub(super) fn missed(&self) {
        self.line.known().miss(self.began);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.line.known().waiting -= 1;
    }
}

impl Known {
    fn hear(&mut self) {
        (self.heard, self.is_away) = (Instant::now(), false);
    }

    /// Whoever heard something meanwhile, or just before, knows better.
    fn miss(&mut self, began: Instant) {
        let lately = self.heard.elapsed() < LATELY;
        self.is_away |= self.heard <= began && !lately;
    }

    fn is_in_doubt(&self, now: Instant) -> bool {
        self.is_away || (self.waiting > 0 && now.duration_since(self.quiet_since()) > SILENCE)
    }

    /// Since when questions wait and none is answered.
    fn quiet_since(&self) -> Instant {
        self.heard.max(self.asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line {
        let address = super::super::Address::parse("postgres://u@127.0.0.1:1/d").unwrap();
        Line::new(Dial::new(&address).unwrap())
    }

    async fn after(line: &Line, pause: Duration) -> bool {
        tokio::time::advance(pause).await;
        line.enter().is_ok_and(|leave| !leave.is_scout())
    }

    #[tokio::test(start_paused = true)]
    async fn where_nothing_is_heard_one_call_finds_out_and_the_others_fail() {
        let line = line();
        let waiting = line.wait();
        assert!(after(&line, SILENCE).await);
        assert!(!after(&line, Duration::from_millis(1)).await, "it is silent");
        let scout = line.enter().unwrap();
        assert!(scout.is_scout() && line.enter().is_err());
        drop(scout);
        assert!(line.enter().unwrap().is_scout(), "then the next one");
        waiting.missed();
        drop(waiting);
        assert!(!after(&line, Duration::from_secs(100)).await, "nothing is heard by waiting");
        assert!(line.ask(SILENCE, async { Ok(1) }).await.is_ok());
        assert!(after(&line, Duration::ZERO).await, "it answers");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_answer_is_no_silence_while_others_come() {
        let line = line();
        let slow = line.wait();
        for _ in 0..50 {
            tokio::time::advance(Duration::from_millis(200)).await;
            assert!(line.ask(SILENCE, async { Ok(1) }).await.is_ok());
            assert!(after(&line, Duration::ZERO).await);
        }
        slow.missed();
        assert!(after(&line, Duration::ZERO).await, "others were answered since");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_gives_up_when_nobody_hears_anything_but_not_in_a_migration() {
        let line = line();
        let begun = Instant::now();
        let never = std::future::pending::<Result<(), Error>>;
        assert!(line.ask(ANSWER, never()).await.is_err());
        assert_eq!(begun.elapsed(), HUSH);
        let others = async {
            for _ in 0..100 {
                tokio::time::sleep(Duration::from_millis(200)).await;
                assert!(line.ask(SILENCE, async { Ok(1) }).await.is_ok());
            }
        };
        let begun = Instant::now();
        let slow = async {
            assert!(line.ask(ANSWER, never()).await.is_err());
            assert_eq!(begun.elapsed(), ANSWER, "others are answered");
        };
        futures_util::future::join(others, slow).await;
        let begun = Instant::now();
        assert!(line.ask(10 * ANSWER, never()).await.is_err());
        assert_eq!(begun.elapsed(), 10 * ANSWER);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_waits_and_nothing_is_doubted() {
        let line = line();
        assert!(after(&line, Duration::from_hours(1)).await);
        let late = line.ask(SILENCE, std::future::pending::<Result<(), Error>>()).await;
        assert!(matches!(late, Err(Missed::Late)));
        assert!(!after(&line, Duration::ZERO).await);
    }
}
