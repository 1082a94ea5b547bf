//! Makes tokens, good and hostile, signed by a key whose public half the guard knows.

use std::time::UNIX_EPOCH;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use grantd_guard::{Guard, Jwk, JwkSet};
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "https://auth.example";
pub(crate) const AUDIENCE: &str = "https://api.example";

/// An Ed25519 key that signs whatever it is told to, under any header.
pub(crate) struct Forge {
    pair: Ed25519KeyPair,
    pub(crate) kid: &'static str,
}

impl Forge {
    pub(crate) fn new(kid: &'static str) -> Self {
        Self { pair: Ed25519KeyPair::generate().unwrap(), kid }
    }

    pub(crate) fn public_key(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    pub(crate) fn jwk(&self) -> Jwk {
        let x = BASE64_URL_SAFE_NO_PAD.encode(self.public_key());
        serde_json::from_value(json!({ "kty": "OKP", "crv": "Ed25519", "kid": self.kid, "x": x }))
            .unwrap()
    }

    pub(crate) fn guard(&self) -> Guard {
        let keys = JwkSet { keys: vec![self.jwk()] };
        Guard::with_keys(ISSUER, keys).audience(AUDIENCE).build_now().unwrap()
    }

    /// The header of a good token.
    pub(crate) fn header(&self) -> Value {
        json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": self.kid })
    }

    /// A properly signed token with these claims.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.sign(&self.header(), claims.to_string())
    }

    /// Any header, any payload, signed by this key.
    pub(crate) fn sign(&self, header: &Value, payload: impl AsRef<[u8]>) -> String {
        compact(header, payload, |input| self.pair.sign(input).as_ref().to_vec())
    }
}

/// A compact JWS with any signature.
pub(crate) fn compact(
    header: &Value,
    payload: impl AsRef<[u8]>,
    sign: impl FnOnce(&[u8]) -> Vec<u8>,
) -> String {
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let input = format!("{}.{}", encode(header.to_string().as_bytes()), encode(payload.as_ref()));
    let signature = sign(input.as_bytes());
    format!("{input}.{}", encode(&signature))
}

/// What a good machine token says, with these members changed, or left out where they are null.
pub(crate) fn claims(changes: &Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "c1", "client_id": "c1", "jti": "t1",
        "iat": now(), "exp": now() + 600, "scope": "schools.read reports.read",
        "roles": ["reader"], "gty": "client_credentials", "gen": 3, "cid": "k1",
    });
    let members = claims.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    claims
}

/// What a good user token says: user `u1` through client `c1`.
pub(crate) fn user_claims(changes: &Value) -> Value {
    let mut user = json!({ "sub": "u1", "gty": "authorization_code", "ugen": 2, "grant": "g1" });
    user.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    claims(&user)
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    i64::try_from(UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap()
}
