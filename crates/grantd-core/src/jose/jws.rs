//! Reading a compact JWS (RFC 7515 section 7.1) that comes from outside.

use std::{borrow::Cow, iter};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, de::IgnoredAny};

use super::PublicKey;

/// Why a text is not a JWS that grantd reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// Longer than [`UnverifiedJws::MAX_LENGTH`].
    #[error("the token is too long")]
    TooLong,
    /// Not three parts of base64url with a JSON object in front.
    #[error("the token is not a compact JWS")]
    Malformed,
    /// It has critical extensions (RFC 7515 section 4.1.11); grantd understands none.
    #[error("the token has critical extensions")]
    Critical,
    /// The signature is not by the key, or the header names another algorithm than the key's.
    #[error("the signature does not verify")]
    Signature,
}

/// A protected header, its members typed; unknown ones are ignored, keys in it never followed
/// (RFC 8725 section 3.10).
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
pub struct JoseHeader {
    /// The algorithm it claims.
    pub alg: String,
    /// The key it claims.
    #[serde(default)]
    pub kid: Option<String>,
    /// What kind of JWT it claims to be.
    #[serde(default)]
    pub typ: Option<String>,
    /// Whether there is a `crit`, whatever it says, `null` included.
    #[serde(default, deserialize_with = "present")]
    crit: bool,
}

impl JoseHeader {
    fn read(text: &str) -> Result<Self, JwsError> {
        let header = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| JwsError::Malformed)?;
        // Serde would also take an array of the members in their order.
        if header.trim_ascii_start().first() != Some(&b'{') {
            return Err(JwsError::Malformed);
        }
        let header: Self = serde_json::from_slice(&header).map_err(|_| JwsError::Malformed)?;
        if header.crit { Err(JwsError::Critical) } else { Ok(header) }
    }
}

/// A header that was read before, beside the text that says it: all tokens by one key begin alike.
#[derive(Debug)]
pub struct KnownHeader {
    text: String,
    header: JoseHeader,
}

/// A JWS in three parts, nothing of it believed yet but the shape.
pub struct UnverifiedJws<'a> {
    header: Cow<'a, JoseHeader>,
    signing_input: &'a str,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> UnverifiedJws<'a> {
    /// The longest token that is read at all, in bytes.
    pub const MAX_LENGTH: usize = 16 * 1024;

    /// Splits a token and reads its header; bounded before anything is searched.
    pub fn parse(token: &'a str) -> Result<Self, JwsError> {
        Self::parse_beside(token, iter::empty())
    }

    /// The same, where a header that is among these need not be read again.
    pub fn parse_beside(
        token: &'a str,
        mut known: impl Iterator<Item = &'a KnownHeader>,
    ) -> Result<Self, JwsError> {
        if token.len() > Self::MAX_LENGTH {
            return Err(JwsError::TooLong);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(JwsError::Malformed)?;
        let (header, payload) = signing_input.split_once('.').ok_or(JwsError::Malformed)?;
        // Counted and not searched for: that takes many bytes at a time.
        if payload.bytes().filter(|byte| *byte == b'.').count() > 0 {
            return Err(JwsError::Malformed);
        }
        let header = match known.find(|known| known.text == header) {
            Some(known) => Cow::Borrowed(&known.header),
            None => Cow::Owned(JoseHeader::read(header)?),
        };
        Ok(Self { header, signing_input, payload, signature })
    }

    /// The header with its text, to be known when another token has it.
    pub fn known_header(&self) -> KnownHeader {
        let text = self.signing_input.split('.').next().unwrap_or_default().to_owned();
        KnownHeader { text, header: self.header.clone().into_owned() }
    }

    /// The header, for choosing the key; still only a claim.
    pub fn header(&self) -> &JoseHeader {
        &self.header
    }

    /// Checks the signature and gives the payload, from here on the issuer's own words.
    pub fn verify(&self, key: &PublicKey) -> Result<Vec<u8>, JwsError> {
        if self.header.alg != key.algorithm().as_str() {
            return Err(JwsError::Signature);
        }
        let signature =
            BASE64_URL_SAFE_NO_PAD.decode(self.signature).map_err(|_| JwsError::Malformed)?;
        if !key.verify(self.signing_input.as_bytes(), &signature) {
            return Err(JwsError::Signature);
        }
        BASE64_URL_SAFE_NO_PAD.decode(self.payload).map_err(|_| JwsError::Malformed)
    }
}

/// Passes over a member's value and notes that it was there.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(header: &str) -> Result<(), JwsError> {
        UnverifiedJws::parse(&format!("{}.e30.AA", BASE64_URL_SAFE_NO_PAD.encode(header)))
            .map(|_| ())
    }

    #[test]
    fn a_header_is_an_object_that_names_each_member_once() {
        assert_eq!(parse(r#" {"alg":"ES256","kid":"k","x5c":[]}"#), Ok(()));
        for wrong in [
            r#"["ES256","k","at+jwt"]"#,
            "null",
            "",
            r#"{"kid":"k"}"#,
            r#"{"alg":null}"#,
            r#"{"alg":"ES256","alg":"ES256"}"#,
            r#"{"alg":"ES256","kid":"a","k\u0069d":"b"}"#,
        ] {
            assert_eq!(parse(wrong), Err(JwsError::Malformed), "{wrong}");
        }
    }

    #[test]
    fn a_known_header_is_taken_for_its_own_text_alone() {
        let token = |header: &str| format!("{}.e30.AA", BASE64_URL_SAFE_NO_PAD.encode(header));
        let (first, other) = (r#"{"alg":"ES256","kid":"k"}"#, r#"{"alg":"ES256","kid":"kk"}"#);
        let seen = token(first);
        let known = UnverifiedJws::parse(&seen).unwrap().known_header();
        for text in [first, other] {
            let token = token(text);
            let beside = UnverifiedJws::parse_beside(&token, iter::once(&known)).unwrap();
            assert_eq!(beside.header(), UnverifiedJws::parse(&token).unwrap().header(), "{text}");
            assert_eq!(matches!(beside.header, Cow::Borrowed(_)), text == first, "{text}");
        }
        let cut = &seen[1..];
        assert!(UnverifiedJws::parse_beside(cut, iter::once(&known)).is_err());
    }

    #[test]
    fn a_critical_extension_is_refused_whatever_it_is() {
        for crit in [r#"["exp"]"#, "[]", "null", "1", r#"{"a":1}"#] {
            assert_eq!(
                parse(&format!(r#"{{"alg":"ES256","crit":{crit}}}"#)),
                Err(JwsError::Critical),
                "{crit}"
            );
        }
    }
}
