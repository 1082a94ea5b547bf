//! The guard: one value for a resource server, cloned freely.

use std::{fmt, sync::Arc};

use grantd_core::jose::{JwkSet, UnverifiedJws};

use crate::{
    Discovery, FeedStatus, GuardBuilder, GuardRefusal, Principal, ProtectLayer, RequireLayer,
    clock,
    feed::Feed,
    key_cache::KeyCache,
    rules::{Rules, key_named_by},
};

/// Verifies the access tokens of one issuer for one audience. Cheap to clone.
#[derive(Clone)]
pub struct Guard {
    rules: Arc<Rules>,
    keys: Arc<KeyCache>,
    feed: Option<Arc<Feed>>,
}

impl Guard {
    /// A guard that finds the issuer's keys itself (RFC 8414) and follows their rotation.
    pub fn discover(issuer: impl Into<String>) -> GuardBuilder<Discovery> {
        GuardBuilder::new(issuer.into(), Discovery::default())
    }

    /// A guard with these keys for good: no network, no runtime, and no rotation.
    pub fn with_keys(issuer: impl Into<String>, keys: JwkSet) -> GuardBuilder<JwkSet> {
        GuardBuilder::new(issuer.into(), keys)
    }

    pub(crate) fn new(rules: Rules, keys: Arc<KeyCache>, feed: Option<Feed>) -> Self {
        Self { rules: Arc::new(rules), keys, feed: feed.map(Arc::new) }
    }

    /// Lets only requests with a good token through and gives their handlers the [`Principal`].
    pub fn protect(&self) -> ProtectLayer {
        ProtectLayer::new(self.clone())
    }

    /// Lets only tokens with this permission through, e.g. `invoices.read`.
    ///
    /// Goes inside of [`Guard::protect`]; without it, it verifies the token itself.
    pub fn require(&self, permission: &str) -> RequireLayer {
        RequireLayer::new(self.clone(), permission)
    }

    /// Who sent this token, which is the bare JWT without `Bearer`.
    ///
    /// Waits only when the token names an unknown key, for at most the fetch timeout.
    pub async fn verify(&self, token: &str) -> Result<Principal, GuardRefusal> {
        let jws = UnverifiedJws::parse(token)?;
        let kid = key_named_by(jws.header())?;
        let principal = self.accept(&jws, kid).await?;
        match &self.feed {
            Some(feed) => feed.judge(&principal, kid).map(|()| principal),
            None => Ok(principal),
        }
    }

    /// How the revocation feed is doing, for a health page or a metric. A guard that follows none
    /// is never connected and knows no entries.
    pub fn feed_status(&self) -> FeedStatus {
        self.feed.as_ref().map(|feed| feed.status()).unwrap_or_default()
    }

    /// The token by its key and its claims, revocation aside.
    async fn accept(&self, jws: &UnverifiedJws<'_>, kid: &str) -> Result<Principal, GuardRefusal> {
        if let Some(key) = self.keys.ring().find(kid) {
            return self.rules.accept(jws, key, clock::now());
        }
        self.keys.refetch().await;
        let ring = self.keys.ring();
        match ring.find(kid) {
            Some(key) => self.rules.accept(jws, key, clock::now()),
            None if ring.is_empty() => Err(GuardRefusal::KeysUnavailable),
            None => Err(GuardRefusal::KeyUnknown),
        }
    }

    /// Whether this guard, or a clone of it, made the principal.
    pub(crate) fn verified(&self, principal: &Principal) -> bool {
        principal.met(&self.rules)
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("rules", &self.rules).finish_non_exhaustive()
    }
}
