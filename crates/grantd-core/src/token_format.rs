//! The two looks of an access token.

use std::{fmt, str::FromStr};

/// How an access token is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenFormat {
    /// A signed JWT (RFC 9068): a resource server verifies it by itself.
    Jwt,
    /// Sealed text: a resource server asks by introspection (RFC 7662).
    Opaque,
}

impl TokenFormat {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Jwt, Self::Opaque];

    /// The name in settings, rows and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Opaque => "opaque",
        }
    }
}

impl fmt::Display for TokenFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A token format that grantd does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown token format `{0}`: use jwt or opaque")]
pub struct UnknownTokenFormat(String);

impl FromStr for TokenFormat {
    type Err = UnknownTokenFormat;

    fn from_str(text: &str) -> Result<Self, UnknownTokenFormat> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| UnknownTokenFormat(text.to_owned()))
    }
}
