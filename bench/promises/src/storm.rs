//! Arrivals by the clock, whether or not those before are answered: what waits is measured from when it was due.

use std::{cell::RefCell, collections::VecDeque, rc::Rc, time::Duration};

use anyhow::Result;
use tokio::{
    sync::Semaphore,
    task::LocalSet,
    time::{Instant, sleep, sleep_until},
};

use crate::{http::Connection, measured::quantile};

/// How often what is due is handed out.
const TICK: Duration = Duration::from_millis(1);
/// How long the last answers may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// So many requests a second, for so long, over so many connections.
#[derive(Clone, Copy)]
pub(crate) struct Storm {
    pub(crate) rate: f64,
    pub(crate) lasts: Duration,
    pub(crate) connections: usize,
}

/// What became of them.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Milliseconds from when a request was due to its token.
    pub(crate) answered: Vec<f64>,
    /// The same to its 503.
    pub(crate) shed: Vec<f64>,
    /// Any other answer, or none.
    pub(crate) broken: usize,
    /// Due, and not even sent when all was over.
    pub(crate) unsent: usize,
    /// The most that the schedule itself was late, in milliseconds.
    pub(crate) late: f64,
}

impl Outcome {
    /// p50 and p99.
    pub(crate) fn quantiles(values: &mut [f64]) -> (f64, f64) {
        (quantile(values, 0.5), quantile(values, 0.99))
    }
}

/// What is due, and who has time for it.
struct Arrivals {
    due: RefCell<VecDeque<Instant>>,
    waiting: Semaphore,
    outcome: RefCell<Outcome>,
}

impl Storm {
    /// Lets it loose.
    pub(crate) async fn blow(self, address: &str, request: &[u8]) -> Result<Outcome> {
        let here = LocalSet::new();
        here.run_until(self.run(address, Rc::from(request))).await
    }

    async fn run(self, address: &str, request: Rc<[u8]>) -> Result<Outcome> {
        let arrivals = Rc::new(Arrivals {
            due: RefCell::default(),
            waiting: Semaphore::new(0),
            outcome: RefCell::default(),
        });
        let mut senders = Vec::with_capacity(self.connections);
        for _ in 0..self.connections {
            let connection = Connection::open(address).await?;
            let (arrivals, request) = (Rc::clone(&arrivals), Rc::clone(&request));
            let address = address.to_owned();
            senders.push(tokio::task::spawn_local(async move {
                arrivals.send(connection, &address, &request).await
            }));
        }
        arrivals.schedule(self.rate, self.lasts).await;
        let end = Instant::now() + PATIENCE;
        while !arrivals.due.borrow().is_empty() && Instant::now() < end {
            sleep(TICK).await;
        }
        arrivals.waiting.close();
        for sender in senders {
            sender.await??;
        }
        let mut outcome = arrivals.outcome.take();
        outcome.unsent = arrivals.due.borrow().len();
        Ok(outcome)
    }
}

impl Arrivals {
    async fn schedule(&self, rate: f64, lasts: Duration) {
        let start = Instant::now();
        let (mut number, mut tick) = (0_u32, start);
        while start.elapsed() < lasts {
            tick += TICK;
            sleep_until(tick).await;
            let now = Instant::now();
            let mut outcome = self.outcome.borrow_mut();
            outcome.late = outcome.late.max((now - tick).as_secs_f64() * 1000.0);
            let mut due = self.due.borrow_mut();
            let before = due.len();
            loop {
                let at = start + Duration::from_secs_f64(f64::from(number) / rate);
                if at > now || at > start + lasts {
                    break;
                }
                due.push_back(at);
                number += 1;
            }
            self.waiting.add_permits(due.len() - before);
        }
    }

    /// One connection: takes what is due next, until nothing comes any more.
    async fn send(&self, mut open: Connection, address: &str, request: &[u8]) -> Result<()> {
        while let Ok(turn) = self.waiting.acquire().await {
            turn.forget();
            let Some(due) = self.due.borrow_mut().pop_front() else { continue };
            let asked = tokio::time::timeout(PATIENCE, open.ask(request)).await;
            let status = asked.ok().and_then(Result::ok).map(|answer| answer.status);
            let took = due.elapsed().as_secs_f64() * 1000.0;
            match status {
                Some(200) => self.outcome.borrow_mut().answered.push(took),
                Some(503) => self.outcome.borrow_mut().shed.push(took),
                Some(_) | None => {
                    self.outcome.borrow_mut().broken += 1;
                    open = Connection::open(address).await?;
                }
            }
        }
        Ok(())
    }
}
