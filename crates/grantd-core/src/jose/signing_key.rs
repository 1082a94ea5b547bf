//! A private key, parsed once, with everything precomputed that a signature does not need anew.

use std::fmt;

use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
        RSA_PSS_SHA256, RsaKeyPair,
    },
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::{Algorithm, KeyError, PublicKey, pem};
use crate::secret::Secret;

/// A private key with the one algorithm it signs by.
pub struct SigningKey {
    pair: Pair,
    public: PublicKey,
    access_token_header: String,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl SigningKey {
    /// Makes a new key pair; RSA ones have 2048 bits and take up to 160 ms.
    ///
    /// The crypto library draws its own randomness here, as it does for a signature's nonce.
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        let failed = |_| KeyError::Unusable;
        let pair = match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => {
                Pair::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?))
            }
            Algorithm::Es256 => {
                Pair::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?)
            }
            Algorithm::EdDsa => Pair::Ed(Ed25519KeyPair::generate().map_err(failed)?),
        };
        Self::new(pair, algorithm)
    }

    /// From PKCS#8 DER; an RSA key serves the algorithm that `label` names, else RS256.
    pub(super) fn from_pkcs8(der: &[u8], label: Option<Algorithm>) -> Result<Self, KeyError> {
        if let Ok(pair) = RsaKeyPair::from_pkcs8(der) {
            return Self::from_rsa(pair, label);
        }
        if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der) {
            return Self::new(Pair::Ec(pair), Algorithm::Es256);
        }
        let pair =
            Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(|_| KeyError::Unusable)?;
        Self::new(Pair::Ed(pair), Algorithm::EdDsa)
    }

    /// From PKCS#1 DER (`RSA PRIVATE KEY`).
    pub(super) fn from_pkcs1(der: &[u8], label: Option<Algorithm>) -> Result<Self, KeyError> {
        Self::from_rsa(RsaKeyPair::from_der(der).map_err(|_| KeyError::Unusable)?, label)
    }

    /// From SEC 1 DER (`EC PRIVATE KEY`).
    pub(super) fn from_sec1(der: &[u8]) -> Result<Self, KeyError> {
        let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der);
        Self::new(Pair::Ec(pair.map_err(|_| KeyError::Unusable)?), Algorithm::Es256)
    }

    fn from_rsa(pair: RsaKeyPair, label: Option<Algorithm>) -> Result<Self, KeyError> {
        let algorithm =
            if label == Some(Algorithm::Ps256) { Algorithm::Ps256 } else { Algorithm::Rs256 };
        Self::new(Pair::Rsa(Box::new(pair)), algorithm)
    }

    fn new(pair: Pair, algorithm: Algorithm) -> Result<Self, KeyError> {
        let public = match &pair {
            Pair::Rsa(pair) => {
                let key = pair.public_key();
                PublicKey::from_rsa(
                    algorithm,
                    key.modulus().big_endian_without_leading_zero(),
                    key.exponent().big_endian_without_leading_zero(),
                )
            }
            Pair::Ec(pair) => PublicKey::from_point(algorithm, pair.public_key().as_ref()),
            Pair::Ed(pair) => PublicKey::from_point(algorithm, pair.public_key().as_ref()),
        };
        let public = public.ok_or(KeyError::Unusable)?;
        let header = format!(r#"{{"typ":"at+jwt","alg":"{algorithm}","kid":"{}"}}"#, public.kid());
        Ok(Self { pair, public, access_token_header: BASE64_URL_SAFE_NO_PAD.encode(header) })
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The one algorithm this key signs by.
    pub fn algorithm(&self) -> Algorithm {
        self.public.algorithm()
    }

    /// Signs claims as an access token in compact form (RFC 9068 section 2.1, RFC 7515 section 7.1).
    ///
    /// `None` only if the crypto library fails, which it does for want of memory or randomness.
    pub fn sign_access_token(&self, claims: &[u8]) -> Option<String> {
        let header = &self.access_token_header;
        let mut token = String::with_capacity(header.len() + claims.len() * 4 / 3 + 350);
        token.push_str(header);
        token.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let rng = SystemRandom::new();
        let encode = |signature: &[u8], mut token: String| {
            token.push('.');
            BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut token);
            token
        };
        let message = token.as_bytes();
        match &self.pair {
            Pair::Rsa(pair) => {
                let pss = self.algorithm() == Algorithm::Ps256;
                let padding = if pss { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &rng, message, &mut signature).ok()?;
                Some(encode(&signature, token))
            }
            Pair::Ec(pair) => {
                let signature = pair.sign(&rng, message).ok()?;
                Some(encode(signature.as_ref(), token))
            }
            Pair::Ed(pair) => {
                let signature = pair.try_sign(message).ok()?;
                Some(encode(signature.as_ref(), token))
            }
        }
    }

    /// The key as PKCS#8 PEM text, its algorithm named before it.
    pub fn to_pem(&self) -> Result<Secret, KeyError> {
        let der = match &self.pair {
            Pair::Rsa(pair) => pair.as_der().map(|der| Zeroizing::new(der.as_ref().to_vec())),
            Pair::Ec(pair) => pair.to_pkcs8v1().map(|der| Zeroizing::new(der.as_ref().to_vec())),
            Pair::Ed(pair) => pair.to_pkcs8v1().map(|der| Zeroizing::new(der.as_ref().to_vec())),
        };
        let der = der.map_err(|_| KeyError::Unusable)?;
        Ok(Secret::new(pem::write("PRIVATE KEY", self.algorithm(), &der)))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({} {})", self.algorithm(), self.public.kid())
    }
}
