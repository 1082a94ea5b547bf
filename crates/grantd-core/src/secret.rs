//! Secrets: how they look, how they are kept, and the server key they are kept under.

use std::fmt;

use aws_lc_rs::{constant_time, hkdf, hmac};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::base62;

/// A secret in clear: never printed, wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret in.
    pub fn new(clear: String) -> Self {
        Self(clear)
    }

    /// The secret itself. Every call is a place to look at in a review.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A client secret: `gcs_`, 43 base62 characters (256 random bits) and 6 of a CRC-32 check over all
/// that stands before, so that a leaked one is recognised by its look.
pub struct ClientSecret;

impl ClientSecret {
    /// What every generated secret begins with.
    pub const PREFIX: &'static str = "gcs_";

    /// The secret that these 256 random bits make.
    pub fn mint(entropy: &[u8; 32]) -> Secret {
        random_text(Self::PREFIX, entropy)
    }

    /// Whether a text looks like a generated secret, check included.
    pub fn looks_genuine(text: &str) -> bool {
        let Some(body) = text.strip_prefix(Self::PREFIX) else { return false };
        body.len() == BODY + base62::CHECK
            && body.bytes().all(|b| b.is_ascii_alphanumeric())
            && base62::strip_check(text).is_some()
    }
}

/// The digits of 256 random bits.
const BODY: usize = 43;

fn random_text(prefix: &str, entropy: &[u8; 32]) -> Secret {
    let mut text = String::with_capacity(prefix.len() + BODY + base62::CHECK);
    text.push_str(prefix);
    let mut number = Zeroizing::new(base62::to_number::<8>(entropy));
    base62::push_number(&mut text, number.as_mut_slice(), BODY);
    base62::push_check(&mut text);
    Secret(text)
}

/// An authorization code (RFC 6749 section 1.3.1): `gac_`, and the look of a client secret behind it.
pub struct AuthorizationCode;

impl AuthorizationCode {
    /// What every code begins with.
    pub const PREFIX: &'static str = "gac_";

    /// The code that these 256 random bits make.
    pub fn mint(entropy: &[u8; 32]) -> Secret {
        random_text(Self::PREFIX, entropy)
    }

    /// Whether a text has the look of a code, so that no other is asked for.
    pub fn has_look(text: &str) -> bool {
        text.len() <= SecretHasher::MAX_SECRET
            && text.starts_with(Self::PREFIX)
            && base62::strip_check(text).is_some()
    }
}

/// What is kept of a client secret: its HMAC-SHA-256 under a key derived from the server's.
///
/// A plain password hash would cost more than the token itself, and buys nothing: a generated
/// secret has 256 random bits, and an imported one is worth guessing only to who has the server key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// From the 32 bytes of a row.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes for a row.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Compares in constant time.
    pub fn matches(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

/// Why a text is not a server key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the secret key must be 32 bytes in base64url (43 characters): run `grantd keys generate`, which makes one"
)]
pub struct SecretKeyError;

/// The server's own key (`GRANTD_SECRET_KEY`): 32 bytes, of which each purpose gets a key of its
/// own by HKDF-SHA-256.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SecretKey([u8; 32]);

impl SecretKey {
    /// From 32 random bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads base64url without padding, 43 characters.
    pub fn parse(text: &str) -> Result<Self, SecretKeyError> {
        let bytes =
            Zeroizing::new(BASE64_URL_SAFE_NO_PAD.decode(text.trim()).map_err(|_| SecretKeyError)?);
        Ok(Self(bytes.as_slice().try_into().map_err(|_| SecretKeyError)?))
    }

    /// The text that [`SecretKey::parse`] reads.
    pub fn to_text(&self) -> Secret {
        Secret(BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }

    /// What hashes client secrets.
    pub fn secret_hasher(&self) -> SecretHasher {
        self.hasher(b"grantd client secret hmac v1")
    }

    /// What hashes the secrets in session cookies. When the server key changes, sessions end.
    pub fn session_hasher(&self) -> SecretHasher {
        self.hasher(b"grantd session hmac v1")
    }

    /// What hashes authorization codes.
    pub fn code_hasher(&self) -> SecretHasher {
        self.hasher(b"grantd authorization code hmac v1")
    }

    /// What vouches for the questions that passkeys answer, on their way through a browser and back.
    pub fn passkey_hasher(&self) -> SecretHasher {
        self.hasher(b"grantd passkey hmac v1")
    }

    fn mac_key(&self, purpose: &[u8]) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.derive(purpose).as_slice())
    }

    fn hasher(&self, purpose: &'static [u8]) -> SecretHasher {
        SecretHasher { purpose, key: self.mac_key(purpose), previous: None }
    }

    /// The key for one purpose.
    pub(crate) fn derive(&self, purpose: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, b"grantd").extract(&self.0);
        let info = [purpose];
        // 32 bytes are always within HKDF-SHA-256's 255 blocks.
        let filled =
            prk.expand(&info, hkdf::HKDF_SHA256).and_then(|okm| okm.fill(key.as_mut_slice()));
        assert!(filled.is_ok(), "HKDF gives one block");
        key
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

