//! What one user may do in a while at the authorization endpoint: codes and answers are rows and commits,
//! and any user may ask for them.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use grantd_core::UserId;
use tokio::time::Instant;

/// Requests of a signed-in user in a window.
const REQUESTS: u32 = 60;
/// How long a window is.
const WINDOW: Duration = Duration::from_mins(1);
/// For so long a form that is sent twice is a double click; later it is an old page.
const TWICE: Duration = Duration::from_secs(10);
/// How long the seal of an answered form is remembered: as long as it would be taken.
const REMEMBERED: Duration = Duration::from_mins(10);
/// How many of them at most; with [`REQUESTS`] of a user a minute, many users would have to try.
const MOST: usize = 10_000;

/// Counts of this minute, and forms that were answered; both of this process.
#[derive(Debug, Default)]
pub(in crate::serve) struct Bounds(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    since: Option<Instant>,
    requests: HashMap<UserId, u32>,
    answered: HashMap<String, Instant>,
}

impl Bounds {
    /// Whether a user may make one more request; how long they wait where they may not.
    pub(super) fn admit(&self, user: UserId) -> Result<(), Duration> {
        let (mut state, now) = (self.state(), Instant::now());
        let since = *state.since.get_or_insert(now);
        if now.duration_since(since) >= WINDOW {
            state.since = Some(now);
            state.requests.clear();
        }
        let count = state.requests.entry(user).or_default();
        *count = count.saturating_add(1);
        if *count <= REQUESTS {
            Ok(())
        } else {
            Err(WINDOW.saturating_sub(now.duration_since(since)))
        }
    }

    /// Whether the form with this seal may be answered: once, and again only by a double click.
    pub(super) fn answer(&self, seal: &str) -> bool {
        let (mut state, now) = (self.state(), Instant::now());
        state.answered.retain(|_, at| now.duration_since(*at) < REMEMBERED);
        if let Some(at) = state.answered.get(seal) {
            return now.duration_since(*at) < TWICE;
        }
        let fits = state.answered.len() < MOST;
        if fits {
            state.answered.insert(seal.to_owned(), now);
        }
        fits
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use grantd_core::Timestamp;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_user_is_slowed_down_and_no_other() {
        let bounds = Bounds::default();
        let [ada, bob] = [1, 2].map(|byte| UserId::mint(Timestamp::default(), [byte; 10]));
        for _ in 0..REQUESTS {
            assert_eq!(bounds.admit(ada), Ok(()));
        }
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(bounds.admit(ada), Err(Duration::from_secs(40)));
        assert_eq!(bounds.admit(bob), Ok(()));
        tokio::time::advance(Duration::from_secs(40)).await;
        assert_eq!(bounds.admit(ada), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_form_is_answered_once_but_for_a_double_click() {
        let bounds = Bounds::default();
        assert!(bounds.answer("a") && bounds.answer("a") && bounds.answer("b"));
        tokio::time::advance(TWICE).await;
        assert!(!bounds.answer("a"));
        tokio::time::advance(REMEMBERED).await;
        assert!(bounds.answer("a"), "its seal is too old by then");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_bounded() {
        let bounds = Bounds::default();
        for number in 0..MOST {
            assert!(bounds.answer(&number.to_string()));
        }
        assert!(!bounds.answer("one more") && bounds.answer("0"));
    }
}
