//! The server as a library: [`Issuer::token`] is the way of a token, to be read first.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use grantd_core::{
    Algorithm, Authorized, Client, Grant, GrantType, Issued, Pen, Policy, PresentedToken, Rate,
    Raw, RefreshTokens, Refusal, Refused, SecretHasher, SecretKey, SigningKey, Timestamp,
    TokenFormat, TokenRequest, TokenSealer, Ttl, mint,
};

use crate::{
    approvals::Approvals,
    client_cache::{CacheCounts, ClientCache},
    clock::{Clock, SystemClock},
    entropy::{Entropy, SystemEntropy, draw},
    fault::{Fault, StorageFault, TokenError},
    key_ring::KeyRing,
    metadata::{self, Paths, SingleTokens},
    sight::Sight,
    storage::{Clients, Tokens},
    throttle::Throttle,
    usage_tally::UsageTally,
    use_log::UseLog,
};

/// An OAuth 2.0 authorization server, without HTTP and without a database of its own.
pub struct Issuer {
    pub(crate) policy: Policy,
    keys: KeyRing,
    pub(crate) hasher: SecretHasher,
    session_hasher: SecretHasher,
    /// Apart, since it is seldom asked: keys of HMAC are large, and so are futures that hold an issuer.
    passkey_hasher: Box<SecretHasher>,
    sealer: TokenSealer,
    pub(crate) clients: ClientCache,
    tokens: Option<Arc<dyn Tokens>>,
    pub(crate) approvals: Option<Arc<dyn Approvals>>,
    pub(crate) codes: Box<SecretHasher>,
    pub(crate) refresh_tokens: Box<RefreshTokens>,
    entropy: Box<dyn Entropy>,
    metadata: Bytes,
    pub(crate) uses: UseLog,
    pub(crate) usage: UsageTally,
    pub(crate) throttle: Throttle,
    pub(crate) client_rate: Option<Rate>,
}

impl Issuer {
    /// Starts building a server with this issuer identifier (RFC 8414 section 2), these signing
    /// keys and this server key.
    pub fn builder(issuer: impl Into<String>, keys: KeyRing, secret_key: SecretKey) -> Builder {
        let policy = Policy {
            issuer: issuer.into(),
            access_token_ttl: Ttl::DEFAULT,
            grants: Vec::new(),
            refresh_ttl: days(90),
            refresh_idle: days(30),
        };
        Builder {
            policy,
            keys,
            secret_key,
            previous_secret_key: None,
            paths: Paths::default(),
            tokens: None,
            approvals: None,
            // 100,000 fit whole: the cache has parts, which fill unevenly.
            cached_clients: 131_072,
            max_staleness: None,
            client_rate: None,
            clock: Box::new(SystemClock),
            entropy: Box::new(SystemEntropy),
        }
    }

    /// A token for a request (RFC 6749 section 3.2), or why there is none.
    pub async fn token(&self, raw: &Raw<'_>) -> Result<Issued, TokenError> {
        let now = self.clock().now();
        let request = TokenRequest::parse(raw).map_err(|why| refused(why, raw, None))?; // no secret touched
        let known = self.clients.find(&request.credentials).await?; // a cache hit; storage only on a miss
        let known = known.as_deref();
        let proven = self.admit(raw, &request.credentials, known, now)?; // its limits; one HMAC, constant time
        let issued = match request.grant {
            Grant::ClientCredentials => self.decide(&proven, &request, now), // one signature; nothing is recorded
            _ => Box::pin(self.on_behalf(&proven, &request, now)).await, // what a user allowed is used up on disk
        };
        let issued = issued?.map_err(|why| refused(why, raw, Some(proven.client())))?;
        if let Some(known) = known.filter(|_| proven.credential().is_none()) {
            self.count_request(known, now);
        }
        Ok(issued)
    }

    pub(crate) fn mint(&self, authorized: Authorized<'_>, now: Timestamp) -> Result<Issued, Fault> {
        let pen = match authorized.format {
            TokenFormat::Jwt => Pen::Sign(self.signer(authorized.signing_alg)?),
            TokenFormat::Opaque => Pen::Seal(&self.sealer, draw(&*self.entropy)),
        };
        mint(authorized, &self.policy.issuer, &pen, now, draw(&*self.entropy)).ok_or(Fault::Signing)
    }

    fn signer(&self, algorithm: Option<Algorithm>) -> Result<&SigningKey, Fault> {
        self.keys.signer(algorithm).ok_or_else(|| match algorithm {
            Some(algorithm) => Fault::KeyMissing(algorithm),
            None => Fault::Signing,
        })
    }

