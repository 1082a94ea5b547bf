//! What goes wrong on our side: never the caller's fault, never shown in detail.

use std::{sync::Arc, time::Duration};

use grantd_core::{Algorithm, Refused};

/// The storage could not answer.
#[derive(Clone, Debug, thiserror::Error)]
#[error("storage: {message}")]
pub struct StorageFault {
    message: String,
    #[source]
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl StorageFault {
    /// A fault with the driver's own error behind it.
    pub fn new(
        message: impl Into<String>,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self { message: message.into(), source: Some(Arc::new(source)) }
    }

    /// A fault that has no other error behind it.
    pub fn plain(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }
}

/// A fault of the server: an answer of 500 or 503, and a line in the log.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Fault {
    /// The storage could not answer: `temporarily_unavailable`, 503.
    #[error(transparent)]
    Storage(#[from] StorageFault),
    /// Storage was out of sight for longer than memory is believed
    /// ([`crate::Builder::max_staleness`]): `temporarily_unavailable`, 503.
    #[error(
        "storage was last seen {} s ago, and what is in memory is believed for {} s", age.as_secs(), limit.as_secs()
    )]
    Stale {
        /// How long ago it was last seen.
        age: Duration,
        /// How long memory is believed.
        limit: Duration,
    },
    /// A client or API wants an algorithm that the server has no key for: `server_error`, 500.
    #[error(
        "there is no {0} signing key: add one with `grantd keys generate --alg {0}`, or change the client"
    )]
    KeyMissing(Algorithm),
    /// The host gave no [`crate::Tokens`], so there is no such endpoint: 404.
    #[error("introspection and revocation are off: give the builder a storage of tokens")]
    EndpointOff,
    /// The crypto library failed: `server_error`, 500.
    #[error("the crypto library could not sign")]
    Signing,
}

impl Fault {
    /// What [`Fault::name`] can say.
    pub const NAMES: [&'static str; 5] =
        ["storage", "key-missing", "endpoint-off", "signing", "stale"];

    /// The stable name: metric label.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Storage(_) => Self::NAMES[0],
            Self::KeyMissing(_) => Self::NAMES[1],
            Self::EndpointOff => Self::NAMES[2],
            Self::Signing => Self::NAMES[3],
            Self::Stale { .. } => Self::NAMES[4],
        }
    }
}

/// Why a request to an OAuth endpoint was not carried out.
#[derive(Clone, Debug)]
pub enum TokenError {
    /// The caller's fault.
    Refused(Refused),
    /// Ours.
    Faulted(Fault),
}

impl<F: Into<Fault>> From<F> for TokenError {
    fn from(fault: F) -> Self {
        Self::Faulted(fault.into())
    }
}
