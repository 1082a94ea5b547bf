//! The guard: one value for a resource server, cloned freely.

use std::{fmt, sync::Arc};

use grantd_core::jose::{JwkSet, UnverifiedJws};

use crate::{
    Discovery, GuardBuilder, GuardRefusal, Principal, ProtectLayer, RequireLayer, clock,
    key_cache::KeyCache,
    rules::{Rules, key_named_by},
};

/// Verifies the access tokens of one issuer for one audience. Cheap to clone.
#[derive(Clone)]
pub struct Guard {
    rules: Arc<Rules>,
    keys: Arc<KeyCache>,
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

    pub(crate) fn new(rules: Rules, keys: Arc<KeyCache>) -> Self {
        Self { rules: Arc::new(rules), keys }
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
        if let Some(key) = self.keys.ring().find(kid) {
            return self.rules.accept(&jws, key, clock::now());
        }
        self.keys.refetch().await;
        let ring = self.keys.ring();
        match ring.find(kid) {
            Some(key) => self.rules.accept(&jws, key, clock::now()),
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
