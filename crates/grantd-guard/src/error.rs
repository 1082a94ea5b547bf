//! Why a guard cannot be built, or its keys not be read again.

use std::{error::Error, time::Duration};

use http::StatusCode;

use crate::FeedError;

/// Why [`GuardBuilder::build`](crate::GuardBuilder::build) failed. Nothing is protected until it succeeds.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The issuer is no absolute http(s) URI, or has a user, query or fragment (RFC 8414 section 2).
    #[error(
        "the issuer `{0}` is not a URI like https://auth.example: pass what the server has in GRANTD_ISSUER"
    )]
    IssuerMalformed(String),
    /// A URI that must be https is http, and not on this machine.
    #[error(
        "`{0}` is not https, so anybody on the way could replace the keys: use https, or `.allow_http()` for tests"
    )]
    NotHttps(String),
    /// The metadata or the keys could not be fetched.
    #[error(
        "cannot fetch {url}: {cause}; check that the issuer is running and reachable from here"
    )]
    Fetch {
        /// What was asked for.
        url: String,
        /// What went wrong.
        #[source]
        cause: FetchError,
    },
    /// The metadata is not JSON with `issuer` and `jwks_uri` (RFC 8414 section 3.2).
    #[error(
        "the metadata at {0} has no `issuer` and `jwks_uri`: check that this is an authorization server"
    )]
    MetadataMalformed(String),
    /// The metadata is another issuer's (RFC 8414 section 3.3); a slash at the end counts.
    #[error(
        "the metadata of `{expected}` says that its issuer is `{found}`: pass exactly the name it says"
    )]
    IssuerDiffers {
        /// The issuer that was asked for.
        expected: String,
        /// The issuer that the metadata names.
        found: String,
    },
    /// The metadata has no `introspection_endpoint`, so that opaque tokens cannot be asked about.
    #[error(
        "the metadata of `{0}` names no `introspection_endpoint`: leave `.introspection(…)` away, or use an issuer that has one"
    )]
    IntrospectionMissing(String),
    /// The answer is not a JWK Set (RFC 7517 section 5).
    #[error("the keys at {0} are not a JWK Set: check the issuer's jwks_uri")]
    KeysMalformed(String),
    /// More than 64 keys.
    #[error("the issuer publishes {0} keys, more than 64: retire old ones")]
    KeysTooMany(usize),
    /// None of the fixed keys has a `kid` and is for RS256, PS256, ES256 or EdDSA.
    #[error("none of the keys can verify a token: pass the issuer's JWK Set, with `kid`")]
    KeysUnusable,
    /// The revocation feed could not be read, and the guard is to fail closed.
    #[error("cannot read the revocation feed at {url}: {cause}")]
    Feed {
        /// What was asked for.
        url: String,
        /// What went wrong.
        #[source]
        cause: FeedError,
    },
    /// The TLS library could not be set up.
    #[error("TLS cannot be set up: {0}; check the crypto provider that the program is built with")]
    Tls(String),
}

/// Why a fetch gave nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// No complete answer in time.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// No connection, or it broke off.
    #[error("the connection failed: {}", root(&**.0))]
    Connection(#[source] Box<dyn Error + Send + Sync>),
    /// Another status than 200; redirects are not followed.
    #[error("the answer is {0}")]
    Status(StatusCode),
    /// Longer than 256 KiB, or broken off.
    #[error("the answer is longer than 256 KiB or broke off: {}", root(&**.0))]
    Body(#[source] Box<dyn Error + Send + Sync>),
}

/// The innermost cause: the outer ones say only that there is one.
pub(crate) fn root<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root
}
