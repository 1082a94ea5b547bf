//! Secrets between the form that made them and the page that shows them: told once, then gone.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use grantd_core::Secret;
use tokio::time::Instant;

/// How long a secret waits for its page.
const PATIENCE: Duration = Duration::from_mins(1);
/// How many wait at once.
const ROOM: usize = 1000;

/// By who may see them (a session) and what they belong to (a client).
type Waiting = HashMap<(String, String), (Instant, Secret)>;

/// Secrets that wait. None is in memory longer than its time, whether somebody fetches it or not.
#[derive(Default)]
pub(in crate::serve) struct Once(Mutex<Waiting>);

impl Once {
    /// Keeps a secret for the next page of this client in this session. Where there is no room, the
    /// secret is lost, and another rotation makes another.
    pub(in crate::serve) fn keep(self: &Arc<Self>, session: &str, client: &str, secret: Secret) {
        let (now, mut waiting) = (Instant::now(), self.waiting());
        if waiting.len() < ROOM {
            waiting.insert((session.to_owned(), client.to_owned()), (now, secret));
            let once = Arc::clone(self);
            tokio::spawn(async move {
                tokio::time::sleep_until(now + PATIENCE).await;
                once.waiting().retain(|_, (since, _)| since.elapsed() < PATIENCE);
            });
        }
    }

    /// Takes it out: the second time there is none.
    pub(in crate::serve) fn take(&self, session: &str, client: &str) -> Option<Secret> {
        let (since, secret) = self.waiting().remove(&(session.to_owned(), client.to_owned()))?;
        (since.elapsed() < PATIENCE).then_some(secret)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_secret_is_told_once_to_its_session_and_only_soon() {
        let once = Arc::new(Once::default());
        once.keep("mine", "a", Secret::new("x".to_owned()));
        assert!(once.take("another's", "a").is_none());
        assert_eq!(
            once.take("mine", "a").map(|secret| secret.reveal().to_owned()).as_deref(),
            Some("x")
        );
        assert!(once.take("mine", "a").is_none());
        once.keep("mine", "a", Secret::new("x".to_owned()));
        tokio::time::advance(PATIENCE).await;
        assert!(once.take("mine", "a").is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_fetches_takes_no_room_for_ever() {
        let once = Arc::new(Once::default());
        for at in 0..=ROOM {
            once.keep("mine", &at.to_string(), Secret::new("x".to_owned()));
        }
        assert!(once.take("mine", &ROOM.to_string()).is_none());
        tokio::time::sleep(PATIENCE + Duration::from_millis(1)).await;
        assert!(once.waiting().is_empty(), "and no memory, though nobody keeps another");
        once.keep("mine", "late", Secret::new("x".to_owned()));
        assert!(once.take("mine", "late").is_some());
    }
}
