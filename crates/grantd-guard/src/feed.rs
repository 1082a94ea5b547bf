//! The revocation feed: what is revoked, known here within a second and asked without waiting.

mod backoff;
mod credentials;
mod entry;
mod error;
mod kills;
mod ledger;
mod reader;
mod source;
mod sse;

use std::{fmt, sync::Arc, time::Duration};

use tokio::task::AbortHandle;

use crate::{BuildError, GuardRefusal, Principal};

use ledger::Ledger;
use reader::Reader;

pub use credentials::FeedCredentials;
pub use error::FeedError;
pub use ledger::FeedStatus;
pub(crate) use source::Source;

/// What happens to tokens while the feed is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailMode {
    /// They are accepted.
    Open,
    /// They are refused.
    Closed,
}

/// How a feed is to be followed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FeedSettings {
    /// Without contact for longer, the feed is cut.
    pub(crate) max_age: Duration,
    pub(crate) mode: FailMode,
}

impl Default for FeedSettings {
    /// Closed after a minute.
    fn default() -> Self {
        Self { max_age: Duration::from_mins(1), mode: FailMode::Closed }
    }
}

/// A feed that a task follows until this is dropped.
pub(crate) struct Feed {
    ledger: Arc<Ledger>,
    task: AbortHandle,
}

impl Feed {
    /// Reads the whole list, then follows the feed. When the list cannot be read, an error if the
    /// feed is to fail closed; else it starts cut and keeps trying.
    pub(crate) async fn follow(source: Source, settings: FeedSettings) -> Result<Self, BuildError> {
        let url = source.url.to_string();
        let ledger = Arc::new(Ledger::new(settings));
        let mut reader = Reader::new(source, Arc::clone(&ledger));
        if let Err(cause) = reader.catch_up().await {
            if settings.mode == FailMode::Closed {
                return Err(BuildError::Feed { url, cause });
            }
            tracing::error!(error = %cause, url, "the revocation feed cannot be read; the guard starts without and keeps trying");
        }
        let task = tokio::spawn(reader.run()).abort_handle();
        Ok(Self { ledger, task })
    }

    /// Whether a token that is good otherwise may pass, by what is known now. `kid` is its key.
    pub(crate) fn judge(&self, principal: &Principal, kid: &str) -> Result<(), GuardRefusal> {
        self.ledger.judge(principal, kid)
    }

    /// Whether something is known that kills the token, however long ago the feed was heard of.
    /// `kid` is its key; an opaque one has none.
    pub(crate) fn refute(
        &self,
        principal: &Principal,
        kid: Option<&str>,
    ) -> Result<(), GuardRefusal> {
        self.ledger.refute(principal, kid)
    }

    /// Whether it is cut, so that nobody may go by what is remembered.
    pub(crate) fn is_blocking(&self) -> bool {
        self.ledger.is_blocking()
    }

    /// How it is doing.
    pub(crate) fn status(&self) -> FeedStatus {
        self.ledger.status()
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("status", &self.status()).finish_non_exhaustive()
    }
}
