//! Public keys as JSON (RFC 7517): what the server publishes and a resource server reads.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::{Algorithm, PublicKey};

/// A public JSON Web Key (RFC 7517 section 4). There is no member for anything private.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// Key type: `RSA`, `EC` or `OKP`.
    pub kty: String,
    /// Key id; grantd's is the key's thumbprint (RFC 7638).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// What the key is for; grantd's says `sig`.
    #[serde(rename = "use", default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<String>,
    /// The one algorithm the key is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    /// Curve: `P-256` or `Ed25519`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crv: Option<String>,
    /// EC: the x coordinate; OKP: the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    /// EC: the y coordinate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// RSA: the modulus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<String>,
    /// RSA: the public exponent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub e: Option<String>,
}

/// A JWK Set (RFC 7517 section 5).
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct JwkSet {
    /// The keys.
    pub keys: Vec<Jwk>,
}

/// Why a JWK cannot verify grantd's tokens. A set may hold such keys; they are passed over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwkError {
    /// Not for signatures, or of an algorithm outside [`Algorithm`].
    #[error("the key is not for verifying RS256, PS256, ES256 or EdDSA")]
    NotForUs,
    /// A member is missing or not base64url.
    #[error("the key's member `{0}` is missing or malformed")]
    Member(&'static str),
    /// The crypto library refuses it.
    #[error("the key is not valid for its algorithm (RSA keys have at least 2048 bits)")]
    Rejected,
}

impl Jwk {
    /// The key's members without `kid`, `use` and `alg`.
    pub(super) fn bare(kty: &str) -> Self {
        Self {
            kty: kty.to_owned(),
            kid: None,
            usage: None,
            alg: None,
            crv: None,
            x: None,
            y: None,
            n: None,
            e: None,
        }
    }

    /// The algorithm the key is for; an RSA key that does not say is for RS256.
    fn algorithm(&self) -> Result<Algorithm, JwkError> {
        if self.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return Err(JwkError::NotForUs);
        }
        let natural = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => Algorithm::Rs256,
            ("EC", Some("P-256")) => Algorithm::Es256,
            ("OKP", Some("Ed25519")) => Algorithm::EdDsa,
            _ => return Err(JwkError::NotForUs),
        };
        match self.alg.as_deref() {
            None => Ok(natural),
            Some("PS256") if natural == Algorithm::Rs256 => Ok(Algorithm::Ps256),
            Some(alg) if alg == natural.as_str() => Ok(natural),
            Some(_) => Err(JwkError::NotForUs),
        }
    }

    /// The key, ready to verify with.
    pub fn to_public_key(&self) -> Result<PublicKey, JwkError> {
        let algorithm = self.algorithm()?;
        let bytes = |name: &'static str, member: &Option<String>| {
            let text = member.as_deref().ok_or(JwkError::Member(name))?;
            BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| JwkError::Member(name))
        };
        let key = match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => {
                PublicKey::from_rsa(algorithm, &bytes("n", &self.n)?, &bytes("e", &self.e)?)
            }
            Algorithm::Es256 => {
                let (x, y) = (bytes("x", &self.x)?, bytes("y", &self.y)?);
                if x.len() != 32 || y.len() != 32 {
                    return Err(JwkError::Member("x"));
                }
                PublicKey::from_point(algorithm, &[&[4], x.as_slice(), y.as_slice()].concat())
            }
            Algorithm::EdDsa => PublicKey::from_point(algorithm, &bytes("x", &self.x)?),
        };
        key.ok_or(JwkError::Rejected)
    }
}
