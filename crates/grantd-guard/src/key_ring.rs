//! The issuer's keys at one moment, by key id.

use std::sync::OnceLock;

use grantd_core::{
    PublicKey,
    jose::{Jwk, JwkSet, KnownHeader},
};
use serde::Deserialize;

use crate::BuildError;

/// The most keys that a set may have, usable or not.
const MAX_KEYS: usize = 64;

/// Keys that can verify; a handful, so that a search through all is the fastest.
#[derive(Debug)]
pub(crate) struct KeyRing {
    keys: Vec<Key>,
    edition: u64,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Key {
    id: String,
    pub(crate) public: PublicKey,
    /// How the tokens begin that it verifies, once it has verified one.
    pub(crate) header: OnceLock<KnownHeader>,
}

/// A JWK Set whose keys may be anything yet (RFC 7517 section 5).
#[derive(Deserialize)]
struct Published {
    keys: Vec<serde_json::Value>,
}

impl KeyRing {
    /// Reads what the issuer published at `url`. Keys of other kinds, or malformed, are passed over.
    pub(crate) fn parse(answer: &[u8], url: &str) -> Result<Self, BuildError> {
        let published: Published = serde_json::from_slice(answer)
            .map_err(|_| BuildError::KeysMalformed(url.to_owned()))?;
        let keys = published.keys;
        if keys.len() > MAX_KEYS {
            return Err(BuildError::KeysTooMany(keys.len()));
        }
        Ok(Self::of(keys.into_iter().filter_map(|key| serde_json::from_value(key).ok())))
    }

    /// Keys that were given, at most [`MAX_KEYS`] and at least one usable.
    pub(crate) fn fixed(set: JwkSet) -> Result<Self, BuildError> {
        if set.keys.len() > MAX_KEYS {
            return Err(BuildError::KeysTooMany(set.keys.len()));
        }
        let ring = Self::of(set.keys.into_iter());
        if ring.is_empty() { Err(BuildError::KeysUnusable) } else { Ok(ring) }
    }

    /// The key of this id.
    pub(crate) fn find(&self, kid: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.id == kid)
    }

    /// How tokens begin that were verified by one of them.
    pub(crate) fn headers(&self) -> impl Iterator<Item = &KnownHeader> {
        self.keys.iter().filter_map(|key| key.header.get())
    }

    /// Counts the sets that differed from the one before.
    pub(crate) fn edition(&self) -> u64 {
        self.edition
    }

    /// This one in the place of the one before.
    pub(crate) fn after(self, before: &Self) -> Self {
        let same = |(mine, theirs): (&Key, &Key)| {
            mine.id == theirs.id && mine.public.jwk() == theirs.public.jwk()
        };
        let unchanged = self.len() == before.len() && self.keys.iter().zip(&before.keys).all(same);
        Self { edition: before.edition + u64::from(!unchanged), ..self }
    }

    /// Whether nothing can be verified.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The usable ones with an id; of two with the same id the first.
    fn of(jwks: impl Iterator<Item = Jwk>) -> Self {
        let mut ring = Self { keys: Vec::new(), edition: 0 };
        for mut jwk in jwks {
            if let Some(id) = jwk.kid.take()
                && ring.find(&id).is_none()
                && let Ok(public) = jwk.to_public_key()
            {
                ring.keys.push(Key { id, public, header: OnceLock::new() });
            }
        }
        ring
    }
}

#[cfg(test)]
mod tests {
    use grantd_core::{Algorithm, SigningKey};
    use serde_json::json;

    use super::*;

    #[test]
    fn foreign_keys_are_passed_over_and_the_first_of_two_with_one_id_wins() {
        let [first, second] = [(); 2].map(|()| SigningKey::generate(Algorithm::EdDsa).unwrap());
        let named = |key: &SigningKey, kid: &str| {
            let mut jwk = key.public().jwk().clone();
            jwk.kid = Some(kid.to_owned());
            json!(jwk)
        };
        let mut nameless = json!(second.public().jwk());
        nameless.as_object_mut().unwrap().remove("kid");
        let set = json!({ "keys": [
            { "kty": "oct", "k": "c2VjcmV0", "kid": "a" },
            { "kty": "EC", "crv": "P-521", "x": "AA", "y": "AA", "kid": "a" },
            { "kty": 7 }, "no key", nameless,
            named(&first, "a"), named(&second, "a"), named(&second, "b"),
        ]});
        let ring = KeyRing::parse(set.to_string().as_bytes(), "").unwrap();
        assert_eq!(ring.len(), 2);
        assert_eq!(ring.find("a").unwrap().public.jwk().x, first.public().jwk().x);
        assert_eq!(ring.find("b").unwrap().public.jwk().x, second.public().jwk().x);
    }

    #[test]
    fn a_set_of_65_keys_is_refused_and_one_without_keys_is_empty() {
        let set = |count| json!({ "keys": vec![json!({}); count] }).to_string();
        assert!(matches!(KeyRing::parse(set(65).as_bytes(), ""), Err(BuildError::KeysTooMany(65))));
        assert!(KeyRing::parse(set(64).as_bytes(), "").unwrap().is_empty());
        assert!(matches!(KeyRing::parse(b"{}", ""), Err(BuildError::KeysMalformed(_))));
        assert!(matches!(KeyRing::fixed(JwkSet::default()), Err(BuildError::KeysUnusable)));
    }
}