    /// What hashes the secrets in session cookies.
    pub fn session_hasher(&self) -> &SecretHasher {
        &self.session_hasher
    }

    /// What vouches for the questions that passkeys answer.
    pub fn passkey_hasher(&self) -> &SecretHasher {
        &self.passkey_hasher
    }

    /// What a text says that this server made as an access token.
    pub(crate) fn read(&self, token: &str) -> Option<PresentedToken> {
        PresentedToken::read(token, &self.policy.issuer, self.keys.verifying(), &self.sealer)
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }

    /// The storage of single tokens, without which none can be asked about or killed.
    pub(crate) fn tokens(&self) -> Result<&dyn Tokens, Fault> {
        self.tokens.as_deref().ok_or(Fault::EndpointOff)
    }

    /// Looks whether the storage has changed and forgets cached clients if so. A server calls this
    /// a few times a second; on a fault the cache stays as it is.
    pub async fn refresh(&self) -> Result<(), StorageFault> {
        self.clients.refresh().await
    }

    /// How long ago storage last said what has changed ([`Issuer::refresh`]).
    pub fn unseen_for(&self) -> Duration {
        self.clients.sight.age()
    }

    /// For how much longer cached clients get tokens if storage is not seen again; `None`: for ever.
    pub fn believed_for(&self) -> Option<Duration> {
        let sight = &self.clients.sight;
        sight.limit().map(|limit| limit.saturating_sub(sight.age()))
    }

    /// What [`Builder::max_staleness`] was given.
    pub fn believed_at_most(&self) -> Option<Duration> {
        self.clients.sight.limit()
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.clients.sight.clock()
    }

    /// Forgets cached clients at once: for a host whose storage has no [`Clients::revision`].
    pub fn forget_clients(&self) {
        self.clients.forget();
    }

    /// How often the cache of clients was asked since the start, and what it knew.
    pub fn cache_counts(&self) -> CacheCounts {
        self.clients.counts()
    }

    /// The longest that a token can live by the server's own settings.
    pub fn longest_ttl(&self) -> Ttl {
        let of_grants = self.policy.grants.iter().filter_map(|(_, ttl)| *ttl);
        of_grants.fold(self.policy.access_token_ttl, Ttl::max)
    }

    /// What makes the hashes of client secrets, for commands that create some.
    pub fn secret_hasher(&self) -> &SecretHasher {
        &self.hasher
    }

    /// The issuer identifier.
    pub fn identifier(&self) -> &str {
        &self.policy.issuer
    }

    /// The signing keys.
    pub fn keys(&self) -> &KeyRing {
        &self.keys
    }

    pub(crate) fn metadata_json(&self) -> Bytes {
        self.metadata.clone()
    }
}

pub(crate) fn refused(why: Refusal, raw: &Raw<'_>, client: Option<&Client>) -> TokenError {
    TokenError::Refused(Refused::new(why, raw.authorization, client.map(|client| &client.id)))
}

