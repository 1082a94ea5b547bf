//! A public key, parsed once: verifies signatures and shows itself as JWK and PEM.

use aws_lc_rs::{
    digest,
    encoding::AsDer,
    rsa,
    signature::{
        ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
        RSA_PSS_2048_8192_SHA256, VerificationAlgorithm,
    },
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use super::{Algorithm, Jwk, pem};

/// A public key with the one algorithm it is for (RFC 8725 section 3.1).
#[derive(Clone, Debug)]
pub struct PublicKey {
    algorithm: Algorithm,
    key: ParsedPublicKey,
    jwk: Jwk,
}

impl PublicKey {
    /// From an RSA modulus and exponent, big-endian; `None` below 2048 bits (RFC 7518 section 3.3).
    pub(super) fn from_rsa(algorithm: Algorithm, n: &[u8], e: &[u8]) -> Option<Self> {
        if !(2048..=8192).contains(&bit_length(n)) {
            return None;
        }
        let parameters = match algorithm {
            Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
            Algorithm::Es256 | Algorithm::EdDsa => return None,
        };
        let key = rsa::PublicKeyComponents { n, e }.to_parsed_public_key(parameters).ok()?;
        let mut jwk = Jwk::bare("RSA");
        (jwk.n, jwk.e) = (Some(encode(n)), Some(encode(e)));
        Some(Self::new(algorithm, key, jwk))
    }

    /// From an uncompressed P-256 point, or the 32 bytes of an Ed25519 key.
    pub(super) fn from_point(algorithm: Algorithm, point: &[u8]) -> Option<Self> {
        let (verification, mut jwk): (&'static dyn VerificationAlgorithm, _) = match algorithm {
            Algorithm::Es256 => (&ECDSA_P256_SHA256_FIXED, Jwk::bare("EC")),
            Algorithm::EdDsa => (&ED25519, Jwk::bare("OKP")),
            Algorithm::Rs256 | Algorithm::Ps256 => return None,
        };
        if let [4, x @ .., _] = point
            && algorithm == Algorithm::Es256
            && x.len() == 63
        {
            (jwk.crv, jwk.x, jwk.y) =
                (Some("P-256".to_owned()), Some(encode(&point[1..33])), Some(encode(&point[33..])));
        } else if algorithm == Algorithm::EdDsa && point.len() == 32 {
            (jwk.crv, jwk.x) = (Some("Ed25519".to_owned()), Some(encode(point)));
        } else {
            return None;
        }
        let key = ParsedPublicKey::new(verification, point).ok()?;
        Some(Self::new(algorithm, key, jwk))
    }

    fn new(algorithm: Algorithm, key: ParsedPublicKey, mut jwk: Jwk) -> Self {
        jwk.kid = Some(thumbprint(&jwk));
        jwk.usage = Some("sig".to_owned());
        jwk.alg = Some(algorithm.as_str().to_owned());
        Self { algorithm, key, jwk }
    }

    /// The one algorithm this key is for.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its thumbprint (RFC 7638), which is its key id.
    pub fn kid(&self) -> &str {
        self.jwk.kid.as_deref().unwrap_or_default()
    }

    /// The key as it is published.
    pub fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// Whether this is a signature of the message by this key.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }

    /// The key as PEM text, its algorithm named before it.
    pub fn to_pem(&self) -> Option<String> {
        let der = self.key.as_der().ok()?;
        Some(pem::write("PUBLIC KEY", self.algorithm, der.as_ref()))
    }
}

/// SHA-256 over the required members in lexical order (RFC 7638 section 3).
fn thumbprint(jwk: &Jwk) -> String {
    let members = [("crv", &jwk.crv), ("e", &jwk.e), ("n", &jwk.n), ("x", &jwk.x), ("y", &jwk.y)];
    let mut canonical = String::from("{");
    let mut push = |name: &str, value: &str| {
        if canonical.len() > 1 {
            canonical.push(',');
        }
        canonical.extend(["\"", name, "\":\"", value, "\""]);
    };
    // "kty" sorts after "crv" and "e", before "n", "x" and "y".
    for (at, (name, value)) in members.iter().enumerate() {
        if at == 2 {
            push("kty", &jwk.kty);
        }
        if let Some(value) = value {
            push(name, value);
        }
    }
    canonical.push('}');
    encode(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref())
}

fn bit_length(number: &[u8]) -> usize {
    let significant = number.iter().skip_while(|byte| **byte == 0);
    let mut bytes = significant.clone();
    let top = bytes.next().map_or(0, |byte| 8 - byte.leading_zeros() as usize);
    top + bytes.count() * 8
}

fn encode(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_is_rfc_7638_s_own_example() {
        let mut jwk = Jwk::bare("RSA");
        jwk.n = Some("0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw".to_owned());
        jwk.e = Some("AQAB".to_owned());
        assert_eq!(thumbprint(&jwk), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn bits_are_counted_without_leading_zeros() {
        assert_eq!(bit_length(&[0, 0, 1, 0]), 9);
        assert_eq!(bit_length(&[]), 0);
    }
}
