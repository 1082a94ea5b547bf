//! Whether the database answers, as its follower knows: for readiness, metrics and the log.

use std::{
    error::Error,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// A question that was not answered for so long says as much as a fault.
const SLOW: Duration = Duration::from_secs(1);
/// How often the log is reminded of something that goes on.
const REMINDER: Duration = Duration::from_mins(1);

/// How it stands with the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contact {
    /// It has not answered this process yet.
    Unmet,
    /// It answers.
    Here,
    /// It does not.
    Away,
}

/// What the follower of the change log leaves behind.
#[derive(Debug)]
pub(super) struct Contacts(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// The last entry of the change log that was followed.
    position: u64,
    answered: Option<Instant>,
    asking: Option<Instant>,
    faulty: bool,
    reminder: Reminder,
}

impl Contacts {
    pub(super) fn new() -> Self {
        Self(Mutex::default())
    }

    /// A question is on its way.
    pub(super) fn asks(&self) {
        self.known().asking = Some(Instant::now());
    }

    /// The database answered: the log ends at this number, and all up to it has been followed.
    pub(super) fn answered(&self, position: u64) {
        let mut known = self.known();
        let known = &mut *known;
        if std::mem::take(&mut known.faulty) {
            let seconds = known.answered.map(|last| last.elapsed().as_secs());
            tracing::info!(seconds, "the database answers again");
            known.reminder = Reminder::default();
        }
        (known.asking, known.answered, known.position) = (None, Some(Instant::now()), position);
    }

    /// It did not. The log hears of it at once, and then each minute.
    pub(super) fn failed(&self, fault: &(dyn Error + 'static)) {
        let mut known = self.known();
        (known.asking, known.faulty) = (None, true);
        if known.reminder.is_due() {
            tracing::error!(
                fault,
                "the database is away: nothing can be changed, and only known clients get tokens"
            );
        }
    }

    /// How it stands at this moment.
    pub(super) fn now(&self) -> Contact {
        let known = self.known();
        if known.faulty || known.asking.is_some_and(|asked| asked.elapsed() > SLOW) {
            return if known.answered.is_none() { Contact::Unmet } else { Contact::Away };
        }
        if known.answered.is_none() { Contact::Unmet } else { Contact::Here }
    }

    /// The last entry of the change log that was followed.
    pub(super) fn position(&self) -> u64 {
        self.known().position
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When the log was last told of something that goes on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reminder(Option<Instant>);

impl Reminder {
    /// Whether the log should hear of it now; the first time at once.
    pub(super) fn is_due(&mut self) -> bool {
        let due = self.0.is_none_or(|last| last.elapsed() >= REMINDER);
        if due {
            self.0 = Some(Instant::now());
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAULT: std::fmt::Error = std::fmt::Error;

    #[tokio::test(start_paused = true)]
    async fn a_database_that_fails_or_is_silent_is_away_until_it_answers() {
        let contacts = Contacts::new();
        contacts.asks();
        assert_eq!(contacts.now(), Contact::Unmet);
        contacts.answered(7);
        assert_eq!((contacts.now(), contacts.position()), (Contact::Here, 7));
        contacts.failed(&FAULT);
        assert_eq!(contacts.now(), Contact::Away);
        contacts.asks();
        assert_eq!(contacts.now(), Contact::Away, "a question is no answer");
        contacts.answered(8);
        assert_eq!(contacts.now(), Contact::Here);
        contacts.asks();
        tokio::time::advance(SLOW).await;
        assert_eq!(contacts.now(), Contact::Here);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(contacts.now(), Contact::Away, "it is silent");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_never_answered_was_never_met() {
        let contacts = Contacts::new();
        assert_eq!(contacts.now(), Contact::Unmet);
        contacts.failed(&FAULT);
        assert_eq!(contacts.now(), Contact::Unmet);
    }

    #[tokio::test(start_paused = true)]
    async fn the_log_is_reminded_once_a_minute() {
        let mut reminder = Reminder::default();
        let mut told = 0;
        for _ in 0..240 {
            told += u32::from(reminder.is_due());
            tokio::time::advance(Duration::from_millis(500)).await;
        }
        assert_eq!(told, 2);
    }
}
