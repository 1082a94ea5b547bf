//! How a guard is put together.

use std::{
    future::{Ready, ready},
    sync::{Arc, Mutex},
    time::Duration,
};

use grantd_core::jose::JwkSet;

use crate::{
    BuildError, Guard, InProcess,
    discovery::{Transport, discover},
    feed::{FailMode, Feed, FeedCredentials, FeedSettings, Source},
    fetch::Fetch,
    guard::Proof,
    introspection::{Endpoint, Introspection},
    jwt::Jwts,
    key_cache::{Age, Flights, KeyCache, Origin},
    key_ring::KeyRing,
    rules::Rules,
};

/// How many idle connections wait for the next questions about opaque tokens.
const IDLE_CONNECTIONS: usize = 8;

/// How many verified tokens are remembered unless it is said otherwise.
const REMEMBERED: usize = 10_000;

/// Builds a [`Guard`]; `K` says how it knows tokens: by the keys of [`Discovery`], by a fixed
/// [`JwkSet`], or by asking [`InProcess`].
#[derive(Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct GuardBuilder<K> {
    issuer: String,
    audience: Option<String>,
    leeway: Duration,
    remembered: usize,
    keys: K,
}

/// Keys by discovery (RFC 8414): how they are fetched.
#[derive(Debug)]
pub struct Discovery {
    transport: Transport,
    refresh_interval: Duration,
    refetch_interval: Duration,
    max_key_age: Duration,
    fetch_timeout: Duration,
    feed: FeedSettings,
    feed_credentials: Option<FeedCredentials>,
    introspection_ttl: Duration,
    introspection_credentials: Option<FeedCredentials>,
}

impl Default for Discovery {
    /// Every 5 minutes, at most every 10 seconds for unknown keys, 5 seconds for an answer; keys are
    /// believed for a day without contact; what the issuer said of an opaque token holds for 10 seconds.
    fn default() -> Self {
        Self {
            transport: Transport::Https,
            refresh_interval: Duration::from_mins(5),
            refetch_interval: Duration::from_secs(10),
            max_key_age: Duration::from_hours(24),
            fetch_timeout: Duration::from_secs(5),
            feed: FeedSettings::default(),
            feed_credentials: None,
            introspection_ttl: Duration::from_secs(10),
            introspection_credentials: None,
        }
    }
}

impl<K> GuardBuilder<K> {
    pub(crate) fn new(issuer: String, keys: K) -> Self {
        Self {
            issuer,
            audience: None,
            leeway: Duration::from_secs(5),
            remembered: REMEMBERED,
            keys,
        }
    }

    /// The audience of this API, an absolute URI, exactly as the issuer has it. Without it, the issuer
    /// itself, which is the audience of grantd's API `default`.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// How far a token's `nbf` and `iat` may lie ahead of this machine's clock, in whole seconds;
    /// 5 s unless set. `exp` has no leeway: a token never lives longer than it says.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// How many verified JWTs are remembered, by their SHA-256; 10,000 unless set, some 8 MB. A token
    /// that comes again costs no signature then. Its end, the keys and the revocation feed are looked
    /// at each time. With zero every signature is checked anew; with an introspector nothing is
    /// remembered anyway.
    pub fn remembered_tokens(mut self, tokens: usize) -> Self {
        self.remembered = tokens;
        self
    }

    fn rules(issuer: String, audience: Option<String>, leeway: Duration) -> Rules {
        let audience = audience.unwrap_or_else(|| issuer.clone());
        Rules { issuer, audience, leeway: i64::try_from(leeway.as_secs()).unwrap_or(i64::MAX) }
    }
}

impl GuardBuilder<Discovery> {
    /// Allows `http://` issuers on other machines, for tests and trusted networks: who can change
    /// the traffic to the issuer can then make tokens.
    pub fn allow_http(mut self) -> Self {
        self.keys.transport = Transport::AnyHttp;
        self
    }

    /// How often the keys are read again; 5 minutes unless set. So long may a key that the issuer
    /// has withdrawn still be believed, and while the issuer cannot be reached until
    /// [`Self::max_key_age`]. Less than a second is taken as a second.
    pub fn refresh_interval(mut self, interval: Duration) -> Self {
        self.keys.refresh_interval = interval.max(Duration::from_secs(1));
        self
    }

    /// How long the keys read last stay in use while the issuer cannot be reached; 24 hours unless
    /// set. From then on every JWT is refused with 503 until they are read again. It is measured by
    /// the monotonic clock, and bounds for how long a key that was withdrawn in the meantime, because
    /// it was stolen, is still believed. The keys are read at least twice in that time; less than two
    /// seconds are taken as two.
    pub fn max_key_age(mut self, age: Duration) -> Self {
        self.keys.max_key_age = age.max(Duration::from_secs(2));
        self
    }

    /// How often tokens with unknown keys may make the guard read the keys again; 10 s unless set.
    pub fn refetch_interval(mut self, interval: Duration) -> Self {
        self.keys.refetch_interval = interval;
        self
    }