fn days(days: i64) -> Ttl {
    Ttl::from_seconds(days * 86_400).unwrap_or(Ttl::MAX)
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer")
            .field("policy", &self.policy)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

/// Settings of an [`Issuer`] to be.
pub struct Builder {
    policy: Policy,
    keys: KeyRing,
    secret_key: SecretKey,
    previous_secret_key: Option<SecretKey>,
    paths: Paths,
    tokens: Option<Arc<dyn Tokens>>,
    approvals: Option<Arc<dyn Approvals>>,
    cached_clients: usize,
    max_staleness: Option<Duration>,
    client_rate: Option<Rate>,
    clock: Box<dyn Clock>,
    entropy: Box<dyn Entropy>,
}

impl Builder {
    /// Enables a grant, with a time to live of its access tokens or the server's. Those on behalf of
    /// users need [`Builder::approvals`].
    #[must_use]
    pub fn enable(mut self, grant: GrantType, ttl: Option<Ttl>) -> Self {
        self.policy.grants.retain(|(enabled, _)| *enabled != grant);
        self.policy.grants.push((grant, ttl));
        self
    }

    /// What a token lives where neither client, API nor grant say otherwise; one hour by default.
    #[must_use]
    pub fn access_token_ttl(mut self, ttl: Ttl) -> Self {
        self.policy.access_token_ttl = ttl;
        self
    }

    /// Where the host mounts the token endpoint, for the metadata; `/oauth/token` by default.
    #[must_use]
    pub fn token_path(mut self, path: impl Into<String>) -> Self {
        self.paths.token = path.into();
        self
    }

    /// Where the host mounts the introspection endpoint, for the metadata; `/oauth/introspect` by
    /// default.
    #[must_use]
    pub fn introspection_path(mut self, path: impl Into<String>) -> Self {
        self.paths.introspection = path.into();
        self
    }

    /// Where the host mounts the revocation endpoint, for the metadata; `/oauth/revoke` by default.
    #[must_use]
    pub fn revocation_path(mut self, path: impl Into<String>) -> Self {
        self.paths.revocation = path.into();
        self
    }

    /// The storage that knows which tokens are dead; without it there is neither introspection nor
    /// revocation, and the metadata does not name them.
    #[must_use]
    pub fn tokens(mut self, tokens: Arc<dyn Tokens>) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// The storage of what users allowed, without which no grant on their behalf works.
    #[must_use]
    pub fn approvals(mut self, approvals: Arc<dyn Approvals>) -> Self {
        self.approvals = Some(approvals);
        self
    }

    /// How long refresh tokens go on at most, from the user's approval on, and how long one may lie
    /// unused; `None`: 90 and 30 days.
    #[must_use]
    pub fn refresh_ttl(mut self, longest: Option<Ttl>, unused: Option<Ttl>) -> Self {
        self.policy.refresh_ttl = longest.unwrap_or(self.policy.refresh_ttl);
        self.policy.refresh_idle = unused.unwrap_or(self.policy.refresh_idle);
        self
    }

    /// Where the host mounts the authorization endpoint, for the metadata; `/oauth/authorize` by
    /// default.
    #[must_use]
    pub fn authorization_path(mut self, path: impl Into<String>) -> Self {
        self.paths.authorization = path.into();
        self
    }

    /// The server key of before (`GRANTD_SECRET_KEY_PREVIOUS`): client secrets hashed under it still
    /// prove, and opaque tokens sealed under it live on.
    #[must_use]
    pub fn previous_secret_key(mut self, key: SecretKey) -> Self {
        self.previous_secret_key = Some(key);
        self
    }

    /// How many clients are kept in memory at most; 131,072 by default.
    #[must_use]
    pub fn cached_clients(mut self, capacity: usize) -> Self {
        self.cached_clients = capacity;
        self
    }

    /// How long cached clients get tokens while storage cannot be followed: once the last
    /// [`Issuer::refresh`] that was answered is longer ago, all requests are answered 503. For hosts that
    /// call it all the time; without this, cached clients are believed for ever.
    #[must_use]
    pub fn max_staleness(mut self, longest: Duration) -> Self {
        self.max_staleness = Some(longest);
        self
    }

    /// How often a client may ask, on this node; without it as often as it can. What a client has used
    /// up is forgotten when the client is changed.
    #[must_use]
    pub fn client_rate(mut self, rate: Option<Rate>) -> Self {
        self.client_rate = rate;
        self
    }

    /// Another clock than the machine's, for tests.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Another source of randomness than the crypto library's, for tests.
    #[must_use]
    pub fn entropy(mut self, entropy: impl Entropy + 'static) -> Self {
        self.entropy = Box::new(entropy);
        self
    }

    /// The server, on this storage.
    pub fn build(self, storage: Arc<dyn Clients>) -> Issuer {
        let known = if self.tokens.is_some() { SingleTokens::Known } else { SingleTokens::Unknown };
        let metadata = metadata::render(&self.policy, &self.paths, known);
        let hasher = self.secret_key.secret_hasher();
        let hasher = match &self.previous_secret_key {
            Some(previous) => hasher.with_previous(previous),
            None => hasher,
        };
        let sight = Sight::new(self.clock, self.max_staleness);
        Issuer {
            policy: self.policy,
            keys: self.keys,
            hasher,
            session_hasher: self.secret_key.session_hasher(),
            codes: Box::new(self.secret_key.code_hasher()),
            refresh_tokens: Box::new(RefreshTokens::new(
                &self.secret_key,
                self.previous_secret_key.as_ref(),
            )),
            approvals: self.approvals,
            passkey_hasher: Box::new(self.secret_key.passkey_hasher()),
            sealer: TokenSealer::new(&self.secret_key, self.previous_secret_key.as_slice()),
            tokens: self.tokens,
            clients: ClientCache::new(storage, sight, self.cached_clients),
            entropy: self.entropy,
            metadata,
            uses: UseLog::default(),
            usage: UsageTally::default(),
            throttle: Throttle::default(),
            client_rate: self.client_rate,
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("policy", &self.policy).finish_non_exhaustive()
    }
}
