//! The guard: one value for a resource server, cloned freely.

use std::{fmt, sync::Arc};

use grantd_core::{TokenSealer, jose::JwkSet};

use crate::{
    Discovery, FeedStatus, GuardBuilder, GuardRefusal, InProcess, Introspector, Principal,
    ProtectLayer, RequireLayer,
    claims::Claims,
    clock,
    feed::Feed,
    introspection::{Introspection, Memory},
    jwt::Jwts,
    rules::Rules,
    seen::Seal,
};

/// Verifies the access tokens of one issuer for one audience. Cheap to clone.
#[derive(Clone)]
pub struct Guard {
    rules: Arc<Rules>,
    proof: Proof,
    feed: Option<Arc<Feed>>,
}

/// How a token shows that it is the issuer's.
#[derive(Clone)]
pub(crate) enum Proof {
    /// A JWT by its signature; an opaque token, if at all, by asking the issuer.
    Keys(Arc<Jwts>, Option<Arc<Introspection>>),
    /// The issuer says so, each time.
    Asking(Arc<dyn Introspector>),
}

/// The longest token that is looked at, in bytes.
const MAX_LENGTH: usize = 16 * 1024;

impl Guard {
    /// A guard that finds the issuer's keys itself (RFC 8414) and follows their rotation.
    pub fn discover(issuer: impl Into<String>) -> GuardBuilder<Discovery> {
        GuardBuilder::new(issuer.into(), Discovery::default())
    }

    /// A guard with these keys for good: no network, no runtime, and no rotation.
    pub fn with_keys(issuer: impl Into<String>, keys: JwkSet) -> GuardBuilder<JwkSet> {
        GuardBuilder::new(issuer.into(), keys)
    }

    /// A guard that asks about every token, JWT or opaque, and remembers nothing: for who has the
    /// issuer in the same process. No keys, no network, and a revocation holds at once.
    pub fn with_introspector(
        issuer: impl Into<String>,
        introspector: Arc<dyn Introspector>,
    ) -> GuardBuilder<InProcess> {
        GuardBuilder::new(issuer.into(), InProcess(introspector))
    }

    pub(crate) fn new(rules: Rules, proof: Proof, feed: Option<Feed>) -> Self {
        Self { rules: Arc::new(rules), proof, feed: feed.map(Arc::new) }
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

    /// Who sent this token, which is bare, without `Bearer`.
    ///
    /// Waits only when a JWT names an unknown key or all keys are stale, or an opaque token is not
    /// known, for at most the fetch timeout; or for the introspector.
    pub async fn verify(&self, token: &str) -> Result<Principal, GuardRefusal> {
        match &self.proof {
            Proof::Keys(_, introspection) if token.starts_with(TokenSealer::PREFIX) => {
                let introspection = introspection.as_ref();
                let introspection = introspection.ok_or(GuardRefusal::OpaqueTokenUnsupported)?;
                self.verify_opaque(introspection, token).await
            }
            Proof::Keys(jwts, _) => self.verify_jwt(jwts, token).await,
            Proof::Asking(introspector) => self.ask(&**introspector, token).await,
        }
    }

    /// How the revocation feed is doing, for a health page or a metric. A guard that follows none
    /// is never connected and knows no entries.
    pub fn feed_status(&self) -> FeedStatus {
        self.feed.as_ref().map(|feed| feed.status()).unwrap_or_default()
    }

    async fn ask(
        &self,
        introspector: &dyn Introspector,
        token: &str,
    ) -> Result<Principal, GuardRefusal> {
        if token.len() > MAX_LENGTH {
            return Err(GuardRefusal::TokenTooLong);
        }
        match introspector.introspect(token).await {
            Ok(Some(active)) => self.rules.believe(Claims::from(active), clock::now()),
            Ok(None) => Err(GuardRefusal::TokenInactive),
            Err(error) => {
                tracing::error!(%error, "a token cannot be introspected");
                Err(GuardRefusal::IntrospectionUnavailable)
            }
        }
    }

    /// The feed kills what is remembered; while it is cut, nothing that is remembered counts.
    async fn verify_opaque(
        &self,
        introspection: &Introspection,
        token: &str,
    ) -> Result<Principal, GuardRefusal> {
        let Some(feed) = &self.feed else {
            return introspection.verify(token, &self.rules, Memory::Used).await;
        };
        let memory = if feed.is_blocking() { Memory::Unused } else { Memory::Used };
        let principal = introspection.verify(token, &self.rules, memory).await?;
        feed.refute(&principal, None).map(|()| principal)
    }

    async fn verify_jwt(&self, jwts: &Jwts, token: &str) -> Result<Principal, GuardRefusal> {
        let Seal { principal, kid, .. } = jwts.verify(token, &self.rules).await?;
        match &self.feed {
            Some(feed) => feed.judge(&principal, &kid).map(|()| principal),
            None => Ok(principal),
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
