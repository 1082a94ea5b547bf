//! An authenticator in software: as much of WebAuthn as a device with one P-256 key does.

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// User present, user verified, and a new key among the data (WebAuthn section 6.1).
const PRESENT: u8 = 1;
const VERIFIED: u8 = 1 << 2;
const ATTESTED: u8 = 1 << 6;

/// A device with one passkey, and the browser around it; what it says can be bent.
pub(crate) struct Authenticator {
    key: EcdsaKeyPair,
    credential: Vec<u8>,
    pub(crate) user: Option<Vec<u8>>,
    pub(crate) counter: u32,
    /// The page that the browser shows.
    pub(crate) origin: String,
    pub(crate) host: String,
    pub(crate) verified: bool,
}

impl Authenticator {
    /// A new device whose browser is at this origin; the number tells it from others.
    pub(crate) fn at(origin: &str, number: u8) -> Self {
        let host = origin.split("//").nth(1).unwrap().split(':').next().unwrap();
        Self {
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap(),
            credential: vec![number; 32],
            user: None,
            counter: 0,
            origin: origin.to_owned(),
            host: host.to_owned(),
            verified: true,
        }
    }

    /// What `navigator.credentials.create` gives for these options.
    pub(crate) fn create(&mut self, options: &Value) -> Value {
        self.user = Some(decode(&options["user"]["id"]));
        let client = self.client("webauthn.create", options);
        let mut attested = vec![0; 16];
        attested.extend(u16::try_from(self.credential.len()).unwrap().to_be_bytes());
        attested.extend(&self.credential);
        // COSE_Key (RFC 9053 section 7.1): {1: 2, 3: -7, -1: 1, -2: x, -3: y}.
        let (x, y) = self.key.public_key().as_ref()[1..].split_at(32);
        attested.extend([0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32]);
        attested.extend(x);
        attested.extend([0x22, 0x58, 32]);
        attested.extend(y);
        let data = self.data(ATTESTED, &attested);
        // {"fmt": "none", "attStmt": {}, "authData": …} in CBOR.
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59".to_vec();
        object.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        object.extend(data);
        self.credential(&json!({
            "clientDataJSON": encode(&client),
            "attestationObject": encode(&object),
            "transports": ["internal"],
        }))
    }

    /// What `navigator.credentials.get` gives for these options; the counter moves.
    pub(crate) fn get(&mut self, options: &Value) -> Value {
        self.counter += 1;
        let client = self.client("webauthn.get", options);
        let data = self.data(0, &[]);
        let mut signed = data.clone();
        signed.extend(digest(&SHA256, &client).as_ref());
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        self.credential(&json!({
            "clientDataJSON": encode(&client),
            "authenticatorData": encode(&data),
            "signature": encode(signature.as_ref()),
            "userHandle": self.user.as_deref().map(encode),
        }))
    }

    fn client(&self, kind: &str, options: &Value) -> Vec<u8> {
        let words = json!({
            "type": kind,
            "challenge": options["challenge"],
            "origin": self.origin,
            "crossOrigin": false,
        });
        words.to_string().into_bytes()
    }

    fn data(&self, flags: u8, rest: &[u8]) -> Vec<u8> {
        let verified = if self.verified { VERIFIED } else { 0 };
        let mut data = digest(&SHA256, self.host.as_bytes()).as_ref().to_vec();
        data.push(flags | PRESENT | verified);
        data.extend(self.counter.to_be_bytes());
        data.extend(rest);
        data
    }

    fn credential(&self, response: &Value) -> Value {
        let id = encode(&self.credential);
        json!({
            "id": id, "rawId": id, "type": "public-key", "response": response,
            "clientExtensionResults": {}, "authenticatorAttachment": "platform",
        })
    }
}

fn encode(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(text: &Value) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(text.as_str().unwrap()).unwrap()
}
