//! One key, made at start, and a compact JWS signed with it anew for every answer.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256,
        RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// The claims of a client-credentials token, with values of the usual length.
const CLAIMS: &str = r#"{"iss":"http://127.0.0.1:8080","sub":"0197f3a2-7c1e-7d44-9a55-0b1f6b2f8c11","aud":"http://127.0.0.1:8080","client_id":"0197f3a2-7c1e-7d44-9a55-0b1f6b2f8c11","iat":1795000000,"exp":1795003600,"jti":"0197f3a2-7c1e-7d44-9a55-0b1f6b2f8c12","scope":"invoices.read view_schools","roles":[],"gty":"client_credentials","gen":1,"cid":"0197f3a2-7c1e-7d44-9a55-0b1f6b2f8c13"}"#;

/// How long an opaque token with these claims is.
const OPAQUE_LENGTH: usize = 552;

/// A private key and the signing input that it signs.
pub(crate) struct Signer {
    key: Key,
    input: String,
    random: SystemRandom,
}

enum Key {
    /// Nothing is signed: the same text each time.
    Fixed,
    Rsa(Box<RsaKeyPair>, &'static dyn RsaEncoding),
    P256(Box<EcdsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
}

impl Signer {
    /// A fresh key for one of the four algorithms.
    pub(crate) fn generate(alg: &str) -> Result<Self, String> {
        let key = match alg {
            "opaque" => Key::Fixed,
            "RS256" => rsa(&RSA_PKCS1_SHA256)?,
            "PS256" => rsa(&RSA_PSS_SHA256)?,
            "ES256" => Key::P256(Box::new(
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(no_key)?,
            )),
            "EdDSA" => Key::Ed25519(Box::new(Ed25519KeyPair::generate().map_err(no_key)?)),
            _ => return Err(format!("no such algorithm: {alg}")),
        };
        let header = format!(
            r#"{{"typ":"at+jwt","alg":"{alg}","kid":"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"}}"#
        );
        let input = match key {
            Key::Fixed => format!("gat_{}", "A".repeat(OPAQUE_LENGTH - 4)),
            _ => format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(CLAIMS)),
        };
        Ok(Self { key, input, random: SystemRandom::new() })
    }

    /// Appends the whole token.
    pub(crate) fn sign_into(&self, token: &mut String) -> Result<(), String> {
        token.push_str(&self.input);
        if matches!(self.key, Key::Fixed) {
            return Ok(());
        }
        token.push('.');
        let message = self.input.as_bytes();
        match &self.key {
            Key::Fixed => {}
            Key::Rsa(key, encoding) => {
                let mut signature = [0; 256];
                key.sign(*encoding, &self.random, message, &mut signature).map_err(no_signature)?;
                URL_SAFE_NO_PAD.encode_string(signature, token);
            }
            Key::P256(key) => {
                let signature = key.sign(&self.random, message).map_err(no_signature)?;
                URL_SAFE_NO_PAD.encode_string(signature, token);
            }
            Key::Ed25519(key) => URL_SAFE_NO_PAD.encode_string(key.sign(message), token),
        }
        Ok(())
    }
}

fn rsa(encoding: &'static dyn RsaEncoding) -> Result<Key, String> {
    let key = RsaKeyPair::generate(KeySize::Rsa2048).map_err(no_key)?;
    Ok(Key::Rsa(Box::new(key), encoding))
}

fn no_key(error: impl std::fmt::Display) -> String {
    format!("no key: {error}")
}

fn no_signature(error: impl std::fmt::Display) -> String {
    format!("no signature: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signing_input_is_as_long_as_a_real_one() {
        let signer = Signer::generate("ES256").unwrap();
        // What grantd signs for the client of the benchmark, its port number apart.
        assert!((590..=605).contains(&signer.input.len()), "{}", signer.input.len());
    }

    #[test]
    fn an_unknown_algorithm_is_refused() {
        assert!(Signer::generate("none").is_err());
    }
}
