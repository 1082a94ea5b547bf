//! Grant types: the ways to a token that a client may be allowed.

use std::{fmt, str::FromStr};

/// A grant type by its wire name (RFC 6749 section 4, RFC 6749 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GrantType {
    /// `client_credentials` (RFC 6749 section 4.4).
    ClientCredentials,
    /// `authorization_code` (RFC 6749 section 4.1).
    AuthorizationCode,
    /// `refresh_token` (RFC 6749 section 6).
    RefreshToken,
}

impl GrantType {
    /// All of them.
    pub const ALL: [Self; 3] =
        [Self::ClientCredentials, Self::AuthorizationCode, Self::RefreshToken];

    /// The value of `grant_type` on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials",
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
        }
    }
}

impl fmt::Display for GrantType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A grant type that grantd does not know.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown grant type `{0}`: use client_credentials, authorization_code or refresh_token")]
pub struct UnknownGrantType(String);

impl FromStr for GrantType {
    type Err = UnknownGrantType;

    fn from_str(text: &str) -> Result<Self, UnknownGrantType> {
        Self::ALL
            .into_iter()
            .find(|grant| grant.as_str() == text)
            .ok_or_else(|| UnknownGrantType(text.to_owned()))
    }
}

/// The set of grant types a client may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct GrantTypes(u8);

impl GrantTypes {
    /// Whether the set has this one.
    pub const fn contains(self, grant: GrantType) -> bool {
        self.0 & (1 << grant as u8) != 0
    }

    /// The members, in the order of [`GrantType::ALL`].
    pub fn iter(self) -> impl Iterator<Item = GrantType> {
        GrantType::ALL.into_iter().filter(move |grant| self.contains(*grant))
    }

    /// Whether nothing is allowed.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<GrantType> for GrantTypes {
    fn from_iter<I: IntoIterator<Item = GrantType>>(grants: I) -> Self {
        Self(grants.into_iter().fold(0, |bits, grant| bits | 1 << grant as u8))
    }
}
