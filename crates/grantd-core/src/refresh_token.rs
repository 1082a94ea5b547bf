//! Refresh tokens (RFC 6749 section 1.5): a family for each approval, of which one member works.
//!
//! A token says its family (128 random bits that stand nowhere else), its number there, and a MAC over
//! both under the server's key. So one that was made here is told from an invention without a look
//! into storage, and an old one from the present one without a row for each; storage keeps a hash of
//! the family and the present number.

use std::fmt;

use aws_lc_rs::hmac;

use crate::{
    base62,
    secret::{Secret, SecretHash, SecretKey},
};

/// The bytes of a family.
const FAMILY: usize = 16;
/// Of a number.
const NUMBER: usize = 4;
/// Of the MAC: HMAC-SHA-256 cut to 128 bits (RFC 2104 section 5).
const MAC: usize = 16;

/// What every refresh token of an approval has in common.
#[derive(Clone, Copy)]
pub struct Family([u8; FAMILY]);

impl Family {
    /// Of these random bits.
    pub const fn new(entropy: [u8; FAMILY]) -> Self {
        Self(entropy)
    }
}

impl fmt::Debug for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Family(…)")
    }
}

/// A refresh token that this server made, present or not.
#[derive(Clone, Copy, Debug)]
pub struct RefreshToken {
    /// Its family.
    pub family: Family,
    /// Its number there, from 1.
    pub number: u32,
}

/// Writes and reads refresh tokens: `grt_`, then family, number and MAC in base 62, then a CRC-32
/// check.
pub struct RefreshTokens {
    current: Keys,
    previous: Option<Keys>,
}

struct Keys {
    mac: hmac::Key,
    family: hmac::Key,
}

impl RefreshTokens {
    /// What every refresh token begins with.
    pub const PREFIX: &'static str = "grt_";
    /// The longest text that is read at all, in bytes.
    const MAX_LENGTH: usize = 100;

    /// Writes under the current server key, and reads under the one before as well.
    pub fn new(current: &SecretKey, previous: Option<&SecretKey>) -> Self {
        Self { current: Keys::of(current), previous: previous.map(Keys::of) }
    }

    /// The token's text.
    pub fn write(&self, token: &RefreshToken) -> Secret {
        let mut bytes = Vec::with_capacity(FAMILY + NUMBER + MAC);
        bytes.extend_from_slice(&token.family.0);
        bytes.extend_from_slice(&token.number.to_be_bytes());
        let mac = hmac::sign(&self.current.mac, &bytes);
        bytes.extend_from_slice(&mac.as_ref()[..MAC]);
        let mut text = String::with_capacity(Self::MAX_LENGTH);
        text.push_str(Self::PREFIX);
        base62::push_bytes(&mut text, &bytes);
        base62::push_check(&mut text);
        Secret::new(text)
    }

    /// Reads a text that this server wrote; every other one is nothing.
    pub fn read(&self, text: &str) -> Option<RefreshToken> {
        if text.len() > Self::MAX_LENGTH {
            return None;
        }
        let bytes = base62::read_bytes(base62::strip_check(text)?.strip_prefix(Self::PREFIX)?)?;
        let (said, mac) = bytes.split_at_checked(FAMILY + NUMBER)?;
        let all = std::iter::once(&self.current).chain(&self.previous);
        let genuine = all.into_iter().any(|keys| keys.made(said, mac));
        let (family, number) = said.split_first_chunk::<FAMILY>()?;
        let number = u32::from_be_bytes(number.try_into().ok()?);
        genuine.then_some(RefreshToken { family: Family(*family), number })
    }

    /// What is kept of a family.
    pub fn hash(&self, family: Family) -> SecretHash {
        self.current.hash(family)
    }

    /// What may be kept of a family: under this server key, and under the one before.
    pub fn candidates(&self, family: Family) -> [Option<SecretHash>; 2] {
        [Some(self.hash(family)), self.previous.as_ref().map(|keys| keys.hash(family))]
    }
}

impl Keys {
    fn of(server_key: &SecretKey) -> Self {
        let key = |purpose: &[u8]| {
            hmac::Key::new(hmac::HMAC_SHA256, server_key.derive(purpose).as_slice())
        };
        Self { mac: key(b"grantd refresh token v1"), family: key(b"grantd refresh family v1") }
    }

    fn made(&self, said: &[u8], mac: &[u8]) -> bool {
        let expected = hmac::sign(&self.mac, said);
        aws_lc_rs::constant_time::verify_slices_are_equal(&expected.as_ref()[..MAC], mac).is_ok()
    }

    fn hash(&self, family: Family) -> SecretHash {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(hmac::sign(&self.family, &family.0).as_ref());
        SecretHash::from_bytes(bytes)
    }
}

impl fmt::Debug for RefreshTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshTokens(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(byte: u8) -> SecretKey {
        SecretKey::from_bytes([byte; 32])
    }

    fn tokens(byte: u8) -> RefreshTokens {
        RefreshTokens::new(&key(byte), None)
    }

    fn token(number: u32) -> RefreshToken {
        RefreshToken { family: Family::new([7; FAMILY]), number }
    }

    #[test]
    fn a_token_is_read_under_its_key_and_the_next() {
        let text = tokens(1).write(&token(3));
        let text = text.reveal();
        assert!(text.starts_with("grt_") && text.len() == 60, "{text}");
        assert_eq!(tokens(1).read(text).map(|token| token.number), Some(3));
        let next = RefreshTokens::new(&key(2), Some(&key(1)));
        let read = next.read(text).unwrap();
        assert!(next.candidates(read.family).contains(&Some(tokens(1).hash(token(1).family))));
        assert!(tokens(2).read(text).is_none());
    }

    #[test]
    fn nothing_prints_a_family() {
        assert_eq!(format!("{:?}", token(1)), "RefreshToken { family: Family(…), number: 1 }");
    }

    proptest! {
        #[test]
        fn every_token_is_read_and_no_other_text(
            family: [u8; FAMILY], number: u32, at: prop::sample::Index, to in "[0-9A-Za-z_é]"
        ) {
            let token = RefreshToken { family: Family::new(family), number };
            let text = tokens(1).write(&token).reveal().to_owned();
            let read = tokens(1).read(&text).unwrap();
            prop_assert_eq!((read.family.0, read.number), (family, number));
            let mut changed = text.clone();
            let at = at.index(text.len() - base62::CHECK);
            changed.replace_range(at..=at, &to);
            if changed != text {
                prop_assert!(tokens(1).read(&changed).is_none());
                // With the check made right again: what an attacker sends who knows the format.
                let mut changed = changed[..changed.len() - base62::CHECK].to_owned();
                base62::push_check(&mut changed);
                prop_assert!(tokens(1).read(&changed).is_none());
            }
        }

        #[test]
        fn any_text_is_read_without_panic(text in "(grt_)?.{0,80}") {
            prop_assert!(tokens(1).read(&text).is_none());
        }
    }
}
