//! JWTs that were verified before: a signature that held once holds as long as its key is believed.

use std::{fmt, sync::Arc};

use grantd_core::Timestamp;
use quick_cache::sync::Cache;

use crate::{GuardRefusal, Principal, fingerprint::Fingerprint};

/// Verified tokens. What may change from one request to the next is no part of it: the caller asks
/// anew whether the keys are stale and what is revoked.
pub(crate) struct Seen(Option<Cache<Fingerprint, Seal>>);

/// What came of a token's verification.
#[derive(Clone)]
pub(crate) struct Seal {
    pub(crate) principal: Principal,
    /// The key that it was verified with.
    pub(crate) kid: Arc<str>,
    /// The edition of the key set that this key was of.
    pub(crate) edition: u64,
}

impl Seen {
    /// Room for so many tokens; with none, nothing is remembered. One that is used pushes out one that
    /// was not, so that a flood of tokens that come once displaces none in use.
    pub(crate) fn with_room(tokens: usize) -> Self {
        Self((tokens > 0).then(|| Cache::new(tokens)))
    }

    /// Whether anything is remembered at all.
    pub(crate) fn is_kept(&self) -> bool {
        self.0.is_some()
    }

    /// Who sent this token, if it was verified by this edition of the keys. Its end is looked at anew.
    pub(crate) fn recall(
        &self,
        token: &Fingerprint,
        edition: u64,
        now: Timestamp,
    ) -> Option<Result<Seal, GuardRefusal>> {
        let seal = self.0.as_ref()?.get(token).filter(|seal| seal.edition == edition)?;
        if seal.principal.expires_at() <= now {
            return Some(Err(GuardRefusal::Expired));
        }
        Some(Ok(seal))
    }

    /// Remembers a token that was verified.
    pub(crate) fn note(&self, token: Fingerprint, seal: Seal) {
        if let Some(cache) = &self.0 {
            cache.insert(token, seal);
        }
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tokens = self.0.as_ref().map_or(0, Cache::len);
        f.debug_struct("Seen").field("tokens", &tokens).finish()
    }
}