    /// How long the issuer may take for one answer, from connecting to its last byte; 5 s unless set.
    pub fn fetch_timeout(mut self, timeout: Duration) -> Self {
        self.keys.fetch_timeout = timeout;
        self
    }

    /// Follows the issuer's revocation feed, so that a token dies here within a second of its
    /// revocation and not only at its end. The credentials are those of a client that serves this API
    /// (`grantd client create --serves API`).
    pub fn revocations(mut self, credentials: FeedCredentials) -> Self {
        self.keys.feed_credentials = Some(credentials);
        self
    }

    /// How long the feed may be out of reach before the fail mode holds; 60 s unless set.
    pub fn max_feed_age(mut self, age: Duration) -> Self {
        self.keys.feed.max_age = age;
        self
    }

    /// While the feed is out of reach, accept tokens that are not known to be revoked. It is logged
    /// and shows in [`Guard::feed_status`].
    pub fn fail_open(mut self) -> Self {
        self.keys.feed.mode = FailMode::Open;
        self
    }

    /// While the feed is out of reach, refuse every token with 503; so it is unless said otherwise.
    pub fn fail_closed(mut self) -> Self {
        self.keys.feed.mode = FailMode::Closed;
        self
    }

    /// Takes opaque tokens (`gat_…`) too: the issuer is asked about each (RFC 7662). JWTs are still
    /// verified here, without asking. The credentials are those of a client that serves this API
    /// (`grantd client create --serves API`), the same as for [`Self::revocations`] if both are used.
    ///
    /// While the issuer gives no answer, opaque tokens that are not known are refused with 503.
    pub fn introspection(mut self, credentials: FeedCredentials) -> Self {
        self.keys.introspection_credentials = Some(credentials);
        self
    }

    /// How long the issuer's word on an opaque token is believed; 10 s unless set. So long may a
    /// revoked one still pass where no feed is followed; never beyond its `exp`. That a token is dead
    /// is believed for a fifth of it. With zero the issuer is asked at every request.
    pub fn introspection_ttl(mut self, ttl: Duration) -> Self {
        self.keys.introspection_ttl = ttl;
        self
    }

    /// Fetches the issuer's metadata and keys, and the list of what is revoked if
    /// [`Self::revocations`] asks for it. Call it on the Tokio runtime that will serve the requests:
    /// tasks there read the keys again and follow the feed.
    pub async fn build(self) -> Result<Guard, BuildError> {
        let discovery = self.keys;
        let Discovery { transport, refetch_interval, fetch_timeout, max_key_age, .. } = discovery;
        let refresh_interval = discovery.refresh_interval.min(max_key_age / 2);
        let fetch = Fetch::new(fetch_timeout)?;
        let endpoints = discover(&self.issuer, transport, &fetch).await?;
        let feed = match discovery.feed_credentials {
            Some(credentials) => {
                let fetch = Fetch::kept_alive(fetch_timeout, 1)?;
                let url = endpoints.feed(&self.issuer, transport)?;
                let source = Source { fetch, url, credentials, issuer: self.issuer.clone() };
                Some(Feed::follow(source, discovery.feed).await?)
            }
            None => None,
        };
        let introspection = match discovery.introspection_credentials {
            Some(credentials) => {
                let fetch = Fetch::kept_alive(fetch_timeout, IDLE_CONNECTIONS)?;
                let url = endpoints.introspection(&self.issuer, transport)?;
                let endpoint = Endpoint { fetch, url, credentials };
                Some(Arc::new(Introspection::new(endpoint, discovery.introspection_ttl)))
            }
            None => None,
        };
        let jwks_uri = endpoints.jwks_uri;
        let (flights, age) = (Mutex::new(Flights::default()), Age::new(max_key_age));
        let origin = Origin { fetch, jwks_uri, refetch_interval, flights, age };
        let keys = KeyCache::fetched(origin, refresh_interval).await?;
        let jwts = Arc::new(Jwts::new(keys, self.remembered));
        let rules = Self::rules(self.issuer, self.audience, self.leeway);
        Ok(Guard::new(rules, Proof::Keys(jwts, introspection), feed))
    }
}

impl GuardBuilder<JwkSet> {
    /// Ready at once; a future only so that both kinds of guard are built alike.
    pub fn build(self) -> Ready<Result<Guard, BuildError>> {
        ready(self.build_now())
    }

    /// The guard, outside of async code.
    pub fn build_now(self) -> Result<Guard, BuildError> {
        let keys = KeyCache::fixed(KeyRing::fixed(self.keys)?);
        let jwts = Arc::new(Jwts::new(keys, self.remembered));
        let rules = Self::rules(self.issuer, self.audience, self.leeway);
        Ok(Guard::new(rules, Proof::Keys(jwts, None), None))
    }
}

impl GuardBuilder<InProcess> {
    /// Ready at once; a future only so that all kinds of guard are built alike.
    pub fn build(self) -> Ready<Result<Guard, BuildError>> {
        ready(Ok(self.build_now()))
    }

    /// The guard, outside of async code.
    pub fn build_now(self) -> Guard {
        let rules = Self::rules(self.issuer, self.audience, self.leeway);
        Guard::new(rules, Proof::Asking(self.keys.0), None)
    }
}
