//! What a resource server installs: verifies grantd's access tokens offline and says who calls.
//!
//! [`Guard::discover`] reads the issuer's metadata (RFC 8414) and keys (RFC 7517) once; from then
//! on a token is checked without asking anybody (RFC 9068 section 4). [`Guard::protect`] lets only
//! requests with a good token through, [`Guard::require`] demands a permission of a route, and a
//! handler takes the [`Principal`].
//!
//! ```no_run
//! use axum::{Json, Router, routing::get};
//! use grantd_guard::{BuildError, Guard, Principal};
//!
//! async fn list(principal: Principal) -> Json<Vec<String>> {
//!     // A machine speaks for itself alone; a user's token also names the user.
//!     let whose = principal.user_id().unwrap_or(principal.client_id());
//!     Json(vec![format!("invoices that {whose} may see")])
//! }
//!
//! # async fn run() -> Result<Router, BuildError> {
//! let guard = Guard::discover("https://auth.example").audience("https://api.example").build().await?;
//! let app: Router = Router::new()
//!     .route("/partner/invoices", get(list).layer(guard.require("invoices.read")))
//!     .layer(guard.protect());
//! # Ok(app)
//! # }
//! ```
//!
//! # What a caller sees (RFC 6750 section 3)
//! | request | answer |
//! |---|---|
//! | no token, or another scheme | 401 `WWW-Authenticate: Bearer` |
//! | a token that is not good here | 401 `Bearer error="invalid_token"` |
//! | a permission is missing | 403 `Bearer error="insufficient_scope", scope="…"` |
//! | a token in the query or the form, two Authorization headers, no token after `Bearer` | 400 `Bearer error="invalid_request"` |
//! | the issuer publishes no usable key or was out of reach for too long, says nothing of an opaque token, or the revocation feed is cut | 503 with `Retry-After` |
//!
//! The body is JSON with a `message` that says what to do. The exact cause is a [`GuardRefusal`];
//! its name goes to the log (`tracing`), never to the wire, and a token goes to neither.
//!
//! # Keys
//! They are read again every five minutes, and once more when a token names one that is not known,
//! at most every ten seconds. While the issuer cannot be reached, the known keys stay in use for
//! [`max_key_age`](GuardBuilder::max_key_age), a day unless set; then every JWT is refused with 503. A
//! guard that discovers needs a Tokio runtime; one with [fixed keys](Guard::with_keys) needs none.
//!
//! # Revocations
//! Without more, a revoked token is good until it expires. With
//! [`revocations`](GuardBuilder::revocations) the guard reads the issuer's list of what is revoked
//! before it is built, and then follows its feed: a revocation takes effect here within a second.
//! After a lost connection it catches up from where it was. If the feed is out of reach for longer
//! than [`max_feed_age`](GuardBuilder::max_feed_age), every token is refused with 503 and
//! `Retry-After`, unless the guard is told to [`fail_open`](GuardBuilder::fail_open); what is known
//! to be revoked is refused all the same. [`Guard::feed_status`] tells how it is doing.
//!
//! ```no_run
//! # use grantd_guard::{BuildError, FeedCredentials, Guard};
//! # async fn run(secret: String) -> Result<(), BuildError> {
//! let guard = Guard::discover("https://auth.example")
//!     .audience("https://api.example")
//!     .revocations(FeedCredentials::basic("0190c0de-…", secret))
//!     .build()
//!     .await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Opaque tokens
//! Without more, only JWTs are taken. With [`introspection`](GuardBuilder::introspection) the issuer
//! is asked about each opaque token (RFC 7662), and its answer is measured as a JWT's claims are. It is
//! believed for [`introspection_ttl`](GuardBuilder::introspection_ttl), 10 s unless set, and never
//! beyond the token's `exp`: so long may a revoked opaque token pass, or a second where the guard
//! follows the feed too, which ends what is remembered. While the feed is cut, the issuer is asked each
//! time. At most 10,000 tokens are remembered, by their SHA-256, and at most 64 questions are open at a
//! time; many requests with the same token ask once. Without an answer the request is refused with 503.
//!
//! A program that has the issuer in itself builds its guard on an [`Introspector`]
//! ([`Guard::with_introspector`]): every token is asked about, and a revocation holds at once.
//!
//! # Features
//! `axum` (default): [`Principal`] as an extractor, [`GuardRefusal`] as a response. Without it, the
//! layers still fit any tower service whose bodies are made from [`bytes::Bytes`].

mod admit;
mod bearer;
mod builder;
mod claims;
mod clock;
mod discovery;
mod error;
#[cfg(feature = "axum")]
mod extract;
mod feed;
mod fetch;
mod fingerprint;
mod form;
mod guard;
mod introspection;
mod introspector;
mod jwt;
mod key_cache;
mod key_ring;
mod principal;
mod protect;
mod refusal;
mod require;
mod respond;
mod rules;
mod seen;

pub use builder::{Discovery, GuardBuilder};
pub use error::{BuildError, FetchError};
pub use feed::{FeedCredentials, FeedError, FeedStatus};
pub use grantd_core::{
    GrantType, Timestamp,
    jose::{Jwk, JwkSet},
};
pub use guard::Guard;
pub use introspector::{ActiveToken, InProcess, Introspector, IntrospectorError};
pub use principal::Principal;
pub use protect::{Protect, ProtectLayer};
pub use refusal::GuardRefusal;
pub use require::{Require, RequireLayer};
