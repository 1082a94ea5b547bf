//! A line for a refused or failed request or a revocation, but not a flood of them.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use grantd_core::{ClientId, Refusal, Refused, UserId};
use grantd_issuer::{Fault, Revoked};
use tokio::time::Instant;

use super::sign_in;

/// Lines a second; what is more is counted.
const LINES: u32 = 500;
/// Of these, lines about the same refusal of the same client: one that tries again and again does
/// not push the others out.
const SAME_LINES: u32 = 20;
/// How long lines about the same fault of our own count: what fails now fails for every request.
const FAULTS: Duration = Duration::from_mins(1);

/// Writes refusals to the log: the name, the client where it exists, the address. Nothing that the
/// caller sent.
#[derive(Debug)]
pub(super) struct RefusalLog {
    refused: Mutex<Window>,
    failed: Mutex<Window>,
}

#[derive(Debug)]
struct Window {
    start: Instant,
    length: Duration,
    lines: u32,
    unwritten: u32,
    /// At most [`LINES`] of them.
    same: HashMap<Subject, u32>,
}

/// What a line is about.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Subject {
    Refused(Option<ClientId>, Refusal),
    Failed(&'static str),
    SignIn(Option<UserId>),
    Revoked(ClientId),
}

impl RefusalLog {
    pub(super) fn new() -> Self {
        let window = |length| Mutex::new(Window::new(Instant::now(), length));
        Self { refused: window(Duration::from_secs(1)), failed: window(FAULTS) }
    }

    /// A request that we could not serve, by our own fault.
    pub(super) fn failed(&self, fault: &Fault) {
        if self.fits(Subject::Failed(fault.name())) {
            tracing::error!(fault = fault as &dyn std::error::Error, "request failed");
        }
    }

    /// A request that was refused.
    pub(super) fn refused(&self, refused: &Refused, from: IpAddr) {
        if self.fits(Subject::Refused(refused.client.clone(), refused.refusal)) {
            let client = refused.client.as_ref().map(tracing::field::display);
            tracing::info!(refusal = refused.refusal.name(), client, peer = %from, "request refused");
        }
    }

    /// Somebody was not let in. Not the name that was typed: people type passwords into the wrong field.
    pub(super) fn sign_in_refused(&self, why: sign_in::Refused, from: IpAddr) {
        if self.fits(Subject::SignIn(why.user())) {
            let user = why.user().map(tracing::field::display);
            tracing::info!(refusal = why.name(), user, peer = %from, "a sign-in was refused");
        }
    }

    /// A client ended something of its own.
    pub(super) fn revoked(&self, revoked: &Revoked, from: IpAddr) {
        if self.fits(Subject::Revoked(revoked.client.clone())) {
            let Revoked { client, what } = revoked;
            tracing::info!(%client, what, peer = %from, "a client revoked its own");
        }
    }

    fn fits(&self, subject: Subject) -> bool {
        let (unwritten, fits) = self.count(subject, Instant::now());
        if unwritten > 0 {
            tracing::warn!(
                unwritten,
                "refusals, faults and revocations before this line that are not in the log; /metrics counts them"
            );
        }
        fits
    }

    /// How many lines of the last second (of faults: minute) were left out, if it is over; and whether
    /// this one fits.
    fn count(&self, subject: Subject, now: Instant) -> (u32, bool) {
        let window =
            if matches!(subject, Subject::Failed(_)) { &self.failed } else { &self.refused };
        let mut window = window.lock().unwrap_or_else(PoisonError::into_inner);
        let mut unwritten = 0;
        if now.duration_since(window.start) >= window.length {
            let next = Window::new(now, window.length);
            unwritten = std::mem::replace(&mut *window, next).unwritten;
        }
        (unwritten, window.fits(subject))
    }
}

impl Window {
    fn new(start: Instant, length: Duration) -> Self {
        Self { start, length, lines: 0, unwritten: 0, same: HashMap::new() }
    }

    fn fits(&mut self, subject: Subject) -> bool {
        if self.lines < LINES {
            let same = self.same.entry(subject).or_default();
            *same = same.saturating_add(1);
            if *same <= SAME_LINES {
                self.lines += 1;
                return true;
            }
        }
        self.unwritten = self.unwritten.saturating_add(1);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(client: u32) -> Subject {
        Subject::Refused(client.to_string().parse().ok(), Refusal::ClientSecretWrong)
    }

    fn written(log: &RefusalLog, subjects: impl Iterator<Item = Subject>) -> usize {
        subjects.filter_map(|subject| log.count(subject, Instant::now()).1.then_some(())).count()
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_counted_and_not_written() {
        let log = RefusalLog::new();
        assert_eq!(written(&log, (0..1000).map(wrong)), LINES as usize);
        assert_eq!(log.refused.lock().unwrap().same.len(), LINES as usize, "bounded");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(log.count(wrong(0), Instant::now()), (1000 - LINES, true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_database_that_is_away_for_an_hour_is_no_flood() {
        let log = RefusalLog::new();
        let mut lines = 0;
        for _ in 0..3_600 {
            lines += written(&log, (0..100).map(|_| Subject::Failed("storage")));
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(lines, 60 * SAME_LINES as usize);
    }

    #[tokio::test(start_paused = true)]
    async fn one_client_s_flood_leaves_room_for_the_others() {
        let log = RefusalLog::new();
        assert_eq!(written(&log, (0..1000).map(|_| wrong(1))), SAME_LINES as usize);
        assert_eq!(written(&log, [wrong(2), Subject::Failed("storage")].into_iter()), 2);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(log.count(wrong(1), Instant::now()), (1000 - SAME_LINES, true));
    }
}
