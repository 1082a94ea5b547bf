//! What the guard knows of the feed: the revocations, and how fresh they are.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::time::Instant;

use super::{
    FailMode, FeedError, FeedSettings,
    entry::{Entry, Kind},
    kills::Kills,
};
use crate::{GuardRefusal, Principal, clock};

/// How the revocation feed is doing; made by [`Guard::feed_status`](crate::Guard::feed_status).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FeedStatus {
    /// Whether the feed is being followed at this moment.
    pub connected: bool,
    /// Whether it has been out of reach for longer than allowed, so that the fail mode holds.
    pub cut: bool,
    /// How long ago the issuer was last heard of; `None`: never.
    pub last_contact: Option<Duration>,
    /// How many revocations are known.
    pub entries: usize,
    /// How far the feed was read, in the issuer's words.
    pub cursor: Option<String>,
}

/// Read by every request, written by the one task that follows the feed.
#[derive(Debug)]
pub(super) struct Ledger {
    kills: ArcSwap<Kills>,
    cursor: Mutex<Option<String>>,
    settings: FeedSettings,
    begun: Instant,
    /// Milliseconds from `begun` to the last contact, plus one; 0: never.
    contact: AtomicU64,
    connected: AtomicBool,
    /// Whether the log has been told of the present cut.
    cut_told: AtomicBool,
}

impl Ledger {
    /// Knows nothing, and has heard of nobody.
    pub(super) fn new(settings: FeedSettings) -> Self {
        Self {
            kills: ArcSwap::from_pointee(Kills::new()),
            cursor: Mutex::new(None),
            settings,
            begun: clock::tick(),
            contact: AtomicU64::new(0),
            connected: AtomicBool::new(false),
            cut_told: AtomicBool::new(false),
        }
    }

    /// Whether a token that is good otherwise may pass. What is known to be dead stays so while the
    /// feed is cut, in either mode.
    pub(super) fn judge(&self, principal: &Principal, kid: &str) -> Result<(), GuardRefusal> {
        self.refute(principal, Some(kid))?;
        if self.is_blocking() { Err(GuardRefusal::FeedCut) } else { Ok(()) }
    }

    /// Whether something is known that kills the token.
    pub(super) fn refute(
        &self,
        principal: &Principal,
        kid: Option<&str>,
    ) -> Result<(), GuardRefusal> {
        let dead = is_dead(&self.kills.load(), principal, kid);
        if dead { Err(GuardRefusal::Revoked) } else { Ok(()) }
    }

    /// Whether the feed is cut, and that is to block tokens.
    pub(super) fn is_blocking(&self) -> bool {
        self.tell_cut() && self.settings.mode == FailMode::Closed
    }

    /// Whether the feed is cut; the log hears of it once.
    pub(super) fn tell_cut(&self) -> bool {
        let cut = self.is_cut();
        if cut && !self.cut_told.swap(true, Ordering::Relaxed) {
            let consequence = match self.settings.mode {
                FailMode::Open => "tokens are accepted without knowing of new revocations",
                FailMode::Closed => "every token is refused until it is back",
            };
            tracing::error!(max_age = ?self.settings.max_age, "the revocation feed is cut: {consequence}");
        }
        cut
    }

    /// The issuer was heard of, and all it said was understood.
    pub(super) fn hear(&self) {
        let since = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
        self.contact.store(since + 1, Ordering::Relaxed);
        self.connected.store(true, Ordering::Relaxed);
        if self.cut_told.load(Ordering::Relaxed) && self.cut_told.swap(false, Ordering::Relaxed) {
            tracing::info!("the revocation feed is back");
        }
    }

    /// The connection is gone; what is known stays fresh for the time allowed.
    pub(super) fn disconnect(&self) {
        self.connected.store(false, Ordering::Relaxed);
    }

    /// Not all that was revoked is known any more: cut from now on, until the whole list is read.
    pub(super) fn lose(&self) {
        self.disconnect();
        self.contact.store(0, Ordering::Relaxed);
        self.move_to(None);
    }

    /// The revocations to write to.
    pub(super) fn kills(&self) -> Arc<Kills> {
        self.kills.load_full()
    }

    /// A complete list in the place of what was known.
    pub(super) fn replace(&self, kills: Arc<Kills>) {
        self.kills.store(kills);
    }

    /// One revocation more.
    pub(super) fn add(&self, entry: Entry) -> Result<(), FeedError> {
        self.kills.load().add(entry, clock::now().seconds())
    }

    /// How far the feed was read.
    pub(super) fn cursor(&self) -> Option<String> {
        self.cursor.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// It was read as far as this; `None`: begin with the whole list.
    pub(super) fn move_to(&self, cursor: Option<String>) {
        *self.cursor.lock().unwrap_or_else(PoisonError::into_inner) = cursor;
    }

    /// How long the issuer may be silent. Less than half the time allowed, so that there is time for
    /// another try before the feed is cut.
    pub(super) fn longest_silence(&self) -> Duration {
        Duration::from_secs(15).min(self.settings.max_age / 2)
    }

    /// How it is doing.
    pub(super) fn status(&self) -> FeedStatus {
        FeedStatus {
            connected: self.connected.load(Ordering::Relaxed),
            cut: self.is_cut(),
            last_contact: self.age(),
            entries: self.kills.load().len(),
            cursor: self.cursor(),
        }
    }

    fn is_cut(&self) -> bool {
        self.age().is_none_or(|age| age > self.settings.max_age)
    }

    fn age(&self) -> Option<Duration> {
        let contact = self.contact.load(Ordering::Relaxed).checked_sub(1)?;
        Some(self.begun.elapsed().saturating_sub(Duration::from_millis(contact)))
    }
}

/// Whether any entry kills the token. A user's entry never touches a client's own token.
fn is_dead(kills: &Kills, principal: &Principal, kid: Option<&str>) -> bool {
    let user = principal.user_id().zip(principal.user_generation());
    let dead = |kind, id: Option<&str>| id.is_some_and(|id| kills.kill(kind, id, 0));
    kills.kill(Kind::Client, principal.client_id(), principal.generation())
        || user.is_some_and(|(user, generation)| kills.kill(Kind::User, user, generation))
        || dead(Kind::Credential, principal.credential_id())
        || dead(Kind::Token, Some(principal.token_id()))
        || dead(Kind::Grant, principal.grant_id())
        || dead(Kind::Key, kid)
}