/// Hashes the secrets of clients, or of sessions, for keeping and for comparing.
#[derive(Clone)]
pub struct SecretHasher {
    purpose: &'static [u8],
    key: hmac::Key,
    previous: Option<hmac::Key>,
}

impl SecretHasher {
    /// The longest secret that is hashed at all, in bytes; a longer one is never right.
    pub const MAX_SECRET: usize = 1024;

    /// Compares under the key before as well, while the server's key is being changed.
    #[must_use]
    pub fn with_previous(self, previous: &SecretKey) -> Self {
        Self { previous: Some(previous.mac_key(self.purpose)), ..self }
    }

    /// The hash of a secret in clear, for keeping.
    pub fn hash(&self, clear: &str) -> SecretHash {
        hash(&self.key, clear)
    }

    /// What a kept hash may be, for comparing: under this key, and under the one before.
    pub fn candidates(&self, clear: &str) -> [Option<SecretHash>; 2] {
        [Some(self.hash(clear)), self.previous.as_ref().map(|key| hash(key, clear))]
    }
}

fn hash(key: &hmac::Key, clear: &str) -> SecretHash {
    let clear = clear.as_bytes();
    let tag = hmac::sign(key, &clear[..clear.len().min(SecretHasher::MAX_SECRET + 1)]);
    let mut bytes = [0; 32];
    bytes.copy_from_slice(tag.as_ref());
    SecretHash(bytes)
}

impl fmt::Debug for SecretHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHasher(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_client_secret_has_the_contract_s_look() {
        for entropy in [[0; 32], [255; 32], [7; 32]] {
            let secret = ClientSecret::mint(&entropy);
            let text = secret.reveal();
            assert_eq!(text.len(), 4 + 43 + 6);
            assert!(ClientSecret::looks_genuine(text), "{text}");
        }
        assert!(
            ClientSecret::mint(&[0; 32]).reveal().starts_with(&format!("gcs_{}", "0".repeat(43)))
        );
    }

    /// `docs/secrets.md` publishes this shape.
    fn published_shape_finds(text: &str) -> bool {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        text.as_bytes().windows(53).enumerate().any(|(at, window)| {
            let (before, after) = (at.checked_sub(1), text.as_bytes().get(at + 53));
            let bounded = before.is_none_or(|before| !word(text.as_bytes()[before]))
                && after.is_none_or(|after| !word(*after));
            bounded
                && window.starts_with(b"gcs_")
                && window[4..].iter().all(u8::is_ascii_alphanumeric)
        })
    }

    #[test]
    fn the_published_shape_finds_every_secret_and_no_random_text() {
        let mut noise = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = || {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            noise
        };
        for _ in 0..100_000 {
            let mut entropy = [0; 32];
            entropy.chunks_mut(8).for_each(|part| part.copy_from_slice(&next().to_be_bytes()));
            let secret = ClientSecret::mint(&entropy);
            assert!(published_shape_finds(&format!("SECRET={}\n", secret.reveal())));
            let random = [entropy, entropy.map(|byte| byte.wrapping_mul(31))].concat();
            assert!(!published_shape_finds(&base64::prelude::BASE64_STANDARD.encode(random)));
        }
    }

    #[test]
    fn a_changed_character_fails_the_check() {
        let text = ClientSecret::mint(&[7; 32]).reveal().to_owned();
        let changed = text.replacen(char::from(text.as_bytes()[10]), "_", 1);
        assert!(!ClientSecret::looks_genuine(&changed));
        assert!(!ClientSecret::looks_genuine(&text.to_lowercase()));
    }

    #[test]
    fn nothing_prints_a_secret() {
        let key = SecretKey::from_bytes([3; 32]);
        let printed = format!("{:?} {:?} {:?}", key.to_text(), key, key.secret_hasher().hash("x"));
        assert_eq!(printed, "Secret(…) SecretKey(…) SecretHash(…)");
    }

    #[test]
    fn a_server_key_survives_its_text_and_nothing_else_is_one() {
        let key = SecretKey::from_bytes([3; 32]);
        let again = SecretKey::parse(key.to_text().reveal()).unwrap();
        assert_eq!(again.0, key.0);
        for text in ["", "short", "not base64url!", &"A".repeat(44)] {
            assert!(SecretKey::parse(text).is_err());
        }
    }

    proptest! {
        #[test]
        fn different_entropy_makes_different_secrets(a: [u8; 32], b: [u8; 32]) {
            let (left, right) = (ClientSecret::mint(&a), ClientSecret::mint(&b));
            prop_assert_eq!(a == b, left.reveal() == right.reveal());
        }

        #[test]
        fn only_the_same_secret_matches(a in ".{0,40}", b in ".{0,40}") {
            let hasher = SecretKey::from_bytes([1; 32]).secret_hasher();
            prop_assert_eq!(a == b, hasher.hash(&a).matches(&hasher.hash(&b)));
        }
    }
}
