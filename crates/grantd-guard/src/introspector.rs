//! Whoever can say what a token is at this moment, e.g. the issuer in the same process.

use std::{error::Error, fmt, sync::Arc};

use async_trait::async_trait;
use grantd_core::{GrantType, Timestamp};

/// Says what a token is at this moment: introspection (RFC 7662) without a wire between.
///
/// A guard [built on one](crate::Guard::with_introspector) asks it about every token, JWT or opaque,
/// and remembers nothing: a revocation holds from the next request on.
#[async_trait]
pub trait Introspector: Send + Sync {
    /// What the token says if it is alive, else `None`, whatever the reason. The text is whatever
    /// the caller sent, of at most 16 KiB.
    ///
    /// An error means that nobody knows: the request is refused with 503, never let through.
    async fn introspect(&self, token: &str) -> Result<Option<ActiveToken>, IntrospectorError>;
}

/// Why an introspector does not know; it goes to the log and never to the caller.
pub type IntrospectorError = Box<dyn Error + Send + Sync>;

/// What a living token says (RFC 7662 section 2.2). The guard still measures it by its own rules:
/// issuer, audience, times, and whose token it may be.
#[derive(Clone, PartialEq, Eq)]
pub struct ActiveToken {
    /// Who issued it (`iss`).
    pub issuer: String,
    /// Whom it is for (`aud`), an absolute URI.
    pub audience: String,
    /// Whom it speaks of (`sub`): the client itself, or a user.
    pub subject: String,
    /// The client that obtained it (`client_id`).
    pub client_id: String,
    /// Its id (`jti`).
    pub token_id: String,
    /// When it ends; the end itself is outside (`exp`).
    pub expires_at: Timestamp,
    /// By which grant (`gty`).
    pub grant_type: GrantType,
    /// Its permissions, blank-separated (`scope`).
    pub scope: String,
    /// The names of the client's roles (`roles`).
    pub roles: Vec<String>,
    /// The client's generation that it was issued under (`gen`).
    pub generation: u64,
    /// The client's credential that obtained it (`cid`).
    pub credential_id: Option<String>,
    /// The user's generation that it was issued under (`ugen`); `None` for a client's own.
    pub user_generation: Option<u64>,
    /// The user's approval that it rests on (`grant`); `None` for a client's own.
    pub grant_id: Option<String>,
}

/// A guard's source that is asked about every token; see [`crate::Guard::with_introspector`].
pub struct InProcess(pub(crate) Arc<dyn Introspector>);

impl fmt::Debug for ActiveToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActiveToken")
            .field("client_id", &self.client_id)
            .field("subject", &self.subject)
            .field("grant_type", &self.grant_type)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess(…)")
    }
}
