//! Keys as text: reads the PEM that people have, in the shapes that environments give it.

use base64::{Engine, prelude::BASE64_STANDARD};
use pkcs8::{EncryptedPrivateKeyInfoRef, ObjectIdentifier, SubjectPublicKeyInfoRef, der::Decode};
use zeroize::Zeroizing;

use super::{Algorithm, PublicKey, SigningKey};
use crate::secret::Secret;

/// id-Ed25519 (RFC 8410 section 3); X25519 keys have the same length and sign nothing.
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// id-ecPublicKey (RFC 5480 section 2.1.1).
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// Why a text is not a usable key. No variant carries any of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No `-----BEGIN …-----` block.
    #[error("there is no PEM block in it: expected `-----BEGIN PRIVATE KEY-----`")]
    Empty,
    /// A block that does not end, or whose content is not base64.
    #[error("a PEM block is cut off or not base64: copy the key again, as a whole")]
    Malformed,
    /// A block of another kind.
    #[error("a PEM block is neither a private nor a public key (certificates are not keys)")]
    Kind,
    /// The key needs a passphrase and none is set.
    #[error("the private key is protected: set GRANTD_PRIVATE_KEY_PASSPHRASE")]
    PassphraseMissing,
    /// The passphrase does not open it.
    #[error("the passphrase does not open the private key: check GRANTD_PRIVATE_KEY_PASSPHRASE")]
    PassphraseWrong,
    /// OpenSSL's old protection.
    #[error(
        "the private key is protected in OpenSSL's old format: convert it with `openssl pkcs8 -topk8 -in old.pem -out new.pem`"
    )]
    LegacyProtection,
    /// Another algorithm, curve or size.
    #[error(
        "the key is none that grantd signs with: RSA of 2048 to 8192 bits, EC on P-256, or Ed25519"
    )]
    Unusable,
}

/// A PEM text that may hold private keys: never printed.
pub type PrivateKeyText = Secret;

/// The keys of a text, in its order.
#[derive(Debug, Default)]
pub struct PemKeys {
    /// Private keys.
    pub private: Vec<SigningKey>,
    /// Public keys.
    pub public: Vec<PublicKey>,
}

/// Reads all keys of a text: PKCS#8 (plain or encrypted), PKCS#1, SEC 1 and SPKI blocks.
///
/// Line ends may be real or the two characters `\n`, as env files and container platforms pass
/// them. A line `Algorithm: PS256` before a block says what an RSA key is for; without it, RS256.
pub fn read_keys(text: &str, passphrase: Option<&Secret>) -> Result<PemKeys, KeyError> {
    let text = Zeroizing::new(text.replace("\\n", "\n"));
    let mut keys = PemKeys::default();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("-----BEGIN ") {
        let (kind, after) = after.split_once("-----").ok_or(KeyError::Malformed)?;
        let (body, after) =
            after.split_once(&*format!("-----END {kind}-----")).ok_or(KeyError::Malformed)?;
        rest = after;
        if body.contains("Proc-Type:") {
            return Err(KeyError::LegacyProtection);
        }
        let der = Zeroizing::new(decode_body(body)?);
        let label = named_algorithm(before);
        match kind {
            "PRIVATE KEY" => keys.private.push(SigningKey::from_pkcs8(&der, label)?),
            "RSA PRIVATE KEY" => keys.private.push(SigningKey::from_pkcs1(&der, label)?),
            "EC PRIVATE KEY" => keys.private.push(SigningKey::from_sec1(&der)?),
            "ENCRYPTED PRIVATE KEY" => {
                let passphrase = passphrase.ok_or(KeyError::PassphraseMissing)?;
                keys.private.push(open(&der, passphrase, label)?);
            }
            "PUBLIC KEY" => keys.public.push(read_spki(&der, label)?),
            // What `openssl ecparam -genkey` prints before the key itself.
            "EC PARAMETERS" => {}
            _ => return Err(KeyError::Kind),
        }
    }
    if keys.private.is_empty() && keys.public.is_empty() { Err(KeyError::Empty) } else { Ok(keys) }
}

/// One PEM block with its algorithm named before it (explanatory text, RFC 7468 section 5.2).
pub(super) fn write(kind: &str, algorithm: Algorithm, der: &[u8]) -> String {
    let body = Zeroizing::new(BASE64_STANDARD.encode(der));
    let mut text = format!("Algorithm: {algorithm}\n-----BEGIN {kind}-----\n");
    for line in body.as_bytes().chunks(64) {
        text.extend(line.iter().map(|byte| char::from(*byte)));
        text.push('\n');
    }
    text.push_str("-----END ");
    text.push_str(kind);
    text.push_str("-----\n");
    text
}

fn decode_body(body: &str) -> Result<Vec<u8>, KeyError> {
    let compact: Zeroizing<String> = Zeroizing::new(body.split_ascii_whitespace().collect());
    BASE64_STANDARD.decode(compact.as_bytes()).map_err(|_| KeyError::Malformed)
}

fn named_algorithm(before: &str) -> Option<Algorithm> {
    let line = before.lines().rev().find_map(|line| line.trim().strip_prefix("Algorithm:"))?;
    line.trim().parse().ok()
}

fn open(der: &[u8], passphrase: &Secret, label: Option<Algorithm>) -> Result<SigningKey, KeyError> {
    let sealed = EncryptedPrivateKeyInfoRef::from_der(der).map_err(|_| KeyError::Malformed)?;
    let opened = sealed.decrypt(passphrase.reveal()).map_err(|_| KeyError::PassphraseWrong)?;
    SigningKey::from_pkcs8(opened.as_bytes(), label)
}

fn read_spki(der: &[u8], label: Option<Algorithm>) -> Result<PublicKey, KeyError> {
    let spki = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| KeyError::Malformed)?;
    let bits = spki.subject_public_key.as_bytes().ok_or(KeyError::Malformed)?;
    let key = if let Ok(rsa) = aws_lc_rs::rsa::PublicKey::from_der(der) {
        let algorithm =
            if label == Some(Algorithm::Ps256) { Algorithm::Ps256 } else { Algorithm::Rs256 };
        let n = rsa.modulus().big_endian_without_leading_zero().to_vec();
        PublicKey::from_rsa(algorithm, &n, rsa.exponent().big_endian_without_leading_zero())
    } else if spki.algorithm.oid == ED25519 {
        PublicKey::from_point(Algorithm::EdDsa, bits)
    } else if spki.algorithm.oid == EC {
        PublicKey::from_point(Algorithm::Es256, bits)
    } else {
        None
    };
    key.ok_or(KeyError::Unusable)
}
