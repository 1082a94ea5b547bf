//! Opaque access tokens: claims sealed so that only this server reads them; nothing is stored.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::{base62, secret::SecretKey};

/// Seals and unseals access tokens: `gat_`, then nonce, sealed claims and tag in base 62, then a
/// CRC-32 check over all that stands before, so that a leaked one is recognised by its look.
///
/// AES-256-GCM-SIV (RFC 8452): a nonce drawn twice shows only whether two tokens say the same.
pub struct TokenSealer {
    /// `None` only if the crypto library refuses 32 bytes as a key, which it does not.
    current: Option<LessSafeKey>,
    previous: Vec<LessSafeKey>,
}

impl TokenSealer {
    /// What every opaque token begins with; bound into the seal.
    pub const PREFIX: &'static str = "gat_";
    /// The longest text that is read at all, in bytes.
    pub const MAX_LENGTH: usize = 16 * 1024;
    /// How many random bytes a seal takes.
    pub const NONCE: usize = NONCE_LEN;

    /// Seals under the current server key, and unseals under the previous ones as well.
    pub fn new(current: &SecretKey, previous: &[SecretKey]) -> Self {
        let previous = previous.iter().filter_map(sealing_key).collect();
        Self { current: sealing_key(current), previous }
    }

    /// The token that says these claims. `None` only if the crypto library fails.
    pub fn seal(&self, claims: &[u8], nonce: [u8; Self::NONCE]) -> Option<String> {
        let mut bytes = Vec::with_capacity(NONCE_LEN + claims.len() + AES_256_GCM_SIV.tag_len());
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(claims);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self.current.as_ref()?.seal_in_place_separate_tag(
            nonce,
            aad(),
            &mut bytes[NONCE_LEN..],
        );
        bytes.extend_from_slice(tag.ok()?.as_ref());
        let mut token = String::with_capacity(Self::PREFIX.len() + bytes.len() * 11 / 8 + 17);
        token.push_str(Self::PREFIX);
        base62::push_bytes(&mut token, &bytes);
        base62::push_check(&mut token);
        Some(token)
    }

    /// Whether a text has the look of an opaque token: what it begins with, and the check at its end.
    /// It may be anybody's invention all the same.
    pub fn has_look(text: &str) -> bool {
        let body = base62::strip_check(text).and_then(|front| front.strip_prefix(Self::PREFIX));
        body.is_some_and(|body| body.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    }

    /// The claims of a token that this server sealed; `None` for every other text.
    pub fn unseal(&self, token: &str) -> Option<Vec<u8>> {
        if token.len() > Self::MAX_LENGTH {
            return None;
        }
        let body = base62::strip_check(token)?.strip_prefix(Self::PREFIX)?;
        let bytes = base62::read_bytes(body)?;
        self.current.iter().chain(&self.previous).find_map(|key| open(key, &bytes))
    }
}

impl fmt::Debug for TokenSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSealer(…)")
    }
}

fn sealing_key(server_key: &SecretKey) -> Option<LessSafeKey> {
    let key = server_key.derive(b"grantd opaque token v1");
    Some(LessSafeKey::new(UnboundKey::new(&AES_256_GCM_SIV, key.as_slice()).ok()?))
}

fn aad() -> Aad<&'static [u8]> {
    Aad::from(TokenSealer::PREFIX.as_bytes())
}

fn open(key: &LessSafeKey, bytes: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = bytes.split_first_chunk()?;
    let mut sealed = sealed.to_vec();
    let length =
        key.open_in_place(Nonce::assume_unique_for_key(*nonce), aad(), &mut sealed).ok()?.len();
    sealed.truncate(length);
    Some(sealed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sealer(key: u8, previous: &[u8]) -> TokenSealer {
        let previous: Vec<_> =
            previous.iter().map(|byte| SecretKey::from_bytes([*byte; 32])).collect();
        TokenSealer::new(&SecretKey::from_bytes([key; 32]), &previous)
    }

    #[test]
    fn a_token_of_a_previous_key_still_opens_and_one_of_a_stranger_s_never() {
        let token = sealer(1, &[]).seal(b"{}", [9; 12]).unwrap();
        assert_eq!(sealer(2, &[3, 1]).unseal(&token).as_deref(), Some(&b"{}"[..]));
        assert_eq!(sealer(2, &[3]).unseal(&token), None);
    }

    #[test]
    fn in_19_a_token_that_was_cut_or_mistyped_has_not_its_look() {
        let token = sealer(1, &[]).seal(b"{}", [9; 12]).unwrap();
        assert!(TokenSealer::has_look(&token));
        let swapped = token.to_uppercase().replacen("GAT_", "gat_", 1);
        let others =
            ["", "gat_", "é", "gat_é12345", &token[..token.len() - 1], &token[1..], &swapped];
        for other in others {
            assert!(!TokenSealer::has_look(other), "{other}");
        }
        assert!(!TokenSealer::has_look(&recheck("gat_a&token=b000000")));
    }

    #[test]
    fn a_text_over_the_bound_is_not_read() {
        let sealer = sealer(1, &[]);
        let token = sealer.seal(&[b'x'; TokenSealer::MAX_LENGTH], [0; 12]).unwrap();
        assert_eq!(sealer.unseal(&token), None);
    }

    #[test]
    fn nothing_prints_a_key() {
        assert_eq!(format!("{:?}", sealer(1, &[])), "TokenSealer(…)");
    }

    /// The same text with the check made right again: what an attacker sends who knows the format.
    fn recheck(text: &str) -> String {
        let mut text = text[..text.len() - base62::CHECK].to_owned();
        base62::push_check(&mut text);
        text
    }

    proptest! {
        #[test]
        fn claims_survive_and_the_look_is_the_contract_s(
            claims in proptest::collection::vec(any::<u8>(), 0..600), nonce: [u8; 12]
        ) {
            let sealer = sealer(1, &[]);
            let token = sealer.seal(&claims, nonce).unwrap();
            prop_assert!(token.strip_prefix("gat_").unwrap().bytes().all(|b| b.is_ascii_alphanumeric()));
            prop_assert_eq!(sealer.unseal(&token), Some(claims));
        }

        #[test]
        fn in_19_no_other_text_is_the_token(
            claims in proptest::collection::vec(any::<u8>(), 0..100),
            at: prop::sample::Index, to in "[0-9A-Za-z_.é]", cut in 1_usize..17, suffix in "[0-9A-Za-z]{1,16}"
        ) {
            let sealer = sealer(1, &[]);
            let token = sealer.seal(&claims, [7; 12]).unwrap();
            let at = at.index(token.len());
            let mut changed = token.clone();
            changed.replace_range(at..=at, &to);
            let mut flipped = token.clone().into_bytes();
            flipped[at] ^= if flipped[at].is_ascii_alphabetic() { 0x20 } else { 1 };
            let flipped = String::from_utf8(flipped).unwrap();
            for other in [changed, flipped, token[..token.len() - cut].to_owned(), format!("{token}{suffix}")] {
                if other == token {
                    continue;
                }
                prop_assert_eq!(sealer.unseal(&other), None, "{}", other);
                if other.is_char_boundary(other.len() - base62::CHECK) && recheck(&other) != token {
                    prop_assert_eq!(sealer.unseal(&recheck(&other)), None, "{}", other);
                }
            }
        }

        #[test]
        fn any_text_is_read_without_panic(text in "(gat_)?.{0,80}") {
            prop_assert_eq!(sealer(1, &[2]).unseal(&text), None);
            prop_assert_eq!(sealer(1, &[2]).unseal(&recheck(&format!("gat_{text}000000"))), None);
        }
    }
}
