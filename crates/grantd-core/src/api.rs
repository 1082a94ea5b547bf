//! An API: what a token is for.

use crate::{duration::Ttl, jose::Algorithm, token_format::TokenFormat};

/// What a token is for: an audience with token settings of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Api {
    /// Unique name; a fresh server has one, `default`.
    pub name: String,
    /// The `aud` of its tokens, an absolute URI; `None`: the issuer (the API `default`).
    pub audience: Option<String>,
    /// How its tokens are written where the client says nothing of its own; `None`: as JWTs.
    pub format: Option<TokenFormat>,
    /// Signing algorithm where the client has none of its own.
    pub signing_alg: Option<Algorithm>,
    /// Time to live where the client has none of its own.
    pub access_token_ttl: Option<Ttl>,
}

impl Api {
    /// The name of the API that a fresh server has.
    pub const DEFAULT: &'static str = "default";

    /// The `aud` of its tokens, on the server with this issuer identifier.
    pub fn audience<'a>(&'a self, issuer: &'a str) -> &'a str {
        self.audience.as_deref().unwrap_or(issuer)
    }

    /// The API of a fresh server: its audience is the issuer, its settings are the server's.
    pub fn default_api() -> Self {
        Self {
            name: Self::DEFAULT.to_owned(),
            audience: None,
            format: None,
            signing_alg: None,
            access_token_ttl: None,
        }
    }
}
