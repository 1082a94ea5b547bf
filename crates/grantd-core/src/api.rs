//! An API: what a token is for.

use crate::{duration::Ttl, jose::Algorithm};

/// What a token is for: an audience with token settings of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Api {
    /// Unique name; a fresh server has one, `default`.
    pub name: String,
    /// The `aud` of its tokens, an absolute URI; `None`: the issuer (the API `default`).
    pub audience: Option<String>,
    /// Signing algorithm where the client has none of its own.
    pub signing_alg: Option<Algorithm>,
    /// Time to live where the client has none of its own.
    pub access_token_ttl: Option<Ttl>,
}

impl Api {
    /// The name of the API that a fresh server has.
    pub const DEFAULT: &'static str = "default";

    /// The API of a fresh server: its audience is the issuer, its settings are the server's.
    pub fn default_api() -> Self {
        Self {
            name: Self::DEFAULT.to_owned(),
            audience: None,
            signing_alg: None,
            access_token_ttl: None,
        }
    }
}
