//! What is wrong with a text that was presented as a token, and what it says of itself all the same.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::{
    base62,
    jose::{JwsError, UnverifiedJws},
    opaque::TokenSealer,
};

/// Why a text is no token of this server. For operators: a caller learns only that it is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenFlaw {
    /// Longer than any token that is read.
    #[error("it is longer than 16 KiB")]
    TooLong,
    /// Neither format.
    #[error("it is neither a JWT nor an opaque token of grantd: was it copied whole?")]
    Malformed,
    /// An opaque token whose check does not fit.
    #[error("its check sum is wrong: it was cut off or altered on its way")]
    CheckSum,
    /// An opaque token that no server key opens.
    #[error(
        "no server key opens it: another server sealed it, or GRANTD_SECRET_KEY has changed since \
         (GRANTD_SECRET_KEY_PREVIOUS holds the one before)"
    )]
    Seal,
    /// A JWT with critical extensions (RFC 7515 section 4.1.11); grantd has none.
    #[error("it has critical extensions, which no token of grantd has")]
    Critical,
    /// A JWT of another type (RFC 9068 section 2.1).
    #[error("it is no access token: the type in its header is not at+jwt")]
    Type,
    /// A JWT of a key that is not published here.
    #[error(
        "its key is none of this server's: another server signed it, or the key was taken out \
         (see `grantd keys list`)"
    )]
    KeyUnknown,
    /// A JWT that its key did not sign.
    #[error("its signature is wrong: it was altered or forged")]
    Signature,
    /// Claims that are not an access token's.
    #[error("its claims are not those of an access token of this server")]
    Claims,
    /// It names another issuer, which it holds.
    #[error("its issuer is {0}: set GRANTD_ISSUER as the server that issued it has it")]
    Issuer(String),
}

impl TokenFlaw {
    /// Its name in answers.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::TooLong => "token-too-long",
            Self::Malformed => "not-a-token",
            Self::CheckSum => "check-sum-wrong",
            Self::Seal => "seal-wrong",
            Self::Critical => "critical-extension",
            Self::Type => "not-an-access-token",
            Self::KeyUnknown => "key-unknown",
            Self::Signature => "signature-wrong",
            Self::Claims => "claims-unreadable",
            Self::Issuer(_) => "issuer-differs",
        }
    }

    /// What is wrong with an opaque token that cannot be unsealed.
    pub(crate) fn of_opaque(text: &str) -> Self {
        if text.len() > TokenSealer::MAX_LENGTH {
            Self::TooLong
        } else if base62::strip_check(text).is_none() {
            Self::CheckSum
        } else {
            Self::Seal
        }
    }
}

impl From<JwsError> for TokenFlaw {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::TooLong => Self::TooLong,
            JwsError::Malformed => Self::Malformed,
            JwsError::Critical => Self::Critical,
            JwsError::Signature => Self::Signature,
        }
    }
}

/// What a token says, whether it is believed or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenWords {
    /// Of a JWT.
    pub header: Option<Value>,
    /// Of a JWT whatever key signed it, or of an opaque token that the sealer opens.
    pub claims: Option<Value>,
}

impl TokenWords {
    /// Decodes what can be decoded and verifies nothing.
    pub fn unverified(text: &str, sealer: &TokenSealer) -> Self {
        if text.starts_with(TokenSealer::PREFIX) {
            let claims = sealer.unseal(text).and_then(|json| serde_json::from_slice(&json).ok());
            return Self { header: None, claims };
        }
        let parts: Vec<_> = text.splitn(4, '.').collect();
        let [header, claims, _] = parts.as_slice() else { return Self::default() };
        if text.len() > UnverifiedJws::MAX_LENGTH {
            return Self::default();
        }
        Self { header: decoded(header), claims: decoded(claims) }
    }
}

fn decoded(part: &str) -> Option<Value> {
    let json = BASE64_URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&json).ok()
}
