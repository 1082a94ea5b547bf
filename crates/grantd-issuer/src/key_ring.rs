//! The signing keys of a server, and the key set it publishes.

use bytes::Bytes;
use grantd_core::{
    Algorithm, PublicKey, Secret, SigningKey,
    jose::{JwkSet, KeyError, read_keys},
};

/// All keys of a server: those that sign, and those that only verify until their tokens are gone.
#[derive(Debug)]
pub struct KeyRing {
    signing: Vec<SigningKey>,
    default: usize,
    verifying: Vec<PublicKey>,
    jwks: Bytes,
}

/// What a published key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyDuty {
    /// Signs where neither client nor API says by which algorithm.
    SignsByDefault,
    /// Signs for clients and APIs that ask for its algorithm.
    SignsWhenAsked,
    /// Signs nothing, or nothing any more: what it signed still verifies, or another key of its
    /// algorithm comes first.
    VerifiesOnly,
}

impl KeyDuty {
    /// In words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignsByDefault => "signs by default",
            Self::SignsWhenAsked => "signs when asked",
            Self::VerifiesOnly => "verifies only",
        }
    }
}

/// Why keys do not make a ring.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// No private key among them.
    #[error("there is no private key: run `grantd keys generate`")]
    Empty,
    /// The same key twice, be it for two algorithms (RFC 8725 section 3.1: one key, one algorithm).
    #[error("the key {0} is there twice: a key serves one algorithm, once")]
    Repeated(String),
    /// A key that cannot be read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The key set cannot be written.
    #[error("the key set cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl KeyRing {
    /// A ring of these keys. Of each algorithm the first signs; the default is the first RS256 key,
    /// else the first of all. `retired` keys are published, so that tokens they signed still verify.
    pub fn new(signing: Vec<SigningKey>, retired: &[PublicKey]) -> Result<Self, KeyRingError> {
        if signing.is_empty() {
            return Err(KeyRingError::Empty);
        }
        let mut verifying: Vec<PublicKey> = Vec::new();
        for key in signing.iter().map(SigningKey::public) {
            if verifying.iter().any(|known| known.kid() == key.kid()) {
                return Err(KeyRingError::Repeated(key.kid().to_owned()));
            }
            verifying.push(key.clone());
        }
        for key in retired {
            // The public half of a signing key stands beside it in the environment: no second copy.
            if !verifying.iter().any(|known| known.kid() == key.kid()) {
                verifying.push(key.clone());
            }
        }
        let default =
            signing.iter().position(|key| key.algorithm() == Algorithm::Rs256).unwrap_or(0);
        let jwks = Bytes::from(serde_json::to_vec(&publish(&verifying))?);
        Ok(Self { signing, default, verifying, jwks })
    }

    /// Reads a ring from PEM texts, as `GRANTD_PRIVATE_KEY` and `GRANTD_PUBLIC_KEY` hold them.
    pub fn from_pem(
        private: &Secret,
        public: Option<&str>,
        passphrase: Option<&Secret>,
    ) -> Result<Self, KeyRingError> {
        let mut keys = read_keys(private.reveal(), passphrase)?;
        if let Some(public) = public.filter(|text| !text.trim().is_empty()) {
            keys.public.extend(read_keys(public, None)?.public);
        }
        Self::new(keys.private, &keys.public)
    }

    /// The key that signs by this algorithm, or by default.
    pub fn signer(&self, algorithm: Option<Algorithm>) -> Option<&SigningKey> {
        match algorithm {
            None => self.signing.get(self.default),
            Some(algorithm) => self.signing.iter().find(|key| key.algorithm() == algorithm),
        }
    }

    /// The keys that sign, in their order.
    pub fn signing(&self) -> &[SigningKey] {
        &self.signing
    }

    /// The published keys: those that sign and the retired ones, ready to verify with.
    pub fn verifying(&self) -> &[PublicKey] {
        &self.verifying
    }

    /// The published keys with what each does, in the order of the key set.
    pub fn duties(&self) -> impl Iterator<Item = (&PublicKey, KeyDuty)> {
        let default = self.signer(None).map(|key| key.public().kid());
        self.verifying.iter().map(move |key| {
            let signer = self.signer(Some(key.algorithm())).map(|key| key.public().kid());
            let duty = match Some(key.kid()) {
                kid if kid == default => KeyDuty::SignsByDefault,
                kid if kid == signer => KeyDuty::SignsWhenAsked,
                _ => KeyDuty::VerifiesOnly,
            };
            (key, duty)
        })
    }

    /// The published key set.
    pub fn jwk_set(&self) -> JwkSet {
        publish(&self.verifying)
    }

    /// The published key set as JSON.
    pub(crate) fn jwks_json(&self) -> Bytes {
        self.jwks.clone()
    }
}

fn publish(keys: &[PublicKey]) -> JwkSet {
    JwkSet { keys: keys.iter().map(|key| key.jwk().clone()).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_algorithm_the_first_key_signs_and_the_rest_only_verify() {
        let make = |algorithm| SigningKey::generate(algorithm).unwrap();
        let retired = make(Algorithm::EdDsa);
        let keys = vec![make(Algorithm::Es256), make(Algorithm::Es256), make(Algorithm::Rs256)];
        let ring = KeyRing::new(keys, &[retired.public().clone()]).unwrap();
        let duties: Vec<_> = ring.duties().map(|(_, duty)| duty.as_str()).collect();
        let words = ["signs when asked", "verifies only", "signs by default", "verifies only"];
        assert_eq!(duties, words);
    }
}
