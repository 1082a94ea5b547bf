//! The few parts of JOSE that grantd needs, over aws-lc-rs: sign, publish, verify; four algorithms.

mod algorithm;
mod jwk;
mod jws;
mod pem;
mod public_key;
mod signing_key;

pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use jwk::{Jwk, JwkError, JwkSet};
pub use jws::{JoseHeader, JwsError, KnownHeader, UnverifiedJws};
pub use pem::{KeyError, PemKeys, PrivateKeyText, read_keys};
pub use public_key::PublicKey;
pub use signing_key::SigningKey;
