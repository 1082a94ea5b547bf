//! PKCE (RFC 7636): who redeems a code is who asked for it. Only S256; `plain` proves nothing.

use aws_lc_rs::{constant_time, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

/// A `code_challenge` of the method S256: the SHA-256 of a verifier that only the asker knows (RFC
/// 7636 section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeChallenge([u8; 32]);

impl CodeChallenge {
    /// The one method.
    pub const METHOD: &'static str = "S256";

    /// Reads base64url without padding, 43 characters.
    pub fn parse(text: &str) -> Option<Self> {
        BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// From the 32 bytes of a row.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes for a row.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether this verifier made the challenge, in constant time.
    pub fn is_of(&self, verifier: &CodeVerifier<'_>) -> bool {
        let digest = digest::digest(&digest::SHA256, verifier.0.as_bytes());
        constant_time::verify_slices_are_equal(digest.as_ref(), &self.0).is_ok()
    }
}

/// A `code_verifier` as sent: 43 to 128 unreserved characters (RFC 7636 section 4.1).
pub struct CodeVerifier<'a>(&'a str);

impl<'a> CodeVerifier<'a> {
    /// Reads it; `None` where it has another shape.
    pub fn parse(text: &'a str) -> Option<Self> {
        let unreserved =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        ((43..=128).contains(&text.len()) && text.bytes().all(unreserved)).then_some(Self(text))
    }
}

impl std::fmt::Debug for CodeVerifier<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CodeVerifier(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rfc_s_example_holds_and_no_other_verifier_does() {
        let challenge =
            CodeChallenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap();
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert!(challenge.is_of(&CodeVerifier::parse(verifier).unwrap()));
        let other = verifier.replace('d', "e");
        assert!(!challenge.is_of(&CodeVerifier::parse(&other).unwrap()));
    }

    #[test]
    fn cx_08_a_verifier_has_its_shape() {
        for good in ["a".repeat(43), "~.-_".repeat(32)] {
            assert!(CodeVerifier::parse(&good).is_some());
        }
        let short_of = "é".repeat(22);
        for bad in ["a".repeat(42), "a".repeat(129), "!".repeat(43), short_of, String::new()] {
            assert!(CodeVerifier::parse(&bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_challenge_is_43_characters_of_base64url() {
        let good = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(CodeChallenge::parse(good).is_some());
        let padded = format!("{good}=");
        for bad in ["", &good[1..], &padded, &good.replace('-', "+"), &format!("{good}A"), "é"] {
            assert!(CodeChallenge::parse(bad).is_none(), "{bad}");
        }
    }
}
